"""The one writer: facts queue up in memory and go to the database in groups, a synced commit each.

Nothing that the database does reaches the caller. When it fails, or takes longer than the tuning's patience, groups go
to the spool, which is as durable, and from there to the database in their order, with the natural keys that they have
had from the start: whether a failed attempt had been committed after all does not matter. Without a spool they wait in
memory.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.observation import Observation
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import SiteTaken, StorageError
from slawatch.storage.ballast import Ballast
from slawatch.storage.committing import Committer
from slawatch.storage.engine import as_storage_error, in_words
from slawatch.storage.entries import EndpointKey, Entry, Kind, canonical, refuse_unstorable
from slawatch.storage.group import Group
from slawatch.storage.reserve import Reserve, Standing
from slawatch.storage.room import Room
from slawatch.storage.spool import Loss, Spool, SpoolBroken, SpoolFull

LOG = logging.getLogger(__name__)

_T = TypeVar("_T")

_GROUPS_AT_ONCE = 200
_BYTES_AT_ONCE = 2**20
"""What one transaction takes from the spool."""
_TELL_LOSS_EVERY: Duration = 10 * SECOND
"""How often losses are put on record while they go on."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the writer waits. Durations in microseconds."""

    busy_timeout: Duration = 5 * SECOND
    """How long SQLite waits for a lock before an attempt counts as failed."""
    patience: Duration = 2 * SECOND
    """How long a commit may take before the facts go to the spool instead; whether it succeeds is then unknown."""
    first_retry: Duration = 100 * MILLISECOND
    longest_retry: Duration = 5 * SECOND
    """The pause after a failed attempt; it doubles from the first to the longest."""
    claim_within: Duration = 45 * SECOND
    """How long a start waits for an earlier run on PostgreSQL to end: the server notices a dead box by then."""
    observations_per_commit: int = 2_000
    """So many waiting observations are committed even if nothing else asks for a commit."""
    observations_kept: int = 100_000
    """So many observations wait in memory while neither database nor spool takes them; then the oldest go, and the
    ledger says so in an event ``observations_dropped``. Entries always wait."""


