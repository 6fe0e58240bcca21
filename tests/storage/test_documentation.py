"""The reference names every table, column and kind of entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Table

from slawatch.storage.entries import Kind
from slawatch.storage.schema import METADATA, REVISIONS

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: str(table.name))
def test_every_column_of_a_table_has_its_line(table: Table) -> None:
    section = REFERENCE.partition(f"\n## `{table.name}`")[2]
    lines = section.partition("| column |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", lines, re.MULTILINE)
    documented = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(documented) == sorted(table.columns.keys())


def test_every_kind_of_entry_has_its_line() -> None:
    assert [kind for kind in Kind if f"\n| `{kind}` |" not in REFERENCE] == []


def test_the_present_revision_is_named() -> None:
    assert f"the revision of this schema, `{REVISIONS[-1]}`" in REFERENCE
