"""The ledger: an append-only history of facts, the raw observations behind them, and who recorded them when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import tzdata  # type: ignore[import-untyped]
from sqlalchemy.engine import URL

from slawatch import __version__
from slawatch.domain.interval import SECOND, Duration, Instant
from slawatch.domain.observation import Observation
from slawatch.runtime.clock import Clock, SystemClock
from slawatch.runtime.errors import StorageError
from slawatch.storage.claim import Claim
from slawatch.storage.engine import as_storage_error, migrate, parse_url, reader_engine, try_to_open, writer_engine
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.imports import Imported, store_import
from slawatch.storage.reader import Boot, Reader
from slawatch.storage.reserve import Reserve, Standing
from slawatch.storage.retention import Pruning
from slawatch.storage.writer import Tuning, Writer

DRAIN: Duration = 20 * SECOND
"""How long closing waits for the database to take what is queued; systemd kills after 90 s by default."""


class Ledger(Reader):
    """A database, opened read-only or for one run of the daemon at one site.

    Reading methods raise :class:`StorageError`. Recording methods never do: what they are given waits in
    memory, in order, until the database takes it.
    """

    def __init__(self, database: URL, tuning: Tuning) -> None:
        super().__init__(reader_engine(database, tuning.busy_timeout))
        self.site = ""
        """The vantage point that this run records for."""
        self.boot = ""
        """The name of this run."""
        self._writer: Writer | None = None
        self._claim: Claim | None = None
        self._pruning: Pruning | None = None
        self._clock: Clock = SystemClock()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        site: str = "",
        clock: Clock | None = None,
        read_only: bool = False,
        tuning: Tuning | None = None,
        boot: str | None = None,
        reserve: Reserve | None = None,
    ) -> Self:
        """Open the database at ``url`` (``engine.parse_url``; ``ValueError`` when it is none).

        The daemon names its site: the schema is brought up to date and a new run begins, called ``boot`` or by
        a random name; what an earlier run left in the spool is stored first. ``read_only`` does none of it, and
        refuses a database with no ledger or an older one. ``reserve`` is where facts wait while the database is away:
        in memory alone without it.
        :class:`SchemaTooNew` when a newer slawatch wrote it, :class:`StorageError` when it cannot be opened.
        """
        if not (site or read_only):
            raise ValueError("a run that records must name its site")
        database, tuning = parse_url(url), tuning or Tuning()
        ledger = cls(database, tuning)
        try:
            await try_to_open(database, read_only=read_only)
            if read_only:
                await ledger.check_schema()
            else:
                await ledger._begin(database, site, boot or uuid4().hex, clock or SystemClock(), tuning, reserve)
        except BaseException:
            await ledger.release()
            raise
        return ledger

    async def _begin(
        self, database: URL, site: str, boot: str, clock: Clock, tuning: Tuning, reserve: Reserve | None
    ) -> None:
        if database.get_backend_name() == "sqlite":
            self._claim = Claim(Path(database.database or ""))
        elif reserve is not None:
            self._claim = Claim(reserve.spool)
        engine = writer_engine(database, tuning.busy_timeout)
        try:
            await migrate(engine)
            writer = Writer(engine, site, boot, clock, tuning, reserve)
        except BaseException:
            await engine.dispose()
            raise
        self.site, self.boot, self._clock, self._writer = site, boot, clock, writer
        await writer.start(__version__, tzdata.IANA_VERSION)

    async def close(self, drain: Duration = DRAIN) -> None:
        """Store what is queued and that the run stopped, then let go of the database.

        :class:`StorageError` when the database did not take it within ``drain`` microseconds.
        """
        try:
            if self._writer is not None:
                async with asyncio.timeout(drain / SECOND):
                    await self._writer.stop(self._clock.now())
        except TimeoutError:
            queued = self._writing.in_memory
            raise StorageError(f"the database is away, and {queued} entries were not stored") from None
        finally:
            await self.release()

    async def release(self) -> None:
        """Let go of the database at once, as a crash would: no drain, no record of the stop."""
        await self.reading.dispose()
        if self._writer is not None:
            # Last, so that on SQLite it is the writer that checkpoints when the file closes.
            await self._writer.release()
        if self._claim is not None:
            self._claim.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- Recording ------------------------------------------------------------------------------------------

    def append(self, entries: Iterable[Entry]) -> asyncio.Future[None]:
        """Number entries and queue them. The future is done when they are on disk, in the database or in the spool;
        nobody has to wait for it.

        ``ValueError`` at once for a body that is not JSON without floats; then nothing is queued.
        """
        return self._writing.append(entries)

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None:
        """Queue a raw observation. It is stored with the next commit, whatever asks for that."""
        self._writing.observe(endpoint, observation)

    def mark_alive(self, at: Instant) -> None:
        """Record that this run lives, and that all up to ``at`` has been handed in.

        The mark is stored together with all that was queued before it or after that, never sooner.
        """
        self._writing.mark_alive(at)

    async def flushed(self) -> None:
        """Return when everything handed in so far is in the database, where readers see it."""
        await self._writing.stored()

    async def ensure_endpoints(self, formerly: Mapping[EndpointKey, str | None]) -> None:
        """Make the configured endpoints known, renaming those that had another name in their client.

        ``formerly`` maps each endpoint to its old name or None. What was queued before still goes to the old
        names. Returns when it is stored, which may take as long as the database is away.
        """
        await self._writing.name(formerly)

    async def prune_observations(self, before: Instant, *, thorough: bool = False) -> int:
        """Delete observations that started before ``before`` and bracket nothing (``retention.Pruning``)."""
        if self._pruning is None:
            self._pruning = Pruning(self._writing.engine, self._writing.lock, self._clock)
        return await self._pruning.run(before, thorough=thorough)

    async def take_import(self, found: Imported) -> bool:
        """Store what another monitor saw of an endpoint, whole or not at all; whether it was new (``imports``)."""
        with as_storage_error("store the import"):
            async with self._writing.lock, self._writing.engine.begin() as connection:
                self._writing.forget_sums()  # those of the endpoint's later changes grow by what comes before them
                return await store_import(connection, found, self._clock.now())

    # --- How it stands --------------------------------------------------------------------------------------

    async def previous_boot(self) -> Boot | None:
        """The latest earlier run of this site that lived to a liveness mark, or None."""
        return await self.latest_boot(self.site, before=self.boot)

    @property
    def queue_length(self) -> int:
        """Entries that are not in the database yet."""
        return 0 if self._writer is None else self._writer.queue_length

    @property
    def sequence(self) -> int:
        """The number of the latest entry that this run has handed in; 0 before the first."""
        return 0 if self._writer is None else self._writer.sequence

    @property
    def commits(self) -> int:
        """Commits since this run began."""
        return 0 if self._writer is None else self._writer.commits

    @property
    def standing(self) -> Standing:
        """How writing stands: spool, ballast, losses."""
        return Standing() if self._writer is None else self._writer.standing

    @property
    def healthy(self) -> bool:
        """Whether the latest attempt to store something succeeded."""
        return self._writing.last_error is None

    @property
    def last_error(self) -> str | None:
        """Why the latest attempt failed, in one line; None when it succeeded."""
        return self._writing.last_error

    @property
    def last_commit_at(self) -> Instant:
        """Wall-clock instant of the latest commit, UTC microseconds."""
        return self._writing.last_commit_at

    @property
    def commit_age(self) -> Duration:
        """Microseconds since the latest commit, by the monotonic clock."""
        return self._writing.commit_age

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise StorageError("this ledger was opened read-only")
        return self._writer
