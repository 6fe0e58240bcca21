"""S2: service hours as a property of the instant, against tables and against a clock that is asked each minute."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import (
    DAY,
    HOUR,
    MINUTE,
    IntervalSet,
    format_instant,
    parse_instant,
    to_datetime,
)
from slawatch.domain.service_hours import (
    ALWAYS,
    WHOLE_DAY,
    Calendar,
    HolidayRegion,
    HoursIndex,
    TimeRange,
    advance,
    elapsed,
    holidays_version,
    hours,
    parse_holidays,
    parse_range,
    parse_ranges,
    parse_weekdays,
)

NINE_TO_SIX = (parse_range("09:00-18:00"),)
NIGHT = (parse_range("22:00-06:00"),)


def weekdays(ranges: tuple[TimeRange, ...], tz: str = "Europe/Berlin", **more: Any) -> Calendar:
    """Monday to Friday."""
    return Calendar("c", tz, (ranges,) * 5 + ((), ()), **more)


def daily(ranges: tuple[TimeRange, ...], tz: str = "Europe/Berlin", **more: Any) -> Calendar:
    """Every day alike."""
    return Calendar("c", tz, (ranges,) * 7, **more)


def shown(found: IntervalSet) -> list[str]:
    """Intervals as ``start/end`` in UTC."""
    return [f"{format_instant(start)}/{format_instant(end)}" for start, end in found]


def within(calendar: Calendar, start: str, end: str) -> IntervalSet:
    """The hours between two instants given as text."""
    return hours(calendar, parse_instant(start), parse_instant(end))


def test_ten_nine_hour_days_are_ninety_hours() -> None:
    """S2: a fortnight of office days is 10 x 9 h = 90 h, also across both changes of the clocks."""
    for start in ("2026-01-05", "2026-03-23", "2026-10-19"):
        first = datetime.fromisoformat(f"{start}T00:00:00+00:00")
        end = (first + timedelta(days=14)).isoformat()
        assert within(weekdays(NINE_TO_SIX), first.isoformat(), end).length == 90 * HOUR


@pytest.mark.parametrize(
    ("day", "length"),
    [
        ("2026-03-28", 8 * HOUR),
        # 22:00-06:00 into 29 March: 02:00-03:00 does not exist, 8 - 1 = 7 h.
        ("2026-03-29", 7 * HOUR),
        # into 25 October: 02:00-03:00 occurs twice, 8 + 1 = 9 h.
        ("2026-10-25", 9 * HOUR),
    ],
)
def test_a_repeated_hour_counts_twice_and_a_skipped_one_not_at_all(day: str, length: int) -> None:
    """S2: the night that ends on a date, from noon to noon UTC."""
    end = parse_instant(f"{day}T12:00:00Z")
    assert hours(daily(NIGHT), end - DAY, end).length == length


def test_a_range_in_the_gap_is_empty_and_in_the_fold_double() -> None:
    """S2: 02:00-03:00 is nothing on 29 March and two hours in one piece on 25 October."""
    calendar = daily((parse_range("02:00-03:00"),))
    assert shown(within(calendar, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z")) == []
    autumn = within(calendar, "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z")
    assert shown(autumn) == ["2026-10-25T00:00:00Z/2026-10-25T02:00:00Z"]


def test_half_a_repeated_hour_is_two_pieces() -> None:
    """S2: 02:00-02:30 on 25 October is shown from 00:00Z and again from 01:00Z."""
    found = within(daily((parse_range("02:00-02:30"),)), "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z")
    assert shown(found) == ["2026-10-25T00:00:00Z/2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z/2026-10-25T01:30:00Z"]


def test_a_range_belongs_to_the_day_it_starts_on() -> None:
    """S2: Friday's night goes on into Saturday; Sunday has none, so Monday's early morning is outside."""
    found = within(weekdays(NIGHT), "2026-01-09T12:00:00Z", "2026-01-12T12:00:00Z")
    assert shown(found) == ["2026-01-09T21:00:00Z/2026-01-10T05:00:00Z"]


def test_a_holiday_removes_the_ranges_that_start_on_it() -> None:
    """S2: New Year's Day loses its own night and keeps the one that began on New Year's Eve."""
    calendar = daily(NIGHT, holidays=HolidayRegion("DE"))
    found = within(calendar, "2025-12-31T12:00:00Z", "2026-01-03T00:00:00Z")
    assert shown(found) == [
        "2025-12-31T21:00:00Z/2026-01-01T05:00:00Z",
        "2026-01-02T21:00:00Z/2026-01-03T00:00:00Z",
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ["2026-01-06T08:00:00Z/2026-01-06T17:00:00Z"]),
        ({"holidays": frozenset({date(2026, 1, 6)})}, []),
        # Epiphany is a holiday in Bavaria, not in Hamburg.
        ({"holidays": HolidayRegion("DE", "BY")}, []),
        ({"holidays": HolidayRegion("DE", "HH")}, ["2026-01-06T08:00:00Z/2026-01-06T17:00:00Z"]),
        ({"closed": frozenset({date(2026, 1, 6)})}, []),
        # A holiday that shortens the day: open goes before holidays ...
        (
            {"holidays": HolidayRegion("DE", "BY"), "open": ((date(2026, 1, 6), (parse_range("09:00-12:00"),)),)},
            ["2026-01-06T08:00:00Z/2026-01-06T11:00:00Z"],
        ),
        # ... and before closed; and it may hold nothing.
        (
            {
                "closed": frozenset({date(2026, 1, 6)}),
                "open": ((date(2026, 1, 6), (parse_range("09:00-12:00"),)),),
            },
            ["2026-01-06T08:00:00Z/2026-01-06T11:00:00Z"],
        ),
        ({"open": ((date(2026, 1, 6), ()),)}, []),
    ],
)
def test_open_goes_before_closed_before_holidays_before_the_week(more: dict[str, Any], expected: list[str]) -> None:
    """S2: Tuesday 6 January 2026, 09:00-18:00 in Berlin unless a dated rule says otherwise."""
    found = within(weekdays(NINE_TO_SIX, **more), "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z")
    assert shown(found) == expected


def test_a_holiday_observed_in_the_year_before_counts() -> None:
    """New Year's Day 2022 fell on a Saturday: the United States observed it on 31 December 2021."""
    assert date(2021, 12, 31) in HolidayRegion("US").dates(2021)
    assert all(day.year == 2021 for day in HolidayRegion("US").dates(2021))


