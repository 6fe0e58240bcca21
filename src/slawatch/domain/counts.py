"""One period of a counted measurement: how many events, misses and unknown ones, and what follows (S30).

Low counts unknown events as missed, high as met, and point leaves them out; with ``unknown: down`` or ``up`` all
three count them so. The misses that the standard allows are ⌊(1 - target)·n⌋, of ``n`` without the events that point
leaves out: 99 % of 10 allows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from slawatch.domain.compliance import Bounds, Budget, Classes, Compliance, OutageFigures, verdict_of
from slawatch.domain.contract import Contract, Figure, UnknownPolicy
from slawatch.domain.credits import CreditFacts, Settlement, settle
from slawatch.domain.interval import Duration, Instant, IntervalSet
from slawatch.domain.period import Period


class Fate(StrEnum):
    """What became of one event."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"
    AHEAD = "ahead"
    """Neither met nor past due; it counts in no figure yet."""


class CountedEvent(NamedTuple):
    """One run, ticket or mail. ``at`` decides its period: the deadline of its slot, its due time, its sending.

    It is left out when ``planned`` lies in excluded time: the slot's scheduled start, the due time, the sending.
    ``desk`` is the help desk's own figure where it differs from ours, ``ours``.
    """

    at: Instant
    fate: Fate
    reason: str
    source: str
    name: str
    planned: Instant
    ours: Duration | None = None
    desk: Duration | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The events of one period so far. ``ahead`` is how many are still to come, None where nobody can know.

    ``excluded`` are left out of everything; ``listed`` are the missed and unknown events and those that the desk
    counts otherwise, in order.
    """

    n: int
    missed: int
    unknown: int
    allowed: int
    excluded: int = 0
    ahead: int | None = 0
    listed: tuple[CountedEvent, ...] = ()

    @property
    def met(self) -> int:
        """Events that kept the promise."""
        return self.n - self.missed - self.unknown


def count(
    contract: Contract, period: Period, events: Iterable[CountedEvent], excluded: IntervalSet, *, plannable: bool
) -> tuple[Counts, Counts]:
    """The counts of a period, and the same as if nothing were excluded.

    ``plannable`` says that every event still to come is among ``events`` (the slots of a schedule).
    """
    mine = sorted(event for event in events if event.at in period.interval)
    counted = [event for event in mine if event.planned not in excluded]
    whole = _counts(contract, mine, plannable=plannable)
    return replace(_counts(contract, counted, plannable=plannable), excluded=len(mine) - len(counted)), whole


def _counts(contract: Contract, events: Sequence[CountedEvent], *, plannable: bool) -> Counts:
    by_fate = {fate: sum(event.fate is fate for event in events) for fate in Fate}
    n = len(events) - by_fate[Fate.AHEAD]
    unknown = by_fate[Fate.UNKNOWN]
    base = n - unknown if contract.options.unknown is UnknownPolicy.EXCLUDE else n
    return Counts(
        n=n,
        missed=by_fate[Fate.MISSED],
        unknown=unknown,
        allowed=allowed_misses(contract.target, base),
        ahead=by_fate[Fate.AHEAD] if plannable else None,
        listed=tuple(e for e in events if e.fate in (Fate.MISSED, Fate.UNKNOWN) or e.desk is not None),
    )


def allowed_misses(target: Fraction, n: int) -> int:
    """How many of ``n`` events may be missed: 99 % of 10 allows none, of 100 one."""
    return int((1 - target) * n)


def bounds_of(counts: Counts, unknown: UnknownPolicy) -> Bounds:
    """Low, point and high; None where there is no event."""
    low, high = _share(counts.met, counts.n), _share(counts.n - counts.missed, counts.n)
    if unknown is UnknownPolicy.DOWN:
        return Bounds(low, low, low)
    if unknown is UnknownPolicy.UP:
        return Bounds(high, high, high)
    return Bounds(low, _share(counts.met, counts.n - counts.unknown), high)


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def counted_compliance(
    contract: Contract, period: Period, counts: Counts, whole: Counts, coverage: Fraction | None, now: Instant
) -> Compliance:
    """The account of a counted period: its figures; nothing in it is time. ``whole`` is without exclusions."""
    unknown = contract.options.unknown
    availability = bounds_of(counts, unknown)
    best, worst = _finals(counts, availability, unknown, is_open=now < period.end)
    return Compliance(
        period=period,
        at=max(period.start, min(now, period.end)),
        classes=Classes(),
        low=Classes(),
        high=Classes(),
        excluded=0,
        outside_hours=0,
        outside_contract=0,
        service_time=0,
        excluded_by={},
        unknown_by={},
        availability=availability,
        if_unknown_down=_share(counts.met, counts.n),
        if_unknown_up=_share(counts.n - counts.missed, counts.n),
        without_exclusions=bounds_of(whole, unknown).point,
        coverage=coverage,
        target=contract.target,
        budget=Budget(),
        best=best,
        worst=worst,
        suppressed=0,
        outage_figures=OutageFigures(),
        verdict=verdict_of(contract, period, availability, coverage, now),
    )


def _finals(
    counts: Counts, availability: Bounds, unknown: UnknownPolicy, *, is_open: bool
) -> tuple[Fraction | None, Fraction | None]:
    if not is_open:
        return availability.high, availability.low
    if counts.ahead is None:
        return None, None
    total = counts.n + counts.ahead
    best = _share(counts.met + (0 if unknown is UnknownPolicy.DOWN else counts.unknown) + counts.ahead, total)
    worst = _share(counts.met + (counts.unknown if unknown is UnknownPolicy.UP else 0), total)
    return best, worst


def settle_counts(contract: Contract, compliance: Compliance, counts: Counts) -> Settlement | None:
    """The settlement of a closed period, or what a running one can cost; None where nothing was agreed.

    Where nobody can know how many events are to come, the bounds of a running period are those of today.
    """
    if contract.penalty.is_none or not compliance.period.judged:
        return None
    unknown, figures = contract.options.unknown, compliance.availability
    as_missed = counts.unknown if unknown is not UnknownPolicy.UP else 0
    known = counts.unknown if unknown is UnknownPolicy.DOWN else 0
    low = _facts(contract, figures.low, counts.missed + as_missed, counts.n)
    high = _facts(contract, figures.high, counts.missed + known, counts.n)
    if not compliance.open:
        left_out = counts.unknown if unknown is UnknownPolicy.EXCLUDE else 0
        point = _facts(contract, figures.point, counts.missed + known, counts.n - left_out)
        facts = {Figure.LOW: low, Figure.POINT: point, Figure.HIGH: high}
        return settle(contract, compliance.period.interval, facts, compliance.coverage)
    if counts.ahead is not None:
        total = counts.n + counts.ahead
        low = _facts(contract, compliance.worst, counts.missed + as_missed + counts.ahead, total)
        high = _facts(contract, compliance.best, counts.missed + known, total)
    facts = {Figure.LOW: low, Figure.POINT: high, Figure.HIGH: high}
    forecast = settle(contract, compliance.period.interval, facts, Fraction(1))
    return forecast and replace(forecast, amount=None, rule=contract.penalty_text)


def _facts(contract: Contract, ratio: Fraction | None, missed: int, n: int) -> CreditFacts:
    return CreditFacts(ratio=ratio, missed=missed, allowed_misses=allowed_misses(contract.target, n))
