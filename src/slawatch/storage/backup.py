"""A ledger in one file: a SQLite database of the same schema, whatever the ledger itself is kept in."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy.engine import URL

from slawatch.runtime.errors import StorageError
from slawatch.storage.claim import Claim
from slawatch.storage.copying import Digests, copy, digests, is_empty, refuse_differences
from slawatch.storage.engine import check_schema, migrate, parse_url, reader_engine, try_to_open, writer_engine


async def back_up(url: str, file: Path, *, replace: bool = False) -> Digests:
    """Write what a ledger holds now into a file; what it holds by table, compared with what was read.

    The ledger may be written meanwhile. The file has its name only once it is whole, verified and on the disk. One that
    is there is left alone unless ``replace``. :class:`StorageError` where something fails; then nothing is left.
    """
    _refuse_one_that_is_there(file, replace=replace)
    whole = file.with_name(f"{file.name}.unfinished")
    _remove(whole)
    try:
        found = await copy_into(url, _url(whole))
        _make_portable(whole)
        _sync(whole)
        whole.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror or error}") from error
    finally:
        _remove(whole)
    return found


async def restore(file: Path, url: str, *, aside: str = "") -> Digests:
    """Make a ledger of a file that :func:`back_up` wrote, or an older version of it.

    A ledger that holds anything is refused unless ``aside`` says under which ending it is kept; nothing is deleted. Not
    while a daemon writes a SQLite file. :class:`SchemaTooNew` for a file of a newer slawatch.
    """
    source = await _brought_up_to_date(file)
    try:
        target = parse_url(url)
        if target.get_backend_name() == "sqlite":
            return await _restore_file(source, Path(target.database or ""), aside)
        return await _restore_server(source, url, target, aside)
    finally:
        _remove(source)


async def copy_into(url: str, target: str) -> Digests:
    """Copy one ledger into another that is empty or not there yet, and compare; what both hold, by table."""
    source_url, target_url = parse_url(url), parse_url(target)
    await try_to_open(source_url, read_only=True)
    source, writer = reader_engine(source_url), writer_engine(target_url)
    try:
        await check_schema(source)
        await migrate(writer)
        if not await is_empty(writer):
            raise StorageError(f"{target_url.database} holds a ledger already: expected an empty database")
        found = await copy(source, writer)
        refuse_differences(found, await digests(writer))
    finally:
        await source.dispose()
        await writer.dispose()
    return found


# --- Inside ----------------------------------------------------------------------------------------------------------


async def _brought_up_to_date(file: Path) -> Path:
    """A copy of a backup beside it, with today's schema. The backup itself is not changed."""
    copied = file.with_name(f"{file.name}.restoring")
    _copy_file(file, copied)
    engine = writer_engine(parse_url(_url(copied)))
    try:
        await migrate(engine)
        if await is_empty(engine):
            raise StorageError(f"{file} holds no ledger")
    except BaseException:
        await engine.dispose()
        _remove(copied)
        raise
    await engine.dispose()
    return copied


async def _restore_file(source: Path, database: Path, aside: str) -> Digests:
    claim = Claim(database)
    try:
        there = [path for path in _files(database) if path.exists()]
        if there and not aside:
            names = ", ".join(path.name for path in there)
            raise StorageError(f"{names}: there already: expected none of them, or --force, which moves them aside")
        fresh = database.with_name(f"{database.name}.restored")
        _remove(fresh)
        found = await copy_into(_url(source), _url(fresh))
        _sync(fresh)
        for path in there:
            path.rename(path.with_name(f"{path.name}.{aside}"))
        fresh.rename(database)
        _sync(database.parent)
    except OSError as error:
        raise StorageError(f"cannot write {database}: {error.strerror}") from error
    finally:
        claim.release()
    return found


def _files(database: Path) -> list[Path]:
    """What belongs to a ledger in a file: what waits in its spool is of its past, not of the restored one."""
    return [database.with_name(database.name + ending) for ending in ("", "-wal", "-shm", ".spool", ".spool-wal")]


async def _restore_server(source: Path, url: str, target: URL, aside: str) -> Digests:
    engine = writer_engine(target)
    try:
        await migrate(engine)
        if not await is_empty(engine):
            if not aside:
                raise StorageError(
                    "the database holds a ledger: expected an empty one, or --force, which moves it aside"
                )
            async with engine.begin() as connection:
                await connection.exec_driver_sql(f'ALTER SCHEMA public RENAME TO "{aside}"')
                await connection.exec_driver_sql("CREATE SCHEMA public")
    finally:
        await engine.dispose()
    return await copy_into(_url(source), url)


def _url(path: Path) -> str:
    return f"sqlite:///{path.absolute()}"


def _refuse_one_that_is_there(file: Path, *, replace: bool) -> None:
    if file.exists() and not replace:
        raise StorageError(f"{file} is there already: it is left alone")


def _copy_file(file: Path, copied: Path) -> None:
    _remove(copied)
    if not file.is_file():
        raise StorageError(f"{file} is not there")
    try:
        shutil.copyfile(file, copied)
    except OSError as error:
        raise StorageError(f"cannot copy {file}: {error.strerror}") from error


def _make_portable(file: Path) -> None:
    """One file, which whoever reads it adds none to."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + ending).unlink()
