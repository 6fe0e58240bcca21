"""While the database takes nothing, facts wait in the spool: durable, in order, bounded, with their original times."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slawatch.domain.interval import MILLISECOND, SECOND, Instant
from slawatch.domain.observation import Observation, Verdict
from slawatch.runtime.errors import StorageError
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.facts import entry_of
from slawatch.storage.group import Group, body_of, group_of, observations_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.reserve import MIB, Reserve
from slawatch.storage.spool import Loss, Spool, SpoolBroken, SpoolFull
from slawatch.storage.writer import Tuning
from storage.conftest import IMPATIENT
from storage.history import ROUTER, WEBSITE, at, down, event, recorded, seen, up
from storage.test_recording import writer_of
from support.clock import FakeClock
from support.waiting import async_eventually


class Box:
    """Opens one SQLite ledger with its reserve, again and again, and takes its database away."""

    def __init__(self, folder: Path, clock: FakeClock, limit: int = MIB) -> None:
        self.path, self.clock = folder / "a.db", clock
        self.reserve = Reserve(folder / "a.db.spool", limit, ballast=0)

    async def open(self, boot: str = "one", tuning: Tuning = IMPATIENT) -> Ledger:
        url = f"sqlite:///{self.path}"
        return await Ledger.open(url, site="hq", boot=boot, clock=self.clock, tuning=tuning, reserve=self.reserve)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another process holds the write lock of the database."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def spooled(self) -> Spool:
        """The spool as it lies on disk."""
        spool = Spool(self.reserve.spool, self.reserve.limit, "hq")
        spool.open()
        return spool


@pytest.fixture
def box(tmp_path: Path, clock: FakeClock) -> Box:
    return Box(tmp_path, clock)


async def test_a_locked_database_is_acknowledged_from_the_spool(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    ledger = await box.open()
    await ledger.append([entry_of(ROUTER, up(1))])
    assert not box.reserve.spool.exists()
    with box.locked():
        ledger.observe(ROUTER, seen(2, Verdict.DOWN))
        await ledger.append([entry_of(ROUTER, down(2))])  # durable, though nobody can write to the database
        box.clock.advance(60 * SECOND)
        ledger.mark_alive(at(60))
        await ledger.append([entry_of(WEBSITE, up(60))])
        assert [entry.sequence for entry in [entry async for entry in ledger.entries()]] == [1]
        standing = ledger.standing
        assert (standing.spooling, standing.spooled_entries, ledger.queue_length) == (True, 2, 2)
        assert standing.spool_bytes > 0
        assert standing.failures >= 1
        assert (ledger.healthy, ledger.last_error) == (False, "database is locked")
    await ledger.flushed()
    entries = await recorded(ledger)
    assert [(each.sequence, each.at, each.recorded_at) for each in entries] == [
        (1, at(1), at(0)),
        (2, at(2), at(0)),
        (3, at(60), at(60)),
    ]
    assert await ledger.observations(ROUTER, at(0), at(99)) == (seen(2, Verdict.DOWN),)
    assert (ledger.standing.spooling, ledger.queue_length, ledger.healthy) == (False, 0, True)
    assert not box.reserve.spool.exists()
    await ledger.append([event(70)])  # straight into the database again
    assert not box.reserve.spool.exists()
    await ledger.close()
    stored = [message for message in caplog.messages if "stored" in message]
    assert stored == [
        f"the ledger cannot be stored, and is kept in {box.reserve.spool} until it can: database is locked",
        "the ledger is stored again",
    ]


async def test_what_a_killed_run_spooled_is_stored_before_the_next_one_looks(box: Box) -> None:
    ledger = await box.open("killed")
    await ledger.append([entry_of(ROUTER, up(1))])
    with box.locked():
        ledger.observe(ROUTER, seen(2, Verdict.DOWN))
        await ledger.append([entry_of(ROUTER, down(2))])
        ledger.mark_alive(at(5))
        await ledger.append([event(5)])
        await ledger.release()  # as a crash
    assert box.spooled().groups == 2
    after = await box.open("next")
    before = await after.previous_boot()
    assert before is not None
    assert (before.boot, before.alive_until, before.stopped_at) == ("killed", at(5), None)
    assert [(each.boot, each.sequence) for each in await recorded(after)] == [
        ("killed", 1),
        ("killed", 2),
        ("killed", 3),
    ]
    assert (await after.resume_material(ROUTER)).last_failed == at(2)
    assert not box.reserve.spool.exists()
    await after.close()


async def test_a_run_that_stops_while_the_database_is_away_leaves_all_in_the_spool(box: Box) -> None:
    ledger = await box.open("stopped")
    with box.locked():
        ledger.append([entry_of(ROUTER, up(1))])
        box.clock.advance(9 * SECOND)
        await ledger.close()
    after = await box.open("next")
    before = await after.previous_boot()
    assert before is not None
    assert (before.alive_until, before.stopped_at) == (at(9), at(9))
    assert [each.at for each in await recorded(after)] == [at(1)]
    await after.close()


async def test_the_next_run_does_not_begin_before_the_spool_is_stored(box: Box) -> None:
    ledger = await box.open("killed")
    with box.locked():
        await ledger.append([entry_of(ROUTER, up(1))])
        await ledger.release()
        with pytest.raises(StorageError, match="database is locked"):
            await box.open("next")
    assert box.spooled().entries == 1


async def test_renames_keep_their_place_in_the_spool(box: Box) -> None:
    """What was queued under the old name before the rename, and under the new one after it, is one endpoint's."""
    gateway = EndpointKey("acme", "gateway")
    ledger = await box.open()
    await ledger.append([entry_of(ROUTER, up(1))])
    with box.locked():
        ledger.append([entry_of(ROUTER, down(2))])
        naming = asyncio.create_task(ledger.ensure_endpoints({gateway: "router"}))
        await naming
        await ledger.append([entry_of(gateway, up(3))])
    await ledger.flushed()
    history = await ledger.endpoint_history(gateway, at(0), at(9))
    assert [change.at for change in history.changes] == [at(1), at(2), at(3)]
    assert (await ledger.endpoint_history(ROUTER, at(0), at(9))).changes == ()
    await ledger.close()


