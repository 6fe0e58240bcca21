"""The JSON Schemas of the files, for editors. What they accept is a little more than what the loader does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slawatch.config.door_models import ProbeModule
from slawatch.config.models import Box, Client, Endpoint
from slawatch.config.values import SIZE_PATTERN, format_size
from slawatch.domain.grammar import format_duration
from slawatch.domain.service_hours import WEEKDAYS
from slawatch.probes.probe import Kind
from slawatch.probes.registry import kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of ``slawatch.yaml`` under ``box`` and that of ``clients/*.yaml`` under ``client``."""
    return {"box": _written(_box()), "client": _written(_client())}


def _box() -> dict[str, Any]:
    schema = Box.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    common = ProbeModule.model_json_schema()
    alternatives = [_with_options(kind, common, definitions, _required(kind)) for kind in kinds().values()]
    definitions["ProbeModule"] = {"oneOf": alternatives, "description": ProbeModule.__doc__}
    definitions["ProbeDoorBox"]["properties"]["modules"]["additionalProperties"] = {"$ref": "#/$defs/ProbeModule"}
    return {"$schema": DIALECT, **schema}


def _required(kind: Kind) -> list[str]:
    return ["probe", "query_name"] if kind.name == "dns" else ["probe"]


def _client() -> dict[str, Any]:
    schema = Client.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    common = Endpoint.model_json_schema()
    required = ["probe", "target"]
    alternatives = [_with_options(kind, common, definitions, required) for kind in kinds().values()]
    definitions["Endpoint"] = {"oneOf": alternatives, "description": Endpoint.__doc__}
    _allow_text(definitions["Contract"]["properties"]["charges"])
    definitions["Calendar"]["propertyNames"] = {"pattern": _calendar_keys(definitions["Calendar"])}
    return {"$schema": DIALECT, **schema}


def _allow_text(schema: dict[str, Any]) -> None:
    """A list that may also be written as the text of its only item."""
    schema["anyOf"] = [{"type": "string"}, {"type": schema.pop("type"), "items": schema.pop("items")}]


def _written(schema: Any) -> Any:
    """The schema with defaults of lengths and sizes as they are written, ``1m`` or ``64MiB``; null ones left out."""
    if isinstance(schema, list):
        return [_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _written(item) for key, item in schema.items() if key != "default" or item is not None}
    if schema.get("type") == "string" and isinstance(schema.get("default"), int):
        spell = format_size if schema.get("pattern") == SIZE_PATTERN else format_duration
        written["default"] = spell(schema["default"])
    return written


def _with_options(
    kind: Kind, common: Mapping[str, Any], definitions: dict[str, Any], required: Sequence[str]
) -> dict[str, Any]:
    """An endpoint or a module of one kind: the common keys and the kind's options, flat."""
    options = _renamed(kind.options.model_json_schema(), kind.name)
    definitions.update(options.pop("$defs", {}))
    properties = {**common["properties"], "probe": {"const": kind.name, "description": kind.summary}}
    return {
        "type": "object",
        "title": kind.name,
        "properties": {**properties, **options.get("properties", {})},
        "required": [*required, *options.get("required", [])],
        "additionalProperties": False,
    }


def _renamed(schema: Any, kind: str) -> Any:
    """The schema with its definitions named after the kind, since two kinds may use one name."""
    if isinstance(schema, list):
        return [_renamed(item, kind) for item in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _renamed(item, kind) for key, item in schema.items()}
    if isinstance(schema.get("$defs"), dict):
        renamed["$defs"] = {f"{kind}.{name}": item for name, item in renamed["$defs"].items()}
    if isinstance(schema.get("$ref"), str):
        renamed["$ref"] = schema["$ref"].replace("#/$defs/", f"#/$defs/{kind}.")
    return renamed


def _calendar_keys(calendar: Mapping[str, Any]) -> str:
    day = f"({'|'.join(WEEKDAYS)})"
    days = f"{day}(-{day})?"
    return f"^({'|'.join(calendar['properties'])}|{days}(,{days})*)$"
