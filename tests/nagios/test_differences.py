"""Where Nagios Core's availability report and slawatch differ: by how much exactly, and why ours is right."""

from __future__ import annotations

import pytest

from domain.small_cases import ledger, observed, s
from nagios.two_engines import (
    DAY,
    HOUR,
    WORKING_DAYS,
    Seconds,
    judged,
    nagios_log,
    ours,
    rows,
    second_at,
    seconds,
    story,
    summed,
    theirs,
)
from slawatch.domain.history import state_row
from slawatch.domain.interval import SECOND
from support.nagios import MakeNagios

pytestmark = pytest.mark.server("nagios")

NEW_YORK = "America/New_York"


def test_s2_an_hour_of_office_time_drifts_away_when_the_clocks_go_forward(nagios: MakeNagios) -> None:
    """S2: down from Saturday to Monday 09:00, hours Monday to Friday 08:00-18:00, clocks go forward on Sunday.

    The office opened on Monday at 08:00, so an hour of it was lost: ours says 1 h. Nagios walks through an outage's
    days in steps of 86,400 s from the midnight before it; Sunday had 82,800 s, so on Monday its office opens at 09:00,
    and it sees no downtime. The hour is in none of its classes but "no data".
    """
    events = story("2026-03-02T00:00 up, 2026-03-07T12:00 down, 2026-03-09T09:00 up", NEW_YORK)
    start, end = second_at("2026-03-02", NEW_YORK), second_at("2026-03-16", NEW_YORK)
    assert ours(events, start, end, days=WORKING_DAYS, zone=NEW_YORK) == Seconds(99 * HOUR, HOUR, 0)
    assert theirs(nagios, events, start, end, days=WORKING_DAYS, zone=NEW_YORK) == Seconds(99 * HOUR, 0, HOUR)


@pytest.mark.parametrize(
    ("text", "first", "last", "right", "drifted"),
    [
        # Monday 08:00-18:00 is lost, whole. Nagios has 09:00-18:30 of it: 9 h 30 min, and the next piece has none.
        (
            "2026-03-02T00:00 up, 2026-03-07T12:00 down, 2026-03-09T18:30 up",
            "2026-03-02",
            "2026-03-16",
            Seconds(90 * HOUR, 10 * HOUR, 0),
            Seconds(90 * HOUR, 9 * HOUR + 1800, 1800),
        ),
        # It never comes back: the drift stays for every day that the piece lasts. A report that ends on Friday at
        # 18:00 has five days of 10 h, and Nagios's last day ends an hour after the report: 49 h.
        (
            "2026-03-07T12:00 down",
            "2026-03-07T12:00",
            "2026-03-13T18:00",
            Seconds(0, 50 * HOUR, 0),
            Seconds(0, 49 * HOUR, 0),
        ),
        # The clocks go back on Sunday, 1 November: Nagios's office opens at 07:00 on Monday, an hour before it does.
        (
            "2026-10-26T00:00 up, 2026-10-31T12:00 down, 2026-11-02T08:00 up",
            "2026-10-26",
            "2026-11-07",
            Seconds(100 * HOUR, 0, 0),
            Seconds(100 * HOUR, HOUR, 2**64 - HOUR),
        ),
    ],
)
def test_s2_hours_are_local_on_every_day(
    nagios: MakeNagios, text: str, first: str, last: str, right: Seconds, drifted: Seconds
) -> None:
    """S2: a time is inside when the local clock then reads a time inside, whatever happened before.

    Hours that are promised are those on the client's wall clock. Nagios's are those of the day on which the current
    state began, carried on by 24 h.
    """
    events = story(text, NEW_YORK)
    start, end = second_at(first, NEW_YORK), second_at(last, NEW_YORK)
    assert ours(events, start, end, days=WORKING_DAYS, zone=NEW_YORK) == right
    assert theirs(nagios, events, start, end, days=WORKING_DAYS, zone=NEW_YORK) == drifted


def test_s2_a_holiday_is_closed(nagios: MakeNagios) -> None:
    """S2: down on Wednesday, a closed day, from 08:00 to 12:00.

    Both are told that this date is closed. Nagios's scheduler honours such an exception, its report looks at weekdays
    alone and charges four hours in which nobody had promised anything. Ours leaves the date out of the service time,
    by the same calendar that the contract names.
    """
    start, end = second_at("2026-03-02"), second_at("2026-03-07")
    events = story("2026-03-02T00:00 up, 2026-03-04T08:00 down, 2026-03-04T12:00 up")
    closed = ours(events, start, end, days=WORKING_DAYS, extra={"closed": '["2026-03-04"]'})
    assert closed == Seconds(40 * HOUR, 0, 0)
    exception = WORKING_DAYS | {"2026-03-04": "00:00-00:00"}
    assert theirs(nagios, events, start, end, days=exception) == Seconds(46 * HOUR, 4 * HOUR, 0)


def test_s2_an_open_date_is_service_time(nagios: MakeNagios) -> None:
    """S2: the other way round, a Saturday that was promised: 10:00 to 14:00, down from 11:00 to 12:00.

    Nagios's report does not see the date, so a real outage in promised time costs nothing.
    """
    start, end = second_at("2026-03-02"), second_at("2026-03-09")
    events = story("2026-03-02T00:00 up, 2026-03-07T11:00 down, 2026-03-07T12:00 up")
    promised = ours(events, start, end, days=WORKING_DAYS, extra={"open": '{"2026-03-07": "10:00-14:00"}'})
    assert promised == Seconds(53 * HOUR, HOUR, 0)
    exception = WORKING_DAYS | {"2026-03-07": "10:00-14:00"}
    assert theirs(nagios, events, start, end, days=exception) == Seconds(50 * HOUR, 0, 0)


