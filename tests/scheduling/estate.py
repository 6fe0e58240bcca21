"""Endpoints whose probes answer as a test wants, and a prober that is always well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

from slawatch.domain.interval import SECOND, Duration
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.runtime.clock import Clock
from slawatch.scheduling.alibi import Fault
from slawatch.scheduling.dispatch import Dispatcher, Target


class Well:
    """An alibi that always holds, with as much room as the test says."""

    def __init__(self, clock: Clock, room: int = 100_000) -> None:
        self._clock = clock
        self._room = room

    def mark(self) -> int:
        return self._clock.monotonic()

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        return None

    def unfit(self) -> Fault | None:
        return None

    def room(self) -> int:
        return self._room


def cadence(every: Duration = 60 * SECOND, timeout: Duration = SECOND, retry_every: Duration | None = None) -> Cadence:
    return Cadence(every, timeout, min(every, 10 * SECOND) if retry_every is None else retry_every)


class Estate:
    """Records every start and every result, with the monotonic instants, per endpoint."""

    def __init__(self, clock: Clock, *, concurrency: int = 1_000, room: int = 100_000) -> None:
        self.clock = clock
        self.starts: dict[str, list[int]] = {}
        self.results: dict[str, list[Observation]] = {}
        self.takes: dict[str, Duration] = {}
        """How long the endpoint's probe takes; 0 by default."""
        self.says: dict[str, Verdict] = {}
        """What its probe answers; UP by default."""
        self.suspects: Callable[[str, Observation], bool] = lambda _, seen: seen.verdict is Verdict.DOWN
        self.under_way: set[str] = set()
        self.most_under_way = 0
        self.cancelled: list[str] = []
        self.dispatcher = Dispatcher(clock, self.sink, Well(clock, room), concurrency=concurrency)

    def sink(self, identity: str, observation: Observation) -> bool:
        self.results.setdefault(identity, []).append(observation)
        return self.suspects(identity, observation)

    async def probe(self, identity: str) -> Observation:
        assert identity not in self.under_way, "two probes of one endpoint at once"
        self.under_way.add(identity)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        started, began = self.clock.now(), self.clock.monotonic()
        self.starts.setdefault(identity, []).append(began)
        try:
            if takes := self.takes.get(identity, 0):
                await asyncio.sleep(takes / SECOND)
        except asyncio.CancelledError:
            self.cancelled.append(identity)
            raise
        finally:
            self.under_way.discard(identity)
        verdict = self.says.get(identity, Verdict.UP)
        cause = Cause.PROBER_FAULT if verdict is Verdict.VOID else None
        return Observation(started, self.clock.monotonic() - began, verdict, "told", cause=cause)

    def target(self, identity: str, pace: Cadence, key: Hashable = None) -> Target:
        return Target(identity, pace, lambda: self.probe(identity), key)

    def plan(self, identities: Iterable[str], pace: Cadence, key: Hashable = None) -> dict[str, Target]:
        return {identity: self.target(identity, pace, key) for identity in identities}

    def run(self, plan: dict[str, Target]) -> None:
        self.dispatcher.apply(plan)
        self.dispatcher.start()


async def pass_time(duration: Duration) -> None:
    """Let virtual time pass."""
    await asyncio.sleep(duration / SECOND)
