"""The arithmetic to remember: every number of it, from facts to the account."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from domain.money_cases import contract, local
from slawatch.domain.account import account
from slawatch.domain.compliance import Compliance, Verdict, display_ratio
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Change, State
from slawatch.domain.grammar import format_duration, spell_duration
from slawatch.domain.interval import HOUR, MINUTE, SECOND, Duration, Interval
from slawatch.domain.service_hours import Calendar, TimeRange
from slawatch.domain.timeline import Timeline, endpoint_timeline

START = "2026-01-05"
NINE_HOURS = Calendar("office", "Europe/Berlin", ((TimeRange(8 * HOUR, 17 * HOUR),),) * 5 + ((), ()))


def down_for(start: str, *outages: tuple[Duration, Duration]) -> Timeline:
    """Up from a local time on, down from each offset for each length."""
    begin = local(start)
    changes = [Change(begin, State.UP, begin, begin)]
    for offset, length in outages:
        at = begin + offset
        changes += [Change(at, State.DOWN, at, at), Change(at + length, State.UP, at + length, at + length)]
    return endpoint_timeline(changes)


def of(terms: Contract, timeline: Timeline, *announced: Announcement) -> Compliance:
    """The account of the contract's first period."""
    first = terms.period.first
    assert first is not None
    period = terms.periods.containing(first.start)
    assert period is not None
    return account(terms, period, timeline, announced, period.end).compliance


def every(text: str, start: str = START) -> Contract:
    return contract(period=f"every {text} from {start}")


@pytest.mark.parametrize(
    ("terms", "start", "service", "allowed"),
    [
        # 14 · 24 = 336 h, 1 % = 3.36 h
        (every("2 weeks"), START, 336 * HOUR, "3h21m36s"),
        # an hour less in spring, 3.35 h; an hour more in autumn, 3.37 h
        (every("2 weeks", "2026-03-16"), "2026-03-16", 335 * HOUR, "3h21m"),
        (every("2 weeks", "2026-10-12"), "2026-10-12", 337 * HOUR, "3h22m12s"),
        # ten working days of nine hours: 90 h, 0.9 h
        (replace(every("2 weeks"), hours=NINE_HOURS), START, 90 * HOUR, "54m"),
        # 720 h, 7.2 h
        (every("30 days"), START, 720 * HOUR, "7h12m"),
        # 8760 h, 87.6 h
        (every("365 days"), START, 8760 * HOUR, "3d15h36m"),
    ],
)
def test_what_99_percent_allows(terms: Contract, start: str, service: Duration, allowed: str) -> None:
    """S22: the allowed downtime, to the second; used up it is met, one microsecond more is a breach."""
    calm = of(terms, down_for(start))
    assert calm.service_time == service
    assert format_duration(calm.budget.allowed) == allowed
    # Monday 08:00 on is inside every one of these service hours for as long as the budget lasts.
    used_up = of(terms, down_for(start, (8 * HOUR, calm.budget.allowed)))
    assert used_up.verdict is Verdict.MET
    assert used_up.budget.left == 0
    assert of(terms, down_for(start, (8 * HOUR, calm.budget.allowed + 1))).verdict is Verdict.BREACHED


def test_365_days_allow_87_hours_and_36_minutes() -> None:
    """1 % of 365 days: 3 d 15 h 36 m."""
    assert of(every("365 days"), down_for(START)).budget.allowed == 87 * HOUR + 36 * MINUTE
    assert spell_duration(3 * HOUR + 21 * MINUTE + 36 * SECOND) == "3 h 21 m 36 s"


@pytest.mark.parametrize(
    ("period", "ratio", "shown", "verdict"),
    [
        # 332 of 336 h
        ("2 weeks", Fraction(83, 84), "98.80", Verdict.BREACHED),
        # 716 of 720 h
        ("30 days", Fraction(179, 180), "99.44", Verdict.MET),
        # 8756 of 8760 h
        ("365 days", Fraction(2189, 2190), "99.95", Verdict.MET),
    ],
)
def test_one_outage_of_four_hours(period: str, ratio: Fraction, shown: str, verdict: Verdict) -> None:
    """The longer the period the better it looks."""
    found = of(every(period), down_for(START, (30 * HOUR, 4 * HOUR)))
    assert found.availability.point == ratio
    assert display_ratio(ratio, found.target) == shown
    assert found.verdict is verdict


def test_maintenance_on_both_sides_or_counted_as_up() -> None:
    """336 h with 8 h of maintenance and 3.3 h of downtime: 324.7/328 = 98.993… % is a breach, where (336 - 3.3)/336
    = 99.017… % would have been met."""
    begin = local(START)
    work = Interval(begin + 100 * HOUR, begin + 108 * HOUR)
    timeline = down_for(START, (30 * HOUR, 3 * HOUR + 18 * MINUTE))
    both_sides = of(every("2 weeks"), timeline, Announcement("m", ExclusionKind.MAINTENANCE, (work,)))
    assert both_sides.availability.point == Fraction("324.7") / 328
    assert display_ratio(Fraction("324.7") / 328, both_sides.target, 3) == "98.993"
    assert both_sides.verdict is Verdict.BREACHED
    as_up = of(every("2 weeks"), timeline)
    assert as_up.availability.point == Fraction("332.7") / 336
    assert display_ratio(Fraction("332.7") / 336, as_up.target, 3) == "99.017"
    assert as_up.verdict is Verdict.MET


def test_the_edges_of_ten_outages() -> None:
    """60 s probes: each of 20 edges lies within 60 s, 20 min in all, 1200/12096 = 9.9 % of a fortnight's budget."""
    begin = local(START)
    changes = [Change(begin, State.UP, begin, begin)]
    for number in range(1, 11):
        failed = begin + number * 20 * HOUR
        good = failed + 10 * MINUTE
        changes.append(Change(failed, State.DOWN, failed - MINUTE, failed))
        changes.append(Change(good, State.UP, good - MINUTE, good))
    found = of(every("2 weeks"), endpoint_timeline(changes))
    span = found.low.down - found.high.down
    assert span == 20 * MINUTE
    assert int(Fraction(span, found.budget.allowed) * 1000) == 99
    # 110, 100 and 90 minutes
    assert (found.low.down, found.classes.down, found.high.down) == (110 * MINUTE, 100 * MINUTE, 90 * MINUTE)
