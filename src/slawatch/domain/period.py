"""Measurement periods (S20, S21): which window holds an instant, and what validity leaves of it.

Periods are counted on the calendar of the contract's zone. A boundary is the first instant of a local date
(S2), so neighbours tile time: a fortnight with a change of clocks has 335 or 337 hours.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from slawatch.domain.interval import Instant, Interval
from slawatch.domain.local_time import first_instant, local_of, parse_date, parse_local, zone


class PeriodRule(ABC):
    """A way to cut time into periods: none overlap, none is empty, and from the first on there is no gap."""

    __slots__ = ()

    @abstractmethod
    def containing(self, instant: Instant) -> Interval | None:
        """The period that holds an instant; None where the rule has none."""

    @property
    @abstractmethod
    def first(self) -> Interval | None:
        """The period before which there is none; None when there is no such end."""

    def following(self, period: Interval) -> Interval | None:
        """The period that begins where this one ends."""
        return self.containing(period.end)

    def preceding(self, period: Interval) -> Interval | None:
        """The period that ends where this one begins."""
        return self.containing(period.start - 1)

    def between(self, start: Instant, end: Instant) -> Iterator[Interval]:
        """Every period that shares an instant with ``[start, end)``, whole, in order."""
        if start >= end:
            return
        first = self.first
        period = first if first is not None and start < first.start else self.containing(start)
        while period is not None and period.start < end:
            yield period
            period = self.following(period)


class _DatedRule(PeriodRule):
    """Periods numbered along the dates of a zone."""

    __slots__ = ()
    zone: str
    _lowest_number: ClassVar[int]
    """Periods with a lower number do not exist."""

    @abstractmethod
    def _number(self, day: date) -> int:
        """The number of the period whose dates hold a date."""

    @abstractmethod
    def _first_day(self, number: int) -> date:
        """The date on which a period starts."""

    def _boundary(self, number: int) -> Instant:
        return first_instant(self._first_day(number), zone(self.zone))

    def _bounds(self, number: int) -> Interval:
        return Interval(self._boundary(number), self._boundary(number + 1))

    def containing(self, instant: Instant) -> Interval | None:
        number = self._number(local_of(instant, zone(self.zone)).date())
        # Where a midnight repeats, the clocks go back into the date before the boundary, or a date is missing.
        while instant < self._boundary(number):
            number -= 1
        while instant >= self._boundary(number + 1):
            number += 1
        return None if number < self._lowest_number else self._bounds(number)


@dataclass(frozen=True, slots=True)
class EveryDays(_DatedRule):
    """``every N days from DATE`` and, with 7 days each, ``every N weeks from DATE``. None before that date."""

    days: int
    anchor: date
    zone: str
    _lowest_number: ClassVar[int] = 0

    def __post_init__(self) -> None:
        zone(self.zone)
        if self.days < 1:
            raise ValueError("a period has at least one day")

    @property
    def first(self) -> Interval:
        number = 0
        while not (period := self._bounds(number)).length:
            number += 1
        return period

    def _number(self, day: date) -> int:
        return (day - self.anchor).days // self.days

    def _first_day(self, number: int) -> date:
        return self.anchor + timedelta(days=number * self.days)

    def __str__(self) -> str:
        count, unit = (self.days // 7, "week") if self.days % 7 == 0 else (self.days, "day")
        return f"every {count} {unit}{'s' if count > 1 else ''} from {self.anchor.isoformat()}"


class CalendarUnit(StrEnum):
    """What a calendar calls a period."""

    WEEK = "week"
    """Monday to Sunday."""
    MONTH = "month"
    QUARTER = "quarter"
    """From the first of January, April, July and October."""
    YEAR = "year"


_MONTHS = {CalendarUnit.MONTH: 1, CalendarUnit.QUARTER: 3, CalendarUnit.YEAR: 12}


@dataclass(frozen=True, slots=True)
class CalendarPeriods(_DatedRule):
    """Calendar weeks, months, quarters or years."""

    unit: CalendarUnit
    zone: str
    _lowest_number: ClassVar[int] = 0

    def __post_init__(self) -> None:
        zone(self.zone)

    @property
    def first(self) -> None:
        return None

    def _number(self, day: date) -> int:
        if self.unit is CalendarUnit.WEEK:
            return (day.toordinal() - 1) // 7
        return (day.year * 12 + day.month - 1) // _MONTHS[self.unit]

    def _first_day(self, number: int) -> date:
        if self.unit is CalendarUnit.WEEK:
            return date.fromordinal(number * 7 + 1)
        year, month = divmod(number * _MONTHS[self.unit], 12)
        return date(year, month + 1, 1)

    def __str__(self) -> str:
        return self.unit.value


@dataclass(frozen=True, slots=True)
class FixedSpan(PeriodRule):
    """One period, ``from LOCALTIME to LOCALTIME``."""

    span: Interval
    zone: str

    def __post_init__(self) -> None:
        zone(self.zone)
        if not self.span.length:
            raise ValueError("a period ends after it starts")

    @property
    def first(self) -> Interval:
        return self.span

    def containing(self, instant: Instant) -> Interval | None:
        return self.span if instant in self.span else None

    def __str__(self) -> str:
        start, end = (local_of(instant, zone(self.zone)) for instant in self.span)
        return f"from {start.isoformat(' ')} to {end.isoformat(' ')}"


_EVERY = re.compile(r"every\s+(?:(\d{1,4})\s+)?(day|week)s?\s+from\s+(\S+)")
_FROM_TO = re.compile(r"from\s+(.+?)\s+to\s+(.+)")

_EXPECTED = (
    "'every 2 weeks from 2026-01-05', 'every 10 days from 2026-01-05', week, month, quarter, year "
    "or 'from 2026-01-05 to 2026-03-01' is expected"
)


def parse_period(text: str, zone_name: str) -> PeriodRule:
    """The rule that a contract writes as ``period``, in a zone. ``ValueError`` says what is expected."""
    words = text.strip().lower()
    if words in set(CalendarUnit):
        return CalendarPeriods(CalendarUnit(words), zone_name)
    if every := _EVERY.fullmatch(words):
        count = int(every[1] or 1)
        return EveryDays(count * (7 if every[2] == "week" else 1), parse_date(every[3]), zone_name)
    if span := _FROM_TO.fullmatch(text.strip()):
        tz = zone(zone_name)
        return FixedSpan(Interval(parse_local(span[1], tz), parse_local(span[2], tz)), zone_name)
    raise ValueError(f"{text!r} is no period: {_EXPECTED}")


class PartialPolicy(StrEnum):
    """What becomes of a period that validity clips (S21)."""

    JUDGE = "judge"
    """It is judged like any other."""
    MERGE = "merge"
    """It joins its neighbour inside validity, and the two are judged as one."""
    INFORM_ONLY = "inform_only"
    """Its figures are shown; no verdict, no credit."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a contract. ``partial`` when it is not exactly one period of the rule.

    ``nominal`` is the span of the rule's periods that it is taken from. ``proration`` is the share of a whole
    period's charges that falls to it, by elapsed time: 1 when it is whole, more when a stub was merged in.
    ``judged`` is false when it is for information only.
    """

    start: Instant
    end: Instant
    partial: bool
    nominal: Interval
    proration: Fraction
    judged: bool

    @property
    def interval(self) -> Interval:
        """``[start, end)``."""
        return Interval(self.start, self.end)


@dataclass(frozen=True, slots=True)
class MeasurementPeriods:
    """The periods of a contract: its rule, clipped to its validity (S21).

    ``start_stated`` is false for a contract without ``valid.from``: validity then begins when the ledger first
    saw it, and a first period that this clips is for information only, whatever the policy.
    """

    rule: PeriodRule
    valid: Interval
    policy: PartialPolicy = PartialPolicy.JUDGE
    start_stated: bool = True

    def containing(self, instant: Instant) -> Period | None:
        """The period that holds an instant; None outside validity and where the rule has none."""
        nominal = self.rule.containing(instant) if instant in self.valid else None
        if nominal is None:
            return None
        first = last = nominal
        while (left := self._neighbour(self.rule.preceding(first))) and self._joined(left, first):
            first = left
        while (right := self._neighbour(self.rule.following(last))) and self._joined(last, right):
            last = right
        return self._period(Interval(first.start, last.end), whole=first == last)

    def following(self, period: Period) -> Period | None:
        """The period that begins where this one ends."""
        return self.containing(period.end)

    def preceding(self, period: Period) -> Period | None:
        """The period that ends where this one begins."""
        return self.containing(period.start - 1)

    def between(self, start: Instant, end: Instant) -> Iterator[Period]:
        """Every period that shares an instant with ``[start, end)``, whole, in order."""
        start, end = max(start, self.valid.start), min(end, self.valid.end)
        nominal = next(self.rule.between(start, end), None)
        period = self.containing(max(start, nominal.start)) if nominal else None
        while period is not None and period.start < end:
            yield period
            period = self.following(period)

    def _neighbour(self, nominal: Interval | None) -> Interval | None:
        return nominal if nominal and nominal.intersect(self.valid).length else None

    def _joined(self, left: Interval, right: Interval) -> bool:
        if self.policy is not PartialPolicy.MERGE:
            return False
        clipped_at_start = left.start < self.valid.start
        if clipped_at_start and not self.start_stated:
            return False
        return clipped_at_start or right.end > self.valid.end

    def _period(self, nominal: Interval, *, whole: bool) -> Period:
        clipped = nominal.intersect(self.valid)
        unstated = clipped.start > nominal.start and not self.start_stated
        clip = clipped != nominal
        informs = unstated or (clip and self.policy is PartialPolicy.INFORM_ONLY)
        share = proration(self.rule, clipped)
        return Period(clipped.start, clipped.end, clip or not whole, nominal, share, judged=not informs)


def proration(rule: PeriodRule, span: Interval) -> Fraction:
    """How many of a rule's periods a span amounts to by elapsed time, a part of one counting as its share.

    Charges per month are prorated over a fortnight by calendar months, charges per period by the rule itself.
    """
    periods = rule.between(span.start, span.end)
    return sum((Fraction(period.intersect(span).length, period.length) for period in periods), Fraction())
