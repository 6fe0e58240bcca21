"""The prober's alibi by cases (S11), and the watch over the clocks (S3)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slawatch.domain.interval import HOUR, MILLISECOND, MINUTE, SECOND
from slawatch.domain.observation import Cause
from slawatch.scheduling.alibi import (
    LAG_HORIZON,
    NOTABLE_LAG,
    ClockJump,
    ClockWatch,
    Descriptors,
    Evidence,
    LagRecord,
    Reading,
    Stall,
    allowed_lag,
    judge,
    stall_cause,
)

SINCE = 100 * SECOND


@pytest.mark.parametrize(
    ("timeout", "allowed"),
    [
        (5 * SECOND, SECOND),  # 20 % of 5 s is 1 s
        (30 * SECOND, SECOND),  # 20 % would be 6 s; at most 1 s
        (SECOND, 200 * MILLISECOND),
        (250 * MILLISECOND, 50 * MILLISECOND),
    ],
)
def test_how_late_the_loop_may_be(timeout: int, allowed: int) -> None:
    assert allowed_lag(timeout) == allowed


@pytest.mark.parametrize(
    ("evidence", "reason", "cause"),
    [
        (Evidence(), None, None),
        (Evidence(worst_lag=SECOND), None, None),  # exactly as late as allowed
        (Evidence(worst_lag=SECOND + 1), "loop_late", Cause.PROBER_FAULT),
        (Evidence(short_until=SINCE), None, None),  # the shortage had ended when the probe began
        (Evidence(short_until=SINCE + 1), "descriptors_short", Cause.PROBER_FAULT),
        (Evidence(stepped=SINCE - 1), None, None),  # the step was before the probe
        (Evidence(stepped=SINCE), "clock_step", Cause.CLOCK_STEP),
        (Evidence(woke=SINCE - 10 * SECOND), None, None),  # the network had 10 s to come back
        (Evidence(woke=SINCE - 10 * SECOND + 1), "suspended", Cause.MONITOR_STOPPED),
        (Evidence(woke=SINCE + SECOND), "suspended", Cause.MONITOR_STOPPED),
        # Several at once: the one that explains the others is named.
        (Evidence(HOUR, SINCE + 1, SINCE + 1, SINCE + 1), "suspended", Cause.MONITOR_STOPPED),
        (Evidence(HOUR, SINCE + 1, SINCE + 1), "clock_step", Cause.CLOCK_STEP),
        (Evidence(HOUR, SINCE + 1), "loop_late", Cause.PROBER_FAULT),
        # The process itself was stopped, during this probe or before it.
        (Evidence(HOUR, halted=SINCE + 1), "halted", Cause.MONITOR_STOPPED),
        (Evidence(HOUR, halted=SINCE), "loop_late", Cause.PROBER_FAULT),
        (Evidence(halted=SINCE + 1), None, None),
    ],
)
def test_which_failures_are_void(evidence: Evidence, reason: str | None, cause: Cause | None) -> None:
    """S11: timeout 5 s, begun at SINCE."""
    fault = judge(SINCE, 5 * SECOND, evidence)
    assert (fault and fault.reason, fault and fault.cause) == (reason, cause)


def test_the_worst_lag_since_an_instant() -> None:
    record = LagRecord()
    for end, lag in [(10, 3_000), (20, 9_000), (30, 2_000), (40, 5_000)]:
        record.add(end, lag)
    assert [record.worst_since(since) for since in (0, 19, 20, 29, 39, 40, 99)] == [
        9_000,
        9_000,
        5_000,
        5_000,
        5_000,
        0,
        0,
    ]


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**7)), max_size=60), st.integers(0, 6 * 10**7))
def test_the_record_answers_as_a_search_through_all_lags_would(steps: list[tuple[int, int]], since: int) -> None:
    record, all_lags, end = LagRecord(), [], 0
    for step, lag in steps:
        end += step
        record.add(end, lag)
        all_lags.append((end, lag))
    worst = max((lag for at, lag in all_lags if at > since and lag >= NOTABLE_LAG), default=0)
    assert record.worst_since(since) == worst


def test_the_record_stays_small() -> None:
    falling, end = LagRecord(), 0
    for n in range(100_000):  # the worst case: every lag a little shorter than the one before
        end += 50 * MILLISECOND
        falling.add(end, SECOND - n)
    assert len(falling) <= LAG_HORIZON // (50 * MILLISECOND) + 1


WALL, MONO = 1_767_571_200 * SECOND, 5_000 * SECOND


def reading(elapsed: int, *, set_by: int = 0, suspended: int = 0) -> Reading:
    """The clocks ``elapsed`` later, ``suspended`` of it asleep, with the wall clock set by so much."""
    return Reading(WALL + elapsed + set_by, MONO + elapsed - suspended, suspended)


def jumps(*readings: Reading) -> list[ClockJump]:
    watch, seen = ClockWatch.begin(reading(0)), []
    for each in readings:
        watch, jump = watch.compare(each)
        if jump is not None:
            seen.append(jump)
    return seen


@pytest.mark.parametrize(
    ("set_by", "span"),
    [
        (0, None),
        (SECOND, None),  # exactly 1 s apart is no step yet
        (-SECOND, None),
        (SECOND + 100, (0, 2 * SECOND + 100)),  # nobody watched from second 0 to 2
        (HOUR, (0, HOUR + SECOND)),
        # 1 s passed, and the clock went back by 1.0001 s: from second -1.0001 at once, or up to second 1 before it did
        (-SECOND - 100, (-SECOND - 100, SECOND)),
        (-HOUR, (-HOUR, SECOND)),  # the hour is read again
    ],
)
def test_a_step_of_the_wall_clock(set_by: int, span: tuple[int, int] | None) -> None:
    """S3: more than 1 s; both bounds of what it makes ambiguous. Second 0 is the reading before it."""
    seen = jumps(reading(SECOND, set_by=set_by))
    if span is None:
        assert seen == []
    else:
        (jump,) = seen
        assert (jump.start - WALL, jump.end - WALL) == span
        assert (jump.by, jump.suspended, jump.cause) == (set_by, 0, Cause.CLOCK_STEP)
        assert jump.seen == MONO + SECOND


def test_a_step_is_reported_once_and_its_undoing_again() -> None:
    seen = jumps(
        reading(SECOND, set_by=HOUR), reading(2 * SECOND, set_by=HOUR), reading(3 * SECOND), reading(4 * SECOND)
    )
    assert [jump.by for jump in seen] == [HOUR, -HOUR]


def test_small_steps_in_a_row_add_up_to_one() -> None:
    assert [jump.by // MILLISECOND for jump in jumps(reading(SECOND, set_by=600 * MILLISECOND))] == []
    (jump,) = jumps(
        reading(SECOND, set_by=600 * MILLISECOND),
        reading(2 * SECOND, set_by=1_200 * MILLISECOND),
    )
    assert 1_190 <= jump.by // MILLISECOND <= 1_200


@pytest.mark.parametrize("sign", [1, -1])
def test_slewing_is_never_a_step(sign: int) -> None:
    """500 ppm for a day is 43 s, and no single second of it is ambiguous."""
    day = [reading(n * MINUTE, set_by=sign * n * MINUTE * 500 // 1_000_000) for n in range(1, 24 * 60)]
    assert jumps(*day) == []


@pytest.mark.parametrize(
    ("asleep", "set_by", "expected"),
    [
        (SECOND, 0, None),  # exactly 1 s
        (8 * HOUR, 0, (0, 8 * HOUR, Cause.MONITOR_STOPPED)),
        (8 * HOUR, 2 * SECOND, (2 * SECOND, 8 * HOUR, Cause.CLOCK_STEP)),  # set right on waking
        (8 * HOUR, SECOND, (0, 8 * HOUR, Cause.MONITOR_STOPPED)),
        (500 * MILLISECOND, HOUR, (HOUR, 0, Cause.CLOCK_STEP)),
    ],
)
def test_a_suspended_machine(asleep: int, set_by: int, expected: tuple[int, int, Cause] | None) -> None:
    seen = jumps(reading(asleep + 50 * MILLISECOND, suspended=asleep, set_by=set_by))
    if expected is None:
        assert seen == []
    else:
        (jump,) = seen
        assert (jump.by, jump.suspended, jump.cause) == expected
        assert jump.start == WALL
        assert jump.end == WALL + asleep + 50 * MILLISECOND + set_by


@given(st.integers(-HOUR, HOUR), st.integers(0, 10 * SECOND), st.integers(0, 10 * SECOND))
@example(-SECOND - 1, 0, SECOND + 1)  # it went back, and by the next reading it is where it was
def test_s3_no_ambiguous_reading_lies_outside_of_the_span(set_by: int, before: int, after: int) -> None:
    """Whatever the clock showed between two readings, the step somewhere in between: unless it is certain that it was
    read once and rightly, it is in the span."""
    seen = jumps(reading(before + after, set_by=set_by))
    if not seen:
        assert abs(set_by) <= SECOND
        return
    (jump,) = seen
    if set_by > 0:  # from the last reading on nobody knows whether it had been set already
        assert (jump.start, jump.end) == (WALL, WALL + before + after + set_by)
    else:
        first_again, last_before = WALL + before + set_by, WALL + before
        assert jump.start <= first_again
        assert last_before <= jump.end


@pytest.mark.parametrize(
    ("news", "fault"),
    [
        (
            Stall(0, 10_050_999, Cause.PROBER_FAULT),
            (Cause.PROBER_FAULT, "loop_late", "the event loop stood still for 10.05 s"),
        ),
        (
            Stall(0, MINUTE, Cause.MONITOR_STOPPED),
            (Cause.MONITOR_STOPPED, "halted", "the process stood still for 1 m"),
        ),
        (ClockJump(0, 1, HOUR, 0, 0), (Cause.CLOCK_STEP, "clock_step", "the wall clock was set ahead by 1 h")),
        (ClockJump(0, 1, -HOUR, MINUTE, 0), (Cause.CLOCK_STEP, "clock_step", "the wall clock was set back by 1 h")),
        (
            ClockJump(0, 1, 0, 8 * HOUR, 0),
            (Cause.MONITOR_STOPPED, "suspended", "the machine was suspended for 8 h"),
        ),
    ],
)
def test_what_is_on_record_says_what_happened(news: Stall | ClockJump, fault: tuple[Cause, str, str]) -> None:
    assert news.fault == fault


@pytest.mark.parametrize(
    ("length", "stood", "cause"),
    [
        (10 * SECOND, 0, Cause.PROBER_FAULT),
        (10 * SECOND, 5 * SECOND, Cause.PROBER_FAULT),  # exactly half of it
        (10 * SECOND, 5 * SECOND + 1, Cause.MONITOR_STOPPED),
        (10 * SECOND, 10 * SECOND, Cause.MONITOR_STOPPED),
    ],
)
def test_why_the_loop_stood_still(length: int, stood: int, cause: Cause) -> None:
    assert stall_cause(length, stood) is cause


@pytest.mark.parametrize(("open_", "short"), [(0, False), (960, False), (961, True), (1024, True)])
def test_the_reserve_of_descriptors(open_: int, short: bool) -> None:
    """1024 − 64 = 960 are for probes."""
    assert Descriptors(open_, 1024).short(64) is short
