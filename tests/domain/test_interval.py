"""Instants and half-open intervals in whole microseconds (S1), and the algebra of their sets."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slawatch.domain
from slawatch.domain.interval import (
    DAY,
    HOUR,
    SECOND,
    Interval,
    IntervalSet,
    format_instant,
    parse_instant,
    to_datetime,
    to_instant,
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-02T00:00:00+00:00", DAY),
        # 01:00 at +01:00 is midnight UTC
        ("1970-01-01T01:00:00+01:00", 0),
        # 05:45 at Kathmandu's +05:45
        ("1970-01-01T05:45:00+05:45", 0),
        # 2026-01-05 is 20458 days after the epoch
        ("2026-01-05T00:00:00Z", 20458 * DAY),
        # 9999-12-31 is 2932896 days after the epoch: still exact to the microsecond
        ("9999-12-31T00:00:00.000001Z", 2932896 * DAY + 1),
    ],
)
def test_s1_an_instant_is_a_whole_number_of_microseconds(text: str, instant: int) -> None:
    """S1: UTC, integer microseconds since 1970."""
    assert parse_instant(text) == instant
    assert to_instant(to_datetime(instant)) == instant
    assert parse_instant(format_instant(instant)) == instant


@pytest.mark.parametrize("text", ["2026-01-05T00:00:00", "2026-01-05", "tomorrow", ""])
def test_s1_a_text_without_a_zone_names_no_instant(text: str) -> None:
    """S1: nothing is guessed."""
    with pytest.raises(ValueError, match="2026-01-05T10:00:00Z"):
        parse_instant(text)


def test_s1_a_datetime_without_a_zone_names_no_instant() -> None:
    """S1: the same for values."""
    with pytest.raises(ValueError, match="zone"):
        to_instant(datetime(2026, 1, 5))
    assert to_instant(datetime(2026, 1, 5, 1, tzinfo=timezone(timedelta(hours=1)))) == 20458 * DAY


def test_s1_leap_seconds_are_ignored() -> None:
    """S1; edge case 28, first half: Unix time. 2016-12-31 had 86,401 seconds and counts 86,400."""
    assert parse_instant("2017-01-01T00:00:00Z") - parse_instant("2016-12-31T00:00:00Z") == 24 * HOUR


def test_s1_fractional_digits_are_written_only_where_there_are_any() -> None:
    """One text for one instant."""
    assert format_instant(20458 * DAY) == "2026-01-05T00:00:00Z"
    assert format_instant(20458 * DAY + SECOND // 2) == "2026-01-05T00:00:00.500000Z"


def test_s1_an_interval_holds_its_start_and_not_its_end() -> None:
    """S1: half-open, so neighbours share no instant."""
    hour = Interval(0, HOUR)
    assert 0 in hour
    assert HOUR - 1 in hour
    assert HOUR not in hour
    assert -1 not in hour
    assert hour.length == HOUR
    assert hour.intersect(Interval(HOUR, 2 * HOUR)).length == 0
    assert Interval(5, 3).length == 0


@pytest.mark.parametrize(
    ("one", "other", "union", "both", "first_only"),
    [
        # disjoint
        ([(0, 10)], [(20, 30)], [(0, 10), (20, 30)], [], [(0, 10)]),
        # touching: joined, nothing in common
        ([(0, 10)], [(10, 20)], [(0, 20)], [], [(0, 10)]),
        ([(0, 10)], [(5, 15)], [(0, 15)], [(5, 10)], [(0, 5)]),
        ([(0, 30)], [(10, 20)], [(0, 30)], [(10, 20)], [(0, 10), (20, 30)]),
        ([(10, 20)], [(0, 30)], [(0, 30)], [(10, 20)], []),
        ([(0, 10), (20, 30)], [(5, 25)], [(0, 30)], [(5, 10), (20, 25)], [(0, 5), (25, 30)]),
        ([(0, 10)], [], [(0, 10)], [], [(0, 10)]),
        ([], [(0, 10)], [(0, 10)], [], []),
        # one microsecond is something
        ([(0, 10)], [(9, 10)], [(0, 10)], [(9, 10)], [(0, 9)]),
    ],
)
def test_s1_the_algebra_of_sets(
    one: list[tuple[int, int]],
    other: list[tuple[int, int]],
    union: list[tuple[int, int]],
    both: list[tuple[int, int]],
    first_only: list[tuple[int, int]],
) -> None:
    """Union, intersection and difference of half-open sets."""
    a, b = IntervalSet.of(one), IntervalSet.of(other)
    assert list(a.union(b)) == union
    assert list(a.intersection(b)) == both
    assert list(a.difference(b)) == first_only


def test_s1_empty_intervals_leave_no_trace() -> None:
    """A set holds no empty interval, however it was written."""
    assert IntervalSet.of([(5, 5), (9, 3)]) == IntervalSet()
    assert IntervalSet.span(7, 7) == IntervalSet()
    assert not IntervalSet()


_POINTS = st.integers(0, 40)
_SETS = st.lists(st.tuples(_POINTS, _POINTS), max_size=8).map(IntervalSet.of)


@given(one=_SETS, other=_SETS, start=_POINTS, end=_POINTS)
def test_s1_sets_agree_with_sets_of_points(one: IntervalSet, other: IntervalSet, start: int, end: int) -> None:
    """The algebra is that of the instants, one by one; results are sorted, not empty, and do not touch."""

    def points(intervals: IntervalSet) -> set[int]:
        return {point for begin, finish in intervals for point in range(begin, finish)}

    a, b = points(one), points(other)
    results = {
        one.union(other): a | b,
        one.intersection(other): a & b,
        one.difference(other): a - b,
        one.clip(start, end): {point for point in a if start <= point < end},
    }
    for found, expected in results.items():
        assert points(found) == expected
        assert found.length == len(expected)
        assert all(point in found for point in expected)
        assert all((point in found) == (point in expected) for point in range(-1, 42))
        assert found == IntervalSet.of(found)


def test_s1_the_domain_names_no_float() -> None:
    """S1: no float carries an instant, a duration, a ratio or money. The forecast, a probability that decides
    nothing, may."""
    folder = Path(slawatch.domain.__file__).parent
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name == "forecast.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = isinstance(node, ast.Name) and node.id == "float"
            constant = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if name or constant:
                found.append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []
    assert to_datetime(0).tzinfo is UTC