def test_whole_days_join_across_midnight_and_new_year() -> None:
    """S1: touching ranges are one interval, also where a UTC year ends inside them."""
    calendar = daily((WHOLE_DAY,), closed=frozenset({date(2026, 1, 10)}))
    found = within(calendar, "2025-12-01T00:00:00Z", "2026-01-11T00:00:00Z")
    assert shown(found) == [
        "2025-12-01T00:00:00Z/2026-01-09T23:00:00Z",
        "2026-01-10T23:00:00Z/2026-01-11T00:00:00Z",
    ]


def test_a_day_that_the_zone_skipped_has_no_hours() -> None:
    """S2: Apia had no 30 December 2011: 29 December 09:00-18:00 (UTC-10) is followed by 31 December's (UTC+14)."""
    found = within(daily(NINE_TO_SIX, "Pacific/Apia"), "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z")
    assert shown(found) == [
        "2011-12-29T19:00:00Z/2011-12-30T04:00:00Z",
        "2011-12-30T19:00:00Z/2011-12-31T04:00:00Z",
    ]


def test_always_is_every_instant() -> None:
    """A calendar with no exceptions and whole days needs no zone arithmetic and has no gaps."""
    start, end = parse_instant("2026-03-29T00:30:00Z"), parse_instant("2026-03-29T02:30:00Z")
    assert ALWAYS.is_always
    assert hours(ALWAYS, start, end) == IntervalSet.span(start, end)
    assert elapsed(ALWAYS, start, end) == 2 * HOUR
    assert elapsed(ALWAYS, end, start) == 0
    assert advance(ALWAYS, start, HOUR) == start + HOUR
    assert not daily((WHOLE_DAY,), closed=frozenset({date(2026, 1, 1)})).is_always


MONDAY = "2026-01-05T08:00:00Z"
"""09:00 in Berlin."""


