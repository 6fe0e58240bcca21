"""The outages of one endpoint, from its changes and blips (S8, S12): what happened, how long, and how surely.

An outage lasts from the first failed probe of a confirmed one to the first good one. It goes on over unknown time:
what was down before and after it is one outage, of which nobody watched a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.observation import Cause
from slawatch.domain.timeline import HIGH, LOW, POINT, Timeline, endpoint_timeline


@dataclass(frozen=True, slots=True)
class EndpointOutage:
    """One outage. Instants are UTC microseconds, lengths microseconds.

    ``low`` is the time that was certainly down, ``high`` what may have been: the high and the low version of S8.
    """

    began: Change
    """The change that began it: its instant, its bracket, its confirmation, and the first failure's words."""
    ended: Instant | None
    """The first good probe; None while it lasts as far as is known."""
    span: Interval
    """All in which it can have been down."""
    down: IntervalSet
    """When it was down, by the point version."""
    low: Duration
    point: Duration
    high: Duration
    unknown: Duration
    """How long nobody watched while it lasted."""
    cause: Cause | None
    """Why nobody did, the last time."""


def endpoint_outages(changes: Sequence[Change], blips: Sequence[Blip], end: Instant) -> Iterator[EndpointOutage]:
    """Every outage, oldest first. ``changes`` come as :func:`endpoint_timeline` takes them, the last one closed at
    ``end``, up to which something is known."""
    timeline = endpoint_timeline(changes, blips)
    listed = list({change.at: change for change in changes}.values())
    began: int | None = None
    for index, change in enumerate(listed):
        if change.state is State.DOWN and began is None:
            began = index
        elif began is not None and change.state in (State.UP, State.DEGRADED):
            yield _outage(listed, began, index, timeline, end)
            began = None
    if began is not None:
        yield _outage(listed, began, None, timeline, end)


def _outage(
    changes: Sequence[Change], first: int, last: int | None, timeline: Timeline, end: Instant
) -> EndpointOutage:
    began = changes[first]
    start = max(began.earliest, changes[first - 1].at) if first else began.earliest
    stop = end
    if last is not None:
        following = changes[last + 1].at if last + 1 < len(changes) else end
        stop = max(changes[last].at, min(changes[last].latest, following))
    span = Interval(min(start, began.at), max(stop, began.at))
    within = changes[first + 1 : last]
    unseen = [change for change in within if change.state is State.UNKNOWN]
    until = stop if last is None else changes[last].at
    return EndpointOutage(
        began=began,
        ended=None if last is None else changes[last].at,
        span=span,
        down=timeline.where(POINT, State.DOWN, began.at, until),
        low=timeline.where(HIGH, State.DOWN, *span).length,
        point=timeline.where(POINT, State.DOWN, began.at, until).length,
        high=timeline.where(LOW, State.DOWN, *span).length,
        unknown=timeline.where(POINT, State.UNKNOWN, began.at, until).length,
        cause=unseen[-1].cause if unseen else None,
    )
