"""On plain cases Nagios Core's own availability report and slawatch agree to the second."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nagios.two_engines import DAY, HOUR, WORKING_DAYS, Event, Seconds, ours, second_at, story, theirs
from support.nagios import MakeNagios

pytestmark = pytest.mark.server("nagios")

MONDAY = second_at("2026-01-05")


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        # all of the day is up
        ("2026-01-05T00:00 up", 1, Seconds(24 * HOUR, 0, 0)),
        # 07:00 to 09:00
        ("2026-01-05T00:00 up, 2026-01-05T07:00 down, 2026-01-05T09:00 up", 1, Seconds(22 * HOUR, 2 * HOUR, 0)),
        # 07:00:01 to 07:00:02, written by seconds
        ("2026-01-05T00:00 up, 2026-01-05T07:00:01 down, 2026-01-05T07:00:02 up", 1, Seconds(24 * HOUR - 1, 1, 0)),
        # down before the report and past its end: 24 h
        ("2026-01-04T12:00 down, 2026-01-06T12:00 up", 1, Seconds(0, 24 * HOUR, 0)),
        # it began the evening before and ends at 03:00
        ("2026-01-04T12:00 up, 2026-01-04T21:00 down, 2026-01-05T03:00 up", 1, Seconds(21 * HOUR, 3 * HOUR, 0)),
        # an outage that starts as the report ends, and one that ends as it starts
        ("2026-01-04T23:00 down, 2026-01-05T00:00 up, 2026-01-06T00:00 down", 1, Seconds(24 * HOUR, 0, 0)),
        # nothing is known before the first line, at 05:00
        ("2026-01-05T05:00 up, 2026-01-05T06:00 down, 2026-01-05T07:00 up", 1, Seconds(18 * HOUR, HOUR, 5 * HOUR)),
        # the same state twice changes nothing
        ("2026-01-05T00:00 up, 2026-01-05T02:00 up, 2026-01-05T04:00 down", 1, Seconds(4 * HOUR, 20 * HOUR, 0)),
        ("2026-01-05T00:00 down, 2026-01-05T04:00 down, 2026-01-05T05:00 up", 1, Seconds(19 * HOUR, 5 * HOUR, 0)),
        # up and down again within a second: the last word of a second stands
        ("2026-01-05T00:00 up, 2026-01-05T06:00 down, 2026-01-05T06:00 up", 1, Seconds(24 * HOUR, 0, 0)),
        # the monitor did not run from 06:00 to 10:00, and finds it down until 12:00
        (
            "2026-01-05T00:00 up, 2026-01-05T06:00 stopped, 2026-01-05T10:00 down, 2026-01-05T12:00 up",
            1,
            Seconds(18 * HOUR, 2 * HOUR, 4 * HOUR),
        ),
        # 14 d with 3 h 21 m 36 s down, 99 % exactly
        (
            "2026-01-05T00:00 up, 2026-01-09T10:00 down, 2026-01-09T13:21:36 up",
            14,
            Seconds(14 * DAY - 12_096, 12_096, 0),
        ),
    ],
)  # fmt: skip
def test_around_the_clock(nagios: MakeNagios, text: str, days: int, expected: Seconds) -> None:
    """S4, S5, S24: a class for every second, the end of an event is the start of the next, unknown stays unknown."""
    events = story(text)
    end = MONDAY + days * DAY
    assert ours(events, MONDAY, end) == expected
    assert theirs(nagios, events, MONDAY, end) == expected


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        # five days of 10 h; Tuesday's outage lies inside
        ("2026-01-05T00:00 up, 2026-01-06T09 down, 2026-01-06T11 up", WORKING_DAYS, Seconds(48 * HOUR, 2 * HOUR, 0)),
        # from Friday 17:00 over the weekend to Monday 09:00: 1 h of the first week, nothing of the weekend
        ("2026-01-05T00:00 up, 2026-01-09T17:00 down", WORKING_DAYS, Seconds(49 * HOUR, HOUR, 0)),
        # two ranges a day: 11:00 to 14:00 is 1 h before lunch and 1 h after it
        (
            "2026-01-05T00:00 up, 2026-01-05T11:00 down, 2026-01-05T14:00 up",
            {"monday": "08:00-12:00,13:00-18:00"},
            Seconds(7 * HOUR, 2 * HOUR, 0),
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_weekly_hours_while_no_clock_changes(
    nagios: MakeNagios, zone: str, text: str, days: dict[str, str], expected: Seconds
) -> None:
    """S2: hours are local ones; a week in January has no change of any of these clocks."""
    events = story(text, zone)
    start, end = second_at("2026-01-05", zone), second_at("2026-01-12", zone)
    assert ours(events, start, end, days=days, zone=zone) == expected
    assert theirs(nagios, events, start, end, days=days, zone=zone) == expected


_STEPS = st.lists(
    st.tuples(st.one_of(st.integers(0, 90), st.integers(0, 2 * DAY)), st.sampled_from(["up", "down", "stopped"])),
    min_size=1,
    max_size=30,
)


def _events(steps: list[tuple[int, str]]) -> list[Event]:
    """Events so many seconds apart, beginning with an answer; the monitor is not stopped twice in a row."""
    listed: list[Event] = []
    for second, (_, what) in zip(accumulate(step for step, _ in steps), steps, strict=True):
        if what != "stopped" or (listed and listed[-1].what != "stopped"):
            listed.append(Event(MONDAY - 2 * DAY + second, what))
    return listed


_HOURS = st.sampled_from(
    [None, WORKING_DAYS, {"saturday": "10:00-14:00", "sunday": "00:00-24:00", "monday": "05:15-07:45"}]
)


# Each example runs a program of its own, so there are few of them.
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_STEPS, st.integers(-DAY, DAY), st.integers(1, 20 * DAY), _HOURS)
def test_any_history(
    nagios: MakeNagios, steps: list[tuple[int, str]], start: int, length: int, days: dict[str, str] | None
) -> None:
    """S4: any story, any report of whole seconds: up, down and undetermined agree to the second."""
    events = _events(steps)
    start, end = MONDAY + start, MONDAY + start + length
    assert ours(events, start, end, days=days) == theirs(nagios, events, start, end, days=days)