def test_s5_time_in_which_the_monitor_did_not_run_is_not_up(nagios: MakeNagios) -> None:
    """S5: the monitor was off from 06:00 to 10:00; when it came back the router was down, until 12:00.

    Nobody saw these four hours. Ours calls them unknown. Nagios's own default ("assume states during program
    downtime") carries the last state over them and calls them up, though it found the router down at their end:
    91.7 % up where 20 of 24 hours are known, 18 of them up: 90 %.
    """
    events = story("2026-01-05T00:00 up, 2026-01-05T06:00 stopped, 2026-01-05T10:00 down, 2026-01-05T12:00 up")
    start, end = second_at("2026-01-05"), second_at("2026-01-06")
    assert ours(events, start, end) == Seconds(18 * HOUR, 2 * HOUR, 4 * HOUR)
    flattering = theirs(nagios, events, start, end, assumestatesduringnotrunning="yes")
    assert flattering == Seconds(22 * HOUR, 2 * HOUR, 0)


def test_s5_time_before_the_first_look_is_not_up(nagios: MakeNagios) -> None:
    """S5: the first line of the log is at 03:00, down from 05:00 to 06:00.

    Nagios, asked to assume initial states (its form's default) with "up" chosen, makes three hours up of which nothing
    is known. Ours has no such switch: they are unknown, and lower the coverage.
    """
    events = story("2026-01-05T03:00 up, 2026-01-05T05:00 down, 2026-01-05T06:00 up")
    start, end = second_at("2026-01-05"), second_at("2026-01-06")
    assert ours(events, start, end) == Seconds(20 * HOUR, HOUR, 3 * HOUR)
    assumed = theirs(nagios, events, start, end, assumeinitialstates="yes", initialassumedhoststate="3")
    assert assumed == Seconds(23 * HOUR, HOUR, 0)


def test_s12_an_outage_counts_from_its_first_failed_check(nagios: MakeNagios) -> None:
    """S12: good until 00:58, failed at 01:00, 01:01 and 01:02 (the third confirms), good again at 01:30.

    By the point figure ours is down from 01:00 to 01:30: confirmation decides whether it was an outage, not since
    when. Nagios by default counts hard states only, from the confirming check on: two minutes of every outage vanish.
    With soft states it agrees with us.
    """
    good, bad = range(0, 59 * 60, 60), range(60 * 60, 90 * 60, 60)
    seen = [f"U{at}" for at in good] + [f"F{at}" for at in bad] + [f"U{at}" for at in range(90 * 60, 120 * 60 + 1, 60)]
    changes, _ = ledger(observed(" ".join(seen))[1])
    start = s(0) // SECOND
    end = start + 2 * HOUR
    account = judged([state_row("acme", "router", change) for change in changes], start, end)
    assert seconds(account) == Seconds(2 * HOUR - 1800, 1800, 0)

    log = [
        (start, "CURRENT HOST STATE: router;UP;HARD;1;ok"),
        (start + 3600, "HOST ALERT: router;DOWN;SOFT;1;gone"),
        (start + 3660, "HOST ALERT: router;DOWN;SOFT;2;gone"),
        (start + 3720, "HOST ALERT: router;DOWN;HARD;3;gone"),
        (start + 5400, "HOST ALERT: router;UP;HARD;1;back"),
    ]
    monitor = nagios(log)
    assert summed(monitor.availability(start, end)["router"]) == Seconds(2 * HOUR - 1680, 1680, 0)
    soft = monitor.availability(start, end, includesoftstates="yes")["router"]
    assert summed(soft) == Seconds(2 * HOUR - 1800, 1800, 0)


def test_s25_maintenance_leaves_the_account(nagios: MakeNagios) -> None:
    """S25: announced maintenance from 02:00 to 04:00, down from 02:30 to 03:00 and, unannounced, from 10:00 to 11:00.

    Nagios counts the half hour as downtime and beside it says that it was scheduled; the reader subtracts, and its
    percentage has it in. Ours leaves the two hours out of numerator and denominator: 22 h, of which 1 h is down.
    """
    start = second_at("2026-01-05")
    end = start + DAY
    events = story(
        "2026-01-05T00:00 up, 2026-01-05T02:30 down, 2026-01-05T03:00 up, 2026-01-05T10:00 down, 2026-01-05T11:00 up"
    )
    window = {
        "type": "exclusion",
        "start": "2026-01-05T02:00:00Z",
        "end": "2026-01-05T04:00:00Z",
        "services": ["network"],
    }
    account = judged([*rows(events), window], start, end)
    assert seconds(account) == Seconds(21 * HOUR, HOUR, 0)
    assert account.compliance.service_time == 22 * HOUR * SECOND

    log = [
        *nagios_log(events),
        (start + 2 * HOUR, "HOST DOWNTIME ALERT: router;STARTED; firmware"),
        (start + 4 * HOUR, "HOST DOWNTIME ALERT: router;STOPPED; firmware"),
    ]
    figures = nagios(sorted(log, key=lambda line: line[0])).availability(start, end)["router"]
    assert (figures.up, figures.down, figures.scheduled_down) == (24 * HOUR - 5400, 5400, 1800)
