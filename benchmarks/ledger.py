"""The ledger on both databases: durable facts a second, an endpoint's year among millions, its bytes, and pruning.

    python -m benchmarks.ledger [--transitions N] [--observations N] [--commits N]

PostgreSQL is a cluster of the measurement's own with fsync on, from the tests' Debian tree (as root: ``make tree``);
without one its rows are left out, and that is said. The floors are sqlite3 and asyncpg that commit the same rows into
the same tables, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.dispatch import Counter, start_slawatch
from benchmarks.harness import Row, table
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND, parse_instant
from slawatch.domain.observation import Observation, Verdict
from slawatch.runtime.clock import SystemClock
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.retention import Pruning

BRIEFLY = ("--transitions", "1000000", "--observations", "200000")
START = parse_instant("2025-01-01T00:00:00Z")
YEAR = 365 * DAY
ENDPOINTS = 10_000
SIZES = (1, 100, 1_000)
BODY = '{"confirmed_at":1,"earliest":1,"latest":1,"reason":"timeout","state":"down"}'


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """SQLite, and PostgreSQL where it can be had."""
    found = {"SQLite": f"sqlite:///{folder}/ledger.db"}
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from support.tree import NEWER_POSTGRES, Tree, location

    if os.geteuid() or not Tree(location()).has("/usr/bin/psql") or not NEWER_POSTGRES.is_dir():
        print("no PostgreSQL: its rows are left out (as root: make tree)")
        yield found
        return
    from support.servers import Postgres

    home = folder / "postgres"
    home.mkdir()
    folder.chmod(0o755)  # its server is another user
    with Postgres(home, newer=True, durable=True) as server, server.database() as url:
        yield found | {f"PostgreSQL {server.sql('SHOW server_version').strip()}": url}


# --- Durable facts ---------------------------------------------------------------------------------------------------


def entry(client: str, number: int) -> Any:
    """Of a hundred endpoints, each later than the one before: a change that came late would make sums anew."""
    at = START + number * SECOND
    key = EndpointKey(client, f"e{number % 100}")
    return entry_of(key, Change(at, State.DOWN if number % 2 else State.UP, at, at, None, at, "timeout"))


async def by_ledger(url: str, commits: int, size: int) -> float:
    """Facts a second, a commit at a time."""
    client, end = f"own{size}", 100 + commits * size
    async with await Ledger.open(url, site=client) as ledger:
        await ledger.append([entry(client, number) for number in range(100)])
        groups = [[entry(client, n) for n in range(first, first + size)] for first in range(100, end, size)]
        begin = time.perf_counter()
        for group in groups:
            await ledger.append(group)
        return commits * size / (time.perf_counter() - begin)


async def at_once(url: str, writers: int, each: int) -> float:
    """Facts a second of many who append one at a time and wait for each: one commit serves all that wait."""
    async with await Ledger.open(url, site="many") as ledger:

        async def write(client: str) -> None:
            for number in range(each):
                await ledger.append([entry(client, 100 * (number + 1))])

        await asyncio.gather(*(ledger.append([entry(f"many{writer}", 0)]) for writer in range(writers)))
        begin = time.perf_counter()
        await asyncio.gather(*(write(f"many{writer}") for writer in range(writers)))
        return writers * each / (time.perf_counter() - begin)


def rows(site: str, commits: int, size: int) -> list[tuple[Any, ...]]:
    return [
        (site, "raw", n + 1, "state", 1, "acme", "down", START + n * SECOND, START, BODY) for n in range(commits * size)
    ]


COLUMNS = "site, boot, sequence, kind, endpoint_id, client, state, at, recorded_at, body"


def by_sqlite3(url: str, commits: int, size: int) -> float:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        site = f"raw{size}"
        connection.execute(
            "INSERT INTO boots (site, boot, started_at, software, tzdata) VALUES (?, 'raw', 0, '', '')", [site]
        )
        connection.commit()
        every, statement = rows(site, commits, size), f"INSERT INTO entries ({COLUMNS}) VALUES ({', '.join('?' * 10)})"
        begin = time.perf_counter()
        for first in range(0, len(every), size):
            connection.executemany(statement, every[first : first + size])
            connection.commit()
        return len(every) / (time.perf_counter() - begin)


async def by_asyncpg(url: str, commits: int, size: int) -> float:
    connection = await asyncpg.connect(url)
    try:
        site = f"raw{size}"
        await connection.execute(
            "INSERT INTO boots (site, boot, started_at, software, tzdata) VALUES ($1, 'raw', 0, '', '')", site
        )
        marks = ", ".join(f"${n}" for n in range(1, 11))
        every, statement = rows(site, commits, size), f"INSERT INTO entries ({COLUMNS}) VALUES ({marks})"
        begin = time.perf_counter()
        for first in range(0, len(every), size):
            async with connection.transaction():
                await connection.executemany(statement, every[first : first + size])
        return len(every) / (time.perf_counter() - begin)
    finally:
        await connection.close()


def durable(name: str, url: str, commits: int) -> list[Row]:
    found = []
    for size in SIZES:
        number = max(20, commits // size if size > 100 else commits)
        own = asyncio.run(by_ledger(url, number, size))
        floor = by_sqlite3(url, number, size) if name == "SQLite" else asyncio.run(by_asyncpg(url, number, size))
        peer = "sqlite3" if name == "SQLite" else "asyncpg"
        found.append(
            Row(f"{name}: {size} a commit", own, "facts/s", None, f"{own / floor:.2f} of {peer}'s {floor:,.0f}")
        )
    found.append(Row(f"{name}: 200 who wait for each of theirs", asyncio.run(at_once(url, 200, 20)), "facts/s"))
    return found


# --- A year among millions -------------------------------------------------------------------------------------------


async def fill(url: str, transitions: int) -> None:
    """Transitions of ten thousand endpoints over a year, by the database's own means: reading is what is measured."""
    async with await Ledger.open(url, site="year", boot="year") as ledger:
        await ledger.ensure_endpoints({EndpointKey("year", f"y{n}"): None for n in range(ENDPOINTS)})
    each = transitions // ENDPOINTS
    step = YEAR // each
    first = "SELECT min(id) FROM endpoints WHERE client = 'year'"
    state, at = "CASE n % 2 WHEN 0 THEN 'up' ELSE 'down' END", f"{START} + CAST(n AS bigint) * {step} + p"
    statements = [
        f"""INSERT INTO entries ({COLUMNS})
        WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {each - 1}),
          p (p) AS (SELECT 0 UNION ALL SELECT p + 1 FROM p WHERE p < {ENDPOINTS - 1})
        SELECT 'year', 'year', 10 + CAST(n AS bigint) * {ENDPOINTS} + p, 'state', ({first}) + p, 'year',
          {state}, {at}, {START},
          '{{"earliest":' || ({at}) || ',"latest":' || ({at}) || ',"state":"' || {state} || '"}}'
        FROM n, p""",
        f"""INSERT INTO transitions (endpoint_id, at, state, up, degraded, down, unknown)
        SELECT endpoint_id, at, state, ((at - {START}) / {step} + 1) / 2 * {step}, 0,
          (at - {START}) / {step} / 2 * {step}, 0 FROM entries WHERE site = 'year' AND kind = 'state'""",
    ]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for statement in [*statements, "ANALYZE"]:
                connection.execute(statement)
        return
    connection = await asyncpg.connect(url)
    for statement in [*statements, "ANALYZE"]:
        await connection.execute(statement, timeout=3_600)
    await connection.close()