class Writer:
    """Numbers what one run records, keeps it in order, and stores it through one connection."""

    def __init__(
        self, engine: AsyncEngine, site: str, boot: str, clock: Clock, tuning: Tuning, reserve: Reserve | None = None
    ) -> None:
        self.engine = engine
        self.lock = asyncio.Lock()
        """Held while the one writing connection is in use."""
        self.last_commit_at = clock.now()
        self.last_error: str | None = None
        self.attempts = 0
        self.commits = 0
        self.failures = 0
        self.dropped = 0
        """Observations that were given up for want of room, since the run began."""
        self._site, self._boot, self._clock, self._tuning = site, boot, clock, tuning
        self._committed_monotonic = clock.monotonic()
        self._sequence = 0
        self._committer = Committer(engine, site)
        self._spool = None if reserve is None else Spool(reserve.spool, reserve.limit, site)
        ballast = Ballast(Path(), 0) if reserve is None else Ballast(reserve.ballast_file, reserve.ballast)
        self._room = Room(ballast, clock, self._note)
        self._spool_lock = asyncio.Lock()
        self._draining: asyncio.Task[None] | None = None
        """Runs as long as the spool holds anything: then all that comes goes there, so that the order is kept."""
        self._drained = asyncio.Event()
        self._drained.set()
        self._sealed: list[Group] = []
        self._open = Group(boot)
        self._loss = Loss()
        self._loss_told = clock.monotonic() - _TELL_LOSS_EVERY
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._in_flight: asyncio.Task[bool] | None = None

    @property
    def queue_length(self) -> int:
        """Entries that are not in the database yet."""
        return self.in_memory + (0 if self._spool is None else self._spool.entries)

    @property
    def in_memory(self) -> int:
        """Entries that are not durable yet."""
        return sum(len(group.rows) for group in (*self._sealed, self._open))

    @property
    def standing(self) -> Standing:
        """How writing stands."""
        spool = self._spool
        return Standing(
            spooling=self._draining is not None,
            spooled_entries=0 if spool is None else spool.entries,
            spool_bytes=0 if spool is None else spool.size,
            failures=self.failures,
            observations_dropped=self.dropped,
            ballast=self._room.ballast,
        )

    @property
    def sequence(self) -> int:
        """The number of the latest entry that was handed in."""
        return self._sequence

    @property
    def commit_age(self) -> Duration:
        """Microseconds since the latest commit, by the monotonic clock."""
        return self._clock.monotonic() - self._committed_monotonic

    # --- What is handed in ----------------------------------------------------------------------------------

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
            self._lose(Loss.of([waiting.popleft()[1].started]))

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

    async def stored(self) -> None:
        """Return when everything queued so far is in the database, where readers see it."""
        await self.flush()
        await self._drained.wait()

    def name(self, names: Mapping[EndpointKey, str | None]) -> asyncio.Future[None]:
        """Queue renames and new names: they apply after all that is queued now, before all that follows."""
        self._open.names = dict(names)
        waiter = self.flush()
        self._seal()
        return waiter

    def forget_sums(self) -> None:
        """Somebody else stores changes under :attr:`lock`: what is remembered of the table of transitions is stale."""
        self._committer.forget_sums()

    # --- Beginning and end ----------------------------------------------------------------------------------

    async def start(self, software: str, zones: str) -> None:
        """Store what an earlier run left in the spool, then that this run began now.

        Neither is tried again: without the past nothing can be judged, so the caller must know (:class:`StorageError`).
        """
        await self._take_up_spool()
        await self._room.prepare()
        deadline = self._clock.monotonic() + self._tuning.claim_within
        while True:
            try:
                with as_storage_error("record the start"):
                    async with self.lock:
                        await self._committer.begin(self._boot, self._clock.now(), software, zones)
                break
            except SiteTaken:
                if self._clock.monotonic() >= deadline:
                    raise
                await asyncio.sleep(self._tuning.first_retry / SECOND)
        self._task = asyncio.create_task(self._run(), name="ledger writer")

    async def stop(self, at: Instant) -> None:
        """Store what is queued, and that the run ended at ``at``; what is in the spool then is given its patience."""
        self._open.alive = self._open.stopped = at
        if self._loss.count:
            self._report_loss()
        await self.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._tuning.patience / SECOND):
                await self._drained.wait()

    async def release(self) -> None:
        """End the tasks and the connections. What is in memory is lost, and whoever waits for it is told."""
        for task in (self._task, self._draining, self._in_flight):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for group in (*self._sealed, self._open):
            for waiter in group.waiters:
                if not waiter.done():
                    waiter.set_exception(StorageError("the ledger was closed before this was stored"))
                    waiter.exception()  # nobody has to ask for it
        await self.engine.dispose()
        if self._spool is not None:
            await asyncio.to_thread(self._spool.close)

    # --- From the queue to disk -----------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._seal()
            while self._sealed:
                await self._keep(self._sealed[0])
                self._sealed.pop(0)

    def _seal(self) -> None:
        if self._loss.count and self._clock.monotonic() >= self._loss_told + _TELL_LOSS_EVERY:
            self._report_loss()
        self._sealed.append(self._open)
        self._open = Group(self._boot)

    async def _keep(self, group: Group) -> None:
        """Make a group durable, however long that takes, and say so to whoever waits."""
        pause = self._tuning.first_retry
        while group.writes():
            if self._draining is not None:
                kept = await self._spooled(group)
            else:
                kept = await self._committed(group)
                if not kept and self._draining is not None:
                    continue  # it goes to the spool at once
            if kept:
                break
            await asyncio.sleep(pause / SECOND)
            pause = min(2 * pause, self._tuning.longest_retry)
        group.acknowledge()

    async def _committed(self, group: Group) -> bool:
        """Whether the database took a group, and soon; if not, what comes goes to the spool."""
        if self._spool is None:
            return await self._attempt([group])
        attempt = self._in_flight = asyncio.create_task(self._attempt([group]), name="ledger commit")
        await asyncio.wait({attempt}, timeout=self._tuning.patience / SECOND)
        if attempt.done() and attempt.result():
            return True
        if not attempt.done():
            self._complain(f"no commit within {spell_duration(self._tuning.patience)}")
        self._drained.clear()
        self._draining = asyncio.create_task(self._drain(attempt), name="ledger drain")
        return False

    async def _attempt(self, groups: list[Group]) -> bool:
        """Write groups to the database in one transaction; whether it said that they are there."""
        self.attempts += 1
        async with self.lock:
            try:
                await self._committer.commit(groups)
            except Exception as error:  # noqa: BLE001 - whatever it is, the facts stay and are tried again
                await self._failed(error)
                return False
        self.commits += 1
        self.last_commit_at = self._clock.now()
        self._committed_monotonic = self._clock.monotonic()
        if self.last_error is not None:
            LOG.warning("the ledger is stored again")
            self.last_error = None
        await self._room.look()
        return True

    async def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._complain(in_words(error))
        await self._committer.forget()
        await self._room.relieve(error)

    def _complain(self, words: str) -> None:
        if self.last_error is None:
            place = "memory" if self._spool is None else self._spool.path
            LOG.warning("the ledger cannot be stored, and is kept in %s until it can: %s", place, words)
        self.last_error = words

    # --- The spool ------------------------------------------------------------------------------------------

    async def _take_up_spool(self) -> None:
        """Bring what an earlier run spooled into the database."""
        if self._spool is None:
            return
        try:
            await asyncio.to_thread(self._spool.open)
        except SpoolBroken as error:
            await self._set_spool_aside(self._spool, error)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"cannot open {self._spool.path}: {error}") from error
        if self._spool.groups:
            LOG.warning("an earlier run left %d entries in %s", self._spool.entries, self._spool.path)
        while self._spool.groups:
            if not await self._drain_some(self._spool):
                raise StorageError(f"cannot store what waits in {self._spool.path}: {self.last_error or 'unreadable'}")

    async def _spooled(self, group: Group) -> bool:
        """Whether the spool took a group."""
        assert self._spool is not None
        async with self._spool_lock:
            if self._draining is None:
                return False  # it was emptied meanwhile: the database takes groups again
            try:
                loss = await _undisturbed(partial(self._spool.append, group))
            except SpoolFull:
                LOG.error("%s is full, entries wait in memory", self._spool.path)
                return False
            except (OSError, sqlite3.Error) as error:
                LOG.error("%s cannot be written, entries wait in memory: %s", self._spool.path, error)
                await self._room.relieve(error)
                return False
        if loss.count:
            self._lose(loss)
        return True

    async def _drain(self, in_flight: asyncio.Task[bool]) -> None:
        """Bring the spool's groups into the database, in order, until it is empty.

        The group whose commit failed is on its way into the spool when this begins: it holds the lock.
        """
        assert self._spool is not None
        await asyncio.wait({in_flight})
        pause = self._tuning.first_retry
        while True:
            async with self._spool_lock:
                if not self._spool.groups:
                    self._draining = None
                    self._drained.set()
                    return
            if await self._drain_some(self._spool):
                pause = self._tuning.first_retry
                continue
            await asyncio.sleep(pause / SECOND)
            pause = min(2 * pause, self._tuning.longest_retry)

    async def _drain_some(self, spool: Spool) -> bool:
        """Whether some of the oldest groups went into the database and out of the spool."""
        try:
            async with self._spool_lock:
                found = await _undisturbed(partial(spool.oldest, _GROUPS_AT_ONCE, _BYTES_AT_ONCE))
                spool.held = found[-1][0] if found else 0
            stored = bool(found) and await self._attempt([group for _, group in found])
            spool.held = 0
            if not stored:
                return False
            async with self._spool_lock:
                await _undisturbed(partial(spool.remove, found[-1][0]))
        except SpoolBroken as error:
            await self._set_spool_aside(spool, error)
        except (OSError, sqlite3.Error) as error:
            LOG.error("%s cannot be read: %s", spool.path, error)
            return False
        return True

    async def _set_spool_aside(self, spool: Spool, error: SpoolBroken) -> None:
        async with self._spool_lock:
            aside = await asyncio.to_thread(spool.set_aside, f"broken-{self._clock.now()}")
        LOG.error("%s: %s; it now is %s, and what it held is not in the ledger", spool.path, error, aside.name)
        self._note("spool_broken", reason=str(error), file=aside.name)

    # --- What is lost, and what is noted -------------------------------------------------------------------

    def _lose(self, loss: Loss) -> None:
        self.dropped += loss.count
        self._loss += loss

    def _report_loss(self) -> None:
        loss, self._loss, self._loss_told = self._loss, Loss(), self._clock.monotonic()
        body = {"event": "observations_dropped", "count": loss.count, "first": loss.first, "last": loss.last}
        self.append([Entry(Kind.EVENT, loss.last, body)])

    def _note(self, event: str, **words: str) -> None:
        self.append([Entry(Kind.EVENT, self._clock.now(), {"event": event, **words})])

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


async def _undisturbed(call: Callable[[], _T]) -> _T:
    """What a blocking call gives; a cancellation waits for its end, so that no second call meets it."""
    running = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        with suppress(Exception):
            await running
        raise
