"""``docs/reference/configuration.md`` says every key, its default and its meaning, as the models do."""

from __future__ import annotations

import re

import pytest
import yaml

from config.reference_tables import REFERENCE, tables, written
from slawatch.config.document import parse
from slawatch.config.loader import NOT_YET
from slawatch.domain.contract import Measurement, ServiceKind
from slawatch.domain.penalty import Penalty, parse_penalty

DOCUMENT = REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(tables()))
def test_every_key_is_documented_as_it_is(name: str) -> None:
    """`PYTHONPATH=tests python -m config.reference_tables` writes the tables again."""
    assert written(DOCUMENT).get(name) == tables()[name]


def test_no_table_is_of_something_else() -> None:
    """A model that goes takes its table along."""
    assert set(written(DOCUMENT)) == set(tables())


def test_every_part_of_a_penalty_is_documented() -> None:
    """The example parses, and each of its parts has a row."""
    [example] = re.findall(r"```yaml\npenalty:\n(.*?)```", DOCUMENT, re.DOTALL)
    document = parse(f"penalty:\n{example}", "example")
    assert document.findings == []
    penalty = yaml.safe_load(example)
    parts = set(Penalty.__dataclass_fields__)
    assert set(penalty) == parts - {"flat"}
    assert parse_penalty(_texts(penalty)).termination_after is not None
    for part in parts:
        assert f"\n| `{part}` | " in DOCUMENT


def _texts(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return {key: _text(item) for key, item in value.items()}


def _text(value: object) -> object:
    if isinstance(value, dict):
        return _texts(value)
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value if isinstance(value, bool) else str(value)


def test_every_word_is_documented() -> None:
    """Kinds of service, measurements, and what a later version will read."""
    for word in (*ServiceKind, *Measurement, *NOT_YET):
        assert f"`{word}`" in DOCUMENT
