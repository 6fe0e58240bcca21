"""S32: when Debian's cron starts a job, through changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.cron import CronSchedule
from slawatch.domain.interval import DAY, format_instant, parse_instant, to_datetime, to_instant
from slawatch.domain.local_time import zone

BERLIN = "Europe/Berlin"


def starts(expression: str, tz: str, day: str, days: int = 1) -> list[str]:
    """The starts in the UTC days from noon of the day before to noon, as ``ddThh:mm``."""
    first = parse_instant(f"{day}T00:00:00Z") - DAY // 2
    return [format_instant(at)[8:16] for at in CronSchedule(expression, tz).between(first, first + days * DAY)]


@pytest.mark.parametrize(
    ("expression", "tz", "day", "expected"),
    [
        ("30 2 * * *", BERLIN, "2026-03-28", ["28T01:30"]),
        # Skipped: 02:00 jumps to 03:00 at 01:00Z, and the job runs right then.
        ("30 2 * * *", BERLIN, "2026-03-29", ["29T01:00"]),
        # Several skipped times are one start; so is 03:00 itself beside a skipped one.
        ("0,15,30 2 * * *", BERLIN, "2026-03-29", ["29T01:00"]),
        ("0 2,3 * * *", BERLIN, "2026-03-29", ["29T01:00"]),
        ("0 3 * * *", BERLIN, "2026-03-29", ["29T01:00"]),
        # A fixed time before or after the gap does not move.
        ("59 1 * * *", BERLIN, "2026-03-29", ["29T00:59"]),
        ("30 3 * * *", BERLIN, "2026-03-29", ["29T01:30"]),
        # Repeated: the first 02:30, at UTC+2.
        ("30 2 * * *", BERLIN, "2026-10-25", ["25T00:30"]),
        ("0 3 * * *", BERLIN, "2026-10-25", ["25T02:00"]),
        # A wildcard in minute or hour follows elapsed time.
        ("*/30 2 * * *", BERLIN, "2026-03-29", []),
        ("*/30 2 * * *", BERLIN, "2026-10-25", ["25T00:00", "25T00:30", "25T01:00", "25T01:30"]),
        # Lord Howe: 02:00 (UTC+11) falls back to 01:30; the second 01:45 is no start, 02:15 is.
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["04T14:45"]),
        ("*/15 1 * * *", "Australia/Lord_Howe", "2026-04-05", [f"04T{t}" for t in (
            "14:00", "14:15", "14:30", "14:45", "15:00", "15:15")]),
        # ... and forward from 02:00 to 02:30 at 15:30Z.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["03T15:30"]),
        ("*/15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["03T15:30", "03T15:45"]),
        # Midnight skipped, and midnight repeated.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-04", ["04T03:00"]),
        ("0 0 * * *", "America/Havana", "2024-11-03", ["03T04:00"]),
        ("0 0 * * sun", "America/Havana", "2024-11-03", ["03T04:00"]),
        ("0 * * * *", "America/Havana", "2024-11-03", [f"{t}:00" for t in (
            *(f"02T{h}" for h in range(12, 24)), *(f"03T{h:02}" for h in range(12)))]),
        # A whole day skipped is more than cron takes for a change of clocks.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-30", []),
        # So are three hours: Casey went from 02:00 (UTC+8) to 05:00 on 18 October 2009.
        ("30 2 * * *", "Antarctica/Casey", "2009-10-18", []),
        ("30 5 * * *", "Antarctica/Casey", "2009-10-18", ["17T18:30"]),
    ],
)  # fmt: skip
def test_changes_of_clocks(expression: str, tz: str, day: str, expected: list[str]) -> None:
    """S32: a job at a fixed time in a skipped hour runs right after it, in a repeated hour once."""
    assert starts(expression, tz, day) == expected


def test_an_hourly_job_follows_elapsed_time() -> None:
    """S32: 23 runs on the short day, 25 on the long one, and every two are an hour apart."""
    for day, count in (("2026-03-29", 23), ("2026-10-25", 25)):
        begin, end = (
            to_instant(datetime.combine(date.fromisoformat(day) + timedelta(days=n), datetime.min.time(), zone(BERLIN)))
            for n in (0, 1)
        )
        found = CronSchedule("0 * * * *", BERLIN).between(begin, end)
        assert len(found) == count
        assert {b - a for a, b in pairwise(found)} == {DAY // 24}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 2 * * mon-fri", ["05", "06", "07", "08", "09", "12", "13", "14"]),
        ("0 2 13 * *", ["13"]),
        # Neither day field begins with a star: either suffices. 13 January 2026 is a Tuesday.
        ("0 2 13 * fri", ["09", "13"]),
        # One does: both must match.
        ("0 2 */2 * fri", ["09"]),
        ("0 2 * 2 *", []),
        ("0 2 * * 7", ["11"]),
    ],
)
def test_days(expression: str, expected: list[str]) -> None:
    """S32: from Monday 5 to Wednesday 14 January 2026, as Debian's cron reads the day fields."""
    window = parse_instant("2026-01-05T00:00:00Z"), parse_instant("2026-01-15T00:00:00Z")
    assert [format_instant(at)[8:10] for at in CronSchedule(expression, "UTC").between(*window)] == expected


