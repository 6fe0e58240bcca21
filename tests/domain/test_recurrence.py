"""S25: recurring maintenance by RFC 5545, with local times by S2 and durations in elapsed time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import DAY, HOUR, Interval, format_instant, parse_instant
from slawatch.domain.local_time import instant_of, zone
from slawatch.domain.recurrence import Recurrence, occurrences

BERLIN = "Europe/Berlin"


def recurrence(start: str, rule: str | None, hours: int = 2, tz: str = BERLIN, without: str = "") -> Recurrence:
    """A recurrence whose exclusions are given as texts, a date or a local time each."""
    excluded = frozenset(
        datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text) for text in without.split()
    )
    return Recurrence(datetime.fromisoformat(start), tz, hours * HOUR, rule, excluded)


def between(found: Recurrence, start: str, end: str) -> list[str]:
    """The occurrences between two dates (UTC) as ``mm-ddThh:mm/hh:mm``."""
    window = (parse_instant(f"{text}T00:00:00Z") for text in (start, end))
    return [f"{format_instant(a)[5:16]}/{format_instant(b)[11:16]}" for a, b in occurrences(found, *window)]


@pytest.mark.parametrize(
    ("start", "rule", "without", "expected"),
    [
        ("2026-02-01T22:00", None, "", ["02-01T21:00/23:00"]),
        # The first Sunday of each month; from April on at UTC+2.
        (
            "2026-01-04T02:00",
            "FREQ=MONTHLY;BYDAY=1SU",
            "",
            ["01-04T01:00/03:00", "02-01T01:00/03:00", "03-01T01:00/03:00", "04-05T00:00/02:00"],
        ),
        ("2026-01-04T02:00", "RRULE:FREQ=MONTHLY;BYDAY=1SU;COUNT=2", "", ["01-04T01:00/03:00", "02-01T01:00/03:00"]),
        # COUNT counts before EXDATE: three, of which one is left out. Both forms of exclusion.
        (
            "2026-01-05T02:00",
            "FREQ=WEEKLY;COUNT=3",
            "2026-01-12",
            ["01-05T01:00/03:00", "01-19T01:00/03:00"],
        ),
        (
            "2026-01-05T02:00",
            "FREQ=WEEKLY;COUNT=3",
            "2026-01-12T02:00 2026-01-19T03:00",
            ["01-05T01:00/03:00", "01-19T01:00/03:00"],
        ),
        # UNTIL is inclusive: as a date with its whole day, local, and as an instant (01:00Z is 02:00 here).
        ("2026-01-05T02:00", "FREQ=WEEKLY;UNTIL=20260112", "", ["01-05T01:00/03:00", "01-12T01:00/03:00"]),
        ("2026-01-05T02:00", "FREQ=WEEKLY;UNTIL=20260112T020000", "", ["01-05T01:00/03:00", "01-12T01:00/03:00"]),
        ("2026-01-05T02:00", "FREQ=WEEKLY;UNTIL=20260112T015959", "", ["01-05T01:00/03:00"]),
        ("2026-01-05T02:00", "FREQ=WEEKLY;UNTIL=20260112T010000Z", "", ["01-05T01:00/03:00", "01-12T01:00/03:00"]),
        ("2026-01-05T02:00", "FREQ=WEEKLY;UNTIL=20260112T005959Z", "", ["01-05T01:00/03:00"]),
        # The last day of the month, where the 31st is missing.
        (
            "2026-01-31T20:00",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "",
            ["01-31T19:00/21:00", "02-28T19:00/21:00", "03-31T18:00/20:00"],
        ),
        ("2026-01-31T20:00", "FREQ=MONTHLY", "", ["01-31T19:00/21:00", "03-31T18:00/20:00"]),
    ],
)
def test_occurrences(start: str, rule: str | None, without: str, expected: list[str]) -> None:
    """S25: rules, COUNT, UNTIL and EXDATE, two hours each, from January to 10 April 2026."""
    assert between(recurrence(start, rule, without=without), "2026-01-01", "2026-04-10") == expected


def test_maintenance_keeps_its_local_time_and_its_length() -> None:
    """S2, S25: at 02:30 for 2 h, also where 02:30 is skipped (03:00, 01:00Z) and where it repeats (the first)."""
    weekly = recurrence("2026-03-22T02:30", "FREQ=WEEKLY")
    assert between(weekly, "2026-03-20", "2026-04-08") == [
        "03-22T01:30/03:30",
        "03-29T01:00/03:00",
        "04-05T00:30/02:30",
    ]
    assert between(weekly, "2026-10-24", "2026-11-03") == ["10-25T00:30/02:30", "11-01T01:30/03:30"]


def test_times_that_the_gap_joins_are_one_window() -> None:
    """S2: hourly windows at 02:00 and 03:00 both start at 01:00Z on 29 March; it is given once."""
    hourly = recurrence("2026-03-29T01:00", "FREQ=HOURLY;COUNT=4", hours=1)
    assert between(hourly, "2026-03-28", "2026-03-30") == [
        "03-29T00:00/01:00",
        "03-29T01:00/02:00",
        "03-29T02:00/03:00",
    ]


def test_a_window_counts_where_it_reaches() -> None:
    """S1: windows that only reach into the span are given whole; those that only touch it are not."""
    nightly = recurrence("2026-01-04T23:00", "FREQ=DAILY", hours=2, tz="UTC")
    assert between(nightly, "2026-01-06", "2026-01-07") == ["01-05T23:00/01:00", "01-06T23:00/01:00"]
    first = nightly.occurrences(0, parse_instant("2026-01-05T00:00:00Z"))
    assert first == [Interval(parse_instant("2026-01-04T23:00:00Z"), parse_instant("2026-01-05T01:00:00Z"))]
    assert nightly.occurrences(first[0].end, first[0].end + 22 * HOUR) == []
    assert nightly.occurrences(0, first[0].start) == []
    assert nightly.occurrences(first[0].start + 1, first[0].start + 1) == []
    long = recurrence("2026-01-04T23:00", "FREQ=DAILY", hours=72, tz="UTC")
    assert len(long.occurrences(parse_instant("2026-01-20T00:00:00Z"), parse_instant("2026-01-20T00:00:00Z") + 1)) == 3


def test_a_zone_that_skips_a_day() -> None:
    """S2: Apia's windows of 30 December 2011 start with 31 December, 10:00Z."""
    daily = recurrence("2011-12-29T02:00", "FREQ=DAILY", tz="Pacific/Apia")
    assert between(daily, "2011-12-29", "2012-01-01") == [
        "12-29T12:00/14:00",
        "12-30T10:00/12:00",
        "12-30T12:00/14:00",
        "12-31T12:00/14:00",
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("weekly", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("BYDAY=SU", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("FREQ=FORTNIGHTLY", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("FREQ=WEEKLY;BYDAY=XX", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("FREQ=WEEKLY;FREQ=DAILY", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("FREQ=WEEKLY\nEXDATE:20260104T020000", "like FREQ=MONTHLY;BYDAY=1SU is expected"),
        ("FREQ=WEEKLY;INTERVAL=0", "INTERVAL is a number from 1"),
        ("FREQ=WEEKLY;COUNT=-1", "COUNT is a number from 1"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20261231", "both UNTIL and COUNT"),
        ("FREQ=WEEKLY;UNTIL=2026-12-31", "UNTIL is 20261231, 20261231T235959 or 20261231T235959Z"),
        ("FREQ=WEEKLY;UNTIL=20261331", "UNTIL is 20261231, 20261231T235959 or 20261231T235959Z"),
        ("FREQ=MINUTELY", "FREQ=HOURLY or longer is expected"),
        ("FREQ=SECONDLY;INTERVAL=3600", "FREQ=HOURLY or longer is expected"),
        ("FREQ=MONTHLY;BYDAY=1MO", "is no occurrence of .*: the rule's first is 2026-01-05 02:00"),
        ("FREQ=WEEKLY;UNTIL=20260103", "is no occurrence of .*: the rule has none"),
    ],
)
def test_impossible_rules_are_refused(rule: str, expected: str) -> None:
    """S25: the message says what is expected; a start that the rule does not name is refused."""
    with pytest.raises(ValueError, match=expected):
        recurrence("2026-01-04T02:00", rule)


def test_impossible_windows_are_refused() -> None:
    """S25: a start is local, its zone exists, maintenance lasts."""
    with pytest.raises(ValueError, match="carries no offset"):
        Recurrence(datetime(2026, 1, 4, tzinfo=UTC), BERLIN, HOUR)
    with pytest.raises(ValueError, match="IANA name"):
        recurrence("2026-01-04T02:00", None, tz="Mars")
    with pytest.raises(ValueError, match="longer than nothing"):
        recurrence("2026-01-04T02:00", None, hours=0)
    assert Recurrence(datetime(2026, 1, 4), "UTC", 1).duration == 1


@given(
    first=st.dates(date(2020, 1, 1), date(2025, 1, 1)),
    clock=st.integers(0, 24 * 60 - 1),
    step=st.integers(1, 20),
    hours=st.integers(1, 60),
    tz=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe"]),
    offset=st.integers(-3 * 24, 400 * 24),
    length=st.integers(1, 30 * 24),
)
def test_daily_rules_against_plain_dates(
    first: date, clock: int, step: int, hours: int, tz: str, offset: int, length: int
) -> None:
    """S25: every n-th date at the local time, by stepping dates alone, gives the same windows."""
    start = datetime.combine(first, datetime.min.time()) + timedelta(minutes=clock)
    begin = instant_of(start, zone(tz)) + offset * HOUR
    end = begin + length * HOUR
    plain = [instant_of(start + timedelta(days=step * n), zone(tz)) for n in range(440 // step + 1)]
    expected = [Interval(at, at + hours * HOUR) for at in plain if at < end and at + hours * HOUR > begin]
    found = Recurrence(start, tz, hours * HOUR, f"FREQ=DAILY;INTERVAL={step}").occurrences(begin, end)
    assert found == expected
    assert end - begin < 31 * DAY
