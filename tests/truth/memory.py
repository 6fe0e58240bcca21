"""A ledger in memory that loses what a crash would lose, and answers a restart as the real one does.

Entries are the real ones, and a past is read back from them alone. What was handed in becomes durable in order;
``test_memory`` holds this model to the real ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.interval import Instant
from slawatch.domain.observation import Observation, Verdict
from slawatch.evaluation.recorder import Past
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.facts import fact_of
from support.clock import FakeClock


class Written(NamedTuple):
    """One thing that was handed in at an instant: an entry, an observation, or a mark of life."""

    at: Instant
    endpoint: EndpointKey | None
    what: Entry | Observation | Instant


class MemoryLedger:
    """Takes what a recorder writes."""

    def __init__(self, clock: FakeClock) -> None:
        self.written: list[Written] = []
        self._clock = clock
        self._durable = 0

    def append(self, entries: Sequence[Entry]) -> asyncio.Future[None]:
        self.written += [Written(self._clock.now(), entry.endpoint, entry) for entry in entries]
        return asyncio.get_running_loop().create_future()

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None:
        self.written.append(Written(self._clock.now(), endpoint, observation))

    def mark_alive(self, at: Instant) -> None:
        self.written.append(Written(self._clock.now(), None, at))

    def commit(self) -> None:
        """All that was handed in is durable."""
        self._durable = len(self.written)

    def crash(self, durable_until: Instant) -> None:
        """What was handed in later is lost, unless it was committed."""
        kept = self._durable
        while kept < len(self.written) and self.written[kept].at <= durable_until:
            kept += 1
        del self.written[kept:]
        self.commit()

    def alive_until(self) -> Instant | None:
        """The latest mark of life."""
        return next((each.what for each in reversed(self.written) if isinstance(each.what, int)), None)

    def facts(self, key: EndpointKey) -> list[Fact]:
        """The facts of an endpoint in the order in which they were written."""
        return [fact_of(what) for _, endpoint, what in self.written if endpoint == key and isinstance(what, Entry)]

    def observations(self, key: EndpointKey) -> list[Observation]:
        """What was observed of an endpoint, in order."""
        return [what for _, endpoint, what in self.written if endpoint == key and isinstance(what, Observation)]

    def past(self, key: EndpointKey) -> Past:
        """What a daemon that starts is told of an endpoint."""
        facts, observations = self.facts(key), self.observations(key)
        good = (each.started for each in reversed(observations) if each.verdict in (Verdict.UP, Verdict.DEGRADED))
        failed = (each.started for each in reversed(observations) if each.verdict is Verdict.DOWN)
        return Past(changes_of(facts), blips_of(facts), _unresolved(facts), next(good, None), next(failed, None))


def changes_of(facts: Sequence[Fact]) -> list[Change]:
    """The changes, ordered by instant and at one instant as they were written (S17)."""
    return sorted((fact for fact in facts if isinstance(fact, Change)), key=lambda change: change.at)


def blips_of(facts: Sequence[Fact]) -> list[Blip]:
    """The blips."""
    return [fact for fact in facts if isinstance(fact, Blip)]


def _unresolved(facts: Sequence[Fact]) -> Suspicion | None:
    """The latest suspicion, unless a blip or a change to a known state was written after it."""
    for fact in reversed(facts):
        if isinstance(fact, Suspicion):
            return fact
        if isinstance(fact, Blip) or fact.state is not State.UNKNOWN:
            return None
    return None
