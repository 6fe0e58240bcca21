"""What one period of one contract costs the provider (S34): charges, credit, settlement.

Amounts are exact fractions until the one rounding at the end: half up, to the minor unit of the currency.
The order is fixed: each part of the penalty alone, then stacking, then the cap, then the rounding, then the
minimum. A cap that is a share of charges is rounded with the amount that it bounds.

Within one arrangement of outages a credit never falls when downtime grows. Two outages that grow into one are
one outage to ``per_outage``, so there a credit can fall, as the text of such a contract wants it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from slawatch.domain.contract import Charge, ChargeBasis, Contract, Figure
from slawatch.domain.grammar import Money, minor_digits, spell_duration
from slawatch.domain.interval import DISTANT_FUTURE, Duration, Instant, Interval
from slawatch.domain.penalty import (
    Amount,
    Beyond,
    Penalty,
    PerBlock,
    PerMiss,
    PerOutage,
    Prorata,
    ProrataMultiple,
    Share,
    Stack,
    TerminationRight,
    percent_text,
)
from slawatch.domain.period import CalendarPeriods, CalendarUnit, proration


@dataclass(frozen=True, slots=True)
class ExactMoney:
    """An amount before rounding."""

    amount: Fraction
    currency: str

    def rounded(self) -> Money:
        """The nearest amount in minor units, half up (away from zero is up: credits are never negative)."""
        digits = minor_digits(self.currency)
        whole, part = self.amount.numerator * 10**digits, self.amount.denominator
        return Money(Decimal((2 * whole + part) // (2 * part)).scaleb(-digits), self.currency)


@dataclass(frozen=True, slots=True)
class CreditFacts:
    """What one figure (low, point or high) says of a period.

    ``ratio`` is None where it is not applicable. Times are microseconds of service time: ``service_time`` of the
    whole period, ``used`` (down + (1 - weight)·degraded, exact), ``allowed`` by the standard. ``outages`` are
    the start and the counted length, inside the period's service time, of each. ``missed`` and
    ``allowed_misses`` are counts, for ratio measurements.
    """

    ratio: Fraction | None
    service_time: Duration = 0
    used: Fraction = Fraction(0)
    allowed: Duration = 0
    outages: tuple[tuple[Instant, Duration], ...] = ()
    missed: int = 0
    allowed_misses: int = 0


@dataclass(frozen=True, slots=True)
class CreditResult:
    """A credit by one figure. ``rule`` says what made it, ``none`` where nothing did."""

    amount: Money
    exact: Fraction
    rule: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """The credit of a period (S34).

    ``amount`` is by the figure ``settled_on``, or None while it is open: coverage is below the contract's floor
    and a person settles it. ``at_low`` and ``at_high`` are what the other figures would give.
    """

    amount: Money | None
    currency: str
    settled_on: Figure
    rule: str
    at_low: Money
    at_high: Money
    charges: ExactMoney | None


def money_problems(contract: Contract) -> tuple[str, ...]:
    """What makes the contract's money impossible to reckon: for the one who reads the configuration."""
    charged = sorted({charge.amount.currency for charge in contract.charges})
    used = contract.penalty.currency
    problems = []
    if len(charged) > 1:
        problems.append(f"charges in {' and '.join(charged)}: expected one currency")
    if contract.penalty.needs_charges and not charged:
        problems.append("the penalty depends on charges, and there are none: expected some, as 1200.00 EUR per month")
    if used and charged and used not in charged:
        problems.append(f"the penalty is in {used} and the charges in {charged[0]}: expected one currency")
    cap = contract.credit_cap
    if cap is not None and (used or charged) and cap.currency not in (used, *charged):
        problems.append(f"credit_cap is in {cap.currency}, the contract in {used or charged[0]}: expected one currency")
    return tuple(problems)


