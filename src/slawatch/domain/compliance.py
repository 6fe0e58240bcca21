"""One period of one contract → classes of time, three figures, coverage, budget and verdict (S4–S10, S22).

Everything is exact: microseconds are integers and ratios are fractions. Nothing here reads a clock; ``now`` is
an argument, and time that has not passed yet is in no class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from slawatch.domain.contract import Contract, UnknownPolicy
from slawatch.domain.exclusions import Exclusions
from slawatch.domain.facts import State
from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.observation import Cause
from slawatch.domain.outage_rules import apply_outage_rules
from slawatch.domain.period import Period
from slawatch.domain.service_hours import HoursIndex
from slawatch.domain.timeline import HIGH, LOW, POINT, VERSIONS, Code, Timeline, cause_of, outages, totals


class Verdict(StrEnum):
    """How a period ended, or that it has not (S9)."""

    MET = "met"
    BREACHED = "breached"
    DISPUTABLE = "disputable"
    NOT_APPLICABLE = "not_applicable"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Classes:
    """Microseconds of each class within service time, in one of the three versions."""

    up: Duration = 0
    degraded: Duration = 0
    down: Duration = 0
    unknown: Duration = 0

    @property
    def known(self) -> Duration:
        """What was measured."""
        return self.up + self.degraded + self.down

    @property
    def total(self) -> Duration:
        """The service time that has passed."""
        return self.known + self.unknown

    def ratio(self, weight: Fraction, unknown: UnknownPolicy) -> Fraction | None:
        """Availability by S6; None for an empty denominator."""
        up, denominator = self.up, self.known
        if unknown is not UnknownPolicy.EXCLUDE:
            denominator += self.unknown
        if unknown is UnknownPolicy.UP:
            up += self.unknown
        if not denominator:
            return None
        part, whole = weight.numerator, weight.denominator
        return Fraction(up * whole + self.degraded * part, denominator * whole)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Low, point and high of one figure (S8); None where not applicable."""

    low: Fraction | None = None
    point: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Downtime in microseconds: allowed, used, and what is left (negative when overdrawn) (S22)."""

    allowed: Duration = 0
    used: Duration = 0

    @property
    def left(self) -> Duration:
        return self.allowed - self.used


class Outage(NamedTuple):
    """One outage as far as it lies in the period: its span, and the service time in it that counts.

    It is one outage however hours and exclusions cut it; one that lies wholly outside service time is none.
    """

    span: Interval
    counted: Duration


class OutageSum(NamedTuple):
    """How many outages there were, the longest, and all together, in counted service time."""

    number: int = 0
    longest: Duration = 0
    total: Duration = 0

    @classmethod
    def of(cls, listed: Sequence[Outage]) -> OutageSum:
        """The sum of some outages."""
        lengths = [outage.counted for outage in listed]
        return cls(len(lengths), max(lengths, default=0), sum(lengths))

    def plus(self, outage: Outage) -> OutageSum:
        """The sum with one more."""
        return OutageSum(self.number + 1, max(self.longest, outage.counted), self.total + outage.counted)


@dataclass(frozen=True, slots=True)
class OutageFigures:
    """The period's outages by the point version, in counted service time. Microseconds; None without outages."""

    count: int = 0
    longest: Duration = 0
    mtrs: Duration | None = None
    """Mean time to restore service: downtime / outages."""
    mtbf: Duration | None = None
    """Mean time between failures: uptime / outages."""
    mtbsi: Duration | None = None
    """Mean time between service incidents: MTBF + MTRS."""


@dataclass(frozen=True, slots=True)
class Compliance:
    """The account of one period as of ``at``.

    ``classes`` are by the point version, ``low`` and ``high`` by the others. Durations in microseconds; the six
    classes with ``excluded``, ``outside_hours`` and ``outside_contract`` add up to the part of the period that has
    passed. ``service_time`` is that of the whole period.
    """

    period: Period
    at: Instant
    classes: Classes
    low: Classes
    high: Classes
    excluded: Duration
    outside_hours: Duration
    outside_contract: Duration
    service_time: Duration
    excluded_by: Mapping[str, Duration]
    unknown_by: Mapping[Cause, Duration]
    availability: Bounds
    if_unknown_down: Fraction | None
    if_unknown_up: Fraction | None
    without_exclusions: Fraction | None
    coverage: Fraction | None
    target: Fraction
    budget: Budget
    best: Fraction | None
    worst: Fraction | None
    suppressed: Duration
    outage_figures: OutageFigures
    verdict: Verdict
    outages: tuple[tuple[Outage, ...], ...] = field(default=((), (), ()), repr=False)
    """In the low, the point and the high version."""

    @property
    def open(self) -> bool:
        """Whether the period still runs."""
        return self.at < self.period.end

    @property
    def covered(self) -> bool:
        """Whether anything was measured at all."""
        return self.classes.known > 0


