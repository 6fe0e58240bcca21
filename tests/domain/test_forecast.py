"""The forecast: against closed forms, against plain enumeration, and where it says nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import exp, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slawatch.domain.forecast import FEWEST_OUTAGES, Forecast, History, forecast
from slawatch.domain.interval import DAY, HOUR, MINUTE, Duration

FORTNIGHT = 14 * DAY


def made(
    lengths: list[Duration],
    *,
    known: Duration = 100 * DAY,
    ahead: Duration = 10 * DAY,
    left: Duration = HOUR,
    running_for: Duration | None = None,
) -> Forecast:
    history = History(known, tuple(lengths))
    found = forecast(history, service_time=FORTNIGHT, ahead=ahead, left=left, running_for=running_for)
    assert found is not None
    return found


def holds(found: Forecast, probability: float) -> bool:
    """Whether the interval holds a probability that floats know to about 15 digits."""
    return float(found.at_least) - 1e-12 <= probability <= float(found.at_most) + 1e-12


def test_one_outage_of_the_only_length_is_too_much() -> None:
    # 5 outages of 2 h in 100 days: 0.5 expected in 10 days; 1 h is left: 1 - e^-0.5
    found = made([2 * HOUR] * 5)
    assert holds(found, 1 - exp(-0.5))
    assert found.at_most - found.at_least <= Decimal("0.000001")
    assert (found.outages, found.known) == (5, 100 * DAY)


def test_two_outages_of_the_only_length_are_too_many() -> None:
    # 1 h each, 90 min left: none or one is well: 1 - e^-0.5 * (1 + 0.5)
    assert holds(made([HOUR] * 5, left=90 * MINUTE), 1 - exp(-0.5) * 1.5)


def test_exactly_what_is_left_is_no_breach() -> None:
    assert holds(made([HOUR] * 5, left=HOUR), 1 - exp(-0.5) * 1.5)
    assert holds(made([HOUR] * 5, left=HOUR - 1), 1 - exp(-0.5))


def test_with_nothing_left_any_outage_is_too_much() -> None:
    assert holds(made([1] * 5, left=0), 1 - exp(-0.5))


@pytest.mark.parametrize(
    ("ahead", "left", "probability"),
    [(10 * DAY, -1, 1), (HOUR, HOUR, 0), (0, 0, 0), (HOUR - 1, HOUR, 0)],
)
def test_what_is_certain(ahead: Duration, left: Duration, probability: int) -> None:
    found = made([HOUR] * 5, ahead=ahead, left=left)
    assert found.at_least == found.at_most == probability


def test_the_running_outage_ends_like_those_that_lasted_longer() -> None:
    # 30 min so far: of 20 min, 1 h, 1 h, 2 h, 4 h four lasted longer, and have 30, 30, 90 and 210 min to go; 60 min are
    # left. No new outage in the last 61 min of the period but with a rate of 5 in 10000 days.
    lengths = [20 * MINUTE, HOUR, HOUR, 2 * HOUR, 4 * HOUR]
    found = made(lengths, known=10_000 * DAY, ahead=61 * MINUTE, left=HOUR, running_for=30 * MINUTE)
    assert found.at_least <= Decimal("0.50003")
    assert Decimal("0.5") <= found.at_most <= Decimal("0.50003")


def test_an_outage_longer_than_all_before_has_no_forecast() -> None:
    history = History(100 * DAY, (HOUR,) * 5)
    assert forecast(history, service_time=FORTNIGHT, ahead=DAY, left=HOUR, running_for=HOUR) is None
    assert forecast(history, service_time=FORTNIGHT, ahead=DAY, left=HOUR, running_for=HOUR - 1) is not None


@pytest.mark.parametrize(
    ("known", "outages", "enough"),
    [
        (28 * DAY, FEWEST_OUTAGES, True),
        (28 * DAY - 1, FEWEST_OUTAGES, False),
        (28 * DAY, FEWEST_OUTAGES - 1, False),
        (0, 0, False),
    ],
)
def test_a_past_that_is_too_short_says_nothing(known: Duration, outages: int, enough: bool) -> None:
    history = History(known, (HOUR,) * outages)
    assert (forecast(history, service_time=FORTNIGHT, ahead=DAY, left=HOUR) is not None) is enough


def test_an_outage_that_cost_nothing_is_none() -> None:
    history = History(100 * DAY, (HOUR,) * 4 + (0,))
    assert forecast(history, service_time=FORTNIGHT, ahead=DAY, left=HOUR) is None


def test_a_service_that_is_down_all_the_time_does_not_overflow() -> None:
    # a million outages expected
    found = made([MINUTE] * 5, known=FORTNIGHT * 2, ahead=FORTNIGHT * 400_000, left=HOUR)
    assert found.at_least == found.at_most == 1


def enumerated(lengths: list[int], expected: float, left: int) -> float:
    """1 - the sum over numbers of outages and all choices of lengths that fit; up to six outages."""
    fits = 0.0
    for count in range(7):
        chosen = [sum(choice) <= left for choice in product(lengths, repeat=count)]
        fits += exp(-expected) * expected**count / factorial(count) * sum(chosen) / len(chosen)
    return 1 - fits


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(20, 200), min_size=5, max_size=5), st.integers(0, 139), st.integers(1, 40))
def test_against_plain_enumeration(lengths: list[int], left: int, rate: int) -> None:
    # microseconds: up to 139 of them lie on a grid of single ones, so both results are exact; seven outages never fit
    expected = Fraction(rate, 10)
    known = 40 * FORTNIGHT
    ahead = int(expected * known / 5)
    found = made(lengths, known=known, ahead=ahead, left=left)
    assert holds(found, enumerated(lengths, float(Fraction(5 * ahead, known)), left))
    assert found.at_most - found.at_least <= Decimal("0.000002")


@given(
    st.lists(st.integers(1, 5 * HOUR), min_size=5, max_size=9),
    st.integers(0, 4 * HOUR),
    st.integers(0, HOUR),
    st.integers(DAY, 14 * DAY),
)
def test_less_left_is_never_less_likely_to_breach(lengths: list[int], left: int, less: int, ahead: int) -> None:
    more = made(lengths, left=left, ahead=ahead)
    fewer = made(lengths, left=max(0, left - less), ahead=ahead)
    assert 0 <= more.at_least <= more.at_most <= 1
    assert more.at_least <= fewer.at_most
