"""One history, drawn from a seed and lived through on virtual time: what was true, and what slawatch made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Any

from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.state_machine import Cadence
from slawatch.domain.timeline import Timeline, endpoint_timeline
from slawatch.scheduling.alibi import STALL
from slawatch.scheduling.health import CANARY_EVERY
from slawatch.storage.entries import EndpointKey
from support.clock import START, FakeClock
from support.loop import run_virtual
from truth.memory import MemoryLedger, blips_of, changes_of
from truth.site import Examined, Prober, Site, Watched, Weather
from truth.world import Adversary, Fate

NAMES = ("a", "b", "c")


class Sort(Enum):
    """What kind of history it is."""

    CALM = "calm"
    """Nothing is wrong with the prober, which runs all the time; targets are as bad as they can be within the rule."""
    ROUGH = "rough"
    """Stalls, void probes, restarts, pauses, other intervals; targets as in CALM."""
    EXAMINED = "examined"
    """As ROUGH, with the daemon's own health beside it, which has to find out by itself what was wrong."""
    WILD = "wild"
    """As ROUGH, with targets that keep to no rule and change while a probe is under way."""


@dataclass(frozen=True)
class Told:
    """A history at its end. ``timelines`` are by endpoint, as the daemon's own readers see them."""

    seed: int
    sort: Sort
    start: Instant
    end: Instant
    endpoints: Sequence[Watched]
    timelines: dict[str, Timeline]
    rebuilt: dict[str, Timeline]
    """The same from the ledger's entries alone."""
    happened: Sequence[tuple[Instant, str]]
    """What was done to the daemon."""
    troubles: Sequence[str]
    """What went wrong in the daemon itself."""


