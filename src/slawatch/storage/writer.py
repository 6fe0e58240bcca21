"""The one writer: facts queue up in memory and go to the database in groups, a synced commit each.

Nothing that the database does reaches the caller. A group that fails is sent again, with the same natural
keys, until it is stored: whether the failed attempt had been committed after all does not matter.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Insert, Table, Update, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.compiler import SQLCompiler

from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.observation import Observation
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import StorageError
from slawatch.storage.endpoints import assign_ids, rename
from slawatch.storage.engine import as_storage_error, in_words
from slawatch.storage.entries import EndpointKey, Entry, Kind, canonical, refuse_unstorable
from slawatch.storage.observations import COLUMNS, row_of
from slawatch.storage.schema import BOOTS, ENTRIES, OBSERVATIONS
from slawatch.storage.transitions import RollUp

LOG = logging.getLogger(__name__)

_ROWS_AT_ONCE = 500
"""Rows per statement: binding more of them would hold the event loop for too long."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the writer waits. Durations in microseconds."""

    busy_timeout: Duration = 5 * SECOND
    """How long SQLite waits for a lock before an attempt counts as failed."""
    first_retry: Duration = 100 * MILLISECOND
    longest_retry: Duration = 5 * SECOND
    """The pause after a failed attempt; it doubles from the first to the longest."""
    observations_per_commit: int = 2_000
    """So many waiting observations are committed even if nothing else asks for a commit."""
    observations_kept: int = 100_000
    """So many observations wait in memory while the database is away; then the oldest go, and the ledger
    says so in an event ``observations_dropped``. Entries always wait."""


@dataclass(slots=True)
class _Group:
    """What one transaction writes. ``names`` come last in it, ``alive`` vouches for all before it."""

    rows: list[tuple[EndpointKey | None, dict[str, Any]]] = field(default_factory=list)
    observations: deque[tuple[EndpointKey, Observation]] = field(default_factory=deque)
    alive: Instant | None = None
    stopped: Instant | None = None
    names: Mapping[EndpointKey, str | None] | None = None
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def writes(self) -> bool:
        return bool(self.rows or self.observations or self.names or self.alive is not None or self.stopped is not None)


