"""The penalty grammar: what can be written, what each writing means, and what is refused with which words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from slawatch.domain.grammar import Money
from slawatch.domain.interval import HOUR, MINUTE
from slawatch.domain.penalty import (
    Amount,
    Beyond,
    Penalty,
    PenaltyError,
    PerBlock,
    PerMiss,
    PerOutage,
    Prorata,
    ProrataMultiple,
    Share,
    Stack,
    TerminationRight,
    Tier,
    describe,
    parse_penalty,
)

TENTH = Share(Fraction(1, 10))


def euros(text: str) -> Amount:
    return Amount(Money(Decimal(text), "EUR"))


WHOLE = {
    "tiers": [
        {"below": "99.99%", "credit": "10%"},
        {"below": "99%", "credit": "30%"},
        {"at_most": "95%", "credit": "100%"},
    ],
    "per_block": {"block": "1h", "started": False, "beyond": "budget", "credit": "5%"},
    "per_outage": {"longer_than": "5m", "credit": "50 x prorata"},
    "prorata": {"beyond": "budget", "factor": "10"},
    "per_miss": {"credit": "25.00 EUR"},
    "stack": "highest",
    "cap": "100%",
    "minimum": "1.00 EUR",
}


@pytest.mark.parametrize(
    ("document", "penalty"),
    [
        ("none", Penalty()),
        ("10% of charges", Penalty(flat=TENTH)),
        (" 10 % of charges ", Penalty(flat=TENTH)),
        ("10%", Penalty(flat=TENTH)),
        ("50.00 EUR", Penalty(flat=euros("50.00"))),
        ({"flat": "10% of charges", "cap": "50.00 EUR"}, Penalty(flat=TENTH, cap=euros("50.00"))),
        (
            {"per_block": {"block": "30m", "started": "true", "beyond": "nothing", "credit": "5%"}},
            Penalty(per_block=PerBlock(30 * MINUTE, Share(Fraction(1, 20)), started=True, beyond=Beyond.NOTHING)),
        ),
        ({"per_block": {"block": "1h", "credit": "5%"}}, Penalty(per_block=PerBlock(HOUR, Share(Fraction(1, 20))))),
        (
            {"per_block": {"block": "1h", "credit": "5%", "started": "false"}},
            Penalty(per_block=PerBlock(HOUR, Share(Fraction(1, 20)), started=False)),
        ),
        ({"per_outage": {"credit": "20.00 EUR"}}, Penalty(per_outage=PerOutage(euros("20.00"), 0))),
        (
            {"per_outage": {"longer_than": "5m", "credit": "2.5 x prorata"}},
            Penalty(per_outage=PerOutage(ProrataMultiple(Fraction(5, 2)), 5 * MINUTE)),
        ),
        ({"prorata": {}}, Penalty(prorata=Prorata(Fraction(1), Beyond.BUDGET))),
        ({"prorata": {"factor": 10}}, Penalty(prorata=Prorata(Fraction(10)))),
        ({"per_miss": {"credit": "25.00 EUR"}}, Penalty(per_miss=PerMiss(euros("25.00"), Beyond.NOTHING))),
        (
            {"per_miss": {"credit": "1%", "beyond": "budget"}, "stack": "sum"},
            Penalty(per_miss=PerMiss(Share(Fraction(1, 100)), Beyond.BUDGET), stack=Stack.SUM),
        ),
        (
            {"flat": "10%", "cap": "50.00 EUR", "minimum": "50.00 EUR"},
            Penalty(flat=TENTH, cap=euros("50.00"), minimum=Money(Decimal("50.00"), "EUR")),
        ),
        (
            {"tiers": [{"below": "99%", "credit": "2.00 EUR"}, {"below": "95%", "credit": "2.00 EUR"}]},
            Penalty(
                tiers=(
                    Tier(Fraction(95, 100), inclusive=False, credit=euros("2.00")),
                    Tier(Fraction(99, 100), inclusive=False, credit=euros("2.00")),
                )
            ),
        ),
        ({"termination_after": {"breached": 3}}, Penalty(termination_after=TerminationRight(3, 3))),
        (
            {"flat": "10%", "termination_after": {"breached": "3", "of": "6"}},
            Penalty(flat=TENTH, termination_after=TerminationRight(3, 6)),
        ),
    ],
)
def test_what_can_be_written(document: str | dict[str, object], penalty: Penalty) -> None:
    assert parse_penalty(document) == penalty


def test_the_whole_grammar_at_once() -> None:
    assert parse_penalty(WHOLE) == Penalty(
        tiers=(
            Tier(Fraction(95, 100), inclusive=True, credit=Share(Fraction(1))),
            Tier(Fraction(99, 100), inclusive=False, credit=Share(Fraction(3, 10))),
            Tier(Fraction(9999, 10_000), inclusive=False, credit=TENTH),
        ),
        per_block=PerBlock(HOUR, Share(Fraction(1, 20)), started=False, beyond=Beyond.BUDGET),
        per_outage=PerOutage(ProrataMultiple(Fraction(50)), 5 * MINUTE),
        prorata=Prorata(Fraction(10), Beyond.BUDGET),
        per_miss=PerMiss(euros("25.00")),
        stack=Stack.HIGHEST,
        cap=Share(Fraction(1)),
        minimum=Money(Decimal("1.00"), "EUR"),
    )


def test_tiers_are_kept_lowest_first_in_whatever_order_they_were_written() -> None:
    tiers = [
        {"at_most": "99%", "credit": "20%"},
        {"below": "99%", "credit": "30%"},
        {"at_most": "95%", "credit": "100%"},
    ]
    written = [parse_penalty({"tiers": order}).tiers for order in (tiers, tiers[::-1])]
    assert written[0] == written[1]
    assert [str(tier) for tier in written[0]] == [
        "100% of charges at or below 95%",
        "30% of charges below 99%",
        "20% of charges at or below 99%",
    ]


@pytest.mark.parametrize(
    ("ratio", "below", "at_most"),
    [
        (Fraction(99, 100), False, True),  # exactly 99 %: below 99 % does not include it
        (Fraction(99, 100) - Fraction(1, 10**18), True, True),
        (Fraction(99, 100) + Fraction(1, 10**18), False, False),
    ],
)
def test_the_bound_of_a_tier_is_exact(ratio: Fraction, below: bool, at_most: bool) -> None:
    assert Tier(Fraction(99, 100), inclusive=False, credit=TENTH).matches(ratio) is below
    assert Tier(Fraction(99, 100), inclusive=True, credit=TENTH).matches(ratio) is at_most


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ("ten percent", (), "'ten percent' is no credit: expected none, a flat one like '10% of charges'"),
        ("110% of charges", (), "is no credit"),
        ("", (), "is no credit"),
        (["10%"], (), "is no penalty: expected none"),
        ({}, (), "no part that gives a credit"),
        ({"cap": "10%"}, (), "no part that gives a credit"),
        ({"flat": 0.1}, ("flat",), "0.1 is no text: expected it in quotes"),
        ({"flat": True}, ("flat",), "True is no text"),
        ({"flat": "30"}, ("flat",), "'30' is no credit: expected one like 10% or 25.00 EUR"),
        ({"flat": "1 x prorata"}, ("flat",), "is no credit"),
        ({"bonus": "1%"}, ("bonus",), "unknown key: expected one of flat, tiers, per_block"),
        ({"tiers": []}, ("tiers",), "no list of tiers"),
        ({"tiers": "99%"}, ("tiers",), "no list of tiers"),
        ({"tiers": ["99%"]}, ("tiers", 0), "is no mapping: expected the keys below, at_most, credit"),
        ({"tiers": [{"credit": "1%"}]}, ("tiers", 0), "expected either below or at_most"),
        ({"tiers": [{"below": "9%", "at_most": "9%", "credit": "1%"}]}, ("tiers", 0), "expected either"),
        ({"tiers": [{"below": "99%"}]}, ("tiers", 0, "credit"), "missing"),
        ({"tiers": [{"below": "0.99", "credit": "1%"}]}, ("tiers", 0, "below"), "'0.99' is no percentage"),
        (
            {"tiers": [{"below": "99%", "credit": "1%"}, {"below": "99.0%", "credit": "2%"}]},
            ("tiers", 1),
            "two tiers below 99%: expected one",
        ),
        (
            {"tiers": [{"below": "95%", "credit": "10%"}, {"below": "99%", "credit": "30%"}]},
            ("tiers", 1, "credit"),
            "30% of charges, but below 95% only 10% of charges",
        ),
        (
            {"tiers": [{"below": "99%", "credit": "3.00 EUR"}, {"below": "95%", "credit": "2.00 EUR"}]},
            ("tiers", 0, "credit"),
            "3.00 EUR, but below 95% only 2.00 EUR",
        ),
        ({"per_block": {"block": "0s", "credit": "1%"}}, ("per_block", "block"), "no length"),
        ({"per_block": {"block": "60", "credit": "1%"}}, ("per_block", "block"), "'60' is no duration"),
        ({"per_block": {"credit": "1%"}}, ("per_block", "block"), "missing"),
        ({"per_block": {"block": "1h", "credit": "1%", "started": "yes"}}, ("per_block", "started"), "true or false"),
        ({"per_block": {"block": "1h", "credit": "1%", "started": 1}}, ("per_block", "started"), "true or false"),
        ({"per_block": {"block": "1h", "credit": "1%", "beyond": "all"}}, ("per_block", "beyond"), "budget or nothing"),
        ({"per_outage": {"longer_than": "5m"}}, ("per_outage", "credit"), "missing"),
        ({"per_outage": {"credit": "0 x prorata"}}, ("per_outage", "credit"), "'0' is no factor"),
        ({"per_outage": {"credit": "x prorata"}}, ("per_outage", "credit"), "is no credit"),
        ({"per_outage": {"credit": "-1 x prorata"}}, ("per_outage", "credit"), "'-1' is no factor"),
        ({"prorata": {"factor": "1/2"}}, ("prorata", "factor"), "'1/2' is no factor"),
        ({"prorata": {"factor": "1."}}, ("prorata", "factor"), "'1.' is no factor"),
        ({"prorata": {"factor": 2.5}}, ("prorata", "factor"), "2.5 is no text"),
        ({"per_miss": {"credit": "25.001 EUR"}}, ("per_miss", "credit"), "is no credit"),
        ({"flat": "1%", "stack": "average"}, ("stack",), "'average' is not known: expected highest or sum"),
        ({"flat": "1%", "minimum": "1%"}, ("minimum",), "'1%' is no amount of money"),
        ({"flat": "1%", "cap": "9.00 EUR", "minimum": "10.00 EUR"}, ("minimum",), "more than the cap"),
        ({"flat": "1.00 EUR", "minimum": "1.00 USD"}, (), "amounts in EUR and USD: expected one currency"),
        ({"termination_after": {"of": 3}}, ("termination_after", "breached"), "missing"),
        ({"termination_after": {"breached": 0}}, ("termination_after", "breached"), "'0' is no count"),
        ({"termination_after": {"breached": 1000}}, ("termination_after", "breached"), "'1000' is no count"),
        ({"termination_after": {"breached": "9" * 5000}}, ("termination_after", "breached"), "is no count"),
        ({"termination_after": {"breached": 3, "of": 2}}, ("termination_after", "of"), "3 of 2 cannot be"),
    ],
)
def test_what_is_refused(document: object, path: tuple[str | int, ...], words: str) -> None:
    with pytest.raises(PenaltyError) as refused:
        parse_penalty(document)  # type: ignore[arg-type]
    assert refused.value.path == path
    assert words in str(refused.value)
    assert isinstance(refused.value, ValueError)


def test_the_text_of_a_refusal_starts_with_the_key() -> None:
    with pytest.raises(ValueError, match=r"^penalty\.tiers\[0\]\.credit: missing$"):
        parse_penalty({"tiers": [{"below": "99%"}]})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("none", "No penalty."),
        ("10% of charges", "10% of charges when the standard is missed."),
        (
            WHOLE,
            (
                "10% of charges below 99.99%, 30% of charges below 99%, 100% of charges at or below 95%; the lowest "
                "tier that matches counts. 5% of charges for each full 1 h of downtime beyond what the standard "
                "allows. 50 times the charges of the time it lasted for each outage longer than 5 m. "
                "10 times the charges of the downtime beyond what the standard allows. "
                "25.00 EUR for each missed event. Of these the highest counts. "
                "Never more than 100% of charges in a period. A credit below 1.00 EUR is not paid out."
            ),
        ),
        (
            {"per_block": {"block": "30m", "started": True, "beyond": "nothing", "credit": "5%"}},
            "5% of charges for each started 30 m of downtime.",
        ),
        ({"prorata": {"beyond": "nothing"}}, "the charges of the downtime."),
        (
            {"flat": "5.00 EUR", "per_outage": {"credit": "1.00 EUR"}, "stack": "sum"},
            "5.00 EUR when the standard is missed. 1.00 EUR for each outage. These are added up.",
        ),
        (
            {"termination_after": {"breached": 3}},
            "No penalty. The client may terminate after 3 breached periods in a row.",
        ),
        (
            {"termination_after": {"breached": 1}},
            "No penalty. The client may terminate after a breached period.",
        ),
        (
            {"tiers": [{"below": "99%", "credit": "5%"}], "termination_after": {"breached": 2, "of": 5}},
            "5% of charges below 99%. The client may terminate after 2 breached periods among 5 in a row.",
        ),
    ],
)
def test_a_penalty_in_plain_words(document: str | dict[str, object], words: str) -> None:
    assert describe(parse_penalty(document)) == words


@pytest.mark.parametrize(
    ("document", "needs_charges", "currency"),
    [
        ("none", False, None),
        ("10% of charges", True, None),
        ("5.00 EUR", False, "EUR"),
        ({"flat": "5.00 EUR", "cap": "100%"}, True, "EUR"),
        ({"prorata": {}}, True, None),
        ({"per_miss": {"credit": "400 JPY"}}, False, "JPY"),
        ({"per_outage": {"credit": "1 x prorata"}, "minimum": "1.000 KWD"}, True, "KWD"),
        ({"tiers": [{"below": "99%", "credit": "2.00 EUR"}]}, False, "EUR"),
    ],
)
def test_what_a_penalty_needs_of_the_contract(
    document: str | dict[str, object], needs_charges: bool, currency: str | None
) -> None:
    penalty = parse_penalty(document)
    assert (penalty.needs_charges, penalty.currency) == (needs_charges, currency)
    assert penalty.is_none is (document == "none")