@pytest.mark.parametrize(
    ("start", "service_time", "expected"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, HOUR, "2026-01-05T09:00:00Z"),
        # Used up exactly at closing: the closing itself.
        (MONDAY, 9 * HOUR, "2026-01-05T17:00:00Z"),
        (MONDAY, 9 * HOUR + 1, "2026-01-06T08:00:00.000001Z"),
        # Started outside: nothing passes until the opening.
        ("2026-01-03T12:00:00Z", HOUR, "2026-01-05T09:00:00Z"),
        ("2026-01-03T12:00:00Z", 0, "2026-01-03T12:00:00Z"),
        # 45 h is a week of 5 x 9 h; one microsecond more lies in the next.
        (MONDAY, 45 * HOUR, "2026-01-09T17:00:00Z"),
        (MONDAY, 45 * HOUR + 1, "2026-01-12T08:00:00.000001Z"),
        # Across New Year: 30 Dec (Wed) 9 h, 31 Dec (Thu) 9 h, 1 Jan (Fri) 9 h without holidays, then Monday.
        ("2026-12-30T08:00:00Z", 28 * HOUR, "2027-01-04T09:00:00Z"),
    ],
)
def test_walking_along_service_hours(start: str, service_time: int, expected: str) -> None:
    """The first instant by which that much service time has passed; office hours are 08:00Z-17:00Z in winter."""
    found = advance(weekdays(NINE_TO_SIX), parse_instant(start), service_time)
    assert found is not None
    assert format_instant(found) == expected


def test_a_walk_without_an_end_gives_up() -> None:
    """A calendar that never opens has no due instant."""
    assert advance(daily(()), parse_instant(MONDAY), 1) is None


def test_an_index_ends_with_its_hours() -> None:
    """A finite set of hours: two of them from 10 to 12, one from 20."""
    index = HoursIndex(IntervalSet.of([(10, 12), (20, 21)]))
    assert [index.elapsed(0, end) for end in (10, 11, 12, 20, 21, 99)] == [0, 1, 2, 2, 3, 3]
    assert [index.elapsed(start, 99) for start in (0, 11, 12, 15, 20, 21)] == [3, 2, 1, 1, 1, 0]
    assert index.elapsed(99, 0) == 0
    assert [index.advance(0, time) for time in (0, 1, 2, 3, 4)] == [0, 11, 12, 21, None]
    assert index.advance(15, 1) == 21
    assert HoursIndex(IntervalSet()).advance(0, 1) is None


RANGES = st.builds(
    lambda start, length: TimeRange(start * MINUTE, (start + length) * MINUTE),
    st.integers(0, 24 * 60 - 1),
    st.integers(1, 24 * 60),
)

CHANGES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "Asia/Kathmandu": ["2026-01-01", "1986-01-01"],
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
    "Pacific/Apia": ["2011-09-24", "2011-12-30"],
    "Atlantic/Azores": ["2026-03-29", "2026-10-25"],
    "America/Havana": ["2024-03-10", "2024-11-03"],
    "America/St_Johns": ["2010-03-14", "2010-11-07"],
}


@st.composite
def _calendars(draw: st.DrawFn) -> tuple[Calendar, int]:
    name = draw(st.sampled_from(sorted(CHANGES)))
    change = date.fromisoformat(draw(st.sampled_from(CHANGES[name])))
    days = st.lists(RANGES, max_size=2).map(tuple)
    near = st.integers(-3, 3).map(lambda step: change + timedelta(days=step))
    calendar = Calendar(
        "c",
        name,
        tuple(draw(days) for _ in range(7)),
        draw(st.frozensets(near, max_size=2)),
        draw(st.frozensets(near, max_size=1)),
        tuple(draw(st.dictionaries(near, days, max_size=2)).items()),
    )
    start = parse_instant(f"{change}T00:00:00Z") + draw(st.integers(-36 * 60, 24 * 60)) * MINUTE
    return calendar, start


