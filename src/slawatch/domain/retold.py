"""What another monitor saw, as facts: never more than it knew.

Its samples go through the same state machine as our own probes, so an outage begins at the first failed one (S8), a
success speaks for ``2·every + timeout`` (S13), and between two samples that differ lies a bracket. Three things differ.

- The other monitor may have stopped right after a sample. Where the next one comes too late, time is UNKNOWN from
  the sample itself on, not from the end of its span: nobody knows until when that monitor lived (S13).
- It may say by itself whether a failure is confirmed. Then its word counts, not the number of failures.
- Nobody vouched for it: its failures have no alibi (S11). That is said with each of them, and not repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from slawatch.domain.facts import Blip, Change, Suspicion
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, Duration, Instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, pass_over, step

_NEVER = 10**9
"""So many failures are never seen in a row."""

Retold = Change | Blip


class Sample(NamedTuple):
    """One look of the other monitor, dated at its start. Instants are UTC microseconds."""

    at: Instant
    verdict: Verdict
    """``void`` where it did not look, as within maintenance of its own."""
    confirms: bool | None = None
    """Of a failure, whether the other monitor calls it an outage by now; None where that is to be counted."""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """How samples are to be read."""

    source: str
    """The other monitor's name; each fact carries it."""
    cadence: Cadence
    """How often it looked, and what it takes to confirm an outage."""
    before: Instant = DISTANT_FUTURE
    """Samples from here on are not ours to tell: slawatch knows the endpoint itself by then."""
    resolution: Duration = 1
    """How exactly its samples are dated: one dated ``at`` lies in ``[at, at + resolution)``."""


def retold(samples: Iterable[Sample], telling: Telling) -> Iterator[Retold]:
    """The facts of one endpoint, in order of instant, the last of which leaves it UNKNOWN.

    Samples must come in order; ``ValueError`` where one does not. Memory does not grow with their number.
    """
    reader = _Reader(telling)
    for sample in samples:
        if sample.at + telling.resolution > telling.before:
            yield from reader.cut(sample.at)
            return
        yield from reader.read(sample)
    yield from reader.end(Cause.NO_FURTHER_DATA)


class _Reader:
    """Steps the state machine and dates what it makes."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._suspecting = replace(telling.cadence, confirm=_NEVER)
        self._confirming = replace(telling.cadence, confirm=1)
        self._state = EndpointState()
        self._seen: Instant = DISTANT_PAST
        self._told: Instant = DISTANT_PAST

    def read(self, sample: Sample) -> Iterable[Retold]:
        """The facts that one more sample makes."""
        if sample.at < self._seen:
            raise ValueError(f"a sample at {sample.at} comes after one at {self._seen}: expected them in order")
        ended = self._ended_before(sample.at)
        self._seen = max(self._seen, sample.at)
        cause = Cause.PAUSED if sample.verdict is Verdict.VOID else None
        observation = Observation(sample.at, 0, sample.verdict, sample.reason, sample.detail, cause=cause)
        self._state, facts = step(self._state, observation, self._cadence_for(sample))
        return [*ended, *self._dated(facts)]

    def end(self, cause: Cause) -> Iterable[Retold]:
        """From right after the latest sample on nothing is known."""
        return self._silent_from(self._seen + 1, cause)

    def cut(self, following: Instant) -> Iterable[Retold]:
        """Nothing is told from ``before`` on. A sample that followed in time shows that the other monitor went on, so
        its latest one speaks up to there; what it saw then is left out, and so the bracket stays open."""
        if ended := self._ended_before(following):
            return ended
        return self._silent_from(self._telling.before - 1, Cause.NO_FURTHER_DATA)

    def _silent_from(self, at: Instant, cause: Cause) -> list[Retold]:
        """What is known ends at ``at``, or where the latest sample speaks no longer."""
        if self._state.fresh_until is None:
            return []
        self._state, facts = pass_over(self._state, min(at, self._state.fresh_until), DISTANT_FUTURE, cause)
        return self._dated(facts)

    def _ended_before(self, at: Instant) -> Sequence[Retold]:
        """A sample at ``at`` comes too late for the one before it: what the silence between them makes."""
        fresh_until = self._state.fresh_until
        return list(self.end(Cause.MONITOR_STOPPED)) if fresh_until is not None and at > fresh_until else []

    def _cadence_for(self, sample: Sample) -> Cadence:
        if sample.confirms is None:
            return self._telling.cadence
        return self._confirming if sample.confirms else self._suspecting

    def _dated(self, facts: Iterable[Change | Blip | Suspicion]) -> list[Retold]:
        """Facts with their source, none before the one before it, and brackets as wide as the dates are vague."""
        made: list[Retold] = []
        vague = self._telling.resolution - 1
        for fact in facts:
            if isinstance(fact, Suspicion):
                continue  # it guards against our own crash, and here nothing is pending at the end
            dated: Retold = fact._replace(source=self._telling.source)
            if vague and not (isinstance(fact, Change) and fact.cause is not None):
                dated = _vaguely(dated, vague)
            if isinstance(dated, Change):
                dated = _not_before(dated, self._told)
                self._told = dated.at
            made.append(dated)
        return made


def _vaguely(fact: Retold, vague: Duration) -> Retold:
    """The sample that showed it may lie later than it is dated. Where unknown time came before, nothing is claimed of
    the difference; elsewhere the bracket ends later."""
    if isinstance(fact, Change) and fact.earliest == fact.at:
        at = fact.at + vague
        confirmed = fact.confirmed_at and max(fact.confirmed_at, at)
        return fact._replace(at=at, earliest=at, latest=at, confirmed_at=confirmed)
    return fact._replace(latest=fact.latest + vague)


def _not_before(change: Change, instant: Instant) -> Change:
    at = max(change.at, instant)
    return change._replace(at=at, earliest=min(change.earliest, at), latest=max(change.latest, at))
