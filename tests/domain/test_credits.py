"""Charges, credits and settlement (S34), each case with its arithmetic."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money_cases import charge, charged, contract, local, money, span
from slawatch.domain.contract import Figure, Options
from slawatch.domain.credits import (
    CreditFacts,
    ExactMoney,
    TerminationStanding,
    charges_of_period,
    credit,
    money_problems,
    settle,
    termination_right,
)
from slawatch.domain.grammar import Money
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND
from slawatch.domain.penalty import TerminationRight, parse_penalty

FORTNIGHT = span("2026-01-05", "2026-01-19")
TARGET = Fraction(99, 100)
THOUSAND = ExactMoney(Fraction(1000), "EUR")


def test_s34_charges_of_the_founding_fortnight() -> None:
    # January has 31 days, none of them with a change of clocks: 1200 * 14 / 31
    assert charges_of_period(contract(), FORTNIGHT) == ExactMoney(Fraction(1200 * 14, 31), "EUR")


@pytest.mark.parametrize(
    ("start", "end", "charges", "expected"),
    [
        # 13 days of January (19 to 31) and 1 of February's 28
        ("2026-01-19", "2026-02-02", "1200.00 EUR per month", Fraction(1200 * 13, 31) + Fraction(1200, 28)),
        # March 2026 has 31 * 24 - 1 = 743 h in Berlin; the fortnight before 30 March has 335 h
        ("2026-03-16", "2026-03-30", "1200.00 EUR per month", Fraction(1200 * 335, 743)),
        # October 2026 has 745 h; 12 to 26 October have 337 h
        ("2026-10-12", "2026-10-26", "1200.00 EUR per month", Fraction(1200 * 337, 745)),
        # the whole fortnight, whatever its length
        ("2026-03-16", "2026-03-30", "600.00 EUR per period", Fraction(600)),
        # a fortnight clipped to its last 5 days: 600 * 5 / 14
        ("2026-01-14", "2026-01-19", "600.00 EUR per period", Fraction(600 * 5, 14)),
        # 12 h of the fortnight of 335 h and 12 h of the next one, of 336 h
        ("2026-03-29 12:00", "2026-03-30 12:00", "670.00 EUR per period", Fraction(670 * 12, 335) + Fraction(670, 28)),
        # a stub of 2 days merged with the fortnight after it: 1 + 2/14
        ("2026-01-17", "2026-02-02", "700.00 EUR per period", Fraction(700) + 700 * Fraction(2, 14)),
        # a currency without minor units
        ("2026-01-05", "2026-01-19", "100000 JPY per month", Fraction(100_000 * 14, 31)),
    ],
)
def test_s34_charges_are_prorated_by_elapsed_time(start: str, end: str, charges: str, expected: Fraction) -> None:
    found = charges_of_period(contract(charges=charges), span(start, end))
    assert found is not None
    assert found.amount == expected


def test_s34_each_version_of_the_charges_counts_while_it_is_in_force() -> None:
    versions = [charge("1200.00 EUR per month"), charge("2400.00 EUR per month", local("2026-01-12"))]
    expected = Fraction(1200 * 7, 31) + Fraction(2400 * 7, 31)
    for order in (versions, versions[::-1]):
        assert charges_of_period(charged(contract(), *order), FORTNIGHT) == ExactMoney(expected, "EUR")


def test_s34_before_the_first_version_nothing_is_charged() -> None:
    late = charged(contract(), charge("310.00 EUR per month", local("2026-01-18")))
    assert charges_of_period(late, FORTNIGHT) == ExactMoney(Fraction(10), "EUR")  # one day of 31
    assert charges_of_period(late, span("2025-12-22", "2026-01-05")) == ExactMoney(Fraction(0), "EUR")


def test_s34_no_charges_are_not_charges_of_nothing() -> None:
    assert charges_of_period(contract(penalty="none", charges=None), FORTNIGHT) is None


@pytest.mark.parametrize(
    ("exact", "currency", "rounded"),
    [
        (Fraction("54.1935"), "EUR", "54.19"),
        (Fraction("0.005"), "EUR", "0.01"),  # half up
        (Fraction("0.0049999999999999999999"), "EUR", "0.00"),
        (Fraction(1, 3), "KWD", "0.333"),
        (Fraction("0.0005"), "KWD", "0.001"),
        (Fraction("4516.5"), "JPY", "4517"),
        (Fraction("4516.4999"), "JPY", "4516"),
        (Fraction(10**15) + Fraction(1, 200), "EUR", "1000000000000000.01"),
    ],
)
def test_s34_one_rounding_half_up_to_minor_units(exact: Fraction, currency: str, rounded: str) -> None:
    amount = ExactMoney(exact, currency).rounded()
    assert str(amount) == f"{rounded} {currency}"


def facts(
    ratio: str | Fraction | None = "0.98",
    *,
    used: int = 0,
    allowed: int = 0,
    outages: tuple[int, ...] = (),
    missed: int = 0,
    allowed_misses: int = 0,
    service_time: int = 14 * DAY,
) -> CreditFacts:
    exact = None if ratio is None else Fraction(ratio)
    placed = tuple((index * DAY, length) for index, length in enumerate(outages))
    return CreditFacts(exact, service_time, Fraction(used), allowed, placed, missed, allowed_misses)


TIERS = {
    "tiers": [
        {"below": "99.99%", "credit": "10%"},
        {"below": "99%", "credit": "30%"},
        {"at_most": "95%", "credit": "100%"},
    ]
}
EPSILON = Fraction(1, 14 * DAY)


@pytest.mark.parametrize(
    ("ratio", "amount", "rule"),
    [
        (Fraction("0.9999"), "0.00", "none"),
        (Fraction("0.9999") - EPSILON, "100.00", "10% of charges below 99.99%"),
        (Fraction("0.99"), "100.00", "10% of charges below 99.99%"),  # below: 99% does not include 99 %
        (Fraction("0.99") - EPSILON, "300.00", "30% of charges below 99%"),
        (Fraction("0.95") + EPSILON, "300.00", "30% of charges below 99%"),
        (Fraction("0.95"), "1000.00", "100% of charges at or below 95%"),  # at_most: 95% includes it
        (Fraction(0), "1000.00", "100% of charges at or below 95%"),
    ],
)
def test_s34_case_34_the_lowest_tier_that_the_exact_ratio_matches(ratio: Fraction, amount: str, rule: str) -> None:
    result = credit(parse_penalty(TIERS), TARGET, THOUSAND, facts(ratio))
    assert (str(result.amount.amount), result.rule) == (amount, rule)


@pytest.mark.parametrize(
    ("ratio", "target", "amount"),
    [
        (Fraction("0.99"), "99%", "0.00"),  # exactly on target is met (S9)
        (Fraction("0.99") - EPSILON, "99%", "100.00"),
        (Fraction(1), "100%", "0.00"),
        (1 - EPSILON, "100%", "100.00"),
        (None, "99%", "0.00"),
    ],
)
def test_s34_a_flat_penalty_is_due_below_the_standard(ratio: Fraction | None, target: str, amount: str) -> None:
    agreement = contract(target=target)
    result = credit(agreement.penalty, agreement.target, THOUSAND, facts(ratio))
    assert str(result.amount.amount) == amount


BUDGET = 201 * MINUTE + 36 * SECOND  # 99 % of 14 days


@pytest.mark.parametrize(
    ("block", "used", "amount", "blocks"),
    [
        # full hours beyond the budget: each 5 % of 1000
        ({}, BUDGET, "0.00", None),
        ({}, BUDGET + HOUR - 1, "0.00", None),
        ({}, BUDGET + HOUR, "50.00", "1 x 5% of charges per full 1 h of downtime beyond the budget"),
        ({}, BUDGET + 3 * HOUR - 1, "100.00", "2 x 5% of charges per full 1 h of downtime beyond the budget"),
        # a started block counts as a full one
        ({"started": True}, BUDGET, "0.00", None),
        ({"started": True}, BUDGET + 1, "50.00", "1 x 5% of charges per started 1 h of downtime beyond the budget"),
        ({"started": True}, BUDGET + HOUR, "50.00", "1 x 5% of charges per started 1 h of downtime beyond the budget"),
        (
            {"started": True},
            BUDGET + HOUR + 1,
            "100.00",
            "2 x 5% of charges per started 1 h of downtime beyond the budget",
        ),
        # from the first second: 201.6 min are 3 full hours, 4 started ones
        ({"beyond": "nothing"}, BUDGET, "150.00", "3 x 5% of charges per full 1 h of downtime"),
        ({"beyond": "nothing", "started": True}, BUDGET, "200.00", "4 x 5% of charges per started 1 h of downtime"),
        ({"beyond": "nothing", "started": True}, 0, "0.00", None),
    ],
)
def test_s34_blocks_add_up_over_the_period(
    block: dict[str, object], used: int, amount: str, blocks: str | None
) -> None:
    penalty = parse_penalty({"per_block": {"block": "1h", "credit": "5%", **block}})
    result = credit(penalty, TARGET, THOUSAND, facts(used=used, allowed=BUDGET))
    assert (str(result.amount.amount), result.rule) == (amount, blocks or "none")


def test_s34_blocks_count_exact_degraded_time() -> None:
    # half an hour and a third of a microsecond: a second half hour has started
    penalty = parse_penalty({"per_block": {"block": "30m", "started": True, "beyond": "nothing", "credit": "1%"}})
    found = CreditFacts(Fraction("0.98"), 14 * DAY, 30 * MINUTE + Fraction(1, 3))
    assert str(credit(penalty, TARGET, THOUSAND, found).amount) == "20.00 EUR"


@pytest.mark.parametrize(
    ("part", "outages", "amount", "rule"),
    [
        # longer than 5 min excludes exactly 5 min: 10 min of 14 days, 50-fold: 1000 * 50 * 10 / 20160 = 24.801...
        (
            {"longer_than": "5m", "credit": "50 x prorata"},
            (10 * MINUTE, 5 * MINUTE),
            "24.80",
            "1 x 50 x prorata per outage longer than 5 m",
        ),
        ({"longer_than": "5m", "credit": "50 x prorata"}, (5 * MINUTE,), "0.00", "none"),
        # 15 min in two outages: 1000 * 50 * 15 / 20160 = 37.202...
        ({"credit": "50 x prorata"}, (10 * MINUTE, 5 * MINUTE), "37.20", "2 x 50 x prorata per outage"),
        ({"credit": "2%"}, (HOUR, HOUR, 1), "60.00", "3 x 2% of charges per outage"),
        (
            {"longer_than": "1m", "credit": "7.50 EUR"},
            (HOUR, HOUR, MINUTE),
            "15.00",
            "2 x 7.50 EUR per outage longer than 1 m",
        ),
        ({"credit": "2%"}, (), "0.00", "none"),
    ],
)
def test_s34_each_outage_that_is_long_enough(
    part: dict[str, str], outages: tuple[int, ...], amount: str, rule: str
) -> None:
    result = credit(parse_penalty({"per_outage": part}), TARGET, THOUSAND, facts(outages=outages))
    assert (str(result.amount.amount), result.rule) == (amount, rule)


@pytest.mark.parametrize(
    ("part", "used", "amount", "rule"),
    [
        # 1 h beyond the budget of 336 h, tenfold: 1000 * 10 / 336 = 29.7619
        ({"factor": 10}, BUDGET + HOUR, "29.76", "10 x prorata of 1 h of downtime beyond the budget"),
        ({"factor": 10}, BUDGET, "0.00", "none"),
        # all of it, once: 1000 * 201.6 / 20160 = 10
        ({"beyond": "nothing"}, BUDGET, "10.00", "1 x prorata of 3 h 21 m 36 s of downtime"),
    ],
)
def test_s34_pro_rata_is_by_share_of_the_service_time(
    part: dict[str, object], used: int, amount: str, rule: str
) -> None:
    result = credit(parse_penalty({"prorata": part}), TARGET, THOUSAND, facts(used=used, allowed=BUDGET))
    assert (str(result.amount.amount), result.rule) == (amount, rule)


def test_s34_pro_rata_of_no_service_time_is_nothing() -> None:
    result = credit(parse_penalty({"prorata": {}}), TARGET, THOUSAND, facts(used=1, service_time=0))
    assert str(result.amount) == "0.00 EUR"


@pytest.mark.parametrize(
    ("part", "missed", "allowed", "amount", "rule"),
    [
        ({"credit": "25.00 EUR"}, 7, 5, "175.00", "7 x 25.00 EUR per missed event"),
        (
            {"credit": "25.00 EUR", "beyond": "budget"},
            7,
            5,
            "50.00",
            "2 x 25.00 EUR per missed event beyond the budget",
        ),
        ({"credit": "25.00 EUR", "beyond": "budget"}, 5, 5, "0.00", "none"),
        ({"credit": "1%"}, 1, 0, "10.00", "1 x 1% of charges per missed event"),
    ],
)
def test_s34_each_missed_event(part: dict[str, object], missed: int, allowed: int, amount: str, rule: str) -> None:
    found = facts("0.93", missed=missed, allowed_misses=allowed)
    result = credit(parse_penalty({"per_miss": part}), TARGET, THOUSAND, found)
    assert (str(result.amount.amount), result.rule) == (amount, rule)


@pytest.mark.parametrize(
    ("extra", "amount", "rule"),
    [
        # flat 10 % = 100, two outages at 80 = 160
        ({}, "160.00", "2 x 80.00 EUR per outage"),
        ({"stack": "sum"}, "260.00", "10% of charges + 2 x 80.00 EUR per outage"),
        (
            {"stack": "sum", "cap": "20%"},
            "200.00",
            "10% of charges + 2 x 80.00 EUR per outage, capped at 20% of charges",
        ),
        ({"stack": "sum", "cap": "26%"}, "260.00", "10% of charges + 2 x 80.00 EUR per outage"),
        ({"cap": "150.00 EUR"}, "150.00", "2 x 80.00 EUR per outage, capped at 150.00 EUR"),
        ({"minimum": "160.00 EUR"}, "160.00", "2 x 80.00 EUR per outage"),
        (
            {"minimum": "160.01 EUR"},
            "0.00",
            "2 x 80.00 EUR per outage: 160.00 EUR is below the minimum of 160.01 EUR",
        ),
        (
            {"stack": "sum", "cap": "1%", "minimum": "10.01 EUR"},
            "0.00",
            (
                "10% of charges + 2 x 80.00 EUR per outage, capped at 1% of charges: "
                "10.00 EUR is below the minimum of 10.01 EUR"
            ),
        ),
    ],
)
def test_s34_case_35_stacking_cap_and_minimum_in_this_order(extra: dict[str, str], amount: str, rule: str) -> None:
    penalty = parse_penalty({"flat": "10%", "per_outage": {"credit": "80.00 EUR"}, **extra})
    result = credit(penalty, TARGET, THOUSAND, facts(outages=(HOUR, HOUR)))
    assert (str(result.amount.amount), result.rule) == (amount, rule)


def test_s34_of_equal_parts_the_first_names_the_rule() -> None:
    penalty = parse_penalty({"per_outage": {"credit": "100.00 EUR"}, "flat": "10%"})
    assert credit(penalty, TARGET, THOUSAND, facts(outages=(HOUR,))).rule == "10% of charges"


@pytest.mark.parametrize(
    ("charges", "amount"),
    [
        # 10 % of 1200 * 14 / 31 = 54.1935...
        ("1200.00 EUR per month", "54.19 EUR"),
        # 10 % of 100000 * 14 / 31 = 4516.129
        ("100000 JPY per month", "4516 JPY"),
        # 10 % of 123.456 * 14 / 31 = 5.57543...
        ("123.456 KWD per month", "5.575 KWD"),
    ],
)
def test_s34_settlement_of_the_founding_contract(charges: str, amount: str) -> None:
    agreement = contract(charges=charges)
    both = {Figure.LOW: facts("0.985"), Figure.POINT: facts("0.988"), Figure.HIGH: facts("0.991")}
    settled = settle(agreement, FORTNIGHT, both, Fraction(1))
    assert settled is not None
    zero = ExactMoney(Fraction(0), settled.currency).rounded()
    assert (settled.amount, settled.at_low, settled.at_high) == (money(amount), money(amount), zero)
    assert (settled.settled_on, settled.rule) == (Figure.POINT, "10% of charges")


@pytest.mark.parametrize(
    ("settle_on", "amount", "rule"),
    [
        (Figure.LOW, "100.00", "10% of charges"),
        (Figure.POINT, "0.00", "none"),
        (Figure.HIGH, "0.00", "none"),
    ],
)
def test_s34_one_figure_decides_whatever_the_verdict(settle_on: Figure, amount: str, rule: str) -> None:
    agreement = contract(charges="1000.00 EUR per period", options=Options(settle_on=settle_on))
    disputable = {Figure.LOW: facts("0.985"), Figure.POINT: facts("0.99"), Figure.HIGH: facts("0.995")}
    settled = settle(agreement, FORTNIGHT, disputable, Fraction(1))
    assert settled is not None
    assert settled.amount is not None
    assert (str(settled.amount.amount), settled.rule) == (amount, rule)
    assert (str(settled.at_low), str(settled.at_high)) == ("100.00 EUR", "0.00 EUR")


@pytest.mark.parametrize(
    ("coverage", "is_open"),
    [(Fraction(95, 100), False), (Fraction(95, 100) - EPSILON, True), (Fraction(0), True), (None, False)],
)
def test_s34_below_the_coverage_floor_the_credit_is_open(coverage: Fraction | None, is_open: bool) -> None:
    agreement = contract(charges="1000.00 EUR per period")
    same = dict.fromkeys(Figure, facts("0.98"))
    settled = settle(agreement, FORTNIGHT, same, coverage)
    assert settled is not None
    assert (settled.amount is None) is is_open
    assert str(settled.at_low) == str(settled.at_high) == "100.00 EUR"
    assert settled.rule == ("open: coverage is below the floor of 95%" if is_open else "10% of charges")


def test_s34_an_empty_denominator_gives_no_credit() -> None:
    settled = settle(contract(), FORTNIGHT, dict.fromkeys(Figure, facts(None)), None)
    assert settled is not None
    assert (settled.amount, settled.rule) == (money("0.00 EUR"), "not applicable")


def test_s34_no_penalty_no_settlement() -> None:
    assert settle(contract(penalty="none"), FORTNIGHT, dict.fromkeys(Figure, facts("0")), Fraction(1)) is None


def test_s34_a_penalty_in_money_needs_no_charges() -> None:
    agreement = contract(penalty="50.00 EUR", charges=None)
    settled = settle(agreement, FORTNIGHT, dict.fromkeys(Figure, facts("0.98")), Fraction(1))
    assert settled is not None
    assert settled.amount == money("50.00 EUR")


@pytest.mark.parametrize(
    ("penalty", "charges", "problem"),
    [
        ("10% of charges", (), "the penalty depends on charges, and there are none"),
        ({"prorata": {}}, (), "the penalty depends on charges"),
        ("5.00 USD", ("9.00 EUR per month",), "the penalty is in USD and the charges in EUR"),
        ("10%", ("9.00 EUR per month", "9.00 USD per month"), "charges in EUR and USD"),
    ],
)
def test_money_that_cannot_be_reckoned(
    penalty: str | dict[str, object], charges: tuple[str, ...], problem: str
) -> None:
    agreement = charged(contract(penalty=penalty), *(charge(text) for text in charges))
    assert problem in "; ".join(money_problems(agreement))
    with pytest.raises(ValueError, match="acme/network: "):
        settle(agreement, FORTNIGHT, dict.fromkeys(Figure, facts()), Fraction(1))


def test_a_client_cap_in_another_currency_is_a_problem() -> None:
    from dataclasses import replace

    assert money_problems(contract()) == ()
    assert money_problems(replace(contract(), credit_cap=money("9.00 EUR"))) == ()
    assert money_problems(replace(contract(), credit_cap=money("9.00 USD"))) == (
        "credit_cap is in USD, the contract in EUR: expected one currency",
    )


@pytest.mark.parametrize(
    ("verdicts", "breached", "of", "reached", "counted"),
    [
        ("bbb", 3, 3, True, 3),
        ("bb", 3, 3, False, 2),
        ("bbmb", 3, 3, False, 2),
        ("bbmb", 3, 4, True, 3),
        ("bbbm", 3, 3, False, 2),  # the right is one of now: the latest three decide
        ("bbdb", 3, 3, False, 2),  # disputable is not breached, and breaks the row
        ("bnbob", 3, 3, True, 3),  # not applicable and open ones are passed over
        ("", 1, 1, False, 0),
        ("b", 1, 1, True, 1),
    ],
)
def test_s34_termination_after_bad_periods(verdicts: str, breached: int, of: int, reached: bool, counted: int) -> None:
    words = {"b": "breached", "m": "met", "d": "disputable", "n": "not_applicable", "o": "open"}
    standing = termination_right(TerminationRight(breached, of), [words[letter] for letter in verdicts])
    assert standing == TerminationStanding(reached, counted, breached, of)


def test_no_termination_clause_no_right() -> None:
    assert termination_right(None, ["breached"] * 9) is None


percents = st.integers(1, 100).map(lambda number: f"{number}%")
amounts = st.integers(1, 50_000).map(lambda cents: f"{cents // 100}.{cents % 100:02} EUR")
credited = st.one_of(percents, amounts)
blocks = st.fixed_dictionaries(
    {"block": st.sampled_from(["1m", "30m", "1h"]), "credit": credited},
    optional={"started": st.booleans(), "beyond": st.sampled_from(["budget", "nothing"])},
)
parts: dict[str, st.SearchStrategy[object]] = {
    "flat": credited,
    "tiers": st.just(TIERS["tiers"]),
    "per_block": blocks,
    "per_outage": st.fixed_dictionaries(
        {"credit": st.one_of(credited, st.just("50 x prorata"))},
        optional={"longer_than": st.sampled_from(["0s", "5m"])},
    ),
    "prorata": st.fixed_dictionaries({}, optional={"factor": st.integers(1, 99), "beyond": st.just("nothing")}),
    "per_miss": st.fixed_dictionaries({"credit": credited}, optional={"beyond": st.just("budget")}),
    "stack": st.sampled_from(["highest", "sum"]),
    "cap": credited,
}
penalties = st.fixed_dictionaries(
    {"flat": credited}, optional={key: part for key, part in parts.items() if key != "flat"}
)
SERVICE = 14 * DAY


@given(
    penalties,
    st.lists(st.integers(0, DAY), min_size=1, max_size=6),
    st.lists(st.integers(0, HOUR), min_size=6, max_size=6),
    st.integers(0, 40),
    st.integers(0, 5),
)
def test_s34_credits_never_fall_with_downtime_and_never_exceed_the_cap(
    document: dict[str, object], lengths: list[int], longer: list[int], missed: int, more_missed: int
) -> None:
    penalty = parse_penalty(document)

    def result(outages: list[int], misses: int) -> Decimal:
        used = sum(outages)
        found = facts(
            1 - Fraction(used, SERVICE),
            used=used,
            allowed=BUDGET,
            outages=tuple(outages),
            missed=misses,
            allowed_misses=3,
        )
        return credit(penalty, TARGET, THOUSAND, found).amount.amount

    less = result(lengths, missed)
    more = result([length + extra for length, extra in zip(lengths, longer, strict=False)], missed + more_missed)
    assert 0 <= less <= more
    if penalty.cap is not None:
        cap = credit(parse_penalty({"flat": document["cap"]}), TARGET, THOUSAND, facts("0")).amount.amount
        assert more <= cap


@given(st.fractions(min_value=0, max_value=10**9), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_s34_rounding_moves_by_at_most_half_a_minor_unit(exact: Fraction, currency: str) -> None:
    rounded = ExactMoney(exact, currency).rounded()
    unit = Fraction(1, 10**rounded.exponent)
    assert -unit / 2 < Fraction(rounded.amount) - exact <= unit / 2
    assert rounded == Money(rounded.amount.quantize(Decimal(1).scaleb(-rounded.exponent)), currency)