@cache
def _pinned_zone(name: str) -> ZoneInfo:
    """Read here and not by the product; ``ZoneInfo(name)`` would prefer the machine's own data."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data)


def _is_open(calendar: Calendar, tz: ZoneInfo, instant: int) -> bool:
    """Ask the clock on the wall, then the ranges of its date and of the one before."""
    clock = to_datetime(instant).astimezone(tz)
    today, opened = clock.date(), dict(calendar.open)
    assert isinstance(calendar.holidays, frozenset)
    for back in (0, 1):
        day = today - timedelta(days=back)
        shut = day in calendar.closed or day in calendar.holidays
        ranges = opened.get(day, () if shut else calendar.weekly[day.weekday()])
        time = (back * 24 * 60 + clock.hour * 60 + clock.minute) * MINUTE
        if any(start <= time < end for start, end in ranges):
            return True
    return False


@given(case=_calendars(), length=st.integers(1, 12 * 60))
def test_hours_agree_with_a_clock_that_is_asked_each_minute(case: tuple[Calendar, int], length: int) -> None:
    """S2: around changes of ten zones, each minute is inside exactly when the clock on the wall says so."""
    calendar, start = case
    tz = _pinned_zone(calendar.zone)
    end = start + length * MINUTE
    found = hours(calendar, start, end)
    model = IntervalSet.of(
        (minute, minute + MINUTE) for minute in range(start, end, MINUTE) if _is_open(calendar, tz, minute)
    )
    assert found == model
    assert elapsed(calendar, start, end) == model.length


@given(case=_calendars(), service_time=st.integers(1, 60 * HOUR))
def test_walking_and_counting_are_inverse(case: tuple[Calendar, int], service_time: int) -> None:
    """The instant that a walk finds is the first by which that much service time has passed."""
    calendar, start = case
    found = advance(calendar, start, service_time)
    if found is None:
        assert not any(calendar.weekly)
        return
    assert elapsed(calendar, start, found) == service_time
    assert elapsed(calendar, start, found - 1) == service_time - 1


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("08:00-18:00", 8 * HOUR, 18 * HOUR),
        (" 08:30 - 12:15 ", 8 * HOUR + 30 * MINUTE, 12 * HOUR + 15 * MINUTE),
        ("00:00-24:00", 0, DAY),
        ("00:00-00:00", 0, DAY),
        ("22:00-06:00", 22 * HOUR, 30 * HOUR),
        ("22:00-24:00", 22 * HOUR, DAY),
        ("08:00-08:00", 8 * HOUR, 32 * HOUR),
        ("23:59:59-00:00", DAY - 1_000_000, DAY),
    ],
)
def test_ranges_are_read(text: str, start: int, end: int) -> None:
    """An end at or before its start is on the next day; 24:00 may end a range."""
    assert parse_range(text) == TimeRange(start, end)


@pytest.mark.parametrize("text", ["", "8-18", "08:00", "08:00-18:60", "25:00-26:00", "24:00-06:00", "08:00-24:01"])
def test_what_is_no_range_is_refused(text: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match=r"08:00-18:00 is expected|00:00 to 24:00 is expected|cannot start at 24:00"):
        parse_range(text)


def test_a_days_ranges() -> None:
    """``closed`` is none; ranges come in order; overlapping ones are refused, touching ones are not."""
    assert parse_ranges(["closed"]) == ()
    assert parse_ranges(["13:00-17:00", "08:00-13:00"]) == (parse_range("08:00-13:00"), parse_range("13:00-17:00"))
    with pytest.raises(ValueError, match="overlap"):
        parse_ranges(["08:00-13:00", "12:59-17:00"])
    with pytest.raises(ValueError, match="08:00-18:00 is expected"):
        parse_ranges(["closed", "08:00-13:00"])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("sat-mon", (5, 6, 0)),
        ("Mon, wed", (0, 2)),
        ("sun-sun", (6,)),
        ("mon-sun", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_weekdays_are_read(text: str, days: tuple[int, ...]) -> None:
    """Single days, spans that may pass Sunday, and lists."""
    assert parse_weekdays(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-fry", "-fri", "mon,mon-fri"])
def test_what_is_no_weekday_is_refused(text: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match=r"mon-fri is expected|twice"):
        parse_weekdays(text)


@pytest.mark.parametrize("text", ["XX", "DE-XX", "", "Germany", "DEU", "de"])
def test_unknown_holidays_are_refused(text: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match="like DE-HH is expected"):
        parse_holidays(text)


def test_known_holidays_are_read() -> None:
    """A country, or a country and a subdivision; their version is on record."""
    assert parse_holidays("DE-HH") == HolidayRegion("DE", "HH")
    assert date(2026, 12, 25) in parse_holidays("GB").dates(2026)
    assert holidays_version()[0].isdigit()


def test_impossible_calendars_are_refused() -> None:
    """A week has seven days, a zone exists, a date is opened once."""
    with pytest.raises(ValueError, match="seven days"):
        Calendar("c", "UTC", ((),) * 6)
    with pytest.raises(ValueError, match="IANA name"):
        Calendar("c", "Mars", ((),) * 7)
    with pytest.raises(ValueError, match="opened twice"):
        daily((), open=((date(2026, 1, 1), ()), (date(2026, 1, 1), ())))


def test_zone_changes_need_no_utc_offset_in_whole_hours() -> None:
    """S2: 09:00-18:00 in Kathmandu, UTC+5:45, is 03:15Z-12:15Z."""
    found = within(daily(NINE_TO_SIX, "Asia/Kathmandu"), "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
    assert shown(found) == ["2026-01-05T03:15:00Z/2026-01-05T12:15:00Z"]