@dataclass(frozen=True, slots=True)
class Passed:
    """What has passed of a period until ``at``, measured: all that its account follows from. Microseconds.

    ``sums`` says how long each code held within service time and ``set_aside`` within excluded time, ``ahead`` how
    much service time is still to come. ``outages`` are those of the low, the point and the high version, and
    ``outage_sum`` adds up those of the point version.
    """

    at: Instant
    sums: Mapping[Code, Duration]
    set_aside: Mapping[Code, Duration]
    excluded_by: Mapping[str, Duration]
    outside_hours: Duration
    outside_contract: Duration
    ahead: Duration
    suppressed: Duration
    outages: tuple[tuple[Outage, ...], ...]
    outage_sum: OutageSum


@dataclass(frozen=True, slots=True)
class Scope:
    """How a period divides before any state is looked at: disjoint sets that tile it."""

    service: IntervalSet
    excluded: tuple[tuple[str, IntervalSet], ...]
    outside_hours: Duration
    outside_contract: Duration

    @property
    def excluded_time(self) -> IntervalSet:
        return IntervalSet.of(interval for _, intervals in self.excluded for interval in intervals)


def scope_of(span: Interval, contract: Contract, hours: IntervalSet | None, exclusions: Exclusions) -> Scope:
    """Divide ``span`` by validity, service hours and exclusions, in this order of precedence (S4).

    ``hours`` covers at least ``span``; None means around the clock.
    """
    whole = IntervalSet.span(*span)
    valid = whole.clip(*contract.valid)
    inside = valid if hours is None else valid.intersection(hours)
    excluded = tuple((kind.value, inside.intersection(spans)) for kind, spans in exclusions.by_kind)
    service = inside.difference(exclusions.all)
    return Scope(service, excluded, valid.length - inside.length, whole.length - valid.length)


def judge(
    contract: Contract,
    period: Period,
    timeline: Timeline,
    hours: IntervalSet | None,
    exclusions: Exclusions,
    now: Instant,
) -> Compliance:
    """The account of ``period`` as of ``now``, from the service's timeline up to then."""
    at = max(period.start, min(now, period.end))
    counted, suppressed = apply_outage_rules(timeline, contract.options)
    scope = scope_of(Interval(period.start, at), contract, hours, exclusions)
    listed = _outages(counted, scope.service, Interval(period.start, at))
    passed = Passed(
        at=at,
        sums=totals(counted, scope.service),
        set_aside=totals(counted, scope.excluded_time),
        excluded_by={kind: spans.length for kind, spans in scope.excluded if spans},
        outside_hours=scope.outside_hours,
        outside_contract=scope.outside_contract,
        ahead=scope_of(Interval(at, period.end), contract, hours, exclusions).service.length,
        suppressed=suppressed.intersection(scope.service).length,
        outages=listed,
        outage_sum=OutageSum.of(listed[1]),
    )
    return compliance_of(contract, period, passed, now)


def compliance_of(contract: Contract, period: Period, passed: Passed, now: Instant) -> Compliance:
    """The account that follows from what has passed."""
    low, point, high = by_version = tuple(classes_of(passed.sums, version) for version in VERSIONS)
    everything = classes_of(_added(passed.sums, passed.set_aside), POINT)
    options = contract.options
    availability = bounds_of(by_version, options.degraded, options.unknown)
    coverage = Fraction(point.known, point.total) if point.total else None
    return Compliance(
        period=period,
        at=passed.at,
        classes=point,
        low=low,
        high=high,
        excluded=sum(passed.excluded_by.values()),
        outside_hours=passed.outside_hours,
        outside_contract=passed.outside_contract,
        service_time=point.total + passed.ahead,
        excluded_by=passed.excluded_by,
        unknown_by=_causes(passed.sums),
        availability=availability,
        if_unknown_down=point.ratio(options.degraded, UnknownPolicy.DOWN),
        if_unknown_up=point.ratio(options.degraded, UnknownPolicy.UP),
        without_exclusions=everything.ratio(options.degraded, options.unknown),
        coverage=coverage,
        target=contract.target,
        budget=_budget(contract, point, passed.ahead),
        best=_finals(by_version, passed.ahead, contract, remaining_is_up=True).high,
        worst=_finals(by_version, passed.ahead, contract, remaining_is_up=False).low,
        suppressed=passed.suppressed,
        outage_figures=_outage_figures(passed.outage_sum, point),
        verdict=verdict_of(contract, period, availability, coverage, now),
        outages=passed.outages,
    )