class Play:
    """Lives through one history."""

    def __init__(self, seed: int, sort: Sort, clock: FakeClock) -> None:
        self.seed, self.sort, self.clock = seed, sort, clock
        self.random = draw = Random(f"{sort.value} {seed}")
        self.calm = sort is Sort.CALM
        self.start = clock.now()
        examined = sort is Sort.EXAMINED
        every = draw.choice((1, 1, 2, 5, 5, 10, 20, 60) if not examined else (1, 2)) * SECOND
        self.length = every * draw.randint(20, 90)
        self.ledger = MemoryLedger(clock)
        self.prober = Examined(clock) if examined else Prober(clock)
        self.endpoints = [self._endpoint(name, every) for name in NAMES[: draw.choice((1, 1, 2, 3))]]
        self.concurrency = draw.choice((1, 2, 100))
        self.alive_every = draw.choice((every // 2, every, 4 * every))
        self.commits_within = (0, 20 * MILLISECOND, every, 10 * every)
        """How long it takes until what was recorded is durable."""
        self.happened: list[tuple[Instant, str]] = []
        self.troubles: list[str] = []

    def _endpoint(self, name: str, every: Duration) -> Watched:
        draw = Random(f"{self.sort.value} {self.seed} {name}")
        cadence = Cadence(
            every=every,
            timeout=every
            if self.sort is Sort.EXAMINED
            else max(100 * MILLISECOND, every // draw.choice((1, 2, 5, 20))),
            retry_every=max(50 * MILLISECOND, every // draw.choice((1, 1, 2, 5))),
            confirm=draw.randint(1, 3),
            recover=draw.randint(1, 3),
        )
        weather = Weather(
            own_fault=0.0 if self.calm else draw.choice((0.0, 0.02, 0.15)),
            late_targets=draw.choice((0.0, 0.2, 0.9)),
            under_way=self.sort is Sort.WILD,
            unseen_lag=CANARY_EVERY if self.sort is Sort.EXAMINED else 0,
        )
        will: Adversary | Fate
        if self.sort is Sort.WILD:
            will = Fate(draw, self.start, self.start + 2 * self.length, every)
        else:
            outages = draw.choice((0.1, 0.3, 0.6))
            will = Adversary(draw, self.start, confirm=cadence.confirm, recover=cadence.recover, outages=outages)
        return Watched(EndpointKey("acme", name), cadence, will, draw, weather)

    async def run(self) -> Told:
        loop, draw = asyncio.get_running_loop(), self.random
        loop.set_exception_handler(self._hear)
        self.site = self._new_site()
        self.site.start()
        self._plan_stalls()
        end = self.start + self.length
        events = [self._restart, self._restart, self._pause, self._change_pace, self._lose_path]
        events += [self._run_short] if self.sort is not Sort.EXAMINED else []
        while not self.calm and self.clock.now() < end:
            await self._pass(draw.randint(1, self.length // 2))
            if self.clock.now() < end:
                await draw.choice(events)()
        await self._pass(max(0, end - self.clock.now()))
        told = self._tell()
        await self.site.crash(self.clock.now())
        return told

    def _hear(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Probes that raise are part of the play, and are void. Nothing else may go wrong."""
        if context["message"] != "a probe raised":
            self.troubles.append(f"{context['message']}: {context.get('exception')!r}")

    def _tell(self) -> Told:
        now = self.clock.now()
        timelines, rebuilt = {}, {}
        for endpoint in self.endpoints:
            endpoint.will.until(now)
            name = endpoint.key.name
            track = self.site.recorder.tracks[str(endpoint.key)]
            timelines[name] = track.timeline_until(now)
            facts = self.ledger.facts(endpoint.key)
            edge = track.state.closing_edge(now)
            changes: list[Change] = changes_of(facts)
            blips: list[Blip] = blips_of(facts)
            rebuilt[name] = endpoint_timeline(changes if edge is None else [*changes, edge], blips)
        return Told(
            self.seed, self.sort, self.start, now, self.endpoints, timelines, rebuilt, self.happened, self.troubles
        )

    def _new_site(self) -> Site:
        return Site(
            self.clock,
            self.ledger,
            self.endpoints,
            self.prober,
            concurrency=self.concurrency,
            alive_every=self.alive_every,
        )

    async def _pass(self, duration: Duration) -> None:
        await asyncio.sleep(duration / SECOND)

    def _note(self, what: str) -> None:
        self.happened.append((self.clock.now(), what))

    # --- What happens to the daemon -----------------------------------------------------------------------------

    def _plan_stalls(self) -> None:
        """The loop stands still now and then: mostly for less than the alibi allows, at times for longer."""
        loop, draw = asyncio.get_running_loop(), self.random
        timeout = min(endpoint.cadence.timeout for endpoint in self.endpoints)
        lengths = [timeout // 50, timeout // 10, timeout // 6]
        if not self.calm:
            lengths += (timeout, 3 * timeout, 3 * self.endpoints[0].cadence.every)
        # Apart from each other, since two in one probe add up, and the alibi looks at the longest alone.
        places = range(self.length // (3 * timeout))
        for place in draw.sample(places, min(len(places), draw.choice((0, 3, 10)))):
            length = min(draw.choice(lengths), SECOND) if self.calm else draw.choice(lengths)
            loop.call_later((3 * place * timeout + draw.randint(0, timeout)) / SECOND, self._stall, length)

    def _stall(self, length: Duration) -> None:
        self._note(f"a stall of {length / SECOND:.3f} s")
        start = self.clock.now()
        self.clock.advance(length)
        self.prober.stalled(length)
        if length > STALL:
            self.site.stalled(start, self.clock.now())

    async def _restart(self) -> None:
        if self.random.random() < 0.5:
            self._note("stop")
            await self.site.stop()
        else:
            self._note("crash")
            await self.site.crash(self.clock.now() - self.random.choice(self.commits_within))
        for endpoint in self.endpoints:
            endpoint.will.interrupted()
        every = self.endpoints[0].cadence.every
        await self._pass(self.random.choice((every // 10, every, 2 * every, 6 * every)))
        self._note("start")
        self.site = self._new_site()
        self.site.start()

    async def _pause(self) -> None:
        endpoint = self.random.choice(self.endpoints)
        self._note(f"{endpoint.key.name} is paused")
        self.site.release(endpoint)
        endpoint.will.interrupted()
        await self._pass(self.random.randint(1, 5 * endpoint.cadence.every))
        self._note(f"{endpoint.key.name} is followed again")
        self.site.adopt(endpoint)

    async def _change_pace(self) -> None:
        endpoint = self.random.choice(self.endpoints)
        every = endpoint.cadence.every * self.random.choice((1, 2, 3)) // self.random.choice((1, 2))
        every = max(every, SECOND)
        cadence = replace(endpoint.cadence, every=every, timeout=min(endpoint.cadence.timeout, every))
        self._note(f"{endpoint.key.name} is probed every {every / SECOND} s")
        self.site.recadence(endpoint, cadence)

    async def _run_short(self) -> None:
        span = self.random.randint(1, 3 * self.endpoints[0].cadence.every)
        self._note(f"descriptors are short for {span / SECOND:.3f} s")
        self.prober.run_short(span)

    async def _lose_path(self) -> None:
        span = self.random.randint(1, 3 * self.endpoints[0].cadence.every)
        self._note(f"the path is lost for {span / SECOND:.3f} s")
        self.prober.lose_path(span)


def live(seed: int, sort: Sort) -> Told:
    """The history of a seed."""

    async def scene(clock: FakeClock) -> Told:
        return await Play(seed, sort, clock).run()

    return run_virtual(scene, clock=FakeClock(START))


Lived = Callable[[int, Sort], Told]
