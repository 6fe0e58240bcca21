"""The power fails: unsynced writes are gone or half there. What was acknowledged is in the ledger, once."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from power import disk
from power.disk import Call, Record
from slawatch.domain.interval import DISTANT_FUTURE, SECOND
from slawatch.storage.entries import EndpointKey
from slawatch.storage.ledger import Ledger
from slawatch.storage.reserve import Reserve

pytestmark = pytest.mark.server("tcc")

PROGRAM = Path(__file__).with_name("program.py")
ROUTER = EndpointKey("acme", "router")
EIO, ENOSPC = 5, 28


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disk.compile_shim(tmp_path_factory.mktemp("shim"))


def lived(shim: Path, tmp_path: Path, *arguments: str, fault: str = "", **settings: str) -> list[Record]:
    """The journal of one run of the program to its end."""
    folder, journal = tmp_path / "box", tmp_path / "journal"
    folder.mkdir()
    environment = disk.environment(shim, folder, journal, fault) | settings
    done = disk.run([sys.executable, str(PROGRAM), str(folder), *arguments], environment)
    assert done.returncode == 0, done.stderr
    return disk.records(journal)


def said(journal: list[Record], until: int) -> int:
    """The latest fact that was acknowledged within so many records."""
    numbers = [int(each.data) for each in journal[:until] if each.kind == Call.WRITE and each.name == "said"]
    assert numbers == sorted(numbers)
    return max(numbers, default=0)


def points(journal: list[Record], dice: random.Random, number: int) -> list[int]:
    """Where the power fails: after syncs and acknowledgements, and anywhere else."""
    telling = [place + 1 for place, each in enumerate(journal) if each.kind == Call.SYNC or each.name == "said"]
    chosen = {*dice.sample(telling, min(len(telling), number // 2))}
    while len(chosen) < number:
        chosen.add(dice.randrange(1, len(journal) + 1))
    return sorted(chosen)


def facts_in(path: Path) -> list[int]:
    """The sequences of the entries of a database that is whole."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
            return []
        return [number for (number,) in connection.execute("SELECT sequence FROM entries ORDER BY id")]


