"""The founding contract and its variations, for the tests of money and risk."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from slawatch.domain.composite import Member
from slawatch.domain.contract import Charge, ChargeBasis, Contract, Measurement, Options, ServiceKind
from slawatch.domain.grammar import Money, parse_money, parse_ratio
from slawatch.domain.interval import DISTANT_PAST, Instant, Interval
from slawatch.domain.local_time import parse_local, zone
from slawatch.domain.penalty import parse_penalty
from slawatch.domain.period import parse_period

BERLIN = zone("Europe/Berlin")


def contract(
    *,
    penalty: str | dict[str, object] = "10% of charges",
    charges: str | None = "1200.00 EUR per month",
    target: str = "99%",
    period: str = "every 2 weeks from 2026-01-05",
    options: Options | None = None,
) -> Contract:
    """99 % of every fortnight from 2026-01-05 in Berlin, 10 % of 1200.00 EUR a month, unless told otherwise."""
    return Contract(
        client="acme",
        name="network",
        service="network",
        kind=ServiceKind.NETWORK,
        definition="Ensure network up-time.",
        measurement=Measurement.AVAILABILITY,
        target=parse_ratio(target),
        zone=BERLIN,
        period=parse_period(period, "Europe/Berlin"),
        period_text=period,
        hours=None,
        hours_text="always",
        expression=Member("router"),
        penalty=parse_penalty(penalty),
        charges=() if charges is None else (charge(charges),),
        options=options or Options(),
    )


def charge(text: str, since: Instant = DISTANT_PAST) -> Charge:
    """``1200.00 EUR per month`` from an instant on."""
    money, _, basis = text.partition(" per ")
    return Charge(parse_money(money), ChargeBasis(basis), since)


def charged(agreement: Contract, *versions: Charge) -> Contract:
    """The contract with other charges."""
    return replace(agreement, charges=versions)


def local(text: str) -> Instant:
    """A local time in Berlin."""
    return parse_local(text, BERLIN)


def span(start: str, end: str) -> Interval:
    """An interval between two local times in Berlin."""
    return Interval(local(start), local(end))


def money(text: str) -> Money:
    """``541.94 EUR``."""
    amount, _, currency = text.partition(" ")
    return Money(Decimal(amount), currency)


def ratio(text: str) -> Fraction:
    """A ratio written as a decimal: ``0.99``."""
    return Fraction(text)
