"""Half-open UTC intervals in integer microseconds, and the algebra of sets of them (S1).

An *instant* is an ``int``: microseconds since 1970-01-01T00:00:00Z, leap seconds ignored as Unix time
ignores them. An interval holds its start and not its end, so neighbours share no instant and lengths add up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

Instant = int
"""Microseconds since the Unix epoch, UTC."""

Duration = int
"""A length of time in microseconds."""

MICROSECOND: Duration = 1
MILLISECOND: Duration = 1_000
SECOND: Duration = 1_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR
WEEK: Duration = 7 * DAY

DISTANT_PAST: Instant = -(10**17)
"""Before every instant that a calendar here can name (about 1200 BC); stands for "no beginning"."""
DISTANT_FUTURE: Instant = 10**17
"""After every instant that a calendar here can name (about AD 5138); stands for "no end"."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_instant(moment: datetime) -> Instant:
    """The instant of an aware datetime, exactly; a naive one is a ``ValueError``."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone names no instant")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def to_datetime(instant: Instant) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def format_instant(instant: Instant) -> str:
    """RFC 3339 in UTC with ``Z``; fractional digits only where there are any, then all six."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> Instant:
    """The instant of an RFC 3339 text. It must carry ``Z`` or an offset; else ``ValueError``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant like 2026-01-05T10:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: write 2026-01-05T10:00:00Z or an offset")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


class Interval(NamedTuple):
    """``[start, end)``. An interval whose end is not after its start is empty."""

    start: Instant
    end: Instant

    @property
    def length(self) -> Duration:
        """Microseconds from start to end, never negative."""
        return max(0, self.end - self.start)

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, int) and self.start <= instant < self.end

    def intersect(self, other: Interval) -> Interval:
        """The common part; empty when there is none."""
        start = max(self.start, other.start)
        return Interval(start, max(start, min(self.end, other.end)))


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """A set of instants as sorted intervals that are not empty and do not touch.

    Build one by :meth:`of`, which sorts and joins. Every operation is linear in the number of intervals.
    """

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, intervals: Iterable[tuple[Instant, Instant]]) -> IntervalSet:
        """The union of intervals in any order, touching and overlapping ones joined."""
        joined: list[Interval] = []
        for start, end in sorted(intervals):
            if end <= start:
                continue
            if joined and start <= joined[-1].end:
                if end > joined[-1].end:
                    joined[-1] = Interval(joined[-1].start, end)
            else:
                joined.append(Interval(start, end))
        return cls(tuple(joined))

    @classmethod
    def span(cls, start: Instant, end: Instant) -> IntervalSet:
        """The set of one interval."""
        return cls((Interval(start, end),)) if start < end else cls()

    def __iter__(self) -> Iterator[Interval]:
        return iter(self.intervals)

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __contains__(self, instant: object) -> bool:
        if not isinstance(instant, int):
            return False
        index = bisect_right(self.intervals, (instant, DISTANT_FUTURE * 2)) - 1
        return index >= 0 and instant < self.intervals[index].end

    @property
    def length(self) -> Duration:
        """Microseconds in the set."""
        return sum(interval.end - interval.start for interval in self.intervals)

    def union(self, other: IntervalSet) -> IntervalSet:
        """Instants in either set."""
        if not other.intervals:
            return self
        return IntervalSet.of((*self.intervals, *other.intervals))

    def intersection(self, other: IntervalSet) -> IntervalSet:
        """Instants in both sets."""
        return IntervalSet(tuple(_common(self.intervals, other.intervals)))

    def difference(self, other: IntervalSet) -> IntervalSet:
        """Instants in this set and not in the other."""
        return IntervalSet(tuple(_without(self.intervals, other.intervals)))

    def clip(self, start: Instant, end: Instant) -> IntervalSet:
        """The part inside ``[start, end)``."""
        first = max(0, bisect_right(self.intervals, (start, DISTANT_FUTURE * 2)) - 1)
        kept: list[Interval] = []
        for interval in self.intervals[first:]:
            if interval.start >= end:
                break
            low, high = max(interval.start, start), min(interval.end, end)
            if low < high:
                kept.append(Interval(low, high))
        return IntervalSet(tuple(kept))


def _common(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> Iterator[Interval]:
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            yield Interval(start, end)
        if left[i].end < right[j].end:
            i += 1
        else:
            j += 1


def _without(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> Iterator[Interval]:
    j = 0
    for start, end in left:
        while j < len(right) and right[j].end <= start:
            j += 1
        cut = j
        while cut < len(right) and right[cut].start < end:
            if start < right[cut].start:
                yield Interval(start, right[cut].start)
            start = max(start, right[cut].end)
            cut += 1
        if start < end:
            yield Interval(start, end)
