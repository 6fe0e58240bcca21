"""Service hours: weekly ranges, holidays and dated exceptions in a zone, as sets of instants (S2).

Service hours are a property of the instant. Write every date's ranges on one endless local timeline, on which
``22:00-06:00`` goes on into the next day; an instant is inside when the zone's clocks then show a time that is
inside. A repeated hour therefore counts twice and a skipped one not at all, whatever day or midnight it falls on.

For a date the first of these that knows it decides: ``open`` (ranges for that date alone, also on a holiday),
``closed``, ``holidays``, the weekday.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from itertools import accumulate, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from slawatch.domain.interval import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Duration,
    Instant,
    Interval,
    IntervalSet,
    to_datetime,
)
from slawatch.domain.local_time import offset_spans, year_start, zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNIX_DATE = date(1970, 1, 1)

_FURTHEST_WALK = 100
"""Years after which a walk along service hours gives up: a calendar that has none left."""


class TimeRange(NamedTuple):
    """``[start, end)`` in microseconds since the local midnight of the day on which it starts.

    ``end`` is after ``start`` and at most 24 hours after it, so it may lie on the next day.
    """

    start: Duration
    end: Duration


WHOLE_DAY = TimeRange(0, DAY)


@dataclass(frozen=True, slots=True)
class HolidayRegion:
    """The public holidays of a country (``DE``), with those of a subdivision (``HH``) if one is named."""

    country: str
    subdivision: str | None = None

    def __post_init__(self) -> None:
        _holidays_of(self.country, self.subdivision, 2000)

    def dates(self, year: int) -> frozenset[date]:
        """The public holidays of a year, observed days included."""
        return _holidays_of(self.country, self.subdivision, year)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a service is promised. ``weekly`` holds the ranges of Monday to Sunday; a day may have none.

    ``holidays`` and ``closed`` remove the ranges that start on their dates, ``open`` replaces them.
    ``ValueError`` for an unknown zone, a week that has not seven days, or a date that is opened twice.
    """

    name: str
    zone: str
    weekly: tuple[tuple[TimeRange, ...], ...]
    holidays: HolidayRegion | frozenset[date] = frozenset()
    closed: frozenset[date] = frozenset()
    open: tuple[tuple[date, tuple[TimeRange, ...]], ...] = ()

    def __post_init__(self) -> None:
        zone(self.zone)
        if len(self.weekly) != len(WEEKDAYS):
            raise ValueError(f"a week has seven days, Monday first; {len(self.weekly)} were given")
        if len({day for day, _ in self.open}) != len(self.open):
            raise ValueError("a date is opened twice: list its ranges together")

    @property
    def is_always(self) -> bool:
        """True when every instant is inside."""
        whole_week = all(WHOLE_DAY in ranges for ranges in self.weekly)
        return whole_week and not (self.holidays or self.closed or self.open)

    def ranges_on(self, day: date) -> tuple[TimeRange, ...]:
        """The ranges that start on a date."""
        for opened, ranges in self.open:
            if opened == day:
                return ranges
        if day in self.closed or day in self._holidays(day.year):
            return ()
        return self.weekly[day.weekday()]

    def _holidays(self, year: int) -> frozenset[date]:
        return self.holidays.dates(year) if isinstance(self.holidays, HolidayRegion) else self.holidays


ALWAYS = Calendar("always", "UTC", ((WHOLE_DAY,),) * 7)
"""Around the clock, every day."""


def hours(calendar: Calendar, start: Instant, end: Instant) -> IntervalSet:
    """The service hours within ``[start, end)``, exact to the microsecond."""
    if calendar.is_always:
        return IntervalSet.span(start, end)
    years = range(to_datetime(start).year, to_datetime(end).year + 1) if start < end else ()
    return IntervalSet.of(part for year in years for part in _year(calendar, year).hours.clip(start, end))


def elapsed(calendar: Calendar, start: Instant, end: Instant) -> Duration:
    """Service time within ``[start, end)``; 0 when ``end`` is not after ``start``."""
    if end <= start:
        return 0
    if calendar.is_always:
        return end - start
    years = range(to_datetime(start).year, to_datetime(end).year + 1)
    return sum(_year(calendar, year).elapsed(start, end) for year in years)


def advance(calendar: Calendar, start: Instant, service_time: Duration) -> Instant | None:
    """The first instant, not before ``start``, by which that much service time has passed since ``start``.

    Time used up exactly at closing gives the closing, not the next opening. None when the calendar has not
    that much left within a hundred years.
    """
    if calendar.is_always or service_time <= 0:
        return start + max(0, service_time)
    first = to_datetime(start).year
    for year in range(first, first + _FURTHEST_WALK):
        index = _year(calendar, year)
        found = index.advance(start, service_time)
        if found is not None:
            return found
        service_time -= index.elapsed(start, year_start(year + 1))
    return None


