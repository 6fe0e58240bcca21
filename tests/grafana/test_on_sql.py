"""Every SQL query of the history dashboards on a real ledger, on SQLite and PostgreSQL, filled in as Grafana does it.

The ledger is the one of the worked queries: a quarter of two clients. No Grafana and no plugin is run.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from docs.scripted import write
from grafana.reading import OVER_SQL, Json, Query, filled_in, panel_queries, panels, text_of, variable_queries
from slawatch.domain.interval import MILLISECOND, SECOND, parse_instant
from slawatch.exposition.grafana.dashboard import POSTGRES, SQLITE
from support.servers import Postgres

CHOSEN: Mapping[str, str] = {
    "client": "acme",
    "endpoint": "website",
    "__from": str(parse_instant("2026-01-10T00:00:00Z") // MILLISECOND),
    "__to": str(parse_instant("2026-04-02T00:00:00Z") // MILLISECOND),
    "__interval_ms": "60000",
}

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]

(ON_POSTGRES,) = [dashboard for dashboard in OVER_SQL if dashboard.source == POSTGRES]
(ON_SQLITE,) = [dashboard for dashboard in OVER_SQL if dashboard.source == SQLITE]


@pytest.fixture(scope="module")
def sqlite_ledger(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    path = tmp_path_factory.mktemp("history") / "ledger.db"
    asyncio.run(write(f"sqlite:///{path}"))

    def ask(text: str) -> Rows:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(text)]

    return ask


@pytest.fixture(scope="module")
def postgres_ledger(_postgres: Postgres) -> Iterator[Ask]:
    with _postgres.database() as url:
        asyncio.run(write(url))

        async def rows(text: str) -> Rows:
            connection = await asyncpg.connect(url)
            try:
                return [dict(row) for row in await connection.fetch(text)]
            finally:
                await connection.close()

        yield lambda text: asyncio.run(rows(text))


def values_for(query: Query) -> Mapping[str, str]:
    """Blips are on record of another endpoint."""
    return {**CHOSEN, "endpoint": "mail"} if query.where.startswith("Blips") else CHOSEN


def _queries(dashboard: Any) -> list[Query]:
    return [*panel_queries(dashboard), *variable_queries(dashboard)]


def test_both_ask_the_same() -> None:
    assert [query.where for query in _queries(ON_POSTGRES)] == [query.where for query in _queries(ON_SQLITE)]
    assert len(_queries(ON_SQLITE)) == 10


@pytest.mark.parametrize("query", _queries(ON_SQLITE), ids=lambda query: query.where)
def test_every_query_has_rows_on_sqlite(query: Query, sqlite_ledger: Ask) -> None:
    assert sqlite_ledger(filled_in(query.text, values_for(query)))


@pytest.mark.server("postgres")
@pytest.mark.parametrize("query", _queries(ON_POSTGRES), ids=lambda query: query.where)
def test_every_query_has_rows_on_postgresql(query: Query, postgres_ledger: Ask) -> None:
    assert postgres_ledger(filled_in(query.text, values_for(query)))


@pytest.mark.server("postgres")
@pytest.mark.parametrize("number", range(10))
def test_both_have_the_same_rows(number: int, sqlite_ledger: Ask, postgres_ledger: Ask) -> None:
    here, there = _queries(ON_SQLITE)[number], _queries(ON_POSTGRES)[number]
    rows = _plain(sqlite_ledger(filled_in(here.text, values_for(here))))
    others = _plain(postgres_ledger(filled_in(there.text, values_for(there))))
    assert rows == others


_TIMES = {"time", "ended", "until", "earliest", "latest", "starts", "ends"}


def _plain(rows: Rows) -> list[dict[str, object]]:
    return [{name: _value(name, value) for name, value in row.items()} for row in rows]


def _value(name: str, value: Any) -> object:
    """Without what the two databases write differently. Times become microseconds."""
    if value is None or (isinstance(value, str) and name not in _TIMES):
        return value
    if isinstance(value, datetime):
        return round(value.astimezone(UTC).timestamp() * SECOND)
    if name in _TIMES:
        return parse_instant(value) if isinstance(value, str) else round(value * SECOND)
    return round(Decimal(str(value)), 6).normalize()


@pytest.mark.parametrize("panel", panels(ON_SQLITE.json()), ids=lambda panel: panel["title"])
def test_columns_that_are_named_exist_and_times_are_told(panel: Json, sqlite_ledger: Ask) -> None:
    (target,) = panel["targets"]
    query = Query(ON_SQLITE.name, panel["title"], text_of(target))
    rows = sqlite_ledger(filled_in(query.text, values_for(query)))
    columns = set(rows[0])
    assert {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]} <= columns
    assert columns & _TIMES == columns & set(target["timeColumns"])
    for row in rows:
        for name in columns & _TIMES:
            # what the plugin takes for a time: RFC 3339 as text, or seconds
            assert row[name] is None or isinstance(row[name], float | int) or parse_instant(row[name])


@pytest.mark.server("postgres")
@pytest.mark.parametrize("panel", panels(ON_POSTGRES.json()), ids=lambda panel: panel["title"])
def test_times_are_times_on_postgresql(panel: Json, postgres_ledger: Ask) -> None:
    query = Query(ON_POSTGRES.name, panel["title"], text_of(panel["targets"][0]))
    rows = postgres_ledger(filled_in(query.text, values_for(query)))
    for row in rows:
        assert all(row[name] is None or isinstance(row[name], datetime) for name in row.keys() & _TIMES)


# --- What the answers say --------------------------------------------------------------------------------------------


def _asked(ask: Ask, title: str, **chosen: str) -> Rows:
    (query,) = [each for each in panel_queries(ON_SQLITE) if each.where == f"{title} A"]
    return ask(filled_in(query.text, {**CHOSEN, **chosen}))


def _instant(text: str) -> str:
    return str(parse_instant(text) // MILLISECOND)


def test_the_state_at_the_left_edge_began_before_it(sqlite_ledger: Ask) -> None:
    """A state that began earlier is drawn from the edge on; what begins at the right edge is not."""
    rows = _asked(
        sqlite_ledger, "State", __from=_instant("2026-03-14T23:00:00Z"), __to=_instant("2026-03-15T02:00:00Z")
    )
    assert [(row["state"], row["time"]) for row in rows] == [
        ("down", parse_instant("2026-03-14T23:00:00Z") / SECOND),
        ("up", parse_instant("2026-03-15T01:12:40Z") / SECOND),
    ]


def test_an_outage_that_reaches_into_the_range_is_in_it(sqlite_ledger: Ask) -> None:
    inside = _asked(
        sqlite_ledger, "Outages", __from=_instant("2026-03-15T00:00:00Z"), __to=_instant("2026-03-15T00:10:00Z")
    )
    assert [(row["point"], row["reason"]) for row in inside] == [(8730.0, "status")]
    after = _asked(
        sqlite_ledger, "Outages", __from=_instant("2026-03-15T01:12:41Z"), __to=_instant("2026-03-16T00:00:00Z")
    )
    assert after == []


def test_an_outage_that_goes_on_has_no_end(sqlite_ledger: Ask) -> None:
    (row,) = _asked(sqlite_ledger, "Outages", endpoint="mail")
    assert row["ended"] is None


def test_a_day_is_cut_and_unknown_time_is_in_neither_side(sqlite_ledger: Ask) -> None:
    rows = {row["day"]: row for row in _asked(sqlite_ledger, "Availability by day")}
    assert rows["2026-02-20"]["available"] == 0.993055  # 600 s of 86400 s: 0.99305555…
    assert rows["2026-01-20"]["available"] == 1.0
    assert rows["2026-01-20"]["unknown"] == 2520.0
    assert rows["2026-02-21"]["available"] == 1.0


@pytest.mark.server("postgres")
def test_a_quote_in_a_name_ends_nothing(sqlite_ledger: Ask, postgres_ledger: Ask) -> None:
    hostile = {**CHOSEN, "client": "o'neill' OR '1'='1", "endpoint": "x'; --"}
    for dashboard, ask in ((ON_SQLITE, sqlite_ledger), (ON_POSTGRES, postgres_ledger)):
        for query in _queries(dashboard):
            rows: Sequence[object] = ask(filled_in(query.text, hostile))
            if "${client:sqlstring}" in query.text and not query.where.startswith("What happened"):
                assert rows == [], query.place
