"""The whole account of a contract's periods: from facts to verdict and money, as one pure function.

Everything that judges goes through here: the daemon's evaluator, ``slawatch evaluate``, statements. So a figure on
a page and a figure from an exported file cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from slawatch.domain.compliance import Classes, Compliance, judge, scope_of
from slawatch.domain.composite import names_in
from slawatch.domain.contract import Contract, Figure, UnknownPolicy
from slawatch.domain.counted_events import CountedEvents
from slawatch.domain.counts import Counts, count, counted_compliance, settle_counts
from slawatch.domain.credits import CreditFacts, ExactMoney, Settlement, settle
from slawatch.domain.exclusions import Announcement, Exclusions, effective_exclusions
from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.period import Period
from slawatch.domain.service_hours import hours
from slawatch.domain.timeline import Timeline, service_timeline, unreachable_as_unknown


@dataclass(frozen=True, slots=True)
class Account:
    """One contract, one period: the compliance and, where a penalty was agreed, its settlement.

    Of a running period the settlement is a forecast: its amount is open, ``at_low`` is what the worst possible end
    would cost and ``at_high`` what the best would.
    """

    contract: Contract
    compliance: Compliance
    settlement: Settlement | None
    exclusions: Exclusions
    counts: Counts | None = None
    """Of a counted measurement (S30); None for availability."""


def contract_timeline(contract: Contract, endpoints: Mapping[str, Timeline]) -> Timeline:
    """The timeline of the contract's service, its option for unreachable endpoints applied (S14, S16)."""
    if contract.parents and not contract.options.unreachable_is_down:
        endpoints = unreachable_as_unknown(endpoints, contract.parents)
    return service_timeline(contract.expression, endpoints)


def members(contract: Contract) -> frozenset[str]:
    """Every endpoint that can change the contract's figures."""
    names = set(names_in(contract.expression))
    if not contract.options.unreachable_is_down:
        names |= {contract.parents[name] for name in names if name in contract.parents}
    return frozenset(names)


def exclusions_for(contract: Contract, announcements: Iterable[Announcement], period: Interval) -> Exclusions:
    """What is excluded from one period of a contract, with the ruling on every announcement."""
    concerned = [entry for entry in announcements if entry.concerns(contract.name, contract.service)]
    options = contract.options
    return effective_exclusions(concerned, period, options.maintenance_notice, options.maintenance_limit)


def hours_within(contract: Contract, span: Interval) -> IntervalSet | None:
    """The service hours of a contract within a span; None for around the clock."""
    return None if contract.hours is None or contract.hours.is_always else hours(contract.hours, *span)


def account(
    contract: Contract, period: Period, timeline: Timeline, announcements: Sequence[Announcement], now: Instant
) -> Account:
    """Judge one period as of ``now``."""
    exclusions = exclusions_for(contract, announcements, period.interval)
    compliance = judge(contract, period, timeline, hours_within(contract, period.interval), exclusions, now)
    settlement = settle_period(contract, compliance)
    return Account(contract, compliance, settlement, exclusions)


def counted_account(
    contract: Contract, period: Period, source: CountedEvents, announcements: Sequence[Announcement], now: Instant
) -> Account:
    """Judge one period of a counted measurement as of ``now``, the instant that ``source`` is as of."""
    events = source.within(period.interval)
    exclusions = exclusions_for(contract, announcements, period.interval)
    # The scheduled start of a slot whose deadline is in this period may lie in the one before.
    earliest = min((event.planned for event in events), default=period.start)
    before = exclusions_for(contract, announcements, Interval(min(earliest, period.start), period.start))
    excluded = exclusions.all.union(before.all)
    counts, whole = count(contract, period, events, excluded, plannable=source.plannable)
    passed = Interval(period.start, max(period.start, min(now, period.end)))
    service = scope_of(passed, contract, hours_within(contract, passed), exclusions).service
    counted = [event for event in events if event.planned not in excluded]
    compliance = counted_compliance(contract, period, counts, whole, source.coverage(service, counted), now)
    return Account(contract, compliance, settle_counts(contract, compliance, counts), exclusions, counts)


def settle_period(contract: Contract, compliance: Compliance, charges: ExactMoney | None = None) -> Settlement | None:
    """The settlement of a closed period, or the forecast of a running one; None where nothing was agreed or the
    period is for information only. ``charges`` are those of the period, where they are known already."""
    if contract.penalty.is_none or not compliance.period.judged:
        return None
    if compliance.open:
        return _forecast(contract, compliance, charges)
    low, point, high = compliance.availability.low, compliance.availability.point, compliance.availability.high
    facts = {
        Figure.LOW: _facts(contract, compliance, compliance.low, 0, low),
        Figure.POINT: _facts(contract, compliance, compliance.classes, 1, point),
        Figure.HIGH: _facts(contract, compliance, compliance.high, 2, high),
    }
    return settle(contract, compliance.period.interval, facts, compliance.coverage, charges)


def _forecast(contract: Contract, compliance: Compliance, charges: ExactMoney | None) -> Settlement | None:
    """Bounds of what the running period can cost: nothing is settled before its end."""
    ahead = compliance.service_time - compliance.classes.total
    worst = _facts(contract, compliance, compliance.low, 0, compliance.worst, ahead, compliance.at)
    best = _facts(contract, compliance, compliance.high, 2, compliance.best)
    facts = {Figure.LOW: worst, Figure.POINT: best, Figure.HIGH: best}
    settlement = settle(contract, compliance.period.interval, facts, Fraction(1), charges)
    return settlement and replace(settlement, amount=None, rule=contract.penalty_text)


def _facts(
    contract: Contract,
    compliance: Compliance,
    classes: Classes,
    version: int,
    ratio: Fraction | None,
    still_down: Duration = 0,
    at: Instant = 0,
) -> CreditFacts:
    options = contract.options
    used = Fraction(classes.down + still_down)
    if classes.degraded:
        used += (1 - options.degraded) * classes.degraded
    if options.unknown is UnknownPolicy.DOWN:
        used += classes.unknown
    listed = [(outage.span.start, outage.counted) for outage in compliance.outages[version]]
    if still_down:
        running = bool(listed) and compliance.outages[version][-1].span.end == at
        listed = [*listed[:-1], (listed[-1][0], listed[-1][1] + still_down)] if running else [*listed, (at, still_down)]
    return CreditFacts(
        ratio=ratio,
        service_time=compliance.service_time,
        used=used,
        allowed=compliance.budget.allowed,
        outages=tuple(listed),
    )