def charges_of_period(contract: Contract, period: Interval) -> ExactMoney | None:
    """The charges that fall to a period, exact; None for a contract without charges.

    Each dated version counts for the time in which it is in force. An amount per month is prorated by elapsed
    time over the calendar months of the contract's zone, an amount per period by elapsed time over the
    contract's own periods, so that a partial period bears its share.
    """
    if not contract.charges:
        return None
    months = CalendarPeriods(CalendarUnit.MONTH, contract.zone.key)
    total = Fraction(0)
    for charge, span in _in_force(contract.charges):
        rule = months if charge.basis is ChargeBasis.MONTH else contract.period
        total += Fraction(charge.amount.amount) * proration(rule, span.intersect(period))
    return ExactMoney(total, contract.charges[0].amount.currency)


def reckoned_charges(contract: Contract, period: Interval) -> ExactMoney | None:
    """:func:`charges_of_period` of a contract whose money can be reckoned; ``ValueError`` says why it cannot."""
    if problems := money_problems(contract):
        raise ValueError(f"{contract.key}: {'; '.join(problems)}")
    return charges_of_period(contract, period)


def _in_force(charges: Sequence[Charge]) -> Iterator[tuple[Charge, Interval]]:
    """Each version with the time from its own start to the next one's."""
    dated = sorted(charges, key=lambda charge: charge.since)
    ends = [charge.since for charge in dated[1:]] + [DISTANT_FUTURE]
    for charge, end in zip(dated, ends, strict=True):
        yield charge, Interval(charge.since, end)


def settle(
    contract: Contract,
    period: Interval,
    facts: Mapping[Figure, CreditFacts],
    coverage: Fraction | None,
    charges: ExactMoney | None = None,
) -> Settlement | None:
    """The credit of a period that has ended, or to date; None when the contract has no penalty.

    ``coverage`` is None when there was no service time; the credit is then nothing. ``charges`` are those of the
    period (:func:`reckoned_charges`), where they are known already. ``ValueError`` when the contract's money
    cannot be reckoned (:func:`money_problems`).
    """
    if contract.penalty.is_none:
        return None
    charges = charges or reckoned_charges(contract, period)
    results = {figure: credit(contract.penalty, contract.target, charges, facts[figure]) for figure in Figure}
    low, high = results[Figure.LOW].amount, results[Figure.HIGH].amount
    on, floor = contract.options.settle_on, contract.options.coverage_floor
    if coverage is not None and coverage < floor:
        rule = f"open: coverage is below the floor of {percent_text(floor)}"
        return Settlement(None, low.currency, on, rule, low, high, charges)
    return Settlement(results[on].amount, low.currency, on, results[on].rule, low, high, charges)


def credit(penalty: Penalty, target: Fraction, charges: ExactMoney | None, facts: CreditFacts) -> CreditResult:
    """The credit that one figure gives. ``charges`` may be None only if the penalty needs none.

    Not applicable (no ratio) gives nothing. The rule text names the part or parts that counted, and the cap
    or the minimum where one decided.
    """
    currency = charges.currency if charges else penalty.currency
    if currency is None or (charges is None and penalty.needs_charges):
        raise ValueError("a penalty that depends on charges needs them")
    base = charges.amount if charges else Fraction(0)
    if facts.ratio is None:
        return _result(Fraction(0), "not applicable", currency)
    parts = [part for part in _parts(penalty, target, base, facts) if part[0] > 0]
    if not parts:
        return _result(Fraction(0), "none", currency)
    if penalty.stack is Stack.SUM:
        exact, rule = sum((amount for amount, _ in parts), Fraction(0)), " + ".join(rule for _, rule in parts)
    else:
        exact, rule = max(parts, key=lambda part: part[0])
    return _bounded(penalty, exact, rule, base, currency)


def _bounded(penalty: Penalty, exact: Fraction, rule: str, base: Fraction, currency: str) -> CreditResult:
    if penalty.cap is not None and exact > (cap := _value(penalty.cap, base)):
        exact, rule = cap, f"{rule}, capped at {penalty.cap}"
    amount = ExactMoney(exact, currency).rounded()
    if penalty.minimum is not None and amount.amount < penalty.minimum.amount:
        return _result(Fraction(0), f"{rule}: {amount} is below the minimum of {penalty.minimum}", currency)
    return CreditResult(amount, exact, rule)


def _result(exact: Fraction, rule: str, currency: str) -> CreditResult:
    return CreditResult(ExactMoney(exact, currency).rounded(), exact, rule)