class HoursIndex:
    """A set of instants, such as service hours less maintenance, ready for walking: O(log n) a question."""

    __slots__ = ("_before", "_starts", "hours")

    def __init__(self, hours: IntervalSet) -> None:
        self.hours = hours
        self._starts = [interval.start for interval in hours]
        self._before = [0, *accumulate(interval.length for interval in hours)]

    def elapsed(self, start: Instant, end: Instant) -> Duration:
        """Time of the set within ``[start, end)``; 0 when ``end`` is not after ``start``."""
        if len(self._starts) == 1:  # around the clock, in most contracts
            first, last = self.hours.intervals[0]
            return max(0, (min(last, end)) - (max(first, start)))
        return max(0, self._until(end) - self._until(start))

    def advance(self, start: Instant, service_time: Duration) -> Instant | None:
        """The first instant, not before ``start``, by which that much of the set has passed; None if never."""
        if service_time <= 0:
            return start
        total = self._until(start) + service_time
        if total > self._before[-1]:
            return None
        index = bisect_right(self._before, total - 1) - 1
        return self._starts[index] + total - self._before[index]

    def _until(self, instant: Instant) -> Duration:
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0
        return self._before[index] + min(instant, self.hours.intervals[index].end) - self._starts[index]


@lru_cache(maxsize=2048)
def _year(calendar: Calendar, year: int) -> HoursIndex:
    """The service hours of one UTC year."""
    inside = _inside(calendar, zone(calendar.zone), year_start(year), year_start(year + 1))
    return HoursIndex(IntervalSet.of(inside))


def _inside(calendar: Calendar, tz: ZoneInfo, start: Instant, end: Instant) -> Iterator[Interval]:
    """Within a span of constant offset the local timeline and UTC differ by a shift, so ranges map by one."""
    for span in offset_spans(start, end, tz):
        local = _local_ranges(calendar, span.start + span.offset, span.end + span.offset)
        for begin, finish in local.clip(span.start + span.offset, span.end + span.offset):
            yield Interval(begin - span.offset, finish - span.offset)


def _local_ranges(calendar: Calendar, start: Duration, end: Duration) -> IntervalSet:
    """Ranges on the local timeline, in microseconds since its 1970, that can reach into ``[start, end)``."""
    first, last = start // DAY - 1, (end - 1) // DAY
    return IntervalSet.of(
        (number * DAY + begin, number * DAY + finish)
        for number in range(first, last + 1)
        for begin, finish in calendar.ranges_on(_UNIX_DATE + timedelta(days=number))
    )


@lru_cache(maxsize=4096)
def _holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    from holidays import country_holidays

    try:
        if len(country) != 2 or not country.isupper():
            raise NotImplementedError
        known = country_holidays(country, subdiv=subdivision, years=(year - 1, year, year + 1))
    except NotImplementedError:  # also what the package raises
        region = country if subdivision is None else f"{country}-{subdivision}"
        raise ValueError(
            f"{region!r}: no such holidays; a country or a country and subdivision like DE-HH is expected"
        ) from None
    # A holiday on a Saturday may be observed in the year before; hence the neighbours above.
    return frozenset(day for day in known if day.year == year)


def holidays_version() -> str:
    """The version of the holiday data, for the record (S23)."""
    return version("holidays")


def parse_holidays(text: str) -> HolidayRegion:
    """The region of ``DE`` or ``DE-HH``; ``ValueError`` when there are no such holidays."""
    country, _, subdivision = text.strip().partition("-")
    return HolidayRegion(country, subdivision or None)


_RANGE = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?\s*[-–]\s*(\d\d):(\d\d)(?::(\d\d))?")


def parse_range(text: str) -> TimeRange:
    """The range of ``08:00-18:00``; an end at or before its start is on the next day; ``24:00`` may end it.

    ``ValueError`` says what is expected.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no range of time: one like 08:00-18:00 is expected")
    start, end = _time_of_day(text, match.groups()[:3]), _time_of_day(text, match.groups()[3:])
    if start == DAY:
        raise ValueError(f"{text!r}: a range cannot start at 24:00; write 00:00 on the next day")
    return TimeRange(start, end if end > start else end + DAY)


def parse_ranges(texts: Iterable[str]) -> tuple[TimeRange, ...]:
    """A day's ranges in order; the one word ``closed`` gives none. ``ValueError`` if two of them overlap."""
    listed = list(texts)
    if [text.strip() for text in listed] == ["closed"]:
        return ()
    ranges = sorted(parse_range(text) for text in listed)
    for earlier, later in pairwise(ranges):
        if later.start < earlier.end:
            raise ValueError(f"{', '.join(listed)}: these ranges overlap; each hour belongs to one")
    return tuple(ranges)


def _time_of_day(text: str, parts: tuple[str | None, ...]) -> Duration:
    hour, minute, second = (int(part or 0) for part in parts)
    time = hour * HOUR + minute * MINUTE + second * SECOND
    if minute > 59 or second > 59 or time > DAY:
        raise ValueError(f"{text!r} holds no time of day: 00:00 to 24:00 is expected")
    return time


def parse_weekdays(text: str) -> tuple[int, ...]:
    """The weekdays (Monday is 0) of ``mon``, ``mon-fri``, ``sat-mon`` or ``mon,wed``, in that order."""
    days: list[int] = []
    for part in text.lower().split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            raise ValueError(f"{text!r} names no weekday: mon, tue, wed, thu, fri, sat, sun or mon-fri is expected")
        start = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last) - start) % 7 + 1 if dash else 1
        days += [(start + step) % 7 for step in range(length)]
    if len(set(days)) != len(days):
        raise ValueError(f"{text!r} names a weekday twice")
    return tuple(days)
