"""From the time of a period to its money (S22, S34): each part of a penalty gets what the account measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.counted_cases import heard, judged, nights, on_time, run, state
from domain.small_cases import agreement, options, s, timeline_of
from slawatch.domain.account import account
from slawatch.domain.contract import Contract, Options, UnknownPolicy
from slawatch.domain.credits import Settlement
from slawatch.domain.penalty import parse_penalty

PRORATA: dict[str, object] = {"prorata": {"beyond": "nothing", "factor": "1"}}
PER_OUTAGE: dict[str, object] = {"per_outage": {"longer_than": "50s", "credit": "5.00 EUR"}}


def agreed(penalty: dict[str, object], chosen: Options | None = None) -> Contract:
    """1000 s of 99 % for 100.00 EUR."""
    return replace(agreement(options=chosen), penalty=parse_penalty(penalty), penalty_text="the penalty's own words")


def settled(contract: Contract, facts: str, now: int = 5000) -> Settlement:
    period = next(contract.periods.between(s(0), s(10**6)))
    settlement = account(contract, period, timeline_of(facts), (), s(now)).settlement
    assert settlement is not None
    return settlement


def amounts(settlement: Settlement) -> tuple[str, str, str]:
    """By the agreed figure, at low, at high."""
    return str(settlement.amount), str(settlement.at_low), str(settlement.at_high)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # 100 s of 1000 s: a tenth of 100.00
        ("up 0, down 100, up 200, unknown 1000", ("10.00 EUR", "10.00 EUR", "10.00 EUR")),
        # low 120 s, point 100 s, high 70 s
        (
            "up 0, down 100 [90..110], up 200 [180..210], unknown 1000",
            ("10.00 EUR", "12.00 EUR", "7.00 EUR"),
        ),
    ],
)
def test_s34_prorata_is_of_the_periods_service_time(facts: str, expected: tuple[str, str, str]) -> None:
    assert amounts(settled(agreed(PRORATA), facts)) == expected


def test_s34_unknown_time_that_counts_as_down_is_paid_for() -> None:
    """100 s down and 200 s unknown: 30 % of 100.00."""
    contract = agreed(PRORATA, replace(options(coverage_floor="0%"), unknown=UnknownPolicy.DOWN))
    assert amounts(settled(contract, "up 0, down 100, up 200, unknown 800")) == ("30.00 EUR", "30.00 EUR", "30.00 EUR")


def test_s22_a_running_period_is_bounded_by_its_worst_and_its_best_end() -> None:
    """At 500 s it has been down since 400 s. Worst: down until 1000 s, 60 %. Best: up from now on, 10 %."""
    found = settled(agreed(PRORATA), "up 0, down 400, unknown 500", now=500)
    assert amounts(found) == ("None", "60.00 EUR", "10.00 EUR")
    assert found.rule == "the penalty's own words"


def test_s34_below_the_floor_the_credit_is_open_in_the_contracts_currency() -> None:
    """100 s down and 200 s unknown: 80 % of the period is known, 95 % were agreed."""
    found = settled(agreed(PRORATA), "up 0, down 100, up 200, unknown 800")
    assert (found.amount, found.currency, str(found.at_low), str(found.at_high)) == (
        None,
        "EUR",
        "10.00 EUR",
        "10.00 EUR",
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # 40 s is not longer than 50 s, 60 s is
        ("up 0, down 100, up 140, down 300, up 360, unknown 1000", ("5.00 EUR", "5.00 EUR", "5.00 EUR")),
        # low 60 to 140 is 80 s, point 40 s, high 40 s
        ("up 0, down 100 [60..100], up 140, unknown 1000", ("0.00 EUR", "5.00 EUR", "0.00 EUR")),
    ],
)
def test_s34_each_figure_has_its_own_outages(facts: str, expected: tuple[str, str, str]) -> None:
    assert amounts(settled(agreed(PER_OUTAGE), facts)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # by low the first outage has 80 s, and a second of 500 s would follow; by high it has 40 s
        ("up 0, down 100 [60..100], up 140, unknown 500", ("None", "10.00 EUR", "0.00 EUR")),
        # the outage that runs and the 500 s to come are one
        ("up 0, down 440, unknown 500", ("None", "5.00 EUR", "5.00 EUR")),
    ],
)
def test_s22_what_remains_at_worst_is_one_more_outage_or_goes_on(facts: str, expected: tuple[str, str, str]) -> None:
    assert amounts(settled(agreed(PER_OUTAGE), facts, now=500)) == expected


PER_MISS: dict[str, object] = {"penalty": {"per_miss": {"credit": "5.00 EUR"}}}
SEEN = [*nights(1, 27), run("28 02:10", "fail"), run("29 02:10", "fail"), run("30 02:10", "fail")]


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        # 31 nights, 3 failed, the last one not seen: 3 · 5.00 are certain, a fourth by low
        ("exclude", ("15.00 EUR", "20.00 EUR", "15.00 EUR")),
        # it counts as missed in all three, or in none
        ("down", ("20.00 EUR", "20.00 EUR", "20.00 EUR")),
        ("up", ("15.00 EUR", "15.00 EUR", "15.00 EUR")),
    ],
)
def test_s30_an_unknown_event_costs_what_was_agreed(unknown: str, expected: tuple[str, str, str]) -> None:
    terms = on_time(options={"unknown": unknown, "coverage_floor": "50%"}, **PER_MISS)
    blind = [state("31 01:00", "unknown", cause="connector_failed")]
    found = judged(terms, [*heard(), *SEEN, *blind]).settlement
    assert found is not None
    assert amounts(found) == expected


def test_s22_a_running_counted_period_is_bounded_too() -> None:
    """On the 30th at noon three have failed, 15.00 at best; the last night could be a fourth."""
    found = judged(on_time(**PER_MISS), [*heard("30 12:00"), *SEEN], now="30 12:00").settlement
    assert found is not None
    assert amounts(found) == ("None", "20.00 EUR", "15.00 EUR")
    assert found.rule == "5.00 EUR for each missed event."
