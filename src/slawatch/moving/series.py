"""What another monitor saw of one thing, whatever monitor it was, and how that becomes an import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.retold import Retold, Sample, Telling, retold
from slawatch.domain.state_machine import Cadence
from slawatch.storage.entries import EndpointKey
from slawatch.storage.imports import Imported


@dataclass(slots=True)
class Tally:
    """What was met while reading: how many samples, how many were passed over and why."""

    samples: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)

    def pass_over(self, why: str, count: int = 1) -> None:
        """Note something that was not taken in."""
        self.passed_over[why] = self.passed_over.get(why, 0) + count

    def notes(self) -> list[str]:
        """For people."""
        return [f"{count} {why}" for why, count in self.passed_over.items()]


@dataclass(frozen=True, slots=True)
class Series:
    """One thing that another monitor watched.

    ``facts`` reads it up to an instant, from where on slawatch knows the endpoint itself, in constant memory but for
    the facts.
    """

    source: str
    name: str
    """As the other monitor calls it."""
    endpoint: str
    """The name of an endpoint that this suggests."""
    facts: Callable[[Cadence, Instant, Tally], Iterable[Retold]]
    cadence: Cadence | None = None
    """How often it was looked; None where the source does not say."""
    notes: tuple[str, ...] = ()
    """What there is to say of it beside."""


def sampled(
    source: str,
    name: str,
    endpoint: str,
    samples: Callable[[Tally], Iterable[Sample]],
    *,
    cadence: Cadence | None = None,
    resolution: Duration = 1,
    notes: tuple[str, ...] = (),
) -> Series:
    """A series of samples, which come in order of their instants each time they are asked for."""

    def facts(pace: Cadence, before: Instant, tally: Tally) -> Iterator[Retold]:
        return retold(_counted(samples(tally), tally), Telling(source, pace, before, resolution))

    return Series(source, name, endpoint, facts, cadence, notes)


def _counted(samples: Iterable[Sample], tally: Tally) -> Iterator[Sample]:
    for sample in samples:
        tally.samples += 1
        yield sample


def past_of(series: Series, endpoint: EndpointKey, pace: Cadence, before: Instant, tally: Tally) -> Imported:
    """What of a series lies before an instant, ready to be handed in; without facts where nothing does."""
    facts: list[Change | Blip] = list(series.facts(pace, before, tally))
    if not any(fact.state is not State.UNKNOWN for fact in facts if isinstance(fact, Change)):
        facts = []  # nothing is known by it, and so nothing is to be told
    digest = hashlib.sha256(f"{endpoint} {series.source}".encode())
    for fact in facts:
        digest.update(repr(tuple(fact)).encode())
    return Imported(endpoint, series.source, digest.hexdigest()[:32], facts)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import holds, for people."""

    start: Instant
    end: Instant
    outages: int
    known: Duration


def summary_of(found: Imported) -> Summary:
    """Of an import that has facts."""
    changes = [fact for fact in found.facts if isinstance(fact, Change)]
    known = sum(after.at - change.at for change, after in pairwise(changes) if change.state is not State.UNKNOWN)
    outages = sum(change.state is State.DOWN for change in changes)
    return Summary(changes[0].at, changes[-1].at, outages, known)


def stated(source: str, name: str, changes: Callable[[Instant], Iterable[Change]]) -> Series:
    """A series of states that somebody states outright; ``changes`` ends them where slawatch's own history begins."""

    def facts(_pace: Cadence, before: Instant, tally: Tally) -> Iterator[Retold]:
        for change in changes(before):
            tally.samples += 1
            yield change._replace(source=source)

    return Series(source, name, name, facts)
