"""Contract options that change how outages count: merging, minimum length, granularity (S18, S19).

They act on *whole* outages, before hours, exclusions and period boundaries clip them: first gaps are
merged, then short outages are ignored, then lengths are rounded. Each of the three versions is treated
by itself. Unknown time stays unknown: it is neither a gap to be merged nor rounded into downtime.
"""

from __future__ import annotations

from collections.abc import Iterator

from slawatch.domain.contract import Granularity, GranularityKind, Options
from slawatch.domain.facts import State
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, MINUTE, Duration, Interval, IntervalSet
from slawatch.domain.timeline import HIGH, LOW, POINT, Timeline, aligned, cause_of, pack_all


def apply_outage_rules(timeline: Timeline, options: Options) -> tuple[Timeline, IntervalSet]:
    """The timeline as the contract counts it, and the suppressed time of the point version.

    Suppressed is what was down and by a rule no longer counts: it is always shown beside the figure.
    """
    if (
        not options.merge_gaps_shorter_than
        and not options.ignore_outages_shorter_than
        and options.granularity.kind is GranularityKind.EXACT
    ):
        return timeline, IntervalSet()
    versions = [_counted(timeline, version, options) for version in (LOW, POINT, HIGH)]
    marks = [_as_timeline(down) for down in versions]

    def combine(codes: tuple[int, ...]) -> int:
        original, *counted = codes
        states = [
            _state(original >> shift & 3, mark & 3) for shift, mark in zip((LOW, POINT, HIGH), counted, strict=True)
        ]
        return pack_all(states, cause_of(original))

    down_before = timeline.where(POINT, State.DOWN, DISTANT_PAST, DISTANT_FUTURE)
    return aligned([timeline, *marks], combine), down_before.difference(versions[1])


def _state(original: int, counted: int) -> int:
    if original == State.UNKNOWN:
        return State.UNKNOWN
    if counted == State.DOWN:
        return State.DOWN
    return State.UP if original == State.DOWN else original


def _as_timeline(down: IntervalSet) -> Timeline:
    starts, codes = [DISTANT_PAST], [int(State.UP)]
    for start, end in down:
        starts += [start, end]
        codes += [int(State.DOWN), int(State.UP)]
    return Timeline(starts, codes)


def _counted(timeline: Timeline, version: int, options: Options) -> IntervalSet:
    down = timeline.where(version, State.DOWN, DISTANT_PAST, DISTANT_FUTURE)
    unknown = timeline.where(version, State.UNKNOWN, DISTANT_PAST, DISTANT_FUTURE)
    down = _merged(down, unknown, options.merge_gaps_shorter_than)
    down = IntervalSet(tuple(outage for outage in down if outage.length >= options.ignore_outages_shorter_than))
    return _rounded(down, unknown, options.granularity).difference(unknown)


def _merged(down: IntervalSet, unknown: IntervalSet, limit: Duration) -> IntervalSet:
    if not limit:
        return down
    gaps = IntervalSet.of(
        (before.end, after.start)
        for before, after in zip(down.intervals, down.intervals[1:], strict=False)
        if after.start - before.end < limit and not unknown.clip(before.end, after.start)
    )
    return down.union(gaps)


def _rounded(down: IntervalSet, unknown: IntervalSet, granularity: Granularity) -> IntervalSet:
    if granularity.kind is GranularityKind.MINUTE_ANY:
        return IntervalSet.of((start // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE) for start, end in down)
    if granularity.kind is GranularityKind.MINUTE_ALL:
        return IntervalSet.of(_whole_minutes(down, unknown))
    if granularity.kind is GranularityKind.STARTED_BLOCK:
        block = granularity.block
        return IntervalSet.of((start, start + -(-(end - start) // block) * block) for start, end in down)
    return down


def _whole_minutes(down: IntervalSet, unknown: IntervalSet) -> Iterator[Interval]:
    """UTC minutes in which everything that is known is down, as far as anything is."""
    for start, end in down.union(unknown):
        first, last = -(-start // MINUTE) * MINUTE, end // MINUTE * MINUTE
        if first < last:
            yield Interval(first, last)
