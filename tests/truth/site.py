"""A daemon without its network, disk and pages: the real dispatcher, runner, probe call and recorder on virtual time.

What it lacks is played here: targets that answer as somebody wills, a prober that can be unwell, a ledger that loses
what a crash would lose. Durations are microseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random

from scheduling.estate import Well
from slawatch.domain.interval import SECOND, Duration, Instant
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.state_machine import Cadence
from slawatch.evaluation.recorder import Recorder
from slawatch.probes.answer import ANY, STREAM, Answer, Failure
from slawatch.probes.options import ProbeOptions
from slawatch.probes.probe import Kind, ProbeContext, Resources, observe
from slawatch.probes.resolver import Resolver
from slawatch.scheduling.alibi import Descriptors, Evidence, Fault, LagRecord, allowed_lag, judge
from slawatch.scheduling.dispatch import Dispatcher, Target
from slawatch.scheduling.health import Health
from slawatch.storage.entries import EndpointKey
from support.clock import FakeClock
from truth.memory import MemoryLedger
from truth.world import DEGRADED, DOWN, LABELS, Will

_FOR_EVER = 1e6


@dataclass(frozen=True)
class Weather:
    """How unwell the prober is: the share of probes that fail by its own fault, in each of the ways there are."""

    own_fault: float = 0.0
    late_targets: float = 0.2
    """The share of answers that take their time; the others come within a few milliseconds."""
    under_way: bool = False
    """Whether a target's state counts when the question arrives there, and not already when it is asked."""
    unseen_lag: Duration = 0
    """How much of a stall the prober may overlook."""


