"""A period as a strip of classes: what a page draws from left to right.

A strip never hides an outage: where there are more pieces than can be drawn, neighbouring ones share a cell and
the cell shows the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from slawatch.domain.facts import State
from slawatch.domain.interval import Instant, Interval, IntervalSet
from slawatch.domain.timeline import POINT, Timeline, state_in

_WORST_FIRST = ("down", "unknown", "degraded", "excluded", "up", "outside_hours", "outside_contract")
MOST_PIECES = 240


class StripPiece(NamedTuple):
    """One stretch of one class; ``kind`` is the name of the class, as in ``time_us``."""

    start: Instant
    end: Instant
    kind: str


def strip(
    timeline: Timeline,
    span: Interval,
    hours: IntervalSet | None = None,
    excluded: IntervalSet | None = None,
    most: int = MOST_PIECES,
) -> tuple[StripPiece, ...]:
    """The classes of a span by the point version. Time that has not passed is not part of ``span``."""
    whole = IntervalSet.span(*span)
    inside = whole if hours is None else whole.intersection(hours)
    aside = inside.intersection(excluded or IntervalSet())
    pieces = [StripPiece(start, end, "outside_hours") for start, end in whole.difference(inside)]
    pieces += [StripPiece(start, end, "excluded") for start, end in aside]
    for interval in inside.difference(aside):
        pieces += [
            StripPiece(start, end, state_in(code, POINT).word) for start, end, code in timeline.pieces(*interval)
        ]
    pieces.sort()
    joined = tuple(_joined(pieces))
    return joined if len(joined) <= most else tuple(_joined(cells(joined, span, most)))


def _joined(pieces: Iterable[StripPiece]) -> Iterator[StripPiece]:
    for kind, group in groupby(pieces, key=lambda piece: piece.kind):
        run = list(group)
        yield StripPiece(run[0].start, run[-1].end, kind)


def cells(pieces: tuple[StripPiece, ...], span: Interval, count: int) -> Iterator[StripPiece]:
    """The span in equal cells, each with the worst class that it touches."""
    index = 0
    for cell in range(count):
        start = span.start + span.length * cell // count
        end = span.start + span.length * (cell + 1) // count
        while pieces[index].end <= start:
            index += 1
        touched = index
        kinds = set()
        while touched < len(pieces) and pieces[touched].start < end:
            kinds.add(pieces[touched].kind)
            touched += 1
        yield StripPiece(start, end, next(kind for kind in _WORST_FIRST if kind in kinds))


def state_at(timeline: Timeline, instant: Instant) -> tuple[State, Instant | None]:
    """The point state just before ``instant`` and since when it has been that; None for "as far as is known"."""
    code = timeline.at(instant - 1)
    state = state_in(code, POINT)
    since: Instant | None = None
    for start, other in zip(reversed(timeline.starts), reversed(timeline.codes), strict=True):
        if start >= instant:
            continue
        if state_in(other, POINT) is not state:
            return state, since
        since = start
    return state, None
