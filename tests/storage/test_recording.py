"""What is recorded stays: once, in order, and through whatever the database does."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.domain.observation import Verdict
from slawatch.runtime.errors import StorageError
from slawatch.storage.entries import Entry
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.writer import Tuning, Writer
from storage.conftest import IMPATIENT, OpenLedger
from storage.history import ROUTER, WEBSITE, at, down, event, recorded, seen, suspicion, up
from support.clock import FakeClock
from support.waiting import async_eventually


def writer_of(ledger: Ledger) -> Writer:
    writer = ledger._writer
    assert writer is not None
    return writer


async def test_what_is_acknowledged_is_there_with_its_key_and_its_instants(ledger: Ledger, clock: FakeClock) -> None:
    clock.advance(3 * SECOND)
    await ledger.append([entry_of(ROUTER, up(1)), event(2)])
    first, second = [entry async for entry in ledger.entries()]
    assert (first.site, first.boot, first.sequence) == ("hq", ledger.boot, 1)
    assert (second.site, second.boot, second.sequence) == ("hq", ledger.boot, 2)
    assert first.recorded_at == second.recorded_at == at(3)
    assert first.entry == entry_of(ROUTER, up(1))
    assert second.entry == event(2)


async def test_entries_come_by_instant_and_at_one_instant_as_written(ledger: Ledger) -> None:
    ledger.append([event(5, "a"), event(3, "b")])
    ledger.append([event(5, "c"), event(4, "d")])
    names = [entry.entry.body["event"] for entry in await recorded(ledger)]
    assert names == ["b", "d", "a", "c"]


async def test_many_appends_make_few_commits(ledger: Ledger) -> None:
    writer = writer_of(ledger)
    futures = [ledger.append([entry_of(ROUTER, up(second))]) for second in range(1_200)]
    assert ledger.queue_length == 1_200
    await asyncio.gather(*futures)
    assert writer.commits == 1
    assert ledger.queue_length == 0
    assert [entry.sequence for entry in await recorded(ledger)] == list(range(1, 1_201))


async def test_observations_wait_for_the_next_commit(ledger: Ledger) -> None:
    ledger.observe(ROUTER, seen(1))
    ledger.observe(ROUTER, seen(1))  # the same start again: the first one stands
    ledger.observe(ROUTER, seen(2, Verdict.VOID))
    assert await ledger.observations(ROUTER, at(0), at(9)) == ()
    await ledger.append([event(3)])
    assert await ledger.observations(ROUTER, at(0), at(9)) == (seen(1), seen(2, Verdict.VOID))
    assert await ledger.observations(ROUTER, at(1), at(2)) == (seen(1),)
    assert await ledger.observations(WEBSITE, at(0), at(9)) == ()


async def test_enough_observations_ask_for_a_commit_themselves(open_ledger: OpenLedger) -> None:
    ledger = await open_ledger(tuning=Tuning(observations_per_commit=3))
    for second in range(3):
        ledger.observe(ROUTER, seen(second))
    writer = writer_of(ledger)
    await async_eventually(lambda: writer.commits)
    assert len(await ledger.observations(ROUTER, at(0), at(9))) == 3


async def test_a_commit_whose_answer_was_lost_is_repeated_without_duplicates(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_of(ledger)
    dialect: Any = writer.engine.sync_engine.dialect
    commit = dialect.do_commit
    lost: list[str] = []

    def commit_and_lose_the_answer(connection: object) -> None:
        commit(connection)
        if not lost:
            lost.append("answer")
            raise OperationalError("COMMIT", {}, OSError("the connection went away"))

    monkeypatch.setattr(dialect, "do_commit", commit_and_lose_the_answer)
    ledger.observe(ROUTER, seen(1))
    ledger.mark_alive(at(5))
    await ledger.append([entry_of(ROUTER, up(1)), entry_of(WEBSITE, down(2))])
    assert lost
    assert (writer.attempts, writer.commits) == (2, 1)
    assert [entry.sequence for entry in await recorded(ledger)] == [1, 2]
    assert await ledger.observations(ROUTER, at(0), at(9)) == (seen(1),)
    assert ledger.healthy


async def test_whatever_fails_while_writing_is_tried_again_in_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    committer = writer_of(ledger)._committer
    commit = committer.commit
    healthy_when_failing: list[bool] = []

    async def fail_thrice(groups: Any) -> None:
        if len(healthy_when_failing) < 3:
            healthy_when_failing.append(ledger.healthy)
            raise RuntimeError("a mistake of our own")
        await commit(groups)

    monkeypatch.setattr(committer, "commit", fail_thrice)
    first = ledger.append([event(1)])
    second = ledger.append([event(2)])
    await asyncio.gather(first, second)
    assert healthy_when_failing == [True, False, False]
    assert ledger.healthy
    assert [entry.at for entry in await recorded(ledger)] == [at(1), at(2)]
    assert [message for message in caplog.messages if "ledger" in message] == [
        "the ledger cannot be stored, and is kept in memory until it can: a mistake of our own",
        "the ledger is stored again",
    ]


async def test_a_locked_database_delays_and_changes_nothing(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "ledger.db"
    ledger = await Ledger.open(f"sqlite:///{path}", site="hq", clock=clock, tuning=IMPATIENT)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger.append([entry_of(ROUTER, up(1))])
    writer = writer_of(ledger)
    await async_eventually(lambda: writer.attempts >= 3)
    clock.advance(60 * SECOND)
    ledger.append([entry_of(ROUTER, suspicion(2))])
    later = ledger.append([entry_of(ROUTER, down(2))])
    assert not ledger.healthy
    assert ledger.last_error == "database is locked"
    assert ledger.queue_length == 3
    other.execute("ROLLBACK")
    other.close()
    await later
    entries = await recorded(ledger)
    assert [(entry.entry.kind, entry.at) for entry in entries] == [
        ("state", at(1)),
        ("suspicion", at(2)),
        ("state", at(2)),
    ]
    assert [entry.recorded_at for entry in entries] == [at(0), at(60), at(60)]
    assert ledger.healthy
    await ledger.close()


async def test_while_the_database_is_away_the_oldest_observations_go_and_the_ledger_says_so(
    open_ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await open_ledger(tuning=Tuning(observations_kept=10, first_retry=MILLISECOND))
    for second in range(14):
        ledger.observe(ROUTER, seen(second))
    kept = ledger.append([event(20)])
    await kept
    assert [one.started for one in await ledger.observations(ROUTER, at(0), at(99))] == [
        at(second) for second in range(4, 14)
    ]
    assert {"event": "observations_dropped", "count": 4, "first": at(0), "last": at(3)} in [
        entry.entry.body for entry in await recorded(ledger)
    ]


async def test_a_body_that_is_no_exact_json_is_refused_and_nothing_is_queued(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="float"):
        ledger.append([event(1), Entry("event", at(2), {"ratio": 0.1})])
    with pytest.raises(ValueError, match="no instant"):
        ledger.append([event(1), Entry("event", 2**63, {})])
    assert ledger.queue_length == 0
    await ledger.append([event(3)])
    assert [entry.sequence for entry in await recorded(ledger)] == [1]


async def test_entries_can_be_neither_edited_nor_deleted(ledger: Ledger) -> None:
    await ledger.append([event(1)])
    engine: AsyncEngine = writer_of(ledger).engine
    for statement in ("UPDATE entries SET at = 0", "DELETE FROM entries"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    assert [entry.at for entry in await recorded(ledger)] == [at(1)]


async def test_readers_read_while_the_writer_writes(ledger: Ledger) -> None:
    await ledger.append([event(second) for second in range(2_500)])
    read: list[int] = []
    async for entry in ledger.entries():
        read.append(entry.sequence)
        if len(read) in (1, 2_001):
            await ledger.append([event(5_000), event(-1)])
    assert read == list(range(1, 2_501))  # as the ledger stood when the reading began


async def test_a_closed_ledger_tells_who_still_waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_groups: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(writer_of(ledger)._committer, "commit", fail)
    waiting = ledger.append([event(1)])
    with pytest.raises(StorageError, match="1 entries were not stored"):
        await ledger.close(drain=20 * MILLISECOND)
    with pytest.raises(StorageError, match="closed before this was stored"):
        await waiting
