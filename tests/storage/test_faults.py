"""What happens to the database, and the exact accounting of it: each row a test.

Six facts are handed in, each with an observation and a sign of life, at seconds 0, 10, … 50 of the injected clock; the
fault holds from the second to the fifth. Whatever it is, in the end the ledger has each of them once, in order, with
its own instants, and nothing is lost. What a full spool gives up is counted in ``test_spool``.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.runtime.errors import StorageError
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.reserve import MIB, Reserve
from slawatch.storage.writer import Tuning
from storage.conftest import IMPATIENT
from storage.history import ROUTER, at, down, event, recorded, seen, up
from support.clock import FakeClock
from support.cutting import Cutting
from support.servers import Postgres
from support.waiting import async_eventually

FACTS = 6
STEP = 10
"""Seconds between two of them."""

Fault = Callable[[], Awaitable[None]]


async def go_through(ledger: Ledger, clock: FakeClock, begin: Fault, end: Fault, *, durable: bool = True) -> None:
    """Hand the facts in while the fault comes and goes; ``durable``: each is acknowledged meanwhile."""
    waiting = []
    for number in range(FACTS):
        if number == 1:
            await begin()
        if number == 4:
            await end()
        ledger.observe(ROUTER, seen(STEP * number))
        ledger.mark_alive(clock.now())
        change = (down if number % 2 else up)(STEP * number)
        waiting.append(ledger.append([entry_of(ROUTER, change)]))
        if durable or number in (0, FACTS - 1):
            async with asyncio.timeout(20):
                await waiting[-1]
        clock.advance(STEP * SECOND)
    async with asyncio.timeout(20):
        await asyncio.gather(*waiting)
        await ledger.flushed()


async def is_all_there(ledger: Ledger) -> None:
    """Each fact once, in order, with its instants; each observation; nothing said to be lost."""
    entries = [each for each in await recorded(ledger) if each.entry.kind == "state"]
    assert [each.at for each in entries] == [at(STEP * number) for number in range(FACTS)]
    assert [each.recorded_at for each in entries] == [each.at for each in entries]
    assert [each.sequence for each in entries] == sorted({each.sequence for each in entries})
    assert [each.started for each in await ledger.observations(ROUTER, at(0), at(999))] == [each.at for each in entries]
    times = await ledger.time_in_states(ROUTER, at(0), at(STEP * FACTS))
    assert (times.up, times.down, times.unknown) == (30 * SECOND, 30 * SECOND, 0)  # by turns, ten seconds each
    assert ledger.standing.observations_dropped == 0
    assert not ledger.standing.spooling
    assert ledger.healthy


async def nothing() -> None:
    """No fault, or one that ends by itself."""


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def on(url: str, folder: Path, clock: FakeClock, tuning: Tuning = IMPATIENT) -> AsyncIterator[Ledger]:
    reserve = Reserve(folder / "spool", MIB, ballast=0)
    ledger = await Ledger.open(url, site="hq", clock=clock, tuning=tuning, reserve=reserve)
    async with ledger:
        yield ledger


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_postgresql_is_away(how: str, postgres: Postgres, tmp_path: Path, clock: FakeClock) -> None:
    """Stopped in order, or killed, and brought back after half a minute of the clock: acknowledged from the spool."""

    async def away() -> None:
        await (postgres.async_stop() if how == "stopped" else asyncio.to_thread(postgres.kill))

    with postgres.database() as url:
        async with on(url, tmp_path, clock) as ledger:
            await go_through(ledger, clock, away, postgres.async_start)
            assert ledger.standing.failures > 0
            await is_all_there(ledger)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_connection_is_cut_during_a_commit(
    when: str, postgres: Postgres, tmp_path: Path, clock: FakeClock
) -> None:
    """Whether the server had it nobody can tell: it is written again, and is there once."""
    with postgres.database() as url:
        async with Cutting(postgres.port) as way:
            url = url.replace(f":{postgres.port}/", f":{way.port}/")

            async def cut() -> None:
                way.when = when

            async with on(url, tmp_path, clock) as ledger:
                await go_through(ledger, clock, cut, nothing)
                assert way.cuts[0] == when
                assert ledger.standing.failures >= 1
                await is_all_there(ledger)


async def test_postgresql_holds_a_commit_up(postgres: Postgres, tmp_path: Path, clock: FakeClock) -> None:
    """A lock on the table: commits take longer than the patience, and facts are acknowledged from the spool."""
    import asyncpg

    tuning = Tuning(busy_timeout=0, first_retry=MILLISECOND, longest_retry=MILLISECOND, patience=50 * MILLISECOND)
    with postgres.database() as url:
        async with on(url, tmp_path, clock, tuning) as ledger, AsyncExitStack() as held:
            other = await asyncpg.connect(url)
            held.push_async_callback(other.close)
            transaction = other.transaction()

            async def lock() -> None:
                await transaction.start()
                await other.execute("LOCK TABLE entries IN EXCLUSIVE MODE")

            await go_through(ledger, clock, lock, transaction.rollback)
            await is_all_there(ledger)


# --- SQLite ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [30, 60])
async def test_the_file_is_locked(seconds: int, tmp_path: Path, clock: FakeClock) -> None:
    """By another process's transaction, for half a minute or a whole one of the clock."""
    async with on(f"sqlite:///{tmp_path}/a.db", tmp_path, clock) as ledger:
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:

            async def lock() -> None:
                other.execute("BEGIN IMMEDIATE")

            async def let_go() -> None:
                other.execute("ROLLBACK")

            await go_through(ledger, clock, lock, let_go)
        await is_all_there(ledger)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four mebibytes."""
    if os.geteuid() != 0:
        pytest.skip("BLOCKED: mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Fill a disk to the last byte."""
    path = folder / "filler"
    with path.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return path