def _value(credit: Share | Amount, base: Fraction) -> Fraction:
    return credit.ratio * base if isinstance(credit, Share) else Fraction(credit.money.amount)


def _parts(penalty: Penalty, target: Fraction, base: Fraction, facts: CreditFacts) -> Iterator[tuple[Fraction, str]]:
    """Each part's own amount and rule text, in the order in which the grammar lists them."""
    assert facts.ratio is not None
    if penalty.flat is not None and facts.ratio < target:
        yield _value(penalty.flat, base), str(penalty.flat)
    tier = next((tier for tier in penalty.tiers if tier.matches(facts.ratio)), None)
    if tier is not None:
        yield _value(tier.credit, base), str(tier)
    if penalty.per_block is not None:
        yield _blocks(penalty.per_block, base, facts)
    if penalty.per_outage is not None:
        yield _outages(penalty.per_outage, base, facts)
    if penalty.prorata is not None:
        yield _prorata(penalty.prorata, base, facts)
    if penalty.per_miss is not None:
        yield _misses(penalty.per_miss, base, facts)


def _downtime(beyond: Beyond, facts: CreditFacts) -> Fraction:
    return facts.used if beyond is Beyond.NOTHING else max(Fraction(0), facts.used - facts.allowed)


def _blocks(part: PerBlock, base: Fraction, facts: CreditFacts) -> tuple[Fraction, str]:
    time = _downtime(part.beyond, facts)
    blocks = -(-time // part.block) if part.started else time // part.block
    begun = "started" if part.started else "full"
    rule = f"{blocks} x {part.credit} per {begun} {spell_duration(part.block)} of downtime"
    return blocks * _value(part.credit, base), rule + _beyond_text(part.beyond)


def _outages(part: PerOutage, base: Fraction, facts: CreditFacts) -> tuple[Fraction, str]:
    counted = [length for _, length in facts.outages if length > part.longer_than]
    longer = f" longer than {spell_duration(part.longer_than)}" if part.longer_than else ""
    rule = f"{len(counted)} x {part.credit} per outage{longer}"
    if not isinstance(part.credit, ProrataMultiple):
        return len(counted) * _value(part.credit, base), rule
    return _pro_rata(part.credit.factor, Fraction(sum(counted)), base, facts), rule


def _prorata(part: Prorata, base: Fraction, facts: CreditFacts) -> tuple[Fraction, str]:
    time = _downtime(part.beyond, facts)
    rule = f"{ProrataMultiple(part.factor)} of {spell_duration(int(time))} of downtime{_beyond_text(part.beyond)}"
    return _pro_rata(part.factor, time, base, facts), rule


def _pro_rata(factor: Fraction, time: Fraction, base: Fraction, facts: CreditFacts) -> Fraction:
    return factor * base * time / facts.service_time if facts.service_time else Fraction(0)


def _misses(part: PerMiss, base: Fraction, facts: CreditFacts) -> tuple[Fraction, str]:
    spared = facts.allowed_misses if part.beyond is Beyond.BUDGET else 0
    missed = max(0, facts.missed - spared)
    return missed * _value(part.credit, base), f"{missed} x {part.credit} per missed event{_beyond_text(part.beyond)}"


def _beyond_text(beyond: Beyond) -> str:
    return " beyond the budget" if beyond is Beyond.BUDGET else ""


@dataclass(frozen=True, slots=True)
class TerminationStanding:
    """Where a client's right to terminate stands: ``reached``, by ``breached`` of the latest ``of`` judged periods."""

    reached: bool
    breached: int
    needed: int
    of: int


def termination_right(right: TerminationRight | None, verdicts: Sequence[str]) -> TerminationStanding | None:
    """Whether the history of verdicts, oldest first, gives the right to terminate now; None without such a right.

    ``met``, ``breached`` and ``disputable`` are judged, and only ``breached`` counts. Periods that were not
    judged (``not_applicable``, ``open``) are passed over.
    """
    if right is None:
        return None
    judged = [verdict for verdict in verdicts if verdict in ("met", "breached", "disputable")]
    breached = judged[-right.of :].count("breached")
    return TerminationStanding(breached >= right.breached, breached, right.breached, right.of)
