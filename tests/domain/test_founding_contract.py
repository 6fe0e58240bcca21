"""The founding contract: 99 % around the clock, every two weeks, 10 % of all charges for these two weeks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from slawatch.domain.account import Account, account
from slawatch.domain.compliance import Verdict, display_ratio
from slawatch.domain.composite import Member
from slawatch.domain.contract import Charge, ChargeBasis, Contract, Measurement, ServiceKind
from slawatch.domain.facts import Change, State
from slawatch.domain.grammar import Money, parse_duration
from slawatch.domain.interval import DISTANT_PAST, HOUR, MINUTE, SECOND, Duration, parse_instant
from slawatch.domain.local_time import zone
from slawatch.domain.penalty import parse_penalty
from slawatch.domain.period import parse_period
from slawatch.domain.timeline import endpoint_timeline


def founding(anchor: str) -> Contract:
    return Contract(
        client="acme",
        name="network",
        service="network",
        kind=ServiceKind.NETWORK,
        definition="Ensure network up-time.",
        measurement=Measurement.AVAILABILITY,
        target=Fraction(99, 100),
        zone=zone("Europe/Berlin"),
        period=parse_period(f"every 2 weeks from {anchor}", "Europe/Berlin"),
        period_text=f"every 2 weeks from {anchor}",
        hours=None,
        hours_text="always",
        expression=Member("router"),
        penalty=parse_penalty("10% of charges"),
        penalty_text="10% of charges",
        charges=(Charge(Money(Decimal("1200.00"), "EUR"), ChargeBasis.PERIOD, DISTANT_PAST),),
    )


def judged(contract: Contract, start: str, down: Duration) -> Account:
    """The fortnight that starts at ``start`` with one outage of a length, in its second day."""
    begin = parse_instant(start)
    failed = begin + 30 * HOUR
    timeline = endpoint_timeline(
        [
            Change(begin, State.UP, begin, begin),
            Change(failed, State.DOWN, failed, failed),
            Change(failed + down, State.UP, failed + down, failed + down),
        ]
    )
    period = contract.periods.containing(begin)
    assert period is not None
    assert period.start == begin
    return account(contract, period, timeline, (), period.end)


@pytest.mark.parametrize(
    ("anchor", "start", "hours", "allowed"),
    [
        # 14 d · 24 h = 336 h; 1 % of 336 h = 3.36 h = 3 h 21 m 36 s
        ("2026-01-05", "2026-01-04T23:00:00Z", 336, "3h21m36s"),
        # clocks go forward on 2026-03-29: 335 h; 1 % = 3.35 h = 3 h 21 m 00 s
        ("2026-03-16", "2026-03-15T23:00:00Z", 335, "3h21m"),
        # clocks go back on 2026-10-25: 337 h; 1 % = 3.37 h = 3 h 22 m 12 s
        ("2026-10-12", "2026-10-11T22:00:00Z", 337, "3h22m12s"),
    ],
)
def test_s9_the_budget_to_the_microsecond(anchor: str, start: str, hours: int, allowed: str) -> None:
    """S9, S20: exactly the allowed downtime is met, one microsecond more is breached and costs 10 % of 1200."""
    contract = founding(anchor)
    budget = parse_duration(allowed)

    met = judged(contract, start, budget)
    assert met.compliance.service_time == hours * HOUR
    assert met.compliance.budget.allowed == budget
    assert met.compliance.budget.left == 0
    assert met.compliance.availability.point == Fraction(99, 100)
    assert met.compliance.verdict is Verdict.MET
    assert met.settlement is not None
    assert met.settlement.amount == Money(Decimal("0.00"), "EUR")

    breached = judged(contract, start, budget + 1)
    assert breached.compliance.verdict is Verdict.BREACHED
    assert breached.compliance.budget.left == -1
    assert breached.settlement is not None
    assert breached.settlement.amount == Money(Decimal("120.00"), "EUR")
    assert breached.settlement.rule == "10% of charges"
    point = breached.compliance.availability.point
    assert point is not None
    assert not display_ratio(point, contract.target).startswith("99")


def test_s34_charges_per_month_are_prorated() -> None:
    """1200 EUR a month, 14 of January's 31 days: 1200 · 14/31 = 541.9354…; 10 % of it rounds to 54.19 EUR."""
    contract = replace(
        founding("2026-01-05"), charges=(Charge(Money(Decimal("1200.00"), "EUR"), ChargeBasis.MONTH, DISTANT_PAST),)
    )
    breached = judged(contract, "2026-01-04T23:00:00Z", 4 * HOUR)
    assert breached.settlement is not None
    assert breached.settlement.amount == Money(Decimal("54.19"), "EUR")


@pytest.mark.parametrize(
    ("period", "hours", "shown", "verdict"),
    [
        # 332/336 = 83/84 = 0.988095…
        ("every 2 weeks from 2026-01-05", 336, "98.80", Verdict.BREACHED),
        # 716/720 = 0.99444…
        ("every 30 days from 2026-01-05", 720, "99.44", Verdict.MET),
        # 8756/8760 = 0.999543…
        ("every 365 days from 2026-01-05", 8760, "99.95", Verdict.MET),
    ],
)
def test_one_outage_of_four_hours_under_longer_periods(period: str, hours: int, shown: str, verdict: Verdict) -> None:
    """The arithmetic to remember: long periods flatter."""
    contract = replace(founding("2026-01-05"), period=parse_period(period, "Europe/Berlin"))
    result = judged(contract, "2026-01-04T23:00:00Z", 4 * HOUR)
    assert result.compliance.service_time == hours * HOUR
    assert result.compliance.availability.point is not None
    assert display_ratio(result.compliance.availability.point, contract.target) == shown
    assert result.compliance.verdict is verdict


def test_s4_classes_add_up() -> None:
    """S4: the classes of the fortnight add up to 336 h."""
    classes = judged(founding("2026-01-05"), "2026-01-04T23:00:00Z", 90 * MINUTE + 7 * SECOND).compliance.classes
    assert classes.down == 90 * MINUTE + 7 * SECOND
    assert classes.total == 336 * HOUR
