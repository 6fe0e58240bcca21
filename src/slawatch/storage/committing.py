"""How groups are written: in one transaction, so that the whole of it is there or nothing.

Every row has a natural key, and one that is there already is left as it is. So a transaction whose answer was lost, of
which nobody knows whether it was carried out, is carried out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Insert, Table, Update, case, insert, or_, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler

from slawatch.domain.interval import Instant
from slawatch.runtime.errors import SiteTaken
from slawatch.storage.endpoints import assign_ids, rename
from slawatch.storage.entries import EndpointKey
from slawatch.storage.group import Group, batches
from slawatch.storage.schema import BOOTS, ENTRIES, OBSERVATIONS
from slawatch.storage.transitions import RollUp

_ROWS_AT_ONCE = 500
"""Rows per statement: binding more of them would hold the event loop for too long."""


class Committer:
    """Writes groups of one site through one connection. It remembers what is in the database, as the one writer may."""

    def __init__(self, engine: AsyncEngine, site: str) -> None:
        self._engine, self._site = engine, site
        self._ids: dict[EndpointKey, int] = {}
        self._roll_up = RollUp()
        self._claimed = False

    async def commit(self, groups: Sequence[Group]) -> None:
        """Write groups in their order, in one transaction."""
        ids = self._ids
        async with self._engine.begin() as connection:
            await self._claim(connection)
            for group in groups:
                ids = await assign_ids(connection, group.keys(), ids)
                await self._insert(connection, group, ids)
                if group.names is not None:
                    await rename(connection, group.names)
                    ids = {}
                if group.alive is not None:
                    await connection.execute(self._mark(group.boot, group.alive, group.stopped))
        self._ids = ids

    async def forget(self) -> None:
        """After a failure: what was written may not be there, and the connection on which it failed is given up."""
        self._ids, self._claimed = {}, False
        self._roll_up.forget()
        with suppress(Exception):
            await self._engine.dispose()

    def forget_sums(self) -> None:
        """Somebody else stores changes: what is remembered of the table of transitions is stale."""
        self._roll_up.forget()

    async def begin(self, boot: str, started_at: Instant, software: str, zones: str) -> None:
        """Record that a run began, with which version of slawatch and of the zone data."""
        row = {"site": self._site, "boot": boot, "started_at": started_at, "software": software, "tzdata": zones}
        async with self._engine.begin() as connection:
            await self._claim(connection)
            await connection.execute(insert(BOOTS).values(**row))

    async def _claim(self, connection: AsyncConnection) -> None:
        """On PostgreSQL one daemon writes for a site, whichever box it is on: a lock of this session says so.

        SQLite's file has a lock of its own (``claim``). :class:`SiteTaken` when somebody else has it.
        """
        if self._claimed or connection.dialect.name != "postgresql":
            return
        key = int.from_bytes(hashlib.sha256(f"slawatch {self._site}".encode()).digest()[:8], signed=True)
        if not await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            raise SiteTaken(f"another slawatch writes for the site {self._site}: stop it first")
        self._claimed = True

    async def _insert(self, connection: AsyncConnection, group: Group, ids: Mapping[EndpointKey, int]) -> None:
        for some in batches(group.rows, _ROWS_AT_ONCE):
            rows = [row | {"endpoint_id": None if key is None else ids[key]} for key, row in some]
            await connection.execute(_INSERT_ENTRIES[connection.dialect.name], rows)
            await self._roll_up.take_up(connection, rows)
        packed = group.pack()
        for batch in batches(packed.rows, _ROWS_AT_ONCE):
            rows = [(ids[key], *row[1:]) for key, row in batch]
            await connection.exec_driver_sql(_observations_sql(connection.dialect, packed.columns), rows)

    def _mark(self, boot: str, alive: Instant, stopped: Instant | None) -> Update:
        """A mark never goes back: a group that is written again may be older than what is there."""
        mine = (BOOTS.c.site == self._site) & (BOOTS.c.boot == boot)
        newer = or_(BOOTS.c.alive_until.is_(None), BOOTS.c.alive_until < alive)
        values: dict[str, Any] = {"alive_until": case((newer, alive), else_=BOOTS.c.alive_until)}
        return update(BOOTS).where(mine).values(values if stopped is None else values | {"stopped_at": stopped})


def _ignoring_duplicates(table: Table) -> dict[str, Insert]:
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


_INSERT_ENTRIES = _ignoring_duplicates(ENTRIES)
_INSERT_OBSERVATIONS = _ignoring_duplicates(OBSERVATIONS)


@lru_cache(maxsize=8)
def _observations_sql(dialect: Dialect, columns: tuple[str, ...]) -> str:
    """The statement as the driver takes it: thousands of rows a second come by here, and are tuples already.

    ``columns`` are today's, or those of the version that left rows in the spool.
    """
    compiled = _INSERT_OBSERVATIONS[dialect.name].compile(dialect=dialect, column_keys=columns)
    assert isinstance(compiled, SQLCompiler)
    assert tuple(compiled.positiontup or ()) == columns
    return str(compiled)
