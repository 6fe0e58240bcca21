"""A whole ledger into a file, out of one, and into another database: the same rows, the same answers."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slawatch.evaluation.same_answers import answers_of
from slawatch.runtime.errors import SchemaTooNew, StorageError
from slawatch.storage import copying
from slawatch.storage.backup import back_up, copy_into, restore
from slawatch.storage.copying import differences
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.schema import METADATA
from storage.conftest import IMPATIENT
from storage.history import ROUTER, at, down, event, recorded, seen, up
from storage.scripted import Life
from support.clock import FakeClock
from support.servers import Postgres


@pytest.fixture
async def file(tmp_path: Path, clock: FakeClock) -> Path:
    """A small ledger in a file, with an open outage."""
    path = tmp_path / "source.db"
    async with await Ledger.open(f"sqlite:///{path}", site="hq", boot="one", clock=clock, tuning=IMPATIENT) as ledger:
        ledger.observe(ROUTER, seen(1))
        ledger.mark_alive(at(9))
        ledger.append([entry_of(ROUTER, up(1)), entry_of(ROUTER, down(5)), event(7)])
    return path


@pytest.mark.server("postgres", "newer_postgres")
async def test_there_and_back_over_all_databases(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """SQLite → 15 → 18 → SQLite: two weeks of an estate, the same rows and the same answers everywhere."""
    suite: Postgres = request.getfixturevalue("_postgres")
    newer: Postgres = request.getfixturevalue("_newer_postgres")
    first, last = f"sqlite:///{tmp_path}/first.db", f"sqlite:///{tmp_path}/last.db"
    await Life(first, tmp_path, 3).live()
    with suite.database() as one, newer.database() as other:
        found = [await copy_into(*pair) for pair in ((first, one), (one, other), (other, last))]
        answers = [await answers_of(url) for url in (first, one, other, last)]
        ledger = await Ledger.open(other, site="hq", tuning=IMPATIENT)  # and it numbers on where the copy ended
        await ledger.append([event(1)])
        assert [each.entry.body for each in await recorded(ledger) if each.boot == ledger.boot] == [
            {"event": "reloaded"}
        ]
        await ledger.close()
    assert found[0] == found[1] == found[2]
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert answers[0].accounts > 5
    assert found[0]["observations"].rows > 10_000


def test_every_table_has_a_key_to_be_read_by() -> None:
    """By the schema's own list: a table without a key could not be put in an order."""
    assert all(table.primary_key.columns for table in METADATA.sorted_tables)
    assert {table.name for table in METADATA.sorted_tables} >= {"boots", "entries", "observations", "observation_hours"}


