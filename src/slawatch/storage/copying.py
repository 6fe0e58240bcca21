"""A whole ledger from one database into another, and what proves that two are the same.

Every table of the schema goes along, row by row in the order of its key, with its ids: they order entries (S17). What
is derived goes along as well and is compared like the rest. The source is read in one snapshot, so it may be written
meanwhile; the target gets all of it in one transaction or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from slawatch.runtime.errors import StorageError
from slawatch.storage.engine import as_storage_error
from slawatch.storage.schema import BOOTS, METADATA

_ROWS_AT_ONCE = 2_000

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows a table has, and the SHA-256 of them all in the order of their keys."""

    rows: int
    sha256: str


Digests = dict[str, Digest]
"""By the table's name."""


class _Digesting:
    def __init__(self) -> None:
        self._rows, self._hash = 0, hashlib.sha256()

    def take(self, rows: list[Row]) -> None:
        self._rows += len(rows)
        for row in rows:
            self._hash.update(json.dumps(row, separators=(",", ":")).encode())

    def digest(self) -> Digest:
        return Digest(self._rows, self._hash.hexdigest())


async def copy(source: AsyncEngine, target: AsyncEngine) -> Digests:
    """Copy everything into a target that has the schema and no rows; the digests of what was read."""
    with as_storage_error("copy the ledger"):
        async with source.connect() as reading, target.begin() as writing:
            await _in_one_snapshot(reading)
            found: Digests = {}
            for table in METADATA.sorted_tables:
                digesting = _Digesting()
                names = [column.name for column in table.columns]
                async for rows in _rows(reading, table):
                    digesting.take(rows)
                    await writing.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
                found[table.name] = digesting.digest()
            await _number_on(writing)
    return found


async def digests(engine: AsyncEngine) -> Digests:
    """The digest of every table, in one snapshot."""
    with as_storage_error("read the ledger"):
        async with engine.connect() as reading:
            await _in_one_snapshot(reading)
            found: Digests = {}
            for table in METADATA.sorted_tables:
                digesting = _Digesting()
                async for rows in _rows(reading, table):
                    digesting.take(rows)
                found[table.name] = digesting.digest()
    return found


async def is_empty(engine: AsyncEngine) -> bool:
    """Whether no run has ever written to it."""
    with as_storage_error("read the ledger"):
        async with engine.connect() as connection:
            return not await connection.scalar(select(func.count()).select_from(BOOTS))


def differences(one: Digests, other: Digests) -> list[str]:
    """The tables that are not the same, with what they have."""
    return [
        f"{name}: {one[name].rows} rows {one[name].sha256[:12]}, {other[name].rows} rows {other[name].sha256[:12]}"
        for name in one
        if one[name] != other[name]
    ]


def refuse_differences(one: Digests, other: Digests) -> None:
    """:class:`StorageError` where two ledgers are not the same."""
    found = differences(one, other)
    if found:
        raise StorageError(f"the copy is not what was read: {'; '.join(found)}")


async def _in_one_snapshot(connection: AsyncConnection) -> None:
    """On SQLite a transaction is one from its first read on."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


async def _rows(connection: AsyncConnection, table: Table) -> AsyncIterator[list[Row]]:
    """All rows in the order of the key, some at a time: memory does not grow with their number."""
    key = list(table.primary_key.columns)
    result = await connection.stream(select(*table.columns).order_by(*key))
    async for part in result.partitions(_ROWS_AT_ONCE):
        yield [tuple(row) for row in part]


async def _number_on(connection: AsyncConnection) -> None:
    """Let PostgreSQL go on numbering where the copied ids end; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in METADATA.sorted_tables:
        if "id" in table.columns:
            query = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"  # noqa: S608
            await connection.execute(text(f"{query} HAVING max(id) IS NOT NULL"))
