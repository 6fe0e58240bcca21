"""The tables of ``docs/reference/configuration.md``, made from the models.

``PYTHONPATH=tests python -m config.reference_tables`` writes them into the document again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from slawatch.config.models import Job
from slawatch.config.schema import json_schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables() -> dict[str, str]:
    """Markdown by model: key, default, meaning; a key without a default must be given."""
    schema = json_schema()
    definitions = schema["client"]["$defs"]
    shapes = {"Box": schema["box"], "Client": schema["client"]}
    shapes |= {name: definitions[name] for name in ("Calendar", "Contract", "Validity", "ChargeVersion", "Service")}
    shapes |= {name: definitions[name] for name in ("Maintenance", "Exclusion")}
    shapes |= {name: schema["box"]["$defs"][name] for name in ("Outbound", "SpoolBox", "ProbeDoorBox")}
    shapes |= {"Endpoint": _common(definitions), "Job": Job.model_json_schema(), "ProbeModule": _module()}
    return {name: _table(shape) for name, shape in shapes.items()}


def _module() -> dict[str, Any]:
    """The common keys of a module; `query_name` must be given where it may be."""
    from slawatch.config.door_models import ProbeModule

    return ProbeModule.model_json_schema()


def written(document: str) -> dict[str, str]:
    """The tables that a document holds."""
    return {match[2]: match[0].removeprefix(match[1]).removesuffix(match[3]) for match in _TABLE.finditer(document)}


def _common(definitions: dict[str, Any]) -> dict[str, Any]:
    from slawatch.config.models import Endpoint

    alternative = definitions["Endpoint"]["oneOf"][0]
    names = {field.alias or name for name, field in Endpoint.model_fields.items()}
    properties = {key: item for key, item in alternative["properties"].items() if key in names}
    properties["probe"] = Endpoint.model_json_schema()["properties"]["probe"]
    properties["target"] = {key: item for key, item in properties["target"].items() if key != "default"}
    return {"properties": properties, "required": ["probe", "target"]}


def _table(shape: dict[str, Any]) -> str:
    required = shape.get("required", [])
    rows = [_row(key, item, required=key in required) for key, item in shape["properties"].items()]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows, ""])


def _row(key: str, item: dict[str, Any], *, required: bool) -> str:
    default = "*required*" if required else f"`{item['default']}`" if item.get("default") else ""
    meaning = item["description"].replace("|", r"\|")
    return f"| `{key}` | {default} | {meaning} |".replace("  ", " ")


def main() -> None:
    """Write the tables into the document."""
    found = tables()
    text = _TABLE.sub(lambda match: f"{match[1]}{found[match[2]]}{match[3]}", REFERENCE.read_text(encoding="utf-8"))
    REFERENCE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
