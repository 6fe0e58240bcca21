"""Small grammars read and written: durations, ratios, money (S1, S10)."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.grammar import format_duration, parse_duration, parse_money, ratio_text, spell_duration
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0s"),
        (1, "1us"),
        (1_000, "1ms"),
        (1_001_001, "1s1ms1us"),
        (90 * SECOND, "1m30s"),
        (3 * HOUR + 21 * MINUTE + 36 * SECOND, "3h21m36s"),
        (DAY, "1d"),
        (13 * DAY, "13d"),
        # weeks only where nothing is left over
        (14 * DAY, "2w"),
        (15 * DAY, "15d"),
        (14 * DAY + HOUR, "14d1h"),
    ],
)
def test_a_duration_has_one_shortest_text(length: int, text: str) -> None:
    assert format_duration(length) == text
    assert parse_duration(text) == length


@given(st.integers(0, 400 * DAY))
def test_a_duration_is_read_back_as_it_was(length: int) -> None:
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0 s"),
        (1, "0.000001 s"),
        (-1, "-0.000001 s"),
        (1_500_000, "1.5 s"),
        (10 * SECOND, "10 s"),
        (3 * HOUR + 21 * MINUTE + 36 * SECOND, "3 h 21 m 36 s"),
        (-(2 * MINUTE + SECOND), "-2 m 1 s"),
        (3 * DAY - SECOND, "71 h 59 m 59 s"),
        (3 * DAY, "3 d"),
        (87 * HOUR + 36 * MINUTE, "3 d 15 h 36 m"),
    ],
)
def test_a_length_for_people(length: int, text: str) -> None:
    assert spell_duration(length) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1), "1"),
        (Fraction(100), "100"),
        (Fraction(99, 100), "0.99"),
        (Fraction(1, 3), "0.333333333333333333"),
        (Fraction(2, 3), "0.666666666666666666"),  # truncated, not rounded
        (Fraction(-1, 8), "-0.125"),
        (Fraction(-2, 3), "-0.666666666666666666"),
        (Fraction(1, 10**18), "0.000000000000000001"),
        (Fraction(1, 10**19), "0.000000000000000000"),  # not exact, so its digits stay
    ],
)
def test_s10_a_ratio_is_exact_or_truncated_after_18_digits(ratio: Fraction, text: str) -> None:
    assert ratio_text(ratio) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("12.00", "'12.00' is no amount of money: expected one like 1200.00 EUR"),
        ("1.5 JPY", "'1.5 JPY' has more digits than JPY has: expected at most 0"),
        ("1.0000 KWD", "'1.0000 KWD' has more digits than KWD has: expected at most 3"),
    ],
)
def test_money_that_cannot_be_paid_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_money(text)
