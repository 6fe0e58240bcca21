"""S32: slots from a schedule, and what reported runs make of them."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.cron import CronSchedule
from slawatch.domain.interval import (
    DAY,
    DISTANT_FUTURE,
    HOUR,
    MINUTE,
    SECOND,
    IntervalSet,
    format_instant,
    parse_instant,
)
from slawatch.domain.service_hours import WHOLE_DAY, Calendar, HolidayRegion
from slawatch.domain.slots import (
    Limit,
    Outcome,
    Run,
    RunEvent,
    Signal,
    Slot,
    SlotOutcome,
    SlotRule,
    judge_slots,
    parse_limit,
    runs_of,
    waive,
)

BERLIN = "Europe/Berlin"
NIGHTLY = CronSchedule("0 2 * * *", BERLIN)
START, SUCCESS, FAIL = Signal.START, Signal.SUCCESS, Signal.FAIL


def shown(slots: tuple[Slot, ...]) -> list[str]:
    """Slots as ``scheduled -> deadline``, day and time in UTC."""
    return [f"{format_instant(slot.scheduled)[8:16]} -> {format_instant(slot.deadline)[8:16]}" for slot in slots]


def slots(rule: SlotRule, start: str, end: str) -> tuple[Slot, ...]:
    """The slots between two UTC dates."""
    return rule.between(parse_instant(f"{start}T00:00:00Z"), parse_instant(f"{end}T00:00:00Z"))


@pytest.mark.parametrize(
    ("deadline", "day", "expected"),
    [
        # 02:00 in winter is 01:00Z; four hours later, or at 06:00 local.
        (4 * HOUR, "05", ["05T01:00 -> 05T05:00"]),
        (time(6), "05", ["05T01:00 -> 05T05:00"]),
        # 01:00 has passed when the slot starts, and 02:00 is not after it: the next day's.
        (time(1), "05", ["05T01:00 -> 06T00:00"]),
        (time(2), "05", ["05T01:00 -> 06T01:00"]),
    ],
)
def test_deadlines(deadline: Limit, day: str, expected: list[str]) -> None:
    """S32: a deadline is elapsed time after the slot, or the first such local time after it."""
    assert shown(slots(SlotRule(NIGHTLY, deadline), f"2026-01-{day}", "2026-01-06")) == expected


@pytest.mark.parametrize(
    ("day", "after", "expected"),
    [
        # 02:00 is skipped: the job runs at 03:00 = 01:00Z, due at 06:00 = 04:00Z, three hours later.
        ("2026-03-29", "2026-03-30", ["29T01:00 -> 29T04:00"]),
        # 02:00 repeats: the first at 00:00Z; 06:00 is 05:00Z, five hours later.
        ("2026-10-25", "2026-10-26", ["25T00:00 -> 25T05:00"]),
    ],
)
def test_slots_through_changes_of_clocks(day: str, after: str, expected: list[str]) -> None:
    """S32: the start as cron does it, the deadline by S2."""
    assert shown(slots(SlotRule(NIGHTLY, time(6)), day, after)) == expected


def test_slots_follow_the_calendar() -> None:
    """S32: no run is expected on holidays and weekends; the slot before stays open until the next one."""
    workdays = Calendar("workdays", BERLIN, ((WHOLE_DAY,),) * 5 + ((), ()), HolidayRegion("DE"))
    found = slots(SlotRule(NIGHTLY, time(6), workdays), "2026-04-01", "2026-04-08")
    # 3 April is Good Friday, 6 April Easter Monday.
    assert [format_instant(slot.scheduled)[8:10] for slot in found] == ["01", "02", "07"]
    assert [slot.closes for slot in found[:2]] == [found[1].scheduled, found[2].scheduled]
    assert found[2].closes == parse_instant("2026-04-08T00:00:00Z")


def test_the_last_slot_of_a_window_closes_where_the_next_opens() -> None:
    """S32: what lies outside the window asked for has its say; a schedule that ends leaves the last one open."""
    (monday,) = slots(SlotRule(CronSchedule("0 2 * * mon", "UTC"), time(6), early=MINUTE), "2026-01-05", "2026-01-06")
    assert monday.opens == monday.scheduled - MINUTE
    assert monday.closes == monday.opens + 7 * DAY
    never = Calendar("once", "UTC", ((),) * 7, open=((date(2026, 1, 5), (WHOLE_DAY,)),))
    (only,) = slots(SlotRule(CronSchedule("0 2 * * mon", "UTC"), time(6), never), "2026-01-01", "2026-02-01")
    assert only.closes == DISTANT_FUTURE
    assert slots(SlotRule(NIGHTLY, time(6), never), "2026-02-01", "2026-02-02") == ()
    # Every minute of that day: the last one has none after it, and finding so takes no walk through the minutes.
    each = slots(SlotRule(CronSchedule("* * * * *", "UTC"), 30 * SECOND, never), "2026-01-01", "2026-02-01")
    assert len(each) == 24 * 60
    assert [slot.closes for slot in each[-2:]] == [each[-1].scheduled, DISTANT_FUTURE]


T = parse_instant("2026-01-05T02:00:00Z")
SLOT = Slot(T, T + 4 * HOUR, T, T + DAY)
STRICT = Slot(T, T + 4 * HOUR, T, T + DAY, latest_start=T + HOUR, maximum_run_time=2 * HOUR)
AT_ONCE = Slot(T, T + 4 * HOUR, T, T + DAY, latest_start=T)
LATER = T + 3 * DAY
ALL_HEARD = IntervalSet()


def judged(slot: Slot, runs: list[Run], unavailable: IntervalSet = ALL_HEARD, now: int = LATER) -> tuple[Outcome, str]:
    """The outcome and reason of one slot."""
    (found,) = judge_slots([slot], runs, unavailable, now)
    return found.outcome, found.reason


def ran(start: int | None, end: int | None, success: bool | None = True) -> Run:
    """A run with times relative to the slot."""
    return Run(
        None if start is None else T + start, None if end is None else T + end, success if end is not None else None
    )


@pytest.mark.parametrize(
    ("slot", "runs", "outcome", "reason"),
    [
        (SLOT, [], Outcome.MISSED, "no_run"),
        (SLOT, [ran(0, HOUR)], Outcome.ON_TIME, "in_time"),
        # A success at the deadline is on time, a microsecond later it is late.
        (SLOT, [ran(0, 4 * HOUR)], Outcome.ON_TIME, "in_time"),
        (SLOT, [ran(0, 4 * HOUR + 1)], Outcome.LATE, "after_deadline"),
        # A success alone, with no start reported.
        (SLOT, [ran(None, HOUR)], Outcome.ON_TIME, "in_time"),
        # Failed, rerun by hand in time; rerun too late; not rerun.
        (SLOT, [ran(0, HOUR, False), ran(2 * HOUR, 3 * HOUR)], Outcome.ON_TIME, "in_time"),
        (SLOT, [ran(0, HOUR, False), ran(9 * HOUR, 10 * HOUR)], Outcome.LATE, "after_deadline"),
        (SLOT, [ran(0, HOUR, False)], Outcome.FAILED, "run_failed"),
        # A rerun after a success takes nothing away.
        (SLOT, [ran(0, HOUR), ran(2 * HOUR, 3 * HOUR, False)], Outcome.ON_TIME, "in_time"),
        # Started and never ended.
        (SLOT, [ran(0, None)], Outcome.MISSED, "unfinished"),
        (SLOT, [ran(0, HOUR, False), ran(2 * HOUR, None)], Outcome.FAILED, "run_failed"),
        # Before the slot opens, or where it closes: another slot's run.
        (SLOT, [ran(-1, HOUR)], Outcome.MISSED, "no_run"),
        (SLOT, [ran(DAY, DAY + HOUR)], Outcome.MISSED, "no_run"),
        (SLOT, [ran(DAY - 1, DAY + HOUR)], Outcome.LATE, "after_deadline"),
        # Latest start and maximum run time, at and beyond their edges.
        (STRICT, [ran(HOUR, 3 * HOUR)], Outcome.ON_TIME, "in_time"),
        (STRICT, [ran(HOUR + 1, 2 * HOUR)], Outcome.LATE, "late_start"),
        (STRICT, [ran(HOUR, 3 * HOUR + 1)], Outcome.LATE, "ran_too_long"),
        # With no start reported, the end proves both within the first hour, and nothing after it.
        (STRICT, [ran(None, HOUR)], Outcome.ON_TIME, "in_time"),
        (STRICT, [ran(None, HOUR + 1)], Outcome.UNKNOWN, "start_unreported"),
        (STRICT, [ran(None, 5 * HOUR)], Outcome.LATE, "after_deadline"),
        # A slot that opens at its latest start: without a start reported, it may have been that very instant.
        (AT_ONCE, [ran(None, HOUR)], Outcome.UNKNOWN, "start_unreported"),
        (STRICT, [ran(HOUR + 1, 2 * HOUR), ran(None, 3 * HOUR)], Outcome.UNKNOWN, "start_unreported"),
    ],
)
def test_outcomes(slot: Slot, runs: list[Run], outcome: Outcome, reason: str) -> None:
    """S32: a slot at 02:00, due at 06:00; strictly also started by 03:00 and done within two hours."""
    assert judged(slot, runs) == (outcome, reason)
    assert judged(slot, runs[::-1]) == (outcome, reason)


def test_a_maximum_run_time_without_a_reported_start() -> None:
    """S32: an end at 03:30 may have run 1.5 h at most; at 04:30 it may have run too long."""
    slot = Slot(T, T + 4 * HOUR, T, T + DAY, maximum_run_time=2 * HOUR)
    assert judged(slot, [ran(None, 2 * HOUR)]) == (Outcome.ON_TIME, "in_time")
    assert judged(slot, [ran(None, 2 * HOUR + 1)]) == (Outcome.UNKNOWN, "start_unreported")


@pytest.mark.parametrize(
    ("after", "runs", "outcome", "reason"),
    [
        (0, [], Outcome.OPEN, "not_started"),
        (4 * HOUR, [], Outcome.OPEN, "not_started"),
        (4 * HOUR + 1, [], Outcome.MISSED, "no_run"),
        (HOUR, [ran(0, 2 * HOUR)], Outcome.OPEN, "running"),
        (2 * HOUR, [ran(0, 2 * HOUR)], Outcome.ON_TIME, "in_time"),
        (2 * HOUR, [ran(0, HOUR, False)], Outcome.OPEN, "run_failed"),
        # Not heard of yet; missed until it is, and late from then on.
        (5 * HOUR, [ran(6 * HOUR, 7 * HOUR)], Outcome.MISSED, "no_run"),
        (6 * HOUR, [ran(6 * HOUR, 7 * HOUR)], Outcome.MISSED, "unfinished"),
        (7 * HOUR, [ran(6 * HOUR, 7 * HOUR)], Outcome.LATE, "after_deadline"),
    ],
)
def test_outcomes_as_time_passes(after: int, runs: list[Run], outcome: Outcome, reason: str) -> None:
    """S32: open until the deadline is past; only what was heard by now counts."""
    assert judged(SLOT, runs, now=T + after) == (outcome, reason)


@pytest.mark.parametrize(
    ("start", "end", "runs", "outcome", "reason"),
    [
        (HOUR, 2 * HOUR, [], Outcome.UNKNOWN, "receiver_unavailable"),
        (HOUR, 2 * HOUR, [ran(0, HOUR, False)], Outcome.UNKNOWN, "receiver_unavailable"),
        (HOUR, 2 * HOUR, [ran(5 * HOUR, 6 * HOUR)], Outcome.UNKNOWN, "receiver_unavailable"),
        # A success that was heard proves itself.
        (HOUR, 2 * HOUR, [ran(0, 3 * HOUR)], Outcome.ON_TIME, "in_time"),
        # The deadline is the last instant at which it matters; the opening the first.
        (4 * HOUR, 5 * HOUR, [], Outcome.UNKNOWN, "receiver_unavailable"),
        (4 * HOUR + 1, 5 * HOUR, [], Outcome.MISSED, "no_run"),
        (-HOUR, 1, [], Outcome.UNKNOWN, "receiver_unavailable"),
        (-HOUR, 0, [], Outcome.MISSED, "no_run"),
    ],
)
def test_a_receiver_that_could_not_hear(start: int, end: int, runs: list[Run], outcome: Outcome, reason: str) -> None:
    """S32, S5: a slot during which the receiver was away is unknown, never missed."""
    assert judged(SLOT, runs, IntervalSet.span(T + start, T + end)) == (outcome, reason)


def test_an_open_slot_is_open_though_the_receiver_was_away() -> None:
    """S32: before the deadline nothing is decided."""
    away = IntervalSet.span(T, T + HOUR)
    assert judged(SLOT, [], away, T + 2 * HOUR) == (Outcome.OPEN, "not_started")


def test_a_manual_rerun_does_not_move_the_next_slot() -> None:
    """S32: run by hand at 14:00, late for its own slot; the next night is expected as before."""
    monday, tuesday, wednesday = slots(SlotRule(CronSchedule("0 2 * * *", "UTC"), time(6)), "2026-01-05", "2026-01-08")
    runs = [ran(12 * HOUR, 13 * HOUR), ran(2 * DAY, 2 * DAY + HOUR)]
    found = judge_slots([monday, tuesday, wednesday], runs, ALL_HEARD, LATER)
    assert [(slot.outcome, slot.run) for slot in found] == [
        (Outcome.LATE, runs[0]),
        (Outcome.MISSED, None),
        (Outcome.ON_TIME, runs[1]),
    ]


def test_a_clock_that_is_ahead() -> None:
    """S32: a run that starts 3 s before 02:00 is the 02:00 run where the rule allows a minute."""
    strict = SlotRule(CronSchedule("0 2 * * *", "UTC"), time(6))
    early = SlotRule(CronSchedule("0 2 * * *", "UTC"), time(6), early=MINUTE)
    for rule, outcome in ((strict, Outcome.MISSED), (early, Outcome.ON_TIME)):
        (slot,) = slots(rule, "2026-01-05", "2026-01-06")
        assert judged(slot, [ran(-3 * SECOND, HOUR)])[0] is outcome


def test_waived_slots() -> None:
    """S32: a slot scheduled in an exclusion is waived whatever ran; the reason that came first stays."""
    first = slots(SlotRule(CronSchedule("0 2 * * *", "UTC"), time(6)), "2026-01-05", "2026-01-08")
    frozen = waive(first, IntervalSet.span(T, T + DAY), "freeze")
    both = waive(frozen, IntervalSet.span(T, T + DAY + 1), "maintenance")
    assert [slot.waived for slot in both] == ["freeze", "maintenance", ""]
    assert [found.outcome for found in judge_slots(both, [], ALL_HEARD, LATER)] == [
        Outcome.WAIVED,
        Outcome.WAIVED,
        Outcome.MISSED,
    ]
    assert judged(both[0], [ran(0, HOUR)]) == (Outcome.WAIVED, "freeze")


def event(at: int, signal: Signal, run_id: str = "", status: int | None = None) -> RunEvent:
    """A signal at a second."""
    return RunEvent(at, signal, status, run_id)


@pytest.mark.parametrize(
    ("events", "runs"),
    [
        ([], []),
        ([event(1, START), event(2, SUCCESS)], [Run(1, 2, True)]),
        ([event(2, SUCCESS, status=0), event(1, START)], [Run(1, 2, True, 0)]),
        ([event(1, START), event(2, FAIL, status=7)], [Run(1, 2, False, 7)]),
        ([event(2, SUCCESS)], [Run(None, 2, True)]),
        ([event(1, START)], [Run(1)]),
        # Without ids an end belongs to the latest start; the one before it never ended.
        ([event(1, START), event(2, START), event(3, SUCCESS)], [Run(1), Run(2, 3, True)]),
        # Two ends without an id are two runs.
        ([event(1, START), event(2, FAIL), event(3, SUCCESS)], [Run(1, 2, False), Run(None, 3, True)]),
        # With ids runs may overlap.
        (
            [event(1, START, "a"), event(2, START, "b"), event(3, SUCCESS, "a"), event(4, FAIL, "b")],
            [Run(1, 3, True, run_id="a"), Run(2, 4, False, run_id="b")],
        ),
        # A signal sent twice, as by a client that tries again, is one.
        (
            [event(1, START, "a"), event(2, START, "a"), event(3, SUCCESS, "a"), event(4, SUCCESS, "a")],
            [Run(1, 3, True, run_id="a")],
        ),
        ([event(3, SUCCESS, "a"), event(4, START, "a")], [Run(None, 3, True, run_id="a")]),
        # An end with an id is not the end of a run without one.
        ([event(1, START), event(2, SUCCESS, "a")], [Run(1), Run(None, 2, True, run_id="a")]),
    ],
)
def test_runs_from_signals(events: list[RunEvent], runs: list[Run]) -> None:
    """S32: starts and ends paired by id, or by order where there is none."""
    assert runs_of(events) == tuple(runs)


@pytest.mark.parametrize(("text", "limit"), [("4h", 4 * HOUR), ("06:00", time(6)), ("23:59:30", time(23, 59, 30))])
def test_limits_are_read(text: str, limit: Limit) -> None:
    """A duration or a local time of day."""
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["24:00", "6", "06:00+02:00", "06:60", "soon"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match=r"one like 06:00 is expected|expected a number with a unit"):
        parse_limit(text)


RUNS = st.builds(
    lambda start, length, success: ran(start * MINUTE, None if length is None else (start + length) * MINUTE, success),
    st.integers(-120, 3 * 24 * 60),
    st.none() | st.integers(0, 600),
    st.booleans(),
)


@given(
    runs=st.lists(RUNS, max_size=6),
    now=st.integers(0, 4 * 24 * 60),
    later=st.integers(0, 24 * 60),
    away=st.lists(st.tuples(st.integers(0, 4 * 24 * 60), st.integers(0, 90)), max_size=2),
)
def test_what_is_decided_well_stays_decided(runs: list[Run], now: int, later: int, away: list[tuple[int, int]]) -> None:
    """S32: on time, late and waived never change as time passes; a miss can only become late, failed or unknown."""
    expected = slots(SlotRule(CronSchedule("0 2 * * *", "UTC"), time(6)), "2026-01-05", "2026-01-09")
    deaf = IntervalSet.of((T + a * MINUTE, T + (a + n) * MINUTE) for a, n in away)

    def outcomes(at: int) -> tuple[SlotOutcome, ...]:
        return judge_slots(expected, runs, deaf, T + at * MINUTE)

    for before, after in zip(outcomes(now), outcomes(now + later), strict=True):
        if before.outcome in (Outcome.ON_TIME, Outcome.LATE, Outcome.UNKNOWN):
            assert after.outcome == before.outcome
        if before.outcome in (Outcome.MISSED, Outcome.FAILED):
            assert after.outcome in (Outcome.MISSED, Outcome.FAILED, Outcome.LATE)
        assert (after.outcome is Outcome.OPEN) == (T + (now + later) * MINUTE <= after.slot.deadline) or (
            after.outcome is Outcome.ON_TIME
        )
