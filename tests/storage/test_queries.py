"""No question that is asked of every endpoint reads more than it answers with."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from slawatch.domain.interval import DISTANT_FUTURE
from slawatch.storage.entries import Kind
from slawatch.storage.ledger import Ledger
from slawatch.storage.queries import (
    SELECT_ENTRIES,
    around,
    beyond,
    in_order,
    last_seen,
    latest_failed,
    matching,
    of_each,
    since_known,
    unresolved,
)
from slawatch.storage.schema import ENTRIES

ENTRY, ORDER = "entries_by_endpoint (endpoint_id=? AND kind=?", "entries_by_endpoint_order (endpoint_id=? AND kind=?"

PLANS: list[tuple[str, Select[tuple[object, ...]], set[str]]] = [
    ("around", around(Kind.STATE, [1, 2], 5, DISTANT_FUTURE), {ENTRY}),
    ("since_known", since_known([1, 2]), {ENTRY}),
    ("unresolved", unresolved([1, 2]), {ORDER}),
    (
        "last_seen",
        last_seen([1, 2]),
        {"observations_failed (verdict=? AND endpoint_id=?", "PRIMARY KEY (endpoint_id=?"},
    ),
    (
        "of endpoints, the latest first",
        in_order(of_each([1, 2]).where(*matching(["state"], None, 5, 9, several=True)), newest_first=True).limit(9),
        {"entries_by_endpoint_order (endpoint_id=?"},
    ),
    (
        "of one endpoint",
        in_order(of_each([1]).where(*matching(["state"], None, 5, 9)), newest_first=False).limit(9),
        {f"{ENTRY} AND at>? AND at<?"},
    ),
    (
        "of one endpoint, two kinds, the page behind",
        in_order(
            of_each([1]).where(*matching(["state", "blip"], ["acme"], None, 9), beyond(7, 3, newest_first=False)),
            newest_first=False,
        ).limit(9),
        {f"{ENTRY} AND at>?"},
    ),
    (
        "the page behind",
        in_order(SELECT_ENTRIES.where(beyond(7, 3, newest_first=False)), newest_first=False).limit(9),
        {"entries_by_time (at>?"},
    ),
    ("latest_failed", latest_failed(1, 5, 9), {"PRIMARY KEY (endpoint_id=? AND started>? AND started<?"}),
    ("in order", SELECT_ENTRIES.order_by(ENTRIES.c.at, ENTRIES.c.id).limit(9), {"entries USING INDEX entries_by_time"}),
]


@pytest.mark.parametrize(("query", "used"), [plan[1:] for plan in PLANS], ids=[plan[0] for plan in PLANS])
async def test_sqlite_searches_by_index(tmp_path: Path, query: Select[tuple[object, ...]], used: set[str]) -> None:
    await (await Ledger.open(f"sqlite:///{tmp_path}/a.db", site="hq")).close()
    text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    connection = sqlite3.connect(tmp_path / "a.db")
    steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
    connection.close()
    assert [index for index in used if not any(index in step for step in steps)] == [], steps
    assert [step for step in steps if step.startswith("SCAN") and "USING INDEX" not in step] == []
