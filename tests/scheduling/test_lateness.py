"""The histogram of lateness: bounds are inclusive, and cumulative counts end at the number of probes."""

from __future__ import annotations

import pytest

from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.scheduling.lateness import BOUNDS, Lateness


@pytest.mark.parametrize(
    ("lateness", "bucket"),
    [
        (0, 0),
        (MILLISECOND, 0),  # a bound belongs to its own bucket, as `le` says
        (MILLISECOND + 1, 1),
        (60 * SECOND, len(BOUNDS) - 1),
        (60 * SECOND + 1, len(BOUNDS)),  # beyond the last bound
    ],
)
def test_which_bucket(lateness: int, bucket: int) -> None:
    histogram = Lateness()
    histogram.add(lateness)
    assert histogram.counts.index(1) == bucket
    assert (histogram.count, histogram.total) == (1, lateness)


def test_cumulative_counts() -> None:
    histogram = Lateness()
    for lateness in (500, 1_500, 1_600, 70 * SECOND):
        histogram.add(lateness)
    assert histogram.cumulative() == [1, *[3] * (len(BOUNDS) - 1), 4]
    assert list(BOUNDS) == sorted(set(BOUNDS))
