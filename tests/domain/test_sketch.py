"""Quantiles from buckets: within one per cent, in any order, and the same text for the same lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import DAY, HOUR, MILLISECOND, SECOND, Duration
from slawatch.domain.observation import Verdict
from slawatch.domain.sketch import BOUNDS, Sketch
from slawatch.domain.summary import Summary, hour_of

LENGTHS = st.lists(st.integers(0, DAY), max_size=60)


def exact(lengths: list[Duration], numerator: int) -> Duration:
    """Nearest rank: the smallest length that at least so many per cent do not exceed."""
    return next(x for x in sorted(lengths) if 100 * sum(y <= x for y in lengths) >= numerator * len(lengths))


@given(LENGTHS.filter(bool), st.integers(0, 100))
def test_a_quantile_is_within_one_per_cent(lengths: list[Duration], numerator: int) -> None:
    found, true = Sketch.of(lengths).quantile(numerator), exact(lengths, numerator)
    assert found is not None
    assert 100 * abs(found - true) <= true


@given(LENGTHS, LENGTHS, LENGTHS)
def test_merging_is_adding_up_in_any_order(one: list[Duration], two: list[Duration], three: list[Duration]) -> None:
    a, b, c = map(Sketch.of, (one, two, three))
    assert (a + b) + c == c + (b + a) == Sketch.of([*three, *one, *two])
    assert (a + b + c).text() == Sketch.of(sorted(one + two + three)).text()
    assert (a + b).count == len(one) + len(two)


@given(LENGTHS)
def test_a_sketch_reads_back(lengths: list[Duration]) -> None:
    sketch = Sketch.of(lengths)
    assert Sketch.parse(sketch.text()) == sketch


def test_buckets() -> None:
    """One microsecond wide below 100, then a fiftieth: 100 to 101, 102 to 103; 5,000 in one of 99."""
    assert BOUNDS[:3] == (0, 1, 2)
    assert BOUNDS[100:104] == (100, 102, 104, 106)
    assert len(BOUNDS) < 1_200
    assert Sketch.of([0, 0, 7, 101]).text() == "0:2 7:1 100:1"
    assert Sketch.of([-5, 2 * DAY]).text() == f"0:1 {len(BOUNDS) - 1 if BOUNDS[-1] <= DAY else len(BOUNDS) - 2}:1"


@pytest.mark.parametrize(
    ("numerator", "expected"),
    [
        # ten lengths of 1 to 10 us: rank ⌈q·10⌉, at least 1
        (0, 1),
        (1, 1),
        (10, 1),
        (11, 2),
        (50, 5),
        (95, 10),
        (100, 10),
    ],
)
def test_nearest_rank(numerator: int, expected: Duration) -> None:
    assert Sketch.of(range(1, 11)).quantile(numerator) == expected


def test_no_quantile_of_nothing_and_none_beyond_all() -> None:
    assert Sketch().quantile(50) is None
    assert Sketch().text() == ""
    with pytest.raises(ValueError, match="no quantile"):
        Sketch.of([1]).quantile(101)


@pytest.mark.parametrize("text", ["x", "1:0", "-1:2", "1:2:3", "99999:1", "1"])
def test_a_text_that_is_no_sketch(text: str) -> None:
    with pytest.raises(ValueError):
        Sketch.parse(text)


SEEN = st.lists(st.tuples(st.integers(0, HOUR - 1), st.sampled_from(Verdict), st.integers(0, SECOND)), max_size=30)


@given(SEEN, SEEN)
def test_summaries_add_up(one: list[tuple[int, Verdict, int]], two: list[tuple[int, Verdict, int]]) -> None:
    whole, parts = Summary.of([*two, *one]), [x for x in (Summary.of(one), Summary.of(two)) if x is not None]
    assert whole == (parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None)


def test_a_summary() -> None:
    """Four good ones of 1, 2, 3 and 10 ms, one failure and one void, whose lengths say nothing."""
    rows = [
        (30, Verdict.UP, 2 * MILLISECOND),
        (10, Verdict.UP, MILLISECOND),
        (40, Verdict.DOWN, 5 * SECOND),
        (20, Verdict.DEGRADED, 10 * MILLISECOND),
        (50, Verdict.VOID, SECOND),
        (25, Verdict.UP, 3 * MILLISECOND),
    ]
    found = Summary.of(rows)
    assert found is not None
    assert (found.first, found.last, found.count) == (10, 50, 6)
    assert (found.up, found.degraded, found.down, found.void) == (3, 1, 1, 1)
    assert (found.shortest, found.longest, found.total, found.mean) == (1_000, 10_000, 16_000, 4_000)
    assert found.took.count == 4
    assert Summary.of([(1, Verdict.DOWN, 5)]) == Summary(1, 1, down=1)
    assert Summary(1, 1, down=1).mean is None
    assert hour_of(HOUR + 1) == HOUR