def test_a_window_holds_its_start_and_not_its_end() -> None:
    """S1: half-open; an empty window has no start."""
    schedule = CronSchedule("0 2 * * *", "UTC")
    two = parse_instant("2026-01-05T02:00:00Z")
    assert schedule.between(two, two + DAY) == (two,)
    assert schedule.between(two + 1, two + DAY) == ()
    assert schedule.between(two, two) == ()


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # 01:00Z is both the end of the gap and the beginning of the second 02:00.
        ("2026-03-29T01:00:00Z", ["29T01:00"]),
        ("2026-03-29T01:00:00.000001Z", []),
        ("2026-10-25T00:30:00Z", ["25T00:30"]),
        ("2026-10-25T00:30:00.000001Z", []),
        ("2026-10-25T01:00:00Z", []),
        ("2026-10-25T01:15:00Z", []),
    ],
)
def test_a_window_that_begins_in_a_change(start: str, expected: list[str]) -> None:
    """S32: what a job at 02:30 did before the window opened is known: it never runs twice, nor is it lost."""
    begin = parse_instant(start)
    found = CronSchedule("30 2 * * *", BERLIN).between(begin, begin + DAY // 2)
    assert [format_instant(at)[8:16] for at in found] == expected


def test_the_next_start() -> None:
    """The first start strictly after an instant, however far, up to a reach."""
    two = parse_instant("2026-01-05T02:00:00Z")
    assert CronSchedule("0 2 * * *", "UTC").following(two, 10 * DAY) == two + DAY
    assert CronSchedule("0 2 * * *", "UTC").following(two - 1, 10 * DAY) == two
    leap = CronSchedule("0 0 29 2 *", "UTC")
    assert leap.following(two, 366 * DAY) is None
    assert leap.following(two, 3 * 366 * DAY) == parse_instant("2028-02-29T00:00:00Z")


@pytest.mark.parametrize(
    "expression",
    ["", "0 2 * *", "0 0 2 * * *", "60 2 * * *", "0 24 * * *", "0 2 30 2 *", "0 2 * * funday", "@daily", "0 2 * * 5-1"],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    """The message says which field is wrong, or what five fields are."""
    with pytest.raises(ValueError, match=r"is no schedule: (Bad|minute, hour)"):
        CronSchedule(expression, "UTC")
    with pytest.raises(ValueError, match="IANA name"):
        CronSchedule("0 2 * * *", "Mars")


@given(
    expression=st.builds(
        " ".join,
        st.tuples(
            st.sampled_from(["0", "30", "15,45", "*/20", "*", "5"]),
            st.sampled_from(["2", "0", "1-3", "*", "*/6", "23"]),
            st.sampled_from(["*", "1,29", "*/7"]),
            st.sampled_from(["*", "3,10,11"]),
            st.sampled_from(["*", "sun", "mon-fri"]),
        ),
    ),
    tz=st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu"]),
    start=st.sampled_from(["2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30"]),
    minutes=st.integers(0, 2 * 24 * 60),
)
def test_agrees_with_cronsim(expression: str, tz: str, start: str, minutes: int) -> None:
    """S32: another model of Debian's cron gives the same starts in zones whose clocks change by whole hours."""
    begin = parse_instant(f"{start}T00:00:00Z") + minutes * 60_000_000
    end = begin + 3 * DAY
    # cronsim starts after its argument, and repeats a start for each time that was skipped.
    found = set()
    for moment in CronSim(expression, to_datetime(begin - 1_000_000).astimezone(zone(tz))):
        at = to_instant(moment.astimezone(UTC))
        if at >= end:
            break
        found.add(at)
    ours = CronSchedule(expression, tz).between(begin, end)
    assert list(ours) == sorted(at for at in found if at >= begin)
