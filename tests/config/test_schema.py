"""The JSON Schemas know every key that the loader knows, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from slawatch.config.endpoints import COMMON
from slawatch.config.loader import json_schema
from slawatch.config.models import Box, Client
from slawatch.probes.registry import kinds

SCHEMA = json_schema()


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(_references, schema.values())) if schema else own


@pytest.mark.parametrize(("part", "model"), [("box", Box), ("client", Client)])
def test_every_key_of_the_file_is_there(part: str, model: type[Box | Client]) -> None:
    """With a description, and closed for others."""
    properties = SCHEMA[part]["properties"]
    assert set(properties) == set(model.model_fields)
    assert all(item.get("description") for item in properties.values())
    assert SCHEMA[part]["additionalProperties"] is False


def test_an_endpoint_has_the_options_of_its_kind_beside_the_common_keys() -> None:
    """One alternative for each kind of probe, told apart by ``probe``."""
    alternatives = SCHEMA["client"]["$defs"]["Endpoint"]["oneOf"]
    assert [item["properties"]["probe"]["const"] for item in alternatives] == list(kinds())
    for item, kind in zip(alternatives, kinds().values(), strict=True):
        options = {field.alias or name for name, field in kind.options.model_fields.items()}
        assert not options.intersection(COMMON)
        assert set(item["properties"]) == options.union(COMMON)


def test_every_reference_leads_somewhere() -> None:
    """Definitions of two kinds do not fall on one another."""
    client = SCHEMA["client"]
    references = _references(client)
    assert references
    assert references == {f"#/$defs/{name}" for name in client["$defs"]} & references
    assert all(reference.removeprefix("#/$defs/") in client["$defs"] for reference in references)


def test_defaults_are_written_as_an_operator_writes_them() -> None:
    """``30d``, not microseconds."""
    assert SCHEMA["box"]["properties"]["retention"]["default"] == "30d"
    endpoint = SCHEMA["client"]["$defs"]["Endpoint"]["oneOf"][0]
    assert endpoint["properties"]["every"]["default"] == "1m"