class Writer:
    """Numbers what one run records, keeps it in order, and stores it through one connection."""

    def __init__(self, engine: AsyncEngine, site: str, boot: str, clock: Clock, tuning: Tuning) -> None:
        self.engine = engine
        self.lock = asyncio.Lock()
        """Held while the one writing connection is in use."""
        self.last_commit_at = clock.now()
        self.last_error: str | None = None
        self.attempts = 0
        self.commits = 0
        self._site, self._boot, self._clock, self._tuning = site, boot, clock, tuning
        self._committed_monotonic = clock.monotonic()
        self._sequence = 0
        self._ids: dict[EndpointKey, int] = {}
        self._roll_up = RollUp()
        self._sealed: deque[_Group] = deque()
        self._open = _Group()
        self._dropped = 0
        self._first_dropped: Instant = 0
        self._last_dropped: Instant = 0
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    @property
    def queue_length(self) -> int:
        """Entries that are not durable yet."""
        return sum(len(group.rows) for group in (*self._sealed, self._open))

    @property
    def sequence(self) -> int:
        """The number of the latest entry that was handed in."""
        return self._sequence

    @property
    def commit_age(self) -> Duration:
        """Microseconds since the latest commit, by the monotonic clock."""
        return self._clock.monotonic() - self._committed_monotonic

    def append(self, entries: Iterable[Entry]) -> asyncio.Future[None]:
        """Number and queue entries; the future is done when they are durable."""
        recorded_at = self._clock.now()
        rows = [(entry.endpoint, self._row(entry, recorded_at)) for entry in entries]
        for _, row in rows:
            self._sequence += 1
            row["sequence"] = self._sequence
        self._open.rows += rows
        return self.flush()

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None:
        """Queue a raw observation for the next commit."""
        waiting = self._open.observations
        waiting.append((endpoint, observation))
        if len(waiting) >= self._tuning.observations_per_commit:
            self._wake.set()
        if len(waiting) > self._tuning.observations_kept:
            self._drop(waiting.popleft()[1].started)

    def mark_alive(self, at: Instant) -> None:
        """Queue the statement that everything up to ``at`` has been recorded."""
        self._open.alive = at
        self._wake.set()

    def flush(self) -> asyncio.Future[None]:
        """A future that is done when everything queued so far is durable."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.waiters.append(waiter)
        self._wake.set()
        return waiter

    def name(self, names: Mapping[EndpointKey, str | None]) -> asyncio.Future[None]:
        """Queue renames and new names: they apply after all that is queued now, before all that follows."""
        self._open.names = dict(names)
        waiter = self.flush()
        self._seal()
        return waiter

    async def start(self, software: str, zones: str) -> None:
        """Store that the run began now, with which version of slawatch and of the zone data.

        The one statement that is not tried again: without it nothing can be recorded, so the caller must know.
        """
        row = {"site": self._site, "boot": self._boot, "started_at": self._clock.now()}
        with as_storage_error("record the start"):
            async with self.lock, self.engine.begin() as connection:
                await connection.execute(insert(BOOTS).values(**row, software=software, tzdata=zones))

    async def stop(self, at: Instant) -> None:
        """Store what is queued, and that the run ended at ``at``."""
        self._open.alive = self._open.stopped = at
        await self.flush()

    async def release(self) -> None:
        """End the task and the connection. What is still queued is lost, and whoever waits for it is told."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for group in (*self._sealed, self._open):
            for waiter in group.waiters:
                if not waiter.done():
                    waiter.set_exception(StorageError("the ledger was closed before this was stored"))
                    waiter.exception()  # nobody has to ask for it
        await self.engine.dispose()

    # --- The task -------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._seal()
            while self._sealed:
                await self._store(self._sealed[0])
                self._sealed.popleft()

    def _seal(self) -> None:
        if self._dropped:
            self._report_dropped()
        self._sealed.append(self._open)
        self._open = _Group()

    async def _store(self, group: _Group) -> None:
        pause = self._tuning.first_retry
        while group.writes():
            self.attempts += 1
            async with self.lock:
                try:
                    await self._write(group)
                    break
                except Exception as error:  # noqa: BLE001 - whatever it is, the facts stay and are tried again
                    await self._failed(error)
            await asyncio.sleep(pause / SECOND)
            pause = min(2 * pause, self._tuning.longest_retry)
        if self.last_error is not None:
            LOG.warning("the ledger is stored again")
            self.last_error = None
        for waiter in group.waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _failed(self, error: Exception) -> None:
        self._roll_up.forget()
        words = in_words(error)
        if self.last_error is None:
            LOG.warning("the ledger cannot be stored, and is kept in memory until it can: %s", words)
        self.last_error = words
        # A connection on which something failed is not used again.
        with suppress(Exception):
            await self.engine.dispose()

    async def _write(self, group: _Group) -> None:
        async with self.engine.begin() as connection:
            named = {key for key, _ in group.rows if key is not None}
            named |= {key for key, _ in group.observations}
            ids = await assign_ids(connection, named, self._ids)
            await self._insert(connection, group, ids)
            if group.names is not None:
                await rename(connection, group.names)
            if group.alive is not None:
                await connection.execute(self._mark(group.alive, group.stopped))
        self._ids = {} if group.names is not None else ids
        self.commits += 1
        self.last_commit_at = self._clock.now()
        self._committed_monotonic = self._clock.monotonic()

    async def _insert(self, connection: AsyncConnection, group: _Group, ids: Mapping[EndpointKey, int]) -> None:
        for some in _batches(group.rows):
            rows = [row | {"endpoint_id": None if key is None else ids[key]} for key, row in some]
            await connection.execute(_INSERT_ENTRIES[connection.dialect.name], rows)
            await self._roll_up.take_up(connection, rows)
        for batch in _batches(list(group.observations)):
            await connection.exec_driver_sql(
                _observations_sql(connection.dialect), [row_of(ids[key], observation) for key, observation in batch]
            )

    def _mark(self, alive: Instant, stopped: Instant | None) -> Update:
        mine = (BOOTS.c.site == self._site) & (BOOTS.c.boot == self._boot)
        return update(BOOTS).where(mine).values(alive_until=alive, stopped_at=stopped)

    def _row(self, entry: Entry, recorded_at: Instant) -> dict[str, Any]:
        refuse_unstorable(entry)
        return {
            "site": self._site,
            "boot": self._boot,
            "kind": str(entry.kind),
            "client": entry.client,
            "contract": entry.contract,
            "state": entry.state,
            "at": entry.at,
            "recorded_at": recorded_at,
            "body": canonical(entry.body),
        }

    def _drop(self, started: Instant) -> None:
        if not self._dropped:
            self._first_dropped = started
        self._dropped += 1
        self._last_dropped = started

    def _report_dropped(self) -> None:
        span = {"first": self._first_dropped, "last": self._last_dropped}
        body = {"event": "observations_dropped", "count": self._dropped} | span
        self._dropped = 0
        self.append([Entry(Kind.EVENT, self._last_dropped, body)])


def _ignoring_duplicates(table: Table) -> dict[str, Insert]:
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


_INSERT_ENTRIES = _ignoring_duplicates(ENTRIES)
_INSERT_OBSERVATIONS = _ignoring_duplicates(OBSERVATIONS)


@lru_cache(maxsize=2)
def _observations_sql(dialect: Dialect) -> str:
    """The statement as the driver takes it: thousands of rows a second come by here, and are tuples already."""
    compiled = _INSERT_OBSERVATIONS[dialect.name].compile(dialect=dialect, column_keys=COLUMNS)
    assert isinstance(compiled, SQLCompiler)
    assert tuple(compiled.positiontup or ()) == COLUMNS
    return str(compiled)


def _batches(rows: Sequence[Any]) -> Iterable[list[Any]]:
    return (list(rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(rows), _ROWS_AT_ONCE))
