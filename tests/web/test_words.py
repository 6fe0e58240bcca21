"""Words for people: never flattering, the same everywhere."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slawatch.domain.interval import DAY, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND, parse_instant
from slawatch.domain.local_time import zone
from slawatch.web import words

BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("length", "cut", "rounded_up"),
    [
        (0, "0 s", "0 s"),
        (MICROSECOND, "1 µs", "1 µs"),
        (1_240, "1.2 ms", "1.2 ms"),
        (340 * MILLISECOND + 999, "340 ms", "340 ms"),
        (SECOND + 1, "1 s", "2 s"),
        (59 * SECOND + 1, "59 s", "1 m"),
        (72 * SECOND + 1, "1 m 12 s", "1 m 13 s"),
        (60 * MINUTE - 1, "59 m 59 s", "1 h"),
        (3 * HOUR + 21 * MINUTE + 36 * SECOND, "3 h 21 m", "3 h 22 m"),
        (71 * HOUR + 59 * MINUTE + 1, "71 h 59 m", "3 d"),
        (9 * DAY + 4 * HOUR + 1, "9 d 4 h", "9 d 5 h"),
        (-90 * SECOND, "-1 m 30 s", "-1 m 30 s"),
    ],
)
def test_lengths(length: int, cut: str, rounded_up: str) -> None:
    assert words.span_text(length) == cut
    assert words.span_text(length, round_up=True) == rounded_up


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 s"), (999_999, "0 s"), (59 * SECOND, "59 s"), (90 * SECOND, "1 m"), (25 * HOUR + 59 * SECOND, "25 h")],
)
def test_coarse_lengths(length: int, text: str) -> None:
    assert words.coarse_text(length) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Fraction(1), "100 %"),
        (Fraction(999_999, 1_000_000), "99.9 %"),
        (Fraction(0), "0.0 %"),
        (Fraction(2, 3), "66.6 %"),
        (Fraction(3, 2), "150.0 %"),
    ],
)
def test_a_share_is_whole_only_when_it_is(ratio: Fraction, text: str) -> None:
    assert words.share(ratio) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-01-14T10:59:59Z", "11:59:59"),
        ("2026-01-13T22:59:59Z", "Tue 13 Jan 23:59:59"),
        ("2025-12-31T22:59:59Z", "Wed 31 Dec 2025 23:59:59"),
    ],
)
def test_a_moment_names_its_day_unless_it_is_today(at: str, text: str) -> None:
    now = parse_instant("2026-01-14T11:00:00Z")
    assert words.moment(parse_instant(at), now, BERLIN) == words.Moment(text, at)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-01-04T23:00:00Z", "2026-01-18T23:00:00Z", "Mon 5 Jan – Sun 18 Jan 2026"),
        ("2025-12-21T23:00:00Z", "2026-01-04T23:00:00Z", "Mon 22 Dec 2025 – Sun 4 Jan 2026"),
        ("2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z", "Mon 5 Jan 2026"),
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "Sun 29 Mar 2026"),
        ("2026-01-05T07:30:00Z", "2026-01-18T23:00:00Z", "Mon 5 Jan 08:30 – Mon 19 Jan 2026 00:00"),
    ],
)
def test_a_period_by_its_days(start: str, end: str, text: str) -> None:
    assert words.period_text(parse_instant(start), parse_instant(end), BERLIN) == text


def test_lists_and_sentences() -> None:
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.sentence([]) == ""
    assert words.sentence(["it burns", "it is dark"]) == "It burns; it is dark"


def test_percentages() -> None:
    assert words.percent(None, Fraction(99, 100)) == "–"
    assert words.percent(Fraction(989_996, 1_000_000), Fraction(99, 100)) == "98.99 %"
    assert words.percent(Fraction(9_899_999, 10_000_000), Fraction(99, 100)) == "98.99 %"
    assert words.agreed(Fraction(9_995, 10_000)) == "99.95 %"
