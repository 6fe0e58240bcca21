"""Burn rates (S33): windows scaled to the period, and thresholds that can fire."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slawatch.domain.burn import (
    REFERENCE_WINDOWS,
    BurnWindow,
    burn_rate,
    burn_windows,
    check_burn_thresholds,
    decimal,
    highest_burn,
    latest_window,
    scaled_windows,
    used_in,
)
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, MINUTE, Duration, IntervalSet
from slawatch.domain.timeline import Timeline, pack


@pytest.mark.parametrize(
    ("length", "thresholds"),
    [
        (30 * DAY, ["14.4", "6", "3", "1"]),
        # 14 / 30 of each: 6.72, 2.8, 1.4; 0.466... is dropped
        (14 * DAY, ["6.72", "2.8", "1.4"]),
        # a quarter of 90 days: three times each
        (90 * DAY, ["43.2", "18", "9", "3"]),
        # 7 days: 3.36, 1.4; 0.7 and 0.233... are dropped
        (7 * DAY, ["3.36", "1.4"]),
        # a day: 0.48 at most, none
        (DAY, []),
    ],
)
def test_s33_thresholds_scale_with_the_period(length: Duration, thresholds: list[str]) -> None:
    assert [window.threshold for window in scaled_windows(length)] == [Fraction(text) for text in thresholds]


def test_s33_a_threshold_is_a_share_of_the_budget() -> None:
    # threshold * window / length of the reference period: 2 %, 5 %, 10 %, 10 %
    shares = [window.threshold * window.long / (30 * DAY) for window in REFERENCE_WINDOWS]
    assert shares == [Fraction(2, 100), Fraction(5, 100), Fraction(1, 10), Fraction(1, 10)]


@pytest.mark.parametrize(
    ("target", "highest"),
    [("0.9", Fraction(10)), ("0.99", Fraction(100)), ("0", Fraction(1)), ("1", None)],
)
def test_s33_the_highest_burn(target: str, highest: Fraction | None) -> None:
    assert highest_burn(Fraction(target)) == highest


@pytest.mark.parametrize(
    ("target", "threshold", "refused"),
    [
        # at 90 % the highest burn is 10: neither 14.4 nor 10 itself is ever exceeded
        (
            "0.9",
            "14.4",
            "a burn threshold of 14.4 over 1 h can never be exceeded at this standard",
        ),
        ("0.9", "10", "expected less than 10"),
        ("0.9", "9.99", None),
        ("0.99", "14.4", None),
        ("1", "1", "expected no burn threshold, for there is no budget"),
    ],
)
def test_s33_a_threshold_that_can_never_fire_is_refused(target: str, threshold: str, refused: str | None) -> None:
    windows = [BurnWindow(HOUR, 5 * MINUTE, Fraction(threshold))]
    if refused is None:
        check_burn_thresholds(Fraction(target), windows)
    else:
        with pytest.raises(ValueError, match=refused):
            check_burn_thresholds(Fraction(target), windows)


def test_s33_windows_of_a_target_are_those_that_can_fire() -> None:
    assert [window.threshold for window in burn_windows(Fraction("0.9"), 30 * DAY)] == [6, 3, 1]
    assert burn_windows(Fraction(1), 30 * DAY) == ()


@pytest.mark.parametrize(
    ("used", "window", "target", "rate"),
    [
        # 36 s in an hour are 1 %: exactly what 99 % allows
        (36_000_000, HOUR, "0.99", Fraction(1)),
        (HOUR, HOUR, "0.99", Fraction(100)),
        # 5 min of the hour, although nothing was measured before: 5/60 / 0.01
        (5 * MINUTE, HOUR, "0.99", Fraction(500, 60)),
        (0, HOUR, "0.99", Fraction(0)),
        (HOUR, HOUR, "1", None),
    ],
)
def test_s33_a_burn_rate(used: int, window: Duration, target: str, rate: Fraction | None) -> None:
    assert burn_rate(Fraction(used), window, Fraction(target)) == rate


@pytest.mark.parametrize(
    ("at", "window", "found"),
    [
        (100, 10, [(90, 100)]),
        (100, 30, [(35, 40), (75, 100)]),  # 25 from the second interval, 5 from the first
        (90, 20, [(35, 40), (75, 90)]),
        (75, 5, [(35, 40)]),
        (50, 99, [(0, 40)]),  # all that there is
        (0, 5, []),
        (100, 0, []),
    ],
)
def test_the_latest_service_time(at: int, window: int, found: list[tuple[int, int]]) -> None:
    service = IntervalSet.of([(0, 40), (75, 200)])
    assert latest_window(service, at, window) == IntervalSet.of(found)


def test_used_in_counts_down_and_degraded_by_its_weight_in_the_point_version() -> None:
    up, down, degraded = State.UP, State.DOWN, State.DEGRADED
    codes = [pack(state, state, state) for state in (up, down, up, degraded)] + [pack(down, up, up)]
    timeline = Timeline([DISTANT_PAST, 10, 30, 40, 60], codes)
    service = IntervalSet.of([(0, 20), (30, 100)])
    # [10, 20) down = 10, [40, 60) degraded = 20 at weight 1/4 costs 15, [60, 100) is down in the low version only
    assert used_in(timeline, service, 100, 1000, Fraction(1, 4)) == 25
    # the latest 55 of service time are [45, 100): 15 degraded
    assert used_in(timeline, service, 100, 55, Fraction(1, 4)) == Fraction(45, 4)
    assert used_in(timeline, service, 100, 1000, Fraction(1)) == 10


def test_numbers_for_people_are_truncated() -> None:
    assert [decimal(Fraction(text)) for text in ("6.729", "10", "0.5", "2/3")] == ["6.72", "10", "0.5", "0.66"]
