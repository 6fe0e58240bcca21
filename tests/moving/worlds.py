"""What really was, what another monitor saw of it, and whether bounds hold it.

A world is the instants at which a service changed, up at first. A monitor looks at instants of its own, with jitter,
with its own retries, and not at all while it is away. Everything is whole milliseconds, in microseconds.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from slawatch.domain.changes import Changes
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import HOUR, MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.timeline import HIGH, LOW, POINT, Timeline
from support.clock import START


@dataclass(frozen=True)
class World:
    """``flips`` are in order; the service is up before the first."""

    flips: Sequence[Instant]

    def up(self, at: Instant) -> bool:
        return bisect_right(self.flips, at) % 2 == 0

    def up_time(self, start: Instant, end: Instant) -> Duration:
        """Microseconds of ``[start, end)`` in which it was up: walked flip by flip."""
        at, total = start, 0
        for flip in [*(flip for flip in self.flips if start < flip < end), end]:
            total += (flip - at) * self.up(at)
            at = flip
        return total


@dataclass
class Look:
    """One look of the monitor, and what it made of it: ``down`` once it was sure."""

    at: Instant
    up: bool
    down: bool = False


@dataclass
class Monitor:
    """How the other monitor works. ``away`` are spans in which it did not run."""

    interval: Duration = 60 * SECOND
    retries: int = 0
    retry_interval: Duration = 20 * SECOND
    jitter: Duration = 2 * SECOND
    away: Sequence[tuple[Instant, Instant]] = field(default_factory=list)

    def looks(self, world: World, start: Instant, end: Instant, chance: random.Random) -> list[Look]:
        """What it saw, retrying after a failure as often as it does before it calls it an outage."""
        at, failures, seen = start, 0, []
        while at < end:
            back = next((until for since, until in self.away if since <= at < until), None)
            if back is not None:
                at, failures = back, 0
                continue
            up = world.up(at)
            failures = 0 if up else failures + 1
            seen.append(Look(at, up, not up and failures > self.retries))
            waits = self.retry_interval if 0 < failures <= self.retries else self.interval
            at += waits + chance.randrange(0, self.jitter // MILLISECOND + 1) * MILLISECOND
        return seen


def some_world(chance: random.Random, length: Duration, longest: Duration) -> World:
    """Outages and good spells of any length up to ``longest``, some of them far below a monitor's interval."""
    at, flips = START, []
    while at < START + length:
        at += chance.choice([chance.randrange(1, 200), chance.randrange(1, longest // MILLISECOND)]) * MILLISECOND
        flips.append(at)
    return World(flips)


def some_absences(chance: random.Random, length: Duration) -> list[tuple[Instant, Instant]]:
    """Up to three spans in which a monitor did not run, some too short to be noticed."""
    starts = sorted(START + chance.randrange(length // MILLISECOND) * MILLISECOND for _ in range(chance.randrange(4)))
    return [(start, start + chance.choice([30 * SECOND, 2 * HOUR])) for start in starts]


def as_premised(world: World, looks: Sequence[Look]) -> World:
    """The world as S8 supposes it: nothing changed twice between two looks that saw the same."""
    flips, seen = [], [look.at for look in looks]
    for flip in world.flips:
        index = bisect_left(seen, flip)  # one at the very instant of a look was seen by it
        before, after = looks[index - 1 : index], looks[index : index + 1]
        if index and before and after and before[0].up == after[0].up:
            continue  # an even number of flips lies between two equal looks: all of them go
        flips.append(flip)
    return World(flips)


def timeline_of(facts: Iterable[Change | Blip]) -> Timeline:
    """By the code that judges."""
    made = list(facts)
    return Changes(fact for fact in made if isinstance(fact, Change)).timeline(
        [fact for fact in made if isinstance(fact, Blip)]
    )


def check_bounds(timeline: Timeline, world: World, start: Instant, end: Instant) -> None:
    """low <= truth <= high in a window, over the time that is known: the truth is counted by another way."""
    unknown = timeline.where(POINT, State.UNKNOWN, start, end)
    low, high = (timeline.where(version, State.UP, start, end).length for version in (LOW, HIGH))
    truth = world.up_time(start, end) - sum(world.up_time(*span) for span in unknown)
    assert low <= truth <= high, (start, end, low, truth, high)


def check_coverage(timeline: Timeline, looks: Sequence[Look], speaks_for: Duration) -> None:
    """Nothing is known but between two looks of which the first still spoke when the second came."""
    seen = [look.at for look in looks]
    start, end = seen[0] - HOUR, seen[-1] + HOUR
    covered = sum(b - a for a, b in pairwise(seen) if b - a <= speaks_for)
    known = end - start - timeline.where(POINT, State.UNKNOWN, start, end).length
    assert known <= covered + len(seen), (known, covered)  # a microsecond each: a look is an instant at least
