"""A ledger that an earlier version wrote is brought up to date, and says what it said.

The rows below are frozen as each revision had them, in plain SQL: nothing of today's code writes them. A week of one
endpoint: up at 0 h, down from 10 h (last good a minute before) to 11 h, a lone failure at 15 h, unknown from 20 h on.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from slawatch.domain.account_json import account_object
from slawatch.domain.history import read_rows
from slawatch.domain.interval import DISTANT_FUTURE, HOUR, MINUTE, SECOND
from slawatch.domain.terms import contract_of
from slawatch.evaluation.history_export import Cut, Selection, history_rows
from slawatch.evaluation.offline import Offline
from slawatch.runtime.errors import StorageError
from slawatch.storage import engine
from slawatch.storage.engine import parse_url, writer_engine
from slawatch.storage.ledger import Ledger
from slawatch.storage.schema import METADATA, REVISIONS
from storage.conftest import IMPATIENT
from storage.history import ROUTER, event
from support.clock import START

TERMS = """{"charges":[],"client":"acme","confirmation_span":"1m25s","contract":"net","credit_cap":null,\
"definition":"D.","format":"1","hours":null,"kind":"network","measurement":"availability",\
"options":{"coverage_floor":"95%","degraded":"1",\
"grace":"3d","granularity":"exact","ignore_outages_shorter_than":"0s","maintenance_limit":"unlimited",\
"maintenance_notice":"0s","merge_gaps_shorter_than":"0s","partial":"judge","release":"owner","settle_on":"point",\
"unknown":"exclude","unreachable":"down"},"owner":"o@msp.example","parents":{},"penalty":"none",\
"period":"every 1 weeks from 2026-01-05","review_at":[],"same_incident":"sum","service":"net","services":{},\
"standard":"99%","timezone":"UTC","up_when":"router","valid":{"from":null,"to":null}}"""
SHA = "2ef9087cd023eda44b128cb21e0a15aca0260c330942d729677cb9abb6e59bbf"


def hour(number: float) -> int:
    return START + round(number * HOUR)


def entries() -> list[tuple[str, int | None, str | None, str | None, int, str]]:
    """Kind, endpoint, contract, state, at, body."""
    up = '{"earliest":%d,"latest":%d,"state":"up"}'
    down = '{"confirmed_at":%d,"detail":"no answer","earliest":%d,"latest":%d,"reason":"timeout","state":"down"}'
    blip = '{"earliest":%d,"latest":%d,"reason":"timeout","seen":1,"state":"down"}'
    document = '{"duration":"1h","reason":"firmware","services":["net"],"start":"2026-01-05 12:00"}'
    fixed = '{"approved_by":"c@acme.example","endpoint":"router","end":%d,"reason":"firewall","start":%d,"state":"up"}'
    unknown = '{"cause":"monitor_stopped","earliest":%d,"latest":%d,"state":"unknown"}'
    good = hour(10) - MINUTE
    return [
        ("event", None, None, None, hour(0), '{"event":"started","version":"0.1.0"}'),
        ("contract", None, "net", None, hour(0), f'{{"sha256":"{SHA}","terms":{TERMS}}}'),
        ("state", 1, None, "up", hour(0), up % (hour(0), hour(0))),
        ("suspicion", 1, None, None, hour(10), f'{{"last_good":{good},"reason":"timeout"}}'),
        ("state", 1, None, "down", hour(10), down % (hour(10) + 10 * SECOND, good, hour(10))),
        ("state", 1, None, "up", hour(11), up % (hour(11) - 10 * SECOND, hour(11))),
        ("blip", 1, None, "down", hour(15), blip % (hour(15) - MINUTE, hour(15) + 10 * SECOND)),
        ("exclusion", None, None, None, hour(1), f'{{"document":{document},"id":"m1","zone":"UTC"}}'),
        ("correction", None, None, None, hour(12), fixed % (hour(10.5), hour(10))),
        ("state", 1, None, "unknown", hour(20), unknown % (hour(20), hour(20))),
    ]


def write_0001(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"INSERT INTO boots (id, site, boot, started_at, alive_until, stopped_at, software, tzdata) "
        f"VALUES (1, 'hq', 'old', {hour(0)}, {hour(20)}, NULL, '0.1.0', '2026a')"
    )
    connection.exec_driver_sql(
        "INSERT INTO endpoints (id, client, name, pruned_until) VALUES (1, 'acme', 'router', NULL)"
    )
    for number, (kind, endpoint, contract, state, at, body) in enumerate(entries(), start=1):
        client = "NULL" if kind == "event" else "'acme'"
        values = [
            str(number), "'hq'", "'old'", str(number), f"'{kind}'", str(endpoint or "NULL"), client,
            f"'{contract}'" if contract else "NULL", f"'{state}'" if state else "NULL", str(at), str(at),
            "'" + body.replace("'", "''") + "'",
        ]  # fmt: skip
        names = "id, site, boot, sequence, kind, endpoint_id, client, contract, state, at, recorded_at, body"
        statement = f"INSERT INTO entries ({names}) VALUES ({', '.join(values)})"
        connection.exec_driver_sql(
            statement if connection.dialect.name == "postgresql" else statement.replace("%%", "%")
        )
    for started, verdict in ((hour(0), "up"), (hour(10) - MINUTE, "up"), (hour(10), "down"), (hour(11), "up")):
        names = "endpoint_id, started, duration, verdict, reason, detail, phases"
        values_ = f"""1, {started}, 1500, '{verdict}', 'x', '', '[["rtt",1200]]'"""
        connection.exec_driver_sql(f"INSERT INTO observations ({names}) VALUES ({values_})")
    if connection.dialect.name == "postgresql":
        for table, following in (("boots", 2), ("endpoints", 2), ("entries", 11)):
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {following - 1})")


def write_0002(connection: Connection) -> None:
    write_0001(connection)
    for at, state, up, down in (
        (hour(0), "up", 0, 0), (hour(10), "down", 10, 0), (hour(11), "up", 10, 1), (hour(20), "unknown", 19, 1),
    ):  # fmt: skip
        connection.exec_driver_sql(
            "INSERT INTO transitions (endpoint_id, at, state, up, degraded, down, unknown) "
            f"VALUES (1, {at}, '{state}', {up * HOUR}, 0, {down * HOUR}, 0)"
        )


def write_0003(connection: Connection) -> None:
    write_0002(connection)
    connection.exec_driver_sql("UPDATE observations SET address = '192.0.2.1'")
    connection.exec_driver_sql(
        'INSERT INTO observation_hours (endpoint_id, hour, "first", "last", up, degraded, down, void, total, shortest, '
        f"longest, took) VALUES (1, {hour(1)}, {hour(1)}, {hour(1.5)}, 30, 0, 0, 0, 45000, 1500, 1500, '219:30')"
    )


Write = Callable[[Connection], None]
WRITERS: dict[str, Write] = {"0001": write_0001, "0002": write_0002, "0003": write_0003, "0004": write_0003}


async def written(url: str, revision: str) -> None:
    """A database as that revision left it."""

    def build(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(engine._MIGRATIONS))
        command.upgrade(config, revision)
        WRITERS[revision](connection)

    made = writer_engine(parse_url(url))
    async with made.begin() as connection:
        await connection.run_sync(build)
    await made.dispose()


def test_every_revision_is_tried() -> None:
    assert tuple(WRITERS) == REVISIONS


@pytest.mark.parametrize("revision", REVISIONS)
async def test_what_an_earlier_version_wrote_says_what_it_said(database_url: str, revision: str) -> None:
    await written(database_url, revision)
    ledger = await Ledger.open(database_url, site="hq", tuning=IMPATIENT)
    try:
        rows = [row async for row in history_rows(ledger, Selection(), Cut(hour(20)))]
        kinds = [row["type"] for row in rows]
        assert sorted(kinds) == [
            "blip",
            "contract",
            "correction",
            "exclusion",
            "state",
            "state",
            "state",
            "state",
            "until",
        ]
        # 10 h and 9 h up, 1 h down, by two look-ups
        times = await ledger.time_in_states(ROUTER, hour(0), hour(20))
        assert (times.up, times.down, times.unknown) == (19 * HOUR, HOUR, 0)
        assert len(await ledger.observations(ROUTER, 0, DISTANT_FUTURE)) == 4
        assert (await ledger.resume_material(ROUTER)).last_good == hour(11)
        before = await ledger.previous_boot()
        assert before is not None
        assert (before.boot, before.alive_until) == ("old", hour(20))
        await ledger.append([event(1)])  # and it goes on
    finally:
        await ledger.close()
    assert judged(rows) == {
        # 20 h so far: 1 h maintenance; half of the hour of downtime was corrected
        "up": round(18.5 * HOUR), "degraded": 0, "down": HOUR // 2, "unknown": 0, "excluded": HOUR,
        "outside_hours": 0, "outside_contract": 0,
    }  # fmt: skip


def judged(rows: list[dict[str, object]]) -> object:
    history = read_rows(rows)
    history.seal(None)
    [account] = Offline([contract_of(json.loads(TERMS))], [], history).accounts(hour(20), "current")
    return account_object(account)["time_us"]


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_the_schema_is_that_of_a_fresh_database(database_url: str, revision: str) -> None:
    """Tables, columns, indexes, unique and foreign keys, and views."""
    await written(database_url, revision)
    ledger = await Ledger.open(database_url, site="hq", tuning=IMPATIENT)
    async with ledger.reading.connect() as connection:
        found = await connection.run_sync(shape)
    await ledger.close()
    assert {table for table, *_ in found} >= {table.name for table in METADATA.sorted_tables}
    assert len([name for name, what, _ in found if what == "view"]) == 12
    for table in METADATA.sorted_tables:
        columns = next(names for name, what, names in found if (name, what) == (table.name, "columns"))
        assert columns == sorted(column.name for column in table.columns)
        indexes = next(names for name, what, names in found if (name, what) == (table.name, "indexes"))
        assert set(indexes) >= {str(index.name) for index in table.indexes}


def shape(connection: Connection) -> list[tuple[str, str, list[str]]]:
    looking = inspect(connection)
    found: list[tuple[str, str, list[str]]] = []
    for name in looking.get_table_names():
        found.append((name, "columns", sorted(column["name"] for column in looking.get_columns(name))))
        found.append((name, "indexes", sorted(str(index["name"]) for index in looking.get_indexes(name))))
    return found + [(name, "view", []) for name in looking.get_view_names()]


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_an_upgrade_that_is_broken_off_leaves_the_old_schema(
    database_url: str, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one transaction: the next start does all of it."""
    await written(database_url, revision)
    upgrade = engine._upgrade

    def break_off(connection: Connection) -> None:
        upgrade(connection)
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(engine, "_upgrade", break_off)
        with pytest.raises(StorageError, match="no space left"):
            await Ledger.open(database_url, site="hq", tuning=IMPATIENT)
    made: AsyncEngine = writer_engine(parse_url(database_url))
    async with made.connect() as connection:
        assert await connection.run_sync(engine._revision) == revision
    await made.dispose()
    await (await Ledger.open(database_url, site="hq", tuning=IMPATIENT)).close()
