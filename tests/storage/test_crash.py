"""kill -9, a database that goes away and comes back, and two daemons on one file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from slawatch.domain.interval import DISTANT_FUTURE, SECOND
from slawatch.runtime.errors import StorageError
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from storage.conftest import IMPATIENT, OpenLedger
from storage.history import ROUTER, down, event, recorded, up
from storage.test_recording import writer_of
from support.clock import FakeClock
from support.servers import Postgres
from support.waiting import async_eventually

PROGRAM = Path(__file__).with_name("run_and_be_killed.py")


async def run_until_durable(url: str, number: int) -> int:
    """Run the program, kill it -9 once entry ``number`` is durable; the last that it called durable."""
    process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    said = 0
    try:
        while said < number:
            said = int((await process.stdout.readline()).split()[1])
    finally:
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    complete = rest.decode().rpartition("\n")[0].split()
    return max([said, *map(int, complete[1::2])])


async def test_kill_9_loses_nothing_that_was_called_durable(database_url: str, open_ledger: OpenLedger) -> None:
    durable = await run_until_durable(database_url, 100)
    ledger = await open_ledger()
    entries = await recorded(ledger)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) >= durable
    before = await ledger.previous_boot()
    assert before is not None
    assert (before.boot, before.stopped_at) == ("killed", None)
    assert before.alive_until >= durable * SECOND
    # Everything up to the mark is there: the entries and the observations.
    assert before.alive_until == entries[-1].at
    observed = await ledger.observations(ROUTER, 0, DISTANT_FUTURE)
    assert [one.started for one in observed] == [entry.at for entry in entries]


async def test_facts_wait_while_postgresql_is_away_and_arrive_in_order(postgres: Postgres, clock: FakeClock) -> None:
    with postgres.database() as url:
        ledger = await Ledger.open(url, site="hq", clock=clock, tuning=IMPATIENT)
        await ledger.append([entry_of(ROUTER, up(1))])
        await postgres.async_stop()
        waiting = ledger.append([entry_of(ROUTER, down(2))])
        await async_eventually(lambda: not ledger.healthy)
        with pytest.raises(StorageError, match="cannot read the ledger"):
            await ledger.resume_material(ROUTER)
        later = ledger.append([entry_of(ROUTER, up(3))])
        assert ledger.queue_length == 2
        assert not waiting.done()
        await postgres.async_start()
        await asyncio.gather(waiting, later)
        assert [(entry.sequence, entry.at) for entry in await recorded(ledger)] == [
            (1, up(1).at),
            (2, down(2).at),
            (3, up(3).at),
        ]
        await ledger.close()


async def test_a_full_disk_loses_nothing(tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/a.db", site="hq", clock=clock, tuning=IMPATIENT)
    await ledger.append([event(0)])
    async with writer_of(ledger).engine.connect() as connection:
        # SQLite answers SQLITE_FULL beyond this, as it does when the file system has no room.
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    # The failed connection is given up, and with it the limit: then there is room again.
    await ledger.append([event(second) for second in range(1, 2_000)])
    assert writer_of(ledger).attempts == 3
    assert "database or disk is full" in caplog.text
    assert len(await recorded(ledger)) == 2_000
    await ledger.close()


async def test_a_second_daemon_on_one_file_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    first = await Ledger.open(url, site="hq")
    with pytest.raises(StorageError, match=r"another slawatch writes to .*a\.db: stop it first"):
        await Ledger.open(url, site="branch")
    reader = await Ledger.open(url, read_only=True)
    await reader.close()
    await first.release()
    second = await Ledger.open(url, site="hq")
    await second.close()