async def test_a_commit_that_succeeds_too_late_is_written_once(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience ends, the group is spooled, and then the database had it after all."""
    ledger = await box.open(tuning=Tuning(busy_timeout=0, first_retry=MILLISECOND, patience=0))
    committer = writer_of(ledger)._committer
    commit, slow = committer.commit, asyncio.Event()

    async def late(groups: Any) -> None:
        await slow.wait()
        await commit(groups)

    monkeypatch.setattr(committer, "commit", late)
    ledger.observe(ROUTER, seen(1))
    ledger.mark_alive(at(1))
    await ledger.append([entry_of(ROUTER, up(1)), entry_of(WEBSITE, down(1))])
    assert ledger.last_error == "no commit within 0 s"
    assert ledger.standing.spooled_entries == 2
    slow.set()
    await ledger.flushed()
    assert [each.sequence for each in await recorded(ledger)] == [1, 2]
    assert await ledger.observations(ROUTER, at(0), at(9)) == (seen(1),)
    assert writer_of(ledger).commits == 2  # the late one, and the same rows again from the spool
    await ledger.close()


async def test_a_full_spool_gives_up_the_oldest_observations_and_says_so(box: Box) -> None:
    box.reserve = Reserve(box.reserve.spool, 256 * 1024, ballast=0)
    ledger = await box.open()
    with box.locked():
        for minute in range(12):
            for second in range(60):
                ledger.observe(ROUTER, long_winded(60 * minute + second))
            await ledger.append([entry_of(ROUTER, (down if minute % 2 else up)(60 * minute))])
        dropped = ledger.standing.observations_dropped
        assert dropped > 0
        assert dropped % 60 == 0  # whole groups, the oldest
        assert ledger.standing.spooled_entries == 12 + 1  # and the first loss; the others are told every ten seconds
        assert ledger.standing.spool_bytes <= 256 * 1024
    await ledger.flushed()
    box.clock.advance(10 * SECOND)
    await ledger.append([event(999)])
    entries = await recorded(ledger)
    assert [each.at for each in entries if each.entry.kind == "state"] == [at(60 * minute) for minute in range(12)]
    losses = [each.entry.body for each in entries if each.entry.body.get("event") == "observations_dropped"]
    assert sum(loss["count"] for loss in losses) == dropped
    assert len(losses) == 2
    kept = {each.started for each in await ledger.observations(ROUTER, at(0), at(999))}
    missing = {at(second) for second in range(720)} - kept
    # what was on its way into the database was left in peace: older ones may have stayed
    assert (len(missing), len(kept)) == (dropped, 720 - dropped)
    assert min(loss["first"] for loss in losses) == min(missing)
    assert max(loss["last"] for loss in losses) == max(missing)
    await ledger.close()


async def test_facts_for_which_the_spool_has_no_room_wait_in_memory(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.reserve = Reserve(box.reserve.spool, 128 * 1024, ballast=0)
    ledger = await box.open()
    with box.locked():
        acknowledged = [ledger.append([wordy_event(number)]) for number in range(3)]
        await async_eventually(lambda: "is full" in caplog.text)
        assert not acknowledged[0].done()  # three in one group: nothing of it is durable yet
        assert ledger.queue_length == 3
    await asyncio.gather(*acknowledged)
    assert [each.sequence for each in await recorded(ledger)] == [1, 2, 3]
    await ledger.close()


@pytest.mark.parametrize("damage", ["no database", "torn", "foreign"])
async def test_a_broken_spool_is_set_aside_and_on_record(box: Box, damage: str) -> None:
    ledger = await box.open("killed")
    with box.locked():
        for number in range(40):
            await ledger.append([wordy_event(number, 2_000)])
        await ledger.release()
    if damage == "no database":
        box.reserve.spool.write_bytes(b"not a database, " * 1_000)
    elif damage == "torn":
        content = box.reserve.spool.read_bytes()
        box.reserve.spool.write_bytes(content[: len(content) // 3])
    else:
        with closing(sqlite3.connect(box.reserve.spool)) as connection:
            connection.execute("UPDATE groups SET site = 'branch'")
            connection.commit()
    after = await box.open("next")
    events = [each.entry.body for each in await recorded(after) if each.entry.kind == "event"]
    broken = [body for body in events if body["event"] == "spool_broken"]
    assert len(broken) == 1
    assert (box.path.parent / broken[0]["file"]).exists()  # nothing is deleted
    assert broken[0]["reason"]
    assert not box.reserve.spool.exists()
    await after.close()


def test_a_group_comes_back_from_its_texts() -> None:
    names = {ROUTER: None, WEBSITE: "site"}
    group = Group(
        "one", [(ROUTER, {"at": 1, "body": "{}"}), (None, {"at": 2, "body": '{"a":"ü"}'})], alive=3, names=names
    )
    group.observations.append((WEBSITE, seen(4, Verdict.VOID)))
    found = group_of(body_of(group), observations_of(group))
    assert (found.boot, found.rows, found.alive, found.stopped, found.names) == ("one", group.rows, 3, None, names)
    assert found.packed == group.packed
    assert found.packed.started() == [at(4)]
    assert not Group("one").writes()
    assert Group("one", names={}).writes()


def test_a_spool_keeps_order_and_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 256 * 1024, "hq")
    spool.open()
    assert not spool.path.exists()
    for number in range(5):
        assert spool.append(group(number, observations=10)) == Loss()
    assert [found.rows[0][1]["at"] for _, found in spool.oldest(3, 10**9)] == [0, 1, 2]
    assert len(spool.oldest(9, 1)) == 1
    spool.remove(spool.oldest(2, 10**9)[-1][0])
    spool.close()
    again = Spool(tmp_path / "spool", 256 * 1024, "hq")
    again.open()
    assert (again.groups, again.entries) == (3, 3)
    assert [found.rows[0][1]["at"] for _, found in again.oldest(9, 10**9)] == [2, 3, 4]
    with pytest.raises(SpoolFull):
        again.append(group(9, words="x" * 300_000))
    assert again.groups == 3
    again.remove(10**6)
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_no_group_breaks_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", MIB, "hq")
    spool.append(group(1))
    spool.close()
    with closing(sqlite3.connect(spool.path)) as connection:
        connection.execute("UPDATE groups SET body = '[]'")
        connection.commit()
    spool.open()
    with pytest.raises(SpoolBroken):
        spool.oldest(9, 10**9)


def group(number: int, *, observations: int = 0, words: str = "") -> Group:
    made = Group("one", [(ROUTER, {"at": number, "body": words})])
    made.observations.extend((ROUTER, seen(100 * number + each)) for each in range(observations))
    return made


def long_winded(second: int) -> Observation:
    return replace(seen(second), detail="x" * 400)


def wordy_event(second: Instant, length: int = 60_000) -> Entry:
    return event(second, "x" * length)
