"""When a review comes due, and since when it is overdue (S36): local times, over both changes of the clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import DAY, HOUR, MINUTE, parse_instant
from slawatch.domain.local_time import zone
from slawatch.domain.reviews import next_due, overdue

BERLIN = zone("Europe/Berlin")
TIMES = ("09:00", "15:00")


@pytest.mark.parametrize(
    ("times", "after", "due"),
    [
        (TIMES, "2026-01-14T07:59:59Z", "2026-01-14T08:00:00Z"),  # 08:59:59 there: 09:00 is next
        (TIMES, "2026-01-14T08:00:00Z", "2026-01-14T14:00:00Z"),  # signed at 09:00 sharp answers for it: 15:00
        (TIMES, "2026-01-14T14:00:00.000001Z", "2026-01-15T08:00:00Z"),  # after 15:00: the next morning
        (TIMES, "2026-03-28T20:00:00Z", "2026-03-29T07:00:00Z"),  # 09:00 in summer time is 07:00 UTC
        (TIMES, "2026-10-24T20:00:00Z", "2026-10-25T08:00:00Z"),  # and again 08:00 UTC in winter
        (("02:30", "15:00"), "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"),  # skipped: the end of the gap, 03:00
        (("02:30", "15:00"), "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"),  # twice: the first of the two
        (("00:00", "23:59"), "2026-01-14T22:59:00Z", "2026-01-14T23:00:00Z"),  # midnight there
    ],
)
def test_the_next_review(times: tuple[str, ...], after: str, due: str) -> None:
    assert next_due(times, BERLIN, parse_instant(after)) == parse_instant(due)


@pytest.mark.parametrize(
    ("signed", "now", "late"),
    [
        ("2026-01-14T07:00:00Z", "2026-01-14T07:30:00Z", 0),  # nothing has come due since
        ("2026-01-14T07:00:00Z", "2026-01-14T08:00:00Z", 0),  # it comes due this instant
        ("2026-01-14T07:00:00Z", "2026-01-14T08:10:00Z", 10 * MINUTE),
        ("2026-01-14T07:00:00Z", "2026-01-15T08:10:00Z", DAY + 10 * MINUTE),  # by the first of three that were missed
        ("2026-01-14T08:00:00Z", "2026-01-14T08:10:00Z", 0),
        ("2026-01-14T09:00:00Z", "2026-01-14T08:00:00Z", 0),  # the clock went back
        ("2026-03-28T20:00:00Z", "2026-03-29T08:00:00Z", HOUR),
    ],
)
def test_overdue(signed: str, now: str, late: int) -> None:
    assert overdue(TIMES, BERLIN, parse_instant(signed), parse_instant(now)) == late


def test_where_no_time_is_agreed_nothing_is_overdue_and_nothing_due() -> None:
    assert overdue((), BERLIN, 0, 10 * DAY) is None
    with pytest.raises(ValueError, match="no time"):
        next_due((), BERLIN, 0)


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]),
    st.lists(st.integers(0, 24 * 60 - 1), min_size=2, max_size=5, unique=True),
    st.integers(parse_instant("2010-01-01T00:00:00Z"), parse_instant("2030-01-01T00:00:00Z")),
)
def test_it_comes_soon_and_none_is_passed_over(name: str, minutes: list[int], after: int) -> None:
    """Within two days even where a day is left out, and no other is between."""
    times = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in minutes)
    due = next_due(times, zone(name), after)
    assert after < due <= after + 2 * DAY
    assert next_due(times, zone(name), due - 1) == due
