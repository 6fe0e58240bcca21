"""The daemon: everything wired together, started in order and stopped in the reverse order.

Start: configuration → ledger → what the ledger remembers → evaluator → web → probes. So a page is served from the
first second, an open outage is known before the first probe answers, and nothing is probed that could not be
recorded. Stop: probes end, what they said is stored, the stop is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import structlog

from slawatch import __version__
from slawatch.config.configuration import Configuration
from slawatch.config.outbound import policy_of
from slawatch.config.paths import reserve_of
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import HOUR, MILLISECOND, SECOND, Duration, Instant
from slawatch.evaluation.board import Board
from slawatch.evaluation.estate import EndpointFace, Estate, Subject
from slawatch.evaluation.evaluator import Evaluator
from slawatch.evaluation.recorder import Past, Recorder
from slawatch.main.books import add_entry, needed_since, news, read_books, read_pasts
from slawatch.main.paths import Paths, vouched
from slawatch.main.probing import resolver_of, targets_of
from slawatch.main.serving import serve
from slawatch.probes.probe import Resources
from slawatch.runtime.clock import Clock, SystemClock
from slawatch.runtime.errors import ConfigurationError, Finding, StorageError
from slawatch.runtime.lifecycle import Cleanups, ServiceManager, cancelling
from slawatch.runtime.synchronised import clock_is_synchronised
from slawatch.scheduling.alibi import ClockJump, Stall
from slawatch.scheduling.dispatch import Dispatcher
from slawatch.scheduling.health import Health
from slawatch.scheduling.paths import PathWatch
from slawatch.storage.entries import EndpointKey, Entry, Kind
from slawatch.storage.ledger import Ledger

log = structlog.get_logger()

LIVENESS_EVERY: Duration = 10 * SECOND
"""How often the ledger is told that this run lives: bounds what a crash makes UNKNOWN (S13)."""
EVALUATE_EVERY: Duration = SECOND
EVALUATE_AGAIN_AFTER: Duration = 100 * MILLISECOND
"""Facts that arrive together are judged together."""
HOUSEKEEP_EVERY: Duration = HOUR
HEARS_WITHIN: Duration = 5 * SECOND
"""The timeout by which a silent round of witnesses is judged: up to a second of lateness does not excuse it."""
COMMIT_MAY_TAKE: Duration = 60 * SECOND
"""A ledger that neither commits nor says why for this long hangs, and the service manager is not told otherwise."""

Load = Callable[[], Configuration]


class Daemon:
    """One run. ``load`` reads the configuration anew each time it is called."""

    def __init__(self, load: Load, *, clock: Clock | None = None, manager: ServiceManager | None = None) -> None:
        self.configuration: Configuration
        self.ledger: Ledger
        self.dispatcher: Dispatcher
        self.health: Health
        self.database_version = ""
        self.clock = clock or SystemClock()
        self.board = Board()
        self._load = load
        self._manager = manager or ServiceManager({})
        self._cleanups = Cleanups()
        self._changed = asyncio.Event()
        self._generation = 1
        self._error = ""

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._cleanups.run()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._manager.tell(STOPPING=1)
        await self._cleanups.run()

    # --- Start, in order --------------------------------------------------------------------------------------

    async def _start(self) -> None:
        self.configuration = self._load()
        await self._open_ledger()
        self.recorder = Recorder(self.ledger, self.clock, lambda _: self._changed.set())
        self.resources = Resources(
            self.clock,
            resolver=resolver_of(self.configuration, self.clock),
            policy=policy_of(self.configuration.box, self.clock),
        )
        self.paths = Paths(self.resources, self._on_path, lambda since: self.health.fault(since, HEARS_WITHIN))
        self.evaluator = Evaluator(self.recorder, self.board, self.clock, self.paths.statuses)
        self.books = await read_books(self.ledger)
        previous = await self.ledger.previous_boot()
        self._record_news(self.configuration)
        await self._adopt(self.configuration, previous.alive_until if previous else None)
        self._take_up(self.configuration)
        await self._prepare_probing()
        self.evaluator.publish(self.ledger.sequence)
        self.address = await serve(self, self._cleanups)
        log.info("serving", address=f"http://{self.address[0]}:{self.address[1]}/")
        self._start_probing()
        self._start_loops()
        self._tell_ready()

    async def _open_ledger(self) -> None:
        configuration = self.configuration
        reserve = reserve_of(configuration)
        if reserve is None:
            log.warning(
                "nowhere to keep facts while the database is away: expected a folder that can be written (spool)"
            )
        self.ledger = await Ledger.open(
            configuration.database, site=configuration.site, clock=self.clock, reserve=reserve
        )
        self._cleanups.push("ledger", self._close_ledger)
        database = await self.ledger.describe()
        self.database_version = database.partition(" at ")[0]
        log.info("ledger opened", database=database, site=configuration.site, version=__version__)
        self._event("started", version=__version__)

    async def _adopt(self, configuration: Configuration, alive_until: Instant | None) -> None:
        """Take up endpoints that are not followed yet where the ledger left them."""
        formerly = {
            EndpointKey(endpoint.client, endpoint.name): endpoint.formerly for endpoint in configuration.endpoints
        }
        await self.ledger.ensure_endpoints(formerly)
        fresh = [key for key in formerly if str(key) not in self.recorder.tracks]
        books = [self.books.book(item.contract) for item in configuration.contracts]
        pasts = await read_pasts(self.ledger, fresh, needed_since(books, self.clock.now()))
        cadences = {EndpointKey(e.client, e.name): e.cadence for e in configuration.endpoints}
        for key in fresh:
            self.recorder.adopt(key, cadences[key], pasts.get(key, Past()), alive_until)

    def _record_news(self, configuration: Configuration) -> None:
        now = self.clock.now()
        entries = news(self.books, configuration, now)
        for entry in entries:
            add_entry(self.books, entry, now)
        if entries:
            self.ledger.append(entries)

    def _take_up(self, configuration: Configuration) -> None:
        """Judge by a configuration from now on."""
        self.configuration = configuration
        self.evaluator.judge_by(
            Estate(
                subjects=tuple(
                    Subject(client.id, client.name, item.contract.name, self.books.book(item.contract))
                    for client in configuration.clients
                    for item in client.contracts
                ),
                endpoints=tuple(
                    EndpointFace(
                        e.client, e.name, e.kind, e.target, e.path, e.behind, e.cadence.every, vouched(e, configuration)
                    )
                    for e in configuration.endpoints
                ),
                client_names={client.id: client.name for client in configuration.clients},
                announcements=self.books.announcements,
                corrections=self.books.corrections,
                reviews=self.books.reviews,
                generation=self._generation,
                error=self._error,
            )
        )

    async def _prepare_probing(self) -> None:
        self.health = Health(self.clock, self._on_jump, self._on_stall)
        self.health.start()
        self._cleanups.push("health", self._stop_health)
        self._cleanups.push("probe resources", self._close_resources)
        self.dispatcher = Dispatcher(self.clock, self.recorder.record, self.health)
        self.dispatcher.apply(targets_of(self.configuration, self.resources, self.paths))
        self._cleanups.push("paths", self.paths.stop)
        await self.paths.apply(self.configuration)

    def _start_probing(self) -> None:
        self.dispatcher.start()
        self._cleanups.push("dispatcher", self.dispatcher.stop)

    def _start_loops(self) -> None:
        for name, loop in (
            ("evaluation", self._evaluate()),
            ("liveness", self._live()),
            ("housekeeping", self._housekeep()),
            ("watchdog", self._watch()),
        ):
            self._cleanups.push(name, cancelling(asyncio.create_task(loop, name=name)))

    # --- While it runs ----------------------------------------------------------------------------------------

    async def _evaluate(self) -> None:
        while True:
            try:
                self.health.mark()  # so that a stall is known before silence is judged
                self.recorder.expire_silent()
                self.evaluator.publish(self.ledger.sequence)
            except Exception:
                log.exception("evaluation failed; the last judgement stays, with its time")
            with suppress(TimeoutError):
                async with asyncio.timeout(EVALUATE_EVERY / SECOND):
                    await self._changed.wait()
                    await asyncio.sleep(EVALUATE_AGAIN_AFTER / SECOND)
            self._changed.clear()

    async def _live(self) -> None:
        while True:
            self.ledger.mark_alive(self.clock.now())
            await asyncio.sleep(LIVENESS_EVERY / SECOND)

    async def _housekeep(self) -> None:
        """Hourly: whether the clock is synchronised goes on record, and what nobody needs any more goes."""
        hours = 0
        while True:
            self._event("clock", synchronised=_in_words(clock_is_synchronised()))
            await asyncio.sleep(HOUSEKEEP_EVERY / SECOND)
            before, thorough = self.clock.now() - self.configuration.retention, hours % 24 == 0
            try:
                await self.ledger.prune_observations(before, thorough=thorough)
            except StorageError as error:
                log.warning("observations were not pruned; the next hour tries again", reason=str(error))
            hours += 1
            books = [self.books.book(item.contract) for item in self.configuration.contracts]
            since = needed_since(books, self.clock.now())
            for track in self.recorder.tracks.values():
                track.forget_before(since)

    async def _watch(self) -> None:
        """Tell the service manager that work gets done, at half the interval in which it wants to hear it."""
        if self._manager.watchdog is None:
            return
        while True:
            await asyncio.sleep(self._manager.watchdog / 2 / SECOND)
            trouble = self.trouble()
            if trouble:
                log.error("no sign of life is given", reason=trouble)
            else:
                self._manager.tell(WATCHDOG=1, STATUS=self._status())

    def trouble(self) -> str:
        """Why this run cannot prove that it works: an empty text when it can."""
        now = self.clock.monotonic()
        endpoints = self.configuration.endpoints
        if endpoints and self.dispatcher.tally.started:
            slowest = min(2 * e.cadence.every + e.cadence.timeout for e in endpoints) + LIVENESS_EVERY
            finished = self.dispatcher.tally.last_finished
            if finished is not None and now - finished > slowest:
                return "no probe has finished in time"
        ledger = self.ledger
        if ledger.commit_age > COMMIT_MAY_TAKE and ledger.last_error is None and not ledger.standing.spooling:
            return "the ledger has neither committed nor failed for a minute"
        return ""

    def _on_jump(self, jump: ClockJump) -> None:
        log.warning(
            "the clock did not pass as it should", by=spell_duration(jump.by), suspended=spell_duration(jump.suspended)
        )
        self.recorder.clock_jumped(jump.start, jump.end, *jump.fault)
        self._event("clock_jump", start=jump.start, end=jump.end, by=jump.by, suspended=jump.suspended)

    def _on_stall(self, stall: Stall) -> None:
        log.warning("the event loop stood still", for_=spell_duration(stall.end - stall.start), cause=stall.cause.value)
        self.recorder.stalled(stall.start, stall.end, *stall.fault)
        self._event("stall", start=stall.start, end=stall.end, cause=stall.cause.value)

    def _on_path(self, path: PathWatch) -> None:
        """One line for a path that goes blind, whatever lies on it, and one when it is seen again: then what could
        not be judged is asked anew, without waiting for its turn."""
        if path.blind:
            log.warning("a path is blind: failures on it say nothing", path=path.name, witnesses=path.witnesses)
        else:
            log.info("a path is seen", path=path.name, answering=path.answering, witnesses=path.witnesses)
            for endpoint in self.configuration.endpoints:
                if endpoint.path == path.name and self.recorder.lost_its_path(endpoint.key):
                    self.dispatcher.retry_now(endpoint.key)
        self._event("path_blind" if path.blind else "path_seen", path=path.name, since=path.since or 0)
        self._changed.set()

    # --- Reload -----------------------------------------------------------------------------------------------

    async def reload(self) -> tuple[bool, str]:
        """Read the configuration anew and apply the difference; on any mistake keep the old one and say so."""
        self._manager.tell(RELOADING=1, MONOTONIC_USEC=self.clock.monotonic())
        try:
            return await self._reload()
        finally:
            self._tell_ready()

    async def _reload(self) -> tuple[bool, str]:
        try:
            fresh = self._load()
            self._refuse_moves(fresh)
        except ConfigurationError as error:
            self._error = str(error)
            self._take_up(self.configuration)
            self._changed.set()
            log.error("the configuration was refused and the old one stays", findings=str(error).splitlines())
            return False, str(error)
        self._error, self._generation = "", self._generation + 1
        self._record_news(fresh)
        self._let_go(fresh)
        await self._adopt(fresh, None)
        for endpoint in fresh.endpoints:
            self.recorder.recadence(EndpointKey(endpoint.client, endpoint.name), endpoint.cadence)
        self.resources.judge_by(policy_of(fresh.box, self.clock))
        await self.paths.apply(fresh)
        self.dispatcher.apply(targets_of(fresh, self.resources, self.paths))
        self._take_up(fresh)
        self._event("reloaded", generation=self._generation)
        self._changed.set()
        log.info("configuration reloaded", endpoints=len(fresh.endpoints), contracts=len(fresh.contracts))
        return True, f"reloaded: {len(fresh.endpoints)} endpoints, {len(fresh.contracts)} contracts"

    def _let_go(self, fresh: Configuration) -> None:
        """Stop following what is no longer configured; what only got another name goes on under it."""
        followed = self.recorder.tracks
        for endpoint in fresh.endpoints:
            old = f"{endpoint.client}/{endpoint.formerly}"
            if endpoint.formerly and old in followed and endpoint.key not in followed:
                self.recorder.rename(followed[old].key, EndpointKey(endpoint.client, endpoint.name))
        kept = {endpoint.key for endpoint in fresh.endpoints}
        for key in [track.key for name, track in followed.items() if name not in kept]:
            self.recorder.release(key)

    def _refuse_moves(self, fresh: Configuration) -> None:
        """A running daemon stays where it is: these keys need a restart."""
        moved = [
            key
            for key in ("site", "database", "listen", "resolvers", "spool")
            if getattr(fresh.box, key) != getattr(self.configuration.box, key)
        ]
        if moved:
            raise ConfigurationError(
                [Finding("slawatch.yaml", 0, 0, key, "changed: expected a restart for that") for key in moved]
            )

    # --- Stop, in reverse order -------------------------------------------------------------------------------

    async def _stop_health(self) -> None:
        self.health.stop()

    async def _close_resources(self) -> None:
        await self.resources.__aexit__(None, None, None)

    async def _close_ledger(self) -> None:
        self._event("stopped")
        self.ledger.mark_alive(self.clock.now())
        await self.ledger.close()

    # --- Small things -----------------------------------------------------------------------------------------

    def learn_review(self, entry: Entry) -> None:
        """Take up a review that is on record."""
        add_entry(self.books, entry, entry.at)
        self._take_up(self.configuration)
        self._changed.set()

    def _event(self, what: str, **body: str | int) -> None:
        self.ledger.append([Entry(Kind.EVENT, self.clock.now(), {"event": what, **body})])

    def _tell_ready(self) -> None:
        self._manager.tell(READY=1, STATUS=self._status())

    def _status(self) -> str:
        """What is configured now, which the latest judgement may not know of yet."""
        configuration = self.configuration
        down = sum(1 for endpoint in self.board.snapshot.endpoints if endpoint.state.word == "down")
        return f"{len(configuration.endpoints)} endpoints ({down} down), {len(configuration.contracts)} contracts"


def _in_words(answer: bool | None) -> str:
    return "unknown" if answer is None else "yes" if answer else "no"
