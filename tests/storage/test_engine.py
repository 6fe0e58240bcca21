"""Database URLs, connections that are set up as promised, and schemas that fit or are refused."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from slawatch.runtime.errors import SchemaTooNew, StorageError
from slawatch.storage import engine
from slawatch.storage.engine import in_words, parse_url
from slawatch.storage.ledger import Ledger
from slawatch.storage.schema import METADATA, REVISIONS
from storage.conftest import OpenLedger
from storage.history import event, recorded
from storage.test_recording import writer_of
from support.clock import FakeClock

URLS = [
    ("sqlite:////var/lib/slawatch/a.db", "sqlite+aiosqlite:////var/lib/slawatch/a.db"),
    ("sqlite:///here.db", "sqlite+aiosqlite:///here.db"),
    ("postgresql://me@db.example/sla", "postgresql+asyncpg://me@db.example/sla"),
    ("postgresql:///sla?host=/run/postgresql", "postgresql+asyncpg:///sla?host=%2Frun%2Fpostgresql"),
    ("postgresql://db/sla?sslmode=verify-full", "postgresql+asyncpg://db/sla?ssl=verify-full"),
]
NOT_URLS = [
    ("mysql://db/sla", "mysql:// is no database that slawatch knows"),
    ("postgres://db/sla", "postgres:// is no database"),
    ("sqlite+pysqlite:///a.db", r"sqlite\+pysqlite:// is no database"),
    ("sqlite://", "names no file"),
    ("sqlite:///:memory:", "names no file"),
    ("sqlite://a.db", "names no file"),
    ("sqlite:///a.db?mode=ro", "names no file"),
    ("postgresql://me:secret@db", r"me:\*\*\*@db names no database"),
    ("postgresql://me:a@secret@db", r"me:\*\*\*@db names no database"),
    ("postgresql://me@db?password=secret", r"me@db names no database"),
    ("postgresql://me@db:secret/sla", "no database URL"),
    ("/var/lib/a.db", "no database URL"),
    ("", "no database URL"),
]


@pytest.mark.parametrize(("configured", "used"), URLS)
def test_a_configured_url_names_its_asynchronous_driver(configured: str, used: str) -> None:
    assert parse_url(configured).render_as_string(hide_password=False) == used


@pytest.mark.parametrize(("configured", "complaint"), NOT_URLS)
def test_any_other_url_is_refused_and_told_what_is_expected(configured: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_url(configured)
    assert engine.EXPECTED in str(caught.value)
    assert "secret" not in str(caught.value)


async def pragmas(of: AsyncEngine, *names: str) -> dict[str, object]:
    async with of.connect() as connection:
        return {name: await connection.scalar(text(f"PRAGMA {name}")) for name in names}


async def test_on_sqlite_the_promised_settings_are_in_force(tmp_path: Path, clock: FakeClock) -> None:
    async with await Ledger.open(f"sqlite:///{tmp_path}/a b#c%20.db", site="hq", clock=clock) as ledger:
        both = ("mmap_size", "busy_timeout", "foreign_keys", "query_only", "journal_mode")
        writing = await pragmas(writer_of(ledger).engine, *both, "synchronous", "wal_autocheckpoint")
        reading = await pragmas(ledger.reading, *both, "wal_autocheckpoint")
    same = {"mmap_size": 0, "busy_timeout": 5000, "foreign_keys": 1, "journal_mode": "wal"}
    assert writing == same | {"query_only": 0, "synchronous": 2, "wal_autocheckpoint": 1000}
    assert reading == same | {"query_only": 1, "wal_autocheckpoint": 0}


async def test_a_reading_connection_cannot_write(ledger: Ledger) -> None:
    async with ledger.reading.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.execute(text("PRAGMA query_only = OFF"))  # the file itself is open read-only
        with pytest.raises(DBAPIError, match=r"readonly|read-only"):
            await connection.execute(text("DELETE FROM boots"))


async def test_a_ledger_describes_its_database_without_its_password(ledger: Ledger, database_url: str) -> None:
    described = await ledger.describe()
    name = re.escape(database_url.rpartition("/")[2])
    assert re.fullmatch(rf"(SQLite 3|PostgreSQL 1)[0-9.]+ .*at [^ ]*/{name}", described)
    assert "file:" not in described


async def test_the_migrations_build_the_tables_that_the_code_uses(ledger: Ledger) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    async with ledger.reading.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    newest_first = ScriptDirectory.from_config(config).walk_revisions()
    assert [script.revision for script in newest_first] == [*reversed(REVISIONS)]


async def set_revision(ledger: Ledger, revision: str) -> None:
    async with writer_of(ledger).engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    await ledger.close()


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    open_ledger: OpenLedger, ledger: Ledger, read_only: bool
) -> None:
    await ledger.append([event(1)])
    await set_revision(ledger, "9999")
    with pytest.raises(SchemaTooNew, match=rf"schema 9999, and this version knows {REVISIONS[-1]}"):
        await open_ledger(read_only=read_only)


async def test_a_reader_refuses_a_database_with_an_older_schema(
    open_ledger: OpenLedger, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.close()
    monkeypatch.setattr(engine, "REVISIONS", (*REVISIONS, "9999"))
    with pytest.raises(StorageError, match=rf"older schema \({REVISIONS[-1]}\): start this version's daemon once"):
        await open_ledger(read_only=True)


async def test_a_reader_refuses_a_database_without_a_ledger(database_url: str, open_ledger: OpenLedger) -> None:
    if database_url.startswith("sqlite"):
        sqlite3.connect(database_url.removeprefix("sqlite:///")).close()
        with pytest.raises(StorageError, match="no ledger yet: start the daemon once"):
            await open_ledger(read_only=True)
        Path(database_url.removeprefix("sqlite:///")).unlink()
        with pytest.raises(StorageError, match=r"cannot open .*ledger.db: unable to open database file"):
            await open_ledger(read_only=True)
    else:
        with pytest.raises(StorageError, match="no ledger yet: start the daemon once"):
            await open_ledger(read_only=True)


async def test_a_reader_makes_no_run_and_records_nothing(open_ledger: OpenLedger, ledger: Ledger) -> None:
    await ledger.append([event(1)])
    reader = await open_ledger(read_only=True)
    assert [entry.entry for entry in await recorded(reader)] == [event(1)]
    with pytest.raises(StorageError, match="read-only"):
        reader.append([event(2)])
    await reader.close()


async def test_a_run_names_its_site(database_url: str) -> None:
    with pytest.raises(ValueError, match="must name its site"):
        await Ledger.open(database_url)


async def test_a_database_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot open .*/missing/a.db: unable to open database file"):
        await Ledger.open(f"sqlite:///{tmp_path}/missing/a.db", site="hq")
    with pytest.raises(StorageError, match=r"cannot open postgresql://me:\*\*\*@127.0.0.1:1/sla: .*Connect"):
        await Ledger.open("postgresql://me:secret@127.0.0.1:1/sla", site="hq")


def test_words_for_a_failure_are_one_line_without_the_statement() -> None:
    failure = DBAPIError("INSERT …", {"body": "…"}, Exception("database is locked\nmore"))
    assert in_words(failure) == "database is locked"
    assert in_words(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("configured", "told"),
    [
        ("postgresql://me:secret@db/sla", "postgresql+asyncpg://me:***@db/sla"),
        ("postgresql://me:a@secret@db:6432/sla", "postgresql+asyncpg://me:***@db:6432/sla"),
        ("postgresql://me@db/sla?password=secret", "postgresql+asyncpg://me@db/sla"),
    ],
)
def test_a_url_is_shown_without_its_password_wherever_that_stands(configured: str, told: str) -> None:
    assert engine.shown(parse_url(configured)) == told


@pytest.mark.parametrize(
    ("configured", "servers"),
    [
        ("postgresql://me@db/sla", [("db", 5432)]),
        ("postgresql://me@[2001:db8::5]:6432/sla", [("2001:db8::5", 6432)]),
        ("postgresql://me@/sla?host=a:1&host=b:2", [("a", 1), ("b", 2)]),
        ("postgresql://me@/sla?host=a,b&port=1,2", [("a", 1), ("b", 2)]),
        ("postgresql:///sla", [(None, 5432)]),
        ("postgresql:///sla?host=/run/postgresql", [(None, 5432)]),
    ],
)
def test_where_a_url_leads(
    configured: str, servers: list[tuple[str | None, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    assert engine.servers_of(configured) == servers


def test_where_the_environment_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "6432")
    assert engine.servers_of("postgresql:///sla") == [("db.example", 6432)]