def verdict_of(
    contract: Contract, period: Period, availability: Bounds, coverage: Fraction | None, now: Instant
) -> Verdict:
    """The verdict of S9 by the period's figures and coverage, of time or of counted events."""
    low, high = availability.low, availability.high
    if now < period.end:
        return Verdict.OPEN
    if low is None or high is None or coverage is None or not period.judged:
        return Verdict.NOT_APPLICABLE
    if high < contract.target:
        return Verdict.BREACHED
    if low >= contract.target and coverage >= contract.options.coverage_floor:
        return Verdict.MET
    return Verdict.DISPUTABLE


def classes_of(sums: Mapping[Code, Duration], version: int) -> Classes:
    """The classes in one version, from how long each code held."""
    by_state = [0, 0, 0, 0]
    for code, length in sums.items():
        by_state[code >> version & 3] += length
    return Classes(
        up=by_state[State.UP],
        degraded=by_state[State.DEGRADED],
        down=by_state[State.DOWN],
        unknown=by_state[State.UNKNOWN],
    )


def _added(one: Mapping[Code, Duration], other: Mapping[Code, Duration]) -> dict[Code, Duration]:
    return {code: one.get(code, 0) + other.get(code, 0) for code in {*one, *other}}


def _causes(sums: Mapping[Code, Duration]) -> dict[Cause, Duration]:
    by_cause: dict[Cause, Duration] = {}
    for code, length in sums.items():
        cause = cause_of(code)
        if cause is not None and code >> POINT & 3 == State.UNKNOWN:
            by_cause[cause] = by_cause.get(cause, 0) + length
    return by_cause


def bounds_of(by_version: Iterable[Classes], weight: Fraction, unknown: UnknownPolicy) -> Bounds:
    """The three figures; none where the point figure has no denominator.

    A composite can turn time from unknown into degraded between two versions, which a weight below the rest of the
    figure would count as worse; the bounds are widened to hold the point then.
    """
    figures = [classes.ratio(weight, unknown) for classes in by_version]
    if figures[1] is None:
        return Bounds()
    known = [figure for figure in figures if figure is not None]
    return Bounds(min(known), figures[1], max(known))


def _budget(contract: Contract, point: Classes, ahead: Duration) -> Budget:
    weight, unknown = contract.options.degraded, contract.options.unknown
    counted = point.total + ahead - (point.unknown if unknown is UnknownPolicy.EXCLUDE else 0)
    lost = point.down + (point.unknown if unknown is UnknownPolicy.DOWN else 0)
    lost -= -point.degraded * (weight.denominator - weight.numerator) // weight.denominator
    target = contract.target
    allowed = counted * (target.denominator - target.numerator) // target.denominator
    return Budget(allowed=allowed, used=lost)


def _finals(by_version: Iterable[Classes], ahead: Duration, contract: Contract, *, remaining_is_up: bool) -> Bounds:
    """How the period would end if all that remains were up, or down (S22)."""
    up, down = (ahead, 0) if remaining_is_up else (0, ahead)
    whole = [Classes(past.up + up, past.degraded, past.down + down, past.unknown) for past in by_version]
    return bounds_of(whole, contract.options.degraded, contract.options.unknown)


def _outages(counted: Timeline, service: IntervalSet, span: Interval) -> tuple[tuple[Outage, ...], ...]:
    """The outages of the three versions; where nothing is uncertain they are the same."""
    elapsed = HoursIndex(service).elapsed

    def of_version(version: int) -> tuple[Outage, ...]:
        whole = (Outage(outage, elapsed(*outage)) for outage in outages(counted, version, *span))
        return tuple(outage for outage in whole if outage.counted)

    point = of_version(POINT)
    alike = all(code >> LOW & 3 == code >> POINT & 3 == code >> HIGH & 3 for code in set(counted.codes))
    return (point, point, point) if alike else (of_version(LOW), point, of_version(HIGH))


def _outage_figures(found: OutageSum, point: Classes) -> OutageFigures:
    if not found.number:
        return OutageFigures()
    mtrs, mtbf = found.total // found.number, (point.up + point.degraded) // found.number
    return OutageFigures(found.number, found.longest, mtrs, mtbf, mtrs + mtbf)


def display_ratio(ratio: Fraction, target: Fraction, digits: int = 2) -> str:
    """A percentage that never flatters (S10), without the sign ``%``.

    Truncated, never rounded up, with as many digits as its target has, and more until it differs from it; nine at
    most. So what is printed is below the target exactly when the figure is. A figure exactly on its target is printed
    as the target is written.
    """
    if ratio == target:
        return _truncated(target, _digits_of(target))
    for count in range(max(digits, _digits_of(target)), 10):
        text = _truncated(ratio, count)
        if Fraction(text) / 100 != target:
            return text
    return text


def _truncated(ratio: Fraction, digits: int) -> str:
    scaled = ratio.numerator * 100 * 10**digits // ratio.denominator
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def _digits_of(ratio: Fraction) -> int:
    for digits in range(2, 9):
        if (ratio * 100 * 10**digits).denominator == 1:
            return digits
    return 9