async def recovered(folder: Path) -> tuple[list[int], int]:
    """A new run on what the disk holds: the facts of the run before, and until when that is known to have lived."""
    reserve = Reserve(folder / "a.db.spool", ballast=0)
    async with await Ledger.open(f"sqlite:///{folder}/a.db", site="hq", boot="two", reserve=reserve) as ledger:
        found = [entry.sequence async for entry in ledger.entries() if entry.boot == "one"]
        seen = [each.started for each in await ledger.observations(ROUTER, 0, DISTANT_FUTURE)]
        before = await ledger.previous_boot()
    alive = 0 if before is None else before.alive_until
    vouched = min(alive // SECOND, len(found))  # the orderly end is a sign of life of today
    assert seen[:vouched] == [number * SECOND for number in range(1, vouched + 1)]
    return found, alive


def lost(journal: list[Record], tmp_path: Path, number: int, seed: int) -> list[str]:
    """What is missing or doubled after each of so many power cuts, without a new run."""
    dice, wrong, folder = random.Random(seed), [], tmp_path / "cut"
    for until in disk.cuts(journal, points(journal, dice, number), dice, folder):
        found, acknowledged = facts_in(folder / "a.db"), said(journal, until)
        if found != list(range(1, len(found) + 1)):
            wrong.append(f"after {until} records: {found}")
        elif len(found) < acknowledged:
            wrong.append(f"after {until} records {acknowledged} facts were acknowledged, and {len(found)} are there")
    return wrong


def test_what_was_acknowledged_outlives_the_power(shim: Path, tmp_path: Path) -> None:
    journal = lived(shim, tmp_path, "60")
    assert said(journal, len(journal)) == 60
    assert lost(journal, tmp_path, 200, seed=1) == []


@pytest.mark.parametrize("weaker", ["NORMAL", "OFF"])
def test_a_weaker_pragma_loses_facts_and_this_is_seen(shim: Path, tmp_path: Path, weaker: str) -> None:
    """So the test above bites: kill -9 cannot tell FULL from NORMAL."""
    journal = lived(shim, tmp_path, "60", PROGRAM_SYNCHRONOUS=weaker)
    wrong = lost_or_broken(journal, tmp_path)
    assert len(wrong) > 20


def lost_or_broken(journal: list[Record], tmp_path: Path) -> list[str]:
    try:
        return lost(journal, tmp_path, 120, seed=2)
    except (AssertionError, sqlite3.DatabaseError):
        return ["broken"] * 100


async def test_the_next_run_has_them_and_goes_on(shim: Path, tmp_path: Path) -> None:
    """Also the spool's: facts 20 to 40 were acknowledged from there. Each is in the ledger once, in order."""
    journal = lived(shim, tmp_path, "60", "hold", "20", "40")
    spooled = [each for each in journal if each.name == "a.db.spool-wal" and each.kind == Call.WRITE]
    assert spooled
    assert any(each.kind == Call.UNLINK and each.name == "a.db.spool" for each in journal)
    dice, folder = random.Random(3), tmp_path / "cut"
    for until in disk.cuts(journal, points(journal, dice, 60), dice, folder):
        found, alive = await recovered(folder)
        acknowledged = said(journal, until)
        assert found == list(range(1, len(found) + 1)), until
        assert len(found) >= acknowledged, until
        assert alive >= acknowledged * SECOND, until


FAULTS = [
    # how many facts, which calls fail from which passing to which, with what
    (40, "sync:-wal:3:3", EIO),
    (40, "sync:-wal:3:9", EIO),
    (40, "write:-wal:9:9", EIO),
    (40, "write:-wal:9:30", EIO),
    (40, "write:-wal:9:40", ENOSPC),
    (150, "sync:a.db:1:1", EIO),  # a checkpoint's, after a thousand pages
    (150, "write:a.db:1:3", EIO),
]


@pytest.mark.parametrize(("facts", "fault", "number"), FAULTS, ids=[f"{fault}:{number}" for _, fault, number in FAULTS])
async def test_a_disk_that_fails_and_heals(shim: Path, tmp_path: Path, facts: int, fault: str, number: int) -> None:
    """Every fact once, in order; after a failed sync the log is opened anew before it is written again."""
    journal = lived(shim, tmp_path, str(facts), fault=f"{fault}:{number}")
    first, last = map(int, fault.split(":")[2:])
    assert sum(each.kind == Call.FAULT for each in journal) == last - first + 1
    assert said(journal, len(journal)) == facts
    assert facts_in(tmp_path / "box" / "a.db") == list(range(1, facts + 1))
    assert used_after_failing(journal) == []
    found, alive = await recovered(tmp_path / "box")
    assert found == list(range(1, facts + 1))
    assert alive > facts * SECOND  # the orderly end
    # and if the power fails as well
    dice, folder = random.Random(4), tmp_path / "cut"
    for until in disk.cuts(journal, points(journal, dice, 12), dice, folder):
        found, _ = await recovered(folder)
        assert found == list(range(1, len(found) + 1)), until
        assert len(found) >= said(journal, until), until


async def test_a_spool_on_a_disk_that_fails_and_heals(shim: Path, tmp_path: Path) -> None:
    """The database is locked and the spool's syncs fail three times: facts wait in memory, then all are stored."""
    journal = lived(shim, tmp_path, "40", "hold", "10", "30", fault=f"sync:.spool-wal:2:4:{EIO}")
    assert sum(each.kind == Call.FAULT for each in journal) == 3
    assert said(journal, len(journal)) == 40
    assert facts_in(tmp_path / "box" / "a.db") == list(range(1, 41))
    assert used_after_failing(journal) == []


def used_after_failing(journal: list[Record]) -> list[str]:
    """Logs that were written to after one of their syncs failed and before they were opened anew: such a handle claims
    what the kernel has forgotten. (A checkpoint may fail to sync the database itself: the log has all of it still.)"""
    failed: set[str] = set()
    wrong = []
    for each in journal:
        if each.kind == Call.FAULT and each.offset and each.name.endswith("-wal"):
            failed.add(each.name)
        elif each.kind == Call.OPEN:
            failed.discard(each.name)
        elif each.kind == Call.WRITE and each.name in failed:
            wrong.append(each.name)
    return wrong


def test_the_model_of_a_disk(tmp_path: Path) -> None:
    """Synced is there; unsynced may be, by sectors; a name is certain once its folder was synced."""
    journal = [
        Record(Call.CREATE, "/x/a", 0),
        Record(Call.WRITE, "/x/a", 0, b"1" * 1024),
        Record(Call.SYNC, "/x/a", 0),
        Record(Call.SYNC_FOLDER, "/x", 0),
        Record(Call.WRITE, "/x/a", 512, b"2" * 1024),
        Record(Call.CREATE, "/x/b", 0),
        Record(Call.UNLINK, "/x/b", 0),
    ]
    images, folder = set(), tmp_path / "cut"
    for seed in range(60):
        for _ in disk.cuts(journal, [len(journal)], random.Random(seed), folder):
            images.add(((folder / "a").read_bytes(), (folder / "b").exists()))
    ones, twos = b"1" * 512, b"2" * 512
    assert {content for content, _ in images} == {ones + ones, ones + twos, ones + twos + twos, ones + ones + twos}
    assert {there for _, there in images} == {True, False}