async def test_the_disk_is_full_and_the_ballast_is_given_up(small_disk: Path, clock: FakeClock) -> None:
    """Facts go on being acknowledged in the ballast's room; it is made again once there is room for it."""
    reserve = Reserve(small_disk / "a.db.spool", MIB, ballast=MIB)
    url = f"sqlite:///{small_disk}/a.db"
    ledger = await Ledger.open(url, site="hq", clock=clock, tuning=IMPATIENT, reserve=reserve)
    async with ledger:
        assert ledger.standing.ballast
        filler: list[Path] = []

        async def full() -> None:
            filler.append(await asyncio.to_thread(fill, small_disk))

        async def freed() -> None:
            filler[0].unlink()

        await go_through(ledger, clock, full, freed)
        clock.advance(60 * SECOND)
        ledger.mark_alive(clock.now())
        await ledger.flushed()
        await ledger.flushed()
        assert ledger.standing.ballast
        await is_all_there(ledger)
        events = [each.entry.body["event"] for each in await recorded(ledger) if each.entry.kind == "event"]
        assert events == ["disk_full", "disk_has_room"]
        with closing(sqlite3.connect(small_disk / "a.db")) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_the_disk_is_full_and_there_is_no_ballast(small_disk: Path, clock: FakeClock) -> None:
    """Neither the database nor the spool takes anything: facts wait in memory, and are stored once there is room."""
    reserve = Reserve(small_disk / "a.db.spool", MIB, ballast=0)
    url = f"sqlite:///{small_disk}/a.db"
    ledger = await Ledger.open(url, site="hq", clock=clock, tuning=IMPATIENT, reserve=reserve)
    async with ledger:
        filler: list[Path] = []

        async def full() -> None:
            filler.append(await asyncio.to_thread(fill, small_disk))
            # a commit may still fit into pages that the log has already: what follows does not
            ledger.append([event(0, "x" * 300_000)])
            await async_eventually(lambda: not ledger.healthy)

        async def freed() -> None:
            filler[0].unlink()

        await go_through(ledger, clock, full, freed, durable=False)
        await is_all_there(ledger)


# --- Two daemons of one site -----------------------------------------------------------------------------------------


async def test_a_second_daemon_of_a_site_is_refused_on_postgresql(postgres_url: str, clock: FakeClock) -> None:
    """Whichever box it is on; another site may write beside it, and the first one's end lets the next one in."""
    first = await Ledger.open(postgres_url, site="hq", clock=clock, tuning=IMPATIENT)
    with pytest.raises(StorageError, match="another slawatch writes for the site hq"):
        await Ledger.open(postgres_url, site="hq", clock=clock, tuning=IMPATIENT)
    branch = await Ledger.open(postgres_url, site="branch", clock=clock, tuning=IMPATIENT)
    await branch.close()
    await first.release()  # as a crash
    patient = Tuning(claim_within=20 * SECOND)
    again = await Ledger.open(postgres_url, site="hq", clock=clock, tuning=patient)
    await again.close()


async def test_the_claim_is_taken_anew_after_the_connection_was_lost(
    postgres: Postgres, tmp_path: Path, clock: FakeClock
) -> None:
    with postgres.database() as url:
        async with on(url, tmp_path, clock) as ledger:
            await postgres.async_stop()
            await postgres.async_start()
            await ledger.append([entry_of(ROUTER, up(1))])
            await ledger.flushed()
            with pytest.raises(StorageError, match="another slawatch writes"):
                await Ledger.open(url, site="hq", clock=clock, tuning=IMPATIENT)