@dataclass
class Watched:
    """One endpoint: its target's will, and everything that probes of it ever said."""

    key: EndpointKey
    cadence: Cadence
    will: Will
    random: Random
    weather: Weather
    log: list[Observation] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What was said of it that it had never said: a prober's fault that became a verdict."""
    _says: int | None = None

    async def answer(self, clock: FakeClock, prober: Prober) -> Answer:
        """One probe, as it goes."""
        draw, timeout = self.random, self.cadence.timeout
        self._says = None
        if draw.random() < self.weather.own_fault:
            return await self._fail_by_own_fault()
        late = draw.random() < self.weather.late_targets
        # An answer that is later than the loop may be late before the deadline is no answer in time.
        latest = timeout - allowed_lag(timeout) - self.weather.unseen_lag - 2_000
        takes = draw.randint(0, latest if late else timeout // 50)
        half = draw.randint(0, takes)
        if half and self.weather.under_way:
            await asyncio.sleep(half / SECOND)
        if prober.helpless:
            raise Failure("unreachable")
        says = self._says = self.will.ask(clock.now())
        if says is DOWN and draw.random() < 0.5:
            await asyncio.sleep(timeout / SECOND * 3)
        if half and not self.weather.under_way:
            await asyncio.sleep(half / SECOND)
        if takes > half:
            await asyncio.sleep((takes - half) / SECOND)
        if says is DOWN:
            raise Failure("refused")
        return Answer("slow" if says is DEGRADED else "answered")

    async def _fail_by_own_fault(self) -> Answer:
        await asyncio.sleep(self.random.randint(0, 100) / SECOND)
        if self.random.random() < 0.3:
            raise Failure("resolver_lost")
        if self.random.random() < 0.5:
            raise Failure("prober_fault")
        with suppress(asyncio.CancelledError):  # a defect: it does not keep its own deadline
            await asyncio.sleep(_FOR_EVER)
        await asyncio.sleep(_FOR_EVER)
        raise AssertionError

    def took(self, observation: Observation) -> None:
        """A probe ended."""
        label = LABELS.get(observation.verdict)
        if label is not None and label is not self._says:
            self.told.append(f"{label.word} ({observation.reason}) at {observation.started}: it never said that")
        self.log.append(observation)
        self.will.took(observation, 2 * self.cadence.every + self.cadence.timeout)


async def _probe(target: tuple[Watched, FakeClock, Prober], options: ProbeOptions, context: ProbeContext) -> Answer:
    endpoint, clock, prober = target
    return await endpoint.answer(clock, prober)


KIND = Kind(
    name="told",
    summary="Answers as a history wills.",
    options=ProbeOptions,
    target=str,
    probe=_probe,
    schemes=(),
    reasons={**ANY, **STREAM},
)


class Prober(Well):
    """The prober's alibi, by the real rules, from what was done to it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._monotonic = clock.monotonic
        self._lags = LagRecord()
        self._short_until: int | None = None
        self._blind_until: int | None = None

    @property
    def helpless(self) -> bool:
        """Whether descriptors are short now, or the path is lost: then every probe fails."""
        return any(until is not None and self._monotonic() < until for until in (self._short_until, self._blind_until))

    def stalled(self, lag: Duration) -> None:
        """The loop stood still for so long until now."""
        self._lags.add(self._monotonic(), lag)

    def begin(self, recorder: Recorder) -> None:
        """A run of the daemon begins."""

    def end(self) -> None:
        """It ends."""

    def run_short(self, span: Duration) -> None:
        """Descriptors are short from now on for so long."""
        self._short_until = self._monotonic() + span

    def lose_path(self, span: Duration) -> None:
        """From now on for so long no witness answers, nor does anything else on the path."""
        self._blind_until = self._monotonic() + span

    async def vouch(self, since: int, observation: Observation) -> Fault | None:
        """What witnesses say of a failure; they take their time."""
        await asyncio.sleep(0.005)
        if self._blind_until is not None and since < self._blind_until:
            return Fault(Cause.PATH_LOST, "path_lost", "no witness answers")
        return None

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        return judge(since, timeout, Evidence(self._lags.worst_since(since), self._short_until))


class NeverStopped:
    """A second witness of a process that is never stopped: its loop alone stands still."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def stood_still(self, since: int) -> Duration:
        return 0


class Examined(Prober):
    """A prober that finds out by itself what was done to it, as the daemon's own does. One for each run."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._clock = clock
        self._health: Health | None = None

    def begin(self, recorder: Recorder) -> None:
        self._health = Health(
            self._clock,
            lambda jump: recorder.clock_jumped(jump.start, jump.end, jump.cause),
            lambda stall: recorder.stalled(stall.start, stall.end, stall.cause),
            witness=NeverStopped(),
            descriptors=lambda: Descriptors(10, 1024),
            suspended=lambda: 0,
        )
        self._health.start()

    def end(self) -> None:
        assert self._health is not None
        self._health.stop()

    def stalled(self, lag: Duration) -> None: ...

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        assert self._health is not None
        return self._health.fault(since, timeout)


class Site:
    """One run of the daemon, from its start to its end."""

    def __init__(
        self,
        clock: FakeClock,
        ledger: MemoryLedger,
        endpoints: Iterable[Watched],
        prober: Prober,
        *,
        concurrency: int,
        alive_every: Duration,
    ) -> None:
        self.recorder = Recorder(ledger, clock, lambda _: None)
        self.dispatcher = Dispatcher(clock, self._take, prober, concurrency=concurrency)
        self._clock, self._ledger, self._prober = clock, ledger, prober
        self._alive_every = alive_every
        self._followed = {str(endpoint.key): endpoint for endpoint in endpoints}
        self._resources = Resources(clock, resolver=Resolver(clock, [("127.0.0.1", 53)]))
        self._ended = False
        self._timers: list[asyncio.TimerHandle] = []

    def start(self) -> None:
        """Take up what the ledger knows, and begin to probe."""
        alive_until = self._ledger.alive_until()
        for endpoint in self._followed.values():
            self.recorder.adopt(endpoint.key, endpoint.cadence, self._ledger.past(endpoint.key), alive_until)
        self._prober.begin(self.recorder)
        self.dispatcher.apply(self._plan())
        self.dispatcher.start()
        self._repeat(self._alive_every, lambda: self._ledger.mark_alive(self._clock.now()))
        self._repeat(SECOND, self.recorder.expire_silent)

    async def stop(self) -> None:
        """End in order: running probes may end, and all is stored."""
        self._cancel_timers()
        await self.dispatcher.stop()
        self._ended = True
        self._prober.end()
        self._ledger.mark_alive(self._clock.now())
        self._ledger.commit()

    async def crash(self, durable_until: Instant) -> None:
        """End at once; what was recorded later is lost."""
        self._ended = True
        self._prober.end()
        self._cancel_timers()
        self._ledger.crash(durable_until)
        await self.dispatcher.stop(within=0)

    def release(self, endpoint: Watched) -> None:
        """A new configuration leaves it out."""
        del self._followed[str(endpoint.key)]
        self.recorder.release(endpoint.key)
        self.dispatcher.apply(self._plan())

    def adopt(self, endpoint: Watched) -> None:
        """A new configuration has it again."""
        self._followed[str(endpoint.key)] = endpoint
        self._ledger.commit()
        past = self._ledger.past(endpoint.key)
        self.recorder.adopt(endpoint.key, endpoint.cadence, past, None)
        self.dispatcher.apply(self._plan())

    def recadence(self, endpoint: Watched, cadence: Cadence) -> None:
        """A new configuration probes it otherwise."""
        endpoint.cadence = cadence
        self.recorder.recadence(endpoint.key, cadence)
        self.dispatcher.apply(self._plan())

    def stalled(self, start: Instant, end: Instant) -> None:
        """Its loop stood still."""
        if not self._ended and not isinstance(self._prober, Examined):
            self.recorder.stalled(start, end, Cause.PROBER_FAULT)

    def _plan(self) -> dict[str, Target]:
        return {
            name: Target(name, each.cadence, partial(self._ask, each), vouch=self._prober.vouch)
            for name, each in self._followed.items()
        }

    async def _ask(self, endpoint: Watched) -> Observation:
        if endpoint.random.random() < endpoint.weather.own_fault / 4:
            raise ArithmeticError("a defect")
        target = (endpoint, self._clock, self._prober)
        return await observe(KIND, target, ProbeOptions(), self._resources, endpoint.cadence.timeout)

    def _take(self, identity: str, observation: Observation) -> bool:
        if self._ended or identity not in self._followed:
            return False
        self._followed[identity].took(observation)
        return self.recorder.record(identity, observation)

    def _repeat(self, every: Duration, action: Callable[[], None]) -> None:
        loop, index = asyncio.get_running_loop(), len(self._timers)

        def again() -> None:
            action()
            self._timers[index] = loop.call_later(every / SECOND, again)

        self._timers.append(loop.call_later(0, again))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
