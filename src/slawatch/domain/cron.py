"""A schedule in cron's five fields and a zone, as the instants at which Debian's cron starts the job (S32).

A job at a *fixed time* (neither its minute nor its hour begins with ``*``) that falls into hours which the
clocks skip runs once, right after the gap; in a repeated hour it runs the first time only. A *wildcard* job
runs whenever the clocks show its time: twice in a repeated hour, not at all in a skipped one. cron takes a
jump of three hours or more for a corrected clock; what such a jump skips does not run.

As in Debian's cron a day must match both day fields when one of them begins with ``*``, else either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from cronsim import CronSim, CronSimError

from slawatch.domain.interval import DAY, HOUR, MINUTE, Duration, Instant
from slawatch.domain.local_time import OffsetSpan, offset_spans, zone

_UNIX_DATE = date(1970, 1, 1)

_CORRECTION = 3 * HOUR
"""cron(8): changes of less than three hours are handled specially, others are taken for corrections."""


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """``0 2 * * mon-fri`` in a zone. ``ValueError`` for what cron could not run, or would never run."""

    expression: str
    zone: str

    def __post_init__(self) -> None:
        zone(self.zone)
        _fields(self.expression)

    def between(self, start: Instant, end: Instant) -> tuple[Instant, ...]:
        """The starts within ``[start, end)``, in order, each once."""
        if start >= end:
            return ()
        fields = _fields(self.expression)
        # Far enough back to see the change that began a gap or a repetition that reaches into the window.
        spans = list(offset_spans(start - 2 * DAY, end, zone(self.zone)))
        starts = set(_shown(fields, spans[0], spans[0].start + spans[0].offset))
        for before, after in pairwise(spans):
            old, new = after.start + before.offset, after.start + after.offset
            starts.update(_shown(fields, after, old if fields.fixed else new))
            if fields.fixed and 0 < new - old < _CORRECTION and next(fields.times(old, new), None) is not None:
                starts.add(after.start)
        return tuple(sorted(instant for instant in starts if instant >= start))

    def following(self, instant: Instant, within: Duration) -> Instant | None:
        """The first start after an instant; None if there is none in the time ``within``."""
        reach = DAY
        while True:
            found = self.between(instant + 1, instant + min(reach, within))
            if found or reach >= within:
                return found[0] if found else None
            reach *= 4


@dataclass(frozen=True, slots=True)
class _Fields:
    """An expression read: what of it is a matter of days, the times of a day, and whether they are fixed."""

    days: CronSim
    times_of_day: tuple[Duration, ...]
    fixed: bool

    def times(self, start: Duration, end: Duration) -> Iterator[Duration]:
        """The local times within ``[start, end)``, in microseconds of the local timeline, in order."""
        for number in range(start // DAY, (end - 1) // DAY + 1):
            day = _UNIX_DATE + timedelta(days=number)
            if day.month in self.days.months and self.days.match_day(day):
                yield from (t for time in self.times_of_day if start <= (t := number * DAY + time) < end)


def _shown(fields: _Fields, span: OffsetSpan, first: Duration) -> Iterator[Instant]:
    """The instants of a span at which the clocks show a time of the schedule, from a local time on."""
    start, end = span.start + span.offset, span.end + span.offset
    return (local - span.offset for local in fields.times(max(start, first), end))


@lru_cache(maxsize=1024)
def _fields(expression: str) -> _Fields:
    words = expression.split()
    if len(words) != 5:
        raise ValueError(
            f"{expression!r} is no schedule: minute, hour, day of month, month and day of week are expected, "
            "as in '0 2 * * mon-fri'"
        )
    try:
        parsed = CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001 - only its fields are used
        next(parsed)
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"{expression!r} is no schedule: {error or 'it never runs'}") from None
    times = tuple(hour * HOUR + minute * MINUTE for hour in sorted(parsed.hours) for minute in sorted(parsed.minutes))
    return _Fields(parsed, times, not words[0].startswith("*") and not words[1].startswith("*"))