OF_ONE = "client = 'year' AND endpoint = 'y{n}'"
VIEWS = {
    "v_transitions, one endpoint's last day": f"SELECT * FROM v_transitions WHERE {OF_ONE} AND at >= {{day}}",
    "v_outages, one endpoint's year": f"SELECT * FROM v_outages WHERE {OF_ONE}",
    "v_days, one endpoint's year": f"SELECT * FROM v_days WHERE {OF_ONE}",
    "v_outages, all endpoints' last hour": "SELECT * FROM v_outages WHERE at >= {hour}",
}
"""Questions for the views, as SQL asks them."""


async def year(name: str, url: str, transitions: int) -> list[Row]:
    await fill(url, transitions)
    among = f"{name}, {transitions:,} transitions"
    async with await Ledger.open(url, read_only=True) as ledger:

        async def history(n: int) -> None:
            found = await ledger.endpoint_history(EndpointKey("year", f"y{n}"), START, START + YEAR)
            assert len(found.changes) == transitions // ENDPOINTS

        async def window(n: int) -> None:
            start = START + n * HOUR % YEAR // 2
            found = await ledger.time_in_states(EndpointKey("year", f"y{n}"), start, start + YEAR // 3)
            assert found.total == YEAR // 3

        rows = [
            Row(f"{among}: one endpoint's year, median", await median(history), "ms", 10),
            Row(f"{among}: any window's availability, median", await median(window), "ms", 10),
        ]
        for what, question in VIEWS.items():

            async def view(n: int, question: str = question) -> None:
                bounds = {"day": START + YEAR - DAY, "hour": START + YEAR - HOUR}
                async with ledger.reading.connect() as connection:
                    (await connection.exec_driver_sql(question.format(n=n, **bounds))).all()

            rows.append(Row(f"{among}: {what}, median", await median(view), "ms"))
        return rows


async def median(ask: Callable[[int], Any]) -> float:
    """Milliseconds, of endpoints that were not asked before."""
    found = []
    for n in range(7, ENDPOINTS, ENDPOINTS // 50):
        begin = time.perf_counter()
        await ask(n)
        found.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(found)


# --- Pruning ---------------------------------------------------------------------------------------------------------


async def observe(url: str, number: int) -> None:
    """So many observations of a hundred endpoints, a minute apart, in the ledger."""
    async with await Ledger.open(url, site="raw", boot="seen") as ledger:
        for n in range(number):
            at = START + n // 100 * MINUTE
            seen = Observation(at, 12_345, Verdict.UP, "ok", "200 in 12 ms", (("resolve", 300), ("connect", 4_000)))
            ledger.observe(EndpointKey("seen", f"s{n % 100}"), seen)
            if n % 20_000 == 0:
                await ledger.flushed()


async def lateness(url: str, prune: bool) -> tuple[float, float]:
    """The 99th percentile of how late 500 probes a second began (ms), and rows pruned a second."""
    counter = Counter()
    async with await Ledger.open(url, site="prune", boot=f"prune{prune}") as ledger:
        writer = ledger._writing
        pruning = Pruning(writer.engine, writer.lock, SystemClock())
        stop = await start_slawatch(counter, 500, 1.0)
        await asyncio.sleep(2)
        counter.lateness.clear()
        begin, gone = time.perf_counter(), 0
        if prune:
            gone = await pruning.run(START + YEAR)
        took = time.perf_counter() - begin
        await asyncio.sleep(max(0.0, 8 - took))
        await stop()
    return statistics.quantiles(counter.lateness, n=100)[98] * 1e3, gone / took


async def bytes_of(url: str, name: str) -> int:
    """What a table takes with its indexes."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            indexes = "SELECT name FROM sqlite_master WHERE tbl_name = ?"
            query = f"SELECT sum(pgsize) FROM dbstat WHERE name = ? OR name IN ({indexes})"
            try:
                return int(connection.execute(query, [name, name]).fetchone()[0])
            except sqlite3.OperationalError:
                return 0
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", name))
    finally:
        await connection.close()


async def pruned(name: str, url: str, number: int) -> list[Row]:
    await observe(url, number)
    raw = await bytes_of(url, "observations")
    idle, _ = await lateness(url, prune=False)
    busy, pace = await lateness(url, prune=True)
    hours = await bytes_of(url, "observation_hours")
    summarised = number // 6_000 or 1
    found = [
        Row(f"{name}: p99 lateness of 500 probes/s without pruning", idle, "ms"),
        Row(f"{name}: the same while it prunes", busy, "ms", None, f"{busy / idle:.2f} times"),
        Row(f"{name}: pruned", pace, "rows/s", None, f"{pace / 1_000:.1f} times what 1,000 probes/s make"),
    ]
    if raw:
        a_year = raw / number * 30 * 1_440 + hours / summarised / 100 * 335 * 24
        found += [
            Row(f"{name}: an observation with its index", raw / number, "bytes"),
            Row(f"{name}: an endpoint-year at 60 s, 30 days of it raw", a_year / 2**20, "MiB"),
            Row(f"{name}: the same at 30 s", (a_year + raw / number * 30 * 1_440) / 2**20, "MiB"),
        ]
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--transitions", type=int, default=10_000_000)
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--commits", type=int, default=300)
    given = parser.parse_args(words)
    facts, years, goes = [], [], []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, databases(Path(name)) as found:
        for database, url in found.items():
            facts += durable(database, url, given.commits)
            goes += asyncio.run(pruned(database, url, given.observations))
            years += asyncio.run(year(database, url, given.transitions))
    table("Durable facts a second", facts)
    table("One endpoint among many", years)
    table("Pruning, and what stays", goes)


if __name__ == "__main__":
    main()
