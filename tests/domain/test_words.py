"""What is said: the exact words of reasons and mistakes, which name the place and what is expected."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from domain.money_cases import contract, money
from domain.plain_terms import terms
from domain.small_cases import agreement, judged, spans, timeline_of
from slawatch.domain.announcements import AnnouncementError, parse_announcement
from slawatch.domain.counted_risk import assess_counts
from slawatch.domain.credits import CreditFacts, ExactMoney, credit, money_problems
from slawatch.domain.penalty import PenaltyError, describe, parse_penalty
from slawatch.domain.risk import Reason, ReasonKind, Situation, assess
from slawatch.domain.service_hours import HoursIndex, parse_ranges
from slawatch.domain.terms import contract_of
from slawatch.domain.terms_grammar import parse_moment
from slawatch.domain.terms_reading import TermsError

FAR = "period: '{}' is out of reach: expected years from 1970 to 2999"
BETWEEN = "no event remains, and the standard lies between the low and the high figure"


@pytest.mark.parametrize(
    ("met", "missed", "unknown", "ahead", "kind", "text"),
    [
        (0, 0, 0, 0, ReasonKind.NO_SERVICE_TIME, "the period has no events"),
        (50, 6, 0, 44, ReasonKind.BEST_IS_NOT_ENOUGH, "even if all that remain are met it misses 95%"),
        (95, 0, 0, 5, ReasonKind.WORST_IS_ENOUGH, "even if all that remain are missed it meets 95%"),
        (94, 5, 1, 0, ReasonKind.WITHIN_BOUNDS, BETWEEN),
        (50, 3, 0, 47, ReasonKind.BUDGET_USED, "3 of the 5 misses that are allowed have happened"),
        (50, 2, 0, 48, ReasonKind.QUIET, "nothing threatens the standard"),
        (0, 0, 3, 97, ReasonKind.NOTHING_KNOWN, "nothing is known of the period so far"),
        (18, 1, 0, None, ReasonKind.BUDGET_USED, "so far it is below 95%"),
    ],
)
def test_s33_the_reasons_of_counted_events(
    met: int, missed: int, unknown: int, ahead: int | None, kind: ReasonKind, text: str
) -> None:
    risk = assess_counts(Fraction(95, 100), met=met, missed=missed, unknown=unknown, ahead=ahead)
    assert risk.reasons == (Reason(kind, text),)


def test_s33_the_reason_of_a_period_that_nobody_saw() -> None:
    """At 500 s of 1000 s nothing is known; coverage can still reach half."""
    account = judged(agreement(), timeline_of("unknown 0"), now=500)
    risk = assess(agreement(), account, Situation(HoursIndex(spans("0-1000")).advance))
    assert risk.reasons[0] == Reason(ReasonKind.NOTHING_KNOWN, "nothing is known of the period so far")


def test_s25_an_announcement_without_a_start_is_told_what_is_missing() -> None:
    with pytest.raises(AnnouncementError) as refused:
        parse_announcement({"services": ["network"], "duration": "4h"}, "UTC")
    assert refused.value.key == "start"
    assert str(refused.value) == 'missing: expected a local time like "2026-02-01 22:00"'


def test_s34_a_penalty_on_charges_needs_some() -> None:
    assert money_problems(contract(charges=None)) == (
        "the penalty depends on charges, and there are none: expected some, as 1200.00 EUR per month",
    )


def test_s34_a_block_has_a_length() -> None:
    with pytest.raises(PenaltyError) as refused:
        parse_penalty({"per_block": {"block": "0s", "credit": "5%"}})
    assert refused.value.path == ("per_block", "block")
    assert refused.value.problem == "a block of no length: expected one like 1h"


def test_s34_below_the_minimum_nothing_is_paid_in_the_same_currency() -> None:
    """0.90 of 100.00 is below 1.00."""
    penalty = parse_penalty({"prorata": {"beyond": "nothing", "factor": "1"}, "minimum": "1.00 EUR"})
    facts = CreditFacts(Fraction(991, 1000), 1000, Fraction(9))
    found = credit(penalty, Fraction(99, 100), ExactMoney(Fraction(100), "EUR"), facts)
    assert found.amount == money("0.00 EUR")
    assert found.rule.endswith(": 0.90 EUR is below the minimum of 1.00 EUR")


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        ({"penalty": 5}, ("penalty",), "5 is no penalty: expected a text or a mapping"),
        ({"up_when": "a", "services": {"a": "b", "b": "a"}}, ("services",), "a -> b -> a"),
    ],
)
def test_s29_a_mistake_in_terms_names_its_place(changes: dict[str, Any], path: tuple[str, ...], problem: str) -> None:
    with pytest.raises(TermsError, match=re.escape(problem)) as refused:
        contract_of(terms(**changes))
    assert refused.value.path == path


@pytest.mark.parametrize("text", ["9999-12-31 23:59", "3000-01-02", "1969-01-01", "0001-01-01"])
@pytest.mark.parametrize("zone", ["UTC", "America/Adak", "Pacific/Kiritimati"])
def test_a_moment_that_no_calendar_reaches_is_refused(text: str, zone: str) -> None:
    """The last hours of the year 9999 lie in the year 10000 of UTC, west of it."""
    with pytest.raises(ValueError, match=rf"^'{text}' is out of reach: expected a year from 1970 to 2999$"):
        parse_moment(text, zone)


def test_s33_the_reason_of_a_period_that_ends_between_its_bounds() -> None:
    """12 s down by low, 8 s by high, of 1000 s: 98.8 % and 99.2 %."""
    account = judged(agreement(), timeline_of("up 0, down 100 [98..100], up 110 [108..110]"))
    risk = assess(agreement(), account, Situation(HoursIndex(spans("0-1000")).advance))
    text = "no service time remains, and the standard lies between the low and the high figure"
    assert risk.reasons == (Reason(ReasonKind.WITHIN_BOUNDS, text),)


def test_s25_a_start_needs_an_end_or_a_duration_and_not_both() -> None:
    for more in ({}, {"end": "2026-02-02", "duration": "4h"}):
        with pytest.raises(AnnouncementError) as refused:
            parse_announcement({"services": ["network"], "start": "2026-02-01", **more}, "UTC")
        found = refused.value.key, str(refused.value)
        assert found == ("duration", "expected either an end or a duration beside the start")


def test_s2_ranges_that_overlap_are_named() -> None:
    with pytest.raises(ValueError, match=r"^08:00-12:00, 11:00-13:00: these ranges overlap; each hour belongs to one$"):
        parse_ranges(["08:00-12:00", "11:00-13:00"])


@pytest.mark.parametrize("text", ["08:60-12:00", "08:00:60-12:00", "24:01-25:00", "08:00-24:00:01"])
def test_s2_a_time_that_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="holds no time of day: 00:00 to 24:00 is expected"):
        parse_ranges([text])


@pytest.mark.parametrize(
    ("document", "bound"),
    [({"below": "99%"}, "below 99%"), ({"at_most": "99%"}, "at or below 99%")],
)
def test_s34_the_rule_says_whether_a_tier_includes_its_bound(document: dict[str, str], bound: str) -> None:
    penalty = parse_penalty({"tiers": [{**document, "credit": "10%"}]})
    found = credit(penalty, Fraction(999, 1000), ExactMoney(Fraction(100), "EUR"), CreditFacts(Fraction(98, 100)))
    assert bound in found.rule
    assert bound in describe(penalty)
    assert ("at or below" in found.rule) == ("at_most" in document)


def test_s34_what_an_outage_may_cost_is_shown_by_examples() -> None:
    with pytest.raises(PenaltyError) as refused:
        parse_penalty({"per_outage": {"credit": "much"}})
    assert refused.value.problem == "'much' is no credit: expected one like 10%, 25.00 EUR or 50 x prorata"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "2"}, "format: terms of format '2': this slawatch reads format 1"),
        ({"same_incident": "most"}, "same_incident: 'most' is not known: expected sum or highest"),
        (
            {"penalty": {"per_miss": {"credit": "5.00 USD"}}},
            "penalty: in USD, but charges[0].amount is in EUR: expected one currency",
        ),
        (
            {"credit_cap": "5.00 USD"},
            "credit_cap: in USD, but charges[0].amount is in EUR: expected one currency",
        ),
        ({"valid": {"from": None, "to": None, "until": None}}, "valid.until: unknown key: expected one of from, to"),
        ({"valid": {"from": None}}, "valid.to: missing"),
        ({"period": "from 2999-12-31 to 3000-06-01"}, FAR.format("from 2999-12-31 to 3000-06-01")),
        ({"period": "from 1900-01-01 to 2026-01-01"}, FAR.format("from 1900-01-01 to 2026-01-01")),
        ({"period": "every 2 weeks from 3000-01-01"}, FAR.format("every 2 weeks from 3000-01-01")),
    ],
)
def test_s29_a_mistake_in_terms_in_full(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TermsError) as refused:
        contract_of(terms(**changes))
    assert str(refused.value) == message


def test_s29_a_mistake_without_a_place_is_said_alone() -> None:
    assert str(TermsError((), "is no mapping")) == "is no mapping"
    assert str(TermsError(("valid", "to"), "is no text")) == "valid.to: is no text"