async def test_a_difference_is_found(file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/copy.db"
    before = await copy_into(f"sqlite:///{file}", url)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("UPDATE observations SET duration = duration + 1")
        connection.commit()
    async with await Ledger.open(url, read_only=True) as ledger:
        after = await copying.digests(ledger.reading)
    assert [line.split(":")[0] for line in differences(before, after)] == ["observations"]


async def test_a_backup_of_a_ledger_that_is_written(database_url: str, tmp_path: Path, clock: FakeClock) -> None:
    """It holds all that was acknowledged before it began, and a beginning of what came meanwhile."""
    ledger = await Ledger.open(database_url, site="hq", clock=clock, tuning=IMPATIENT)
    await ledger.append([event(number) for number in range(50)])
    done = asyncio.Event()

    async def write() -> None:
        number = 50
        while not done.is_set():
            number += 1
            await ledger.append([event(number)])

    writing = asyncio.create_task(write())
    await back_up(database_url, tmp_path / "backup.db")
    done.set()
    await writing
    await ledger.close()
    async with await Ledger.open(f"sqlite:///{tmp_path}/backup.db", read_only=True) as copied:
        sequences = [entry.sequence async for entry in copied.entries()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(sequences) >= 50
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["backup.db"]


async def test_a_backup_leaves_what_is_there_alone(file: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="is there already"):
        await back_up(f"sqlite:///{file}", tmp_path / "backup.db")
    assert (tmp_path / "backup.db").read_text(encoding="utf-8") == "mine"
    await back_up(f"sqlite:///{file}", tmp_path / "backup.db", replace=True)
    assert (tmp_path / "backup.db").stat().st_size > 10_000


async def test_a_backup_that_fails_leaves_nothing(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying, "_number_on", fail)
    with pytest.raises(StorageError, match="No space left"):
        await back_up(f"sqlite:///{file}", tmp_path / "backup.db")
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


async def test_a_restored_ledger_goes_on(file: Path, database_url: str, tmp_path: Path, clock: FakeClock) -> None:
    """The outage that was open is open, and what is appended gets numbers of its own."""
    await back_up(f"sqlite:///{file}", tmp_path / "backup.db")
    await restore(tmp_path / "backup.db", database_url)
    ledger = await Ledger.open(database_url, site="hq", boot="two", clock=clock, tuning=IMPATIENT)
    before = await ledger.previous_boot()
    assert before is not None
    assert before.boot == "one"
    material = await ledger.resume_material(ROUTER)
    assert [change.at for change in material.changes] == [at(5)]
    await ledger.append([entry_of(ROUTER, up(20))])
    assert [entry.id for entry in await recorded(ledger)] == sorted({entry.id for entry in await recorded(ledger)})
    await ledger.close()
    with pytest.raises(StorageError, match="--force"):
        await restore(tmp_path / "backup.db", database_url)
    await restore(tmp_path / "backup.db", database_url, aside="before_1")
    async with await Ledger.open(database_url, read_only=True) as again:
        assert len([entry async for entry in again.entries()]) == 3


async def test_nothing_is_deleted_when_a_file_is_restored(file: Path, tmp_path: Path) -> None:
    await back_up(f"sqlite:///{file}", tmp_path / "backup.db")
    (tmp_path / "source.db.spool").write_text("facts", encoding="utf-8")
    old = file.read_bytes()
    await restore(tmp_path / "backup.db", f"sqlite:///{file}", aside="before_1")
    assert (tmp_path / "source.db.before_1").read_bytes() == old
    assert (tmp_path / "source.db.spool.before_1").read_text(encoding="utf-8") == "facts"


async def test_a_running_daemon_is_not_restored_under(file: Path, tmp_path: Path) -> None:
    await back_up(f"sqlite:///{file}", tmp_path / "backup.db")
    running = await Ledger.open(f"sqlite:///{file}", site="hq")
    with pytest.raises(StorageError, match="another slawatch writes"):
        await restore(tmp_path / "backup.db", f"sqlite:///{file}", aside="x")
    await running.close()


@pytest.mark.parametrize("kind", ["none", "text", "torn", "foreign", "empty", "newer"])
async def test_files_that_are_no_backup_are_refused(file: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "backup.db"
    await back_up(f"sqlite:///{file}", path)
    if kind == "none":
        path.unlink()
    elif kind == "text":
        path.write_text("no backup" * 1_000, encoding="utf-8")
    elif kind == "torn":
        path.write_bytes(path.read_bytes()[:30_000])
    elif kind == "foreign":
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE other (n)")
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(SchemaTooNew if kind == "newer" else StorageError):
        await restore(path, f"sqlite:///{tmp_path}/fresh.db")
    assert (path.read_bytes() if path.exists() else b"") == before
    assert not [found for found in tmp_path.iterdir() if "restor" in found.name or found.name == "fresh.db"]


async def test_a_target_that_holds_something_is_refused(file: Path, tmp_path: Path) -> None:
    await copy_into(f"sqlite:///{file}", f"sqlite:///{tmp_path}/copy.db")
    with pytest.raises(StorageError, match="expected an empty database"):
        await copy_into(f"sqlite:///{file}", f"sqlite:///{tmp_path}/copy.db")
