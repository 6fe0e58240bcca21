"""Databases: the URL in the configuration, connections set up so that a commit is on disk, and migrations.

SQLite up to 3.51.2 can corrupt a WAL when two connections write or checkpoint at once (its "WAL-reset bug").
Therefore one connection writes and checkpoints, and every other one is opened by SQLite itself as read-only.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.runtime.errors import SchemaTooNew, StorageError
from slawatch.storage.schema import REVISIONS

EXPECTED = "expected sqlite:////absolute/path.db, sqlite:///relative/path.db or postgresql://user@host/database"

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x51A_3A7C4
"""Key of the PostgreSQL advisory lock under which one process at a time migrates."""


def parse_url(text_: str) -> URL:
    """The URL with its asynchronous driver; ``ValueError`` says what is expected. The password is never shown."""
    try:
        url = make_url(text_)
    except (SQLAlchemyError, ValueError):
        raise ValueError(f"this is no database URL: {EXPECTED}") from None
    if url.drivername == "sqlite":
        if url.host or not url.database or url.database == ":memory:" or url.query:
            raise ValueError(f"{shown(url)} names no file: {EXPECTED}")
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername == "postgresql":
        if not url.database:
            raise ValueError(f"{shown(url)} names no database: {EXPECTED}")
        return _asyncpg(url)
    raise ValueError(f"{url.drivername}:// is no database that slawatch knows: {EXPECTED}")


def _asyncpg(url: URL) -> URL:
    query = dict(url.query)
    if "sslmode" in query:  # libpq's word; asyncpg takes the same values as "ssl"
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def shown(url: URL) -> str:
    """A URL for people. A password can stand in the query too, and a part of one, with an ``@`` in it, in the host."""
    host = url.host and url.host.rpartition("@")[2]
    return url.set(host=host, query={}).render_as_string(hide_password=True)


def servers_of(text_: str) -> list[tuple[str | None, int]]:
    """Where a PostgreSQL URL leads: host and port each; ``None`` is this machine. ``ValueError`` where it is none."""
    url = parse_url(text_)
    try:
        _, given = url.get_dialect()().create_connect_args(url)
    except (SQLAlchemyError, ValueError):
        raise ValueError(f"this is no database URL: {EXPECTED}") from None
    hosts = given.get("host") or os.environ.get("PGHOST", "")
    ports = given.get("port") or os.environ.get("PGPORT") or 5432
    each_host = hosts if isinstance(hosts, list) else str(hosts).split(",")
    each_port = ports if isinstance(ports, list) else str(ports).split(",")
    numbers = [int(port) for port in each_port]
    numbers *= len(each_host) if len(numbers) == 1 else 1
    return [(_host(host), port) for host, port in zip(each_host, numbers, strict=False)]


def _host(text_: str) -> str | None:
    """Without a host, or by a Unix socket, it is the server on this machine (libpq's rules, which asyncpg keeps)."""
    return None if not text_ or text_.startswith(("/", "@")) else text_


async def try_to_open(url: URL, *, read_only: bool) -> None:
    """:class:`StorageError` when SQLite cannot open the file; a file that is not there is made for a writer.

    Asked before an engine is made, since aiosqlite leaves a thread behind where its own first attempt fails.
    """
    if url.get_backend_name() != "sqlite":
        return

    def attempt() -> None:
        mode = "ro" if read_only else "rwc"
        with closing(sqlite3.connect(f"{_file(url)}?mode={mode}", uri=True)) as connection:
            connection.execute("PRAGMA schema_version")

    with as_storage_error(f"open {url.database}"):
        await asyncio.to_thread(attempt)


def _file(url: URL) -> str:
    return "file:" + quote(str(Path(url.database or "").absolute()))


def writer_engine(url: URL, busy_timeout: Duration = 5 * SECOND) -> AsyncEngine:
    """An engine of one connection: the only one that writes, and on SQLite the only one that checkpoints."""
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        _prepare_sqlite(engine, busy_timeout, begin="BEGIN IMMEDIATE", writes=True)
        return engine
    return create_async_engine(url, pool_size=1, max_overflow=0, connect_args=_postgres_arguments(writes=True))


def reader_engine(url: URL, busy_timeout: Duration = 5 * SECOND) -> AsyncEngine:
    """An engine whose connections cannot write, whatever they are asked."""
    if url.get_backend_name() == "sqlite":
        query = {"mode": "ro", "uri": "true"}
        engine = create_async_engine(url.set(database=_file(url), query=query), pool_size=4, max_overflow=0)
        _prepare_sqlite(engine, busy_timeout, begin="BEGIN", writes=False)
        return engine
    return create_async_engine(
        url, pool_size=4, max_overflow=0, pool_pre_ping=True, connect_args=_postgres_arguments(writes=False)
    )


def _postgres_arguments(*, writes: bool) -> dict[str, Any]:
    settings = {"application_name": "slawatch", "synchronous_commit": "on"}
    # A box that dies without a word must not hold its site's claim for hours: the server asks after half a minute.
    settings |= {"tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
    if not writes:
        settings["default_transaction_read_only"] = "on"
    return {"timeout": 10, "command_timeout": 60, "server_settings": settings}


def _prepare_sqlite(engine: AsyncEngine, busy_timeout: Duration, *, begin: str, writes: bool) -> None:
    pragmas = [f"busy_timeout = {busy_timeout // MILLISECOND}", "mmap_size = 0", "foreign_keys = ON"]
    if writes:
        pragmas += ["journal_mode = WAL", "synchronous = FULL", f"journal_size_limit = {64 * 2**20}"]
    else:
        pragmas += ["query_only = ON", "wal_autocheckpoint = 0"]

    def prepare(connection: DBAPIConnection, _record: object) -> None:
        # sqlite3 would begin transactions at moments of its own, and not before DDL: ours begin below.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", start)


@contextmanager
def as_storage_error(doing: str) -> Iterator[None]:
    """Turn whatever a database or its driver raises into a :class:`StorageError` that says what was tried."""
    try:
        yield
    except storage_failures() as error:
        raise StorageError(f"cannot {doing}: {in_words(error)}") from error


def storage_failures() -> tuple[type[Exception], ...]:
    """The exceptions by which a database or its driver says that it failed."""
    failures: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error, OSError)
    try:
        import asyncpg
    except ImportError:
        return failures
    # While it connects, asyncpg's own errors arrive unwrapped.
    return (*failures, asyncpg.PostgresError, asyncpg.InterfaceError)


def in_words(error: BaseException) -> str:
    """What went wrong in one line, without the statement and its values."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    words = str(error).splitlines()
    return words[0] if words else type(error).__name__


async def describe(engine: AsyncEngine) -> str:
    """Which database this is, in one line for the log: product, version, and where. Never a password."""
    place = shown(engine.url).partition("://")[2]
    with as_storage_error("ask the database for its version"):
        async with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                return f"SQLite {sqlite3.sqlite_version} at {_place(engine)}"
            version = await connection.scalar(text("SHOW server_version"))
            return f"PostgreSQL {version} at {place}"


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to the last of :data:`REVISIONS`, in one transaction.

    :class:`SchemaTooNew` when a newer slawatch wrote the database, :class:`StorageError` when it is away.
    """
    with as_storage_error(f"open {_place(engine)}"):
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.run_sync(_upgrade)


async def check_schema(engine: AsyncEngine) -> None:
    """Accept only a database at the last revision: for readers, which do not migrate."""
    with as_storage_error(f"open {_place(engine)}"):
        async with engine.connect() as connection:
            revision = await connection.run_sync(_revision)
    if revision is None:
        raise StorageError(f"{_place(engine)} holds no ledger yet: start the daemon once")
    if revision != REVISIONS[-1]:
        raise StorageError(f"{_place(engine)} has an older schema ({revision}): start this version's daemon once")


def _place(engine: AsyncEngine) -> str:
    url = engine.url
    if engine.dialect.name == "sqlite":
        return unquote(str(url.database).removeprefix("file:"))
    return shown(url.set(drivername="postgresql"))


def _revision(connection: Connection) -> str | None:
    """The revision that the database is at; None when it has none. Alembic itself is slow to import."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if revision is not None and revision not in REVISIONS:
        raise SchemaTooNew(
            f"the database is at schema {revision}, and this version knows {REVISIONS[-1]} at most: "
            "a newer slawatch wrote it"
        )
    return revision


def _upgrade(connection: Connection) -> None:
    if _revision(connection) == REVISIONS[-1]:
        return
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS))
    command.upgrade(config, REVISIONS[-1])
