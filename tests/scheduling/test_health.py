"""The prober measures itself: under virtual time, with clocks and descriptors that the test owns."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from types import SimpleNamespace
from typing import Any

import pytest

from scheduling.estate import pass_time
from slawatch.domain.interval import HOUR, MILLISECOND, MINUTE, SECOND, Duration
from slawatch.domain.observation import Cause
from slawatch.runtime.clock import SystemClock
from slawatch.scheduling.alibi import STALL, ClockJump, Descriptors, Stall
from slawatch.scheduling.health import CANARY_EVERY, Health, read_descriptors, read_suspended
from support.clock import START, FakeClock
from support.loop import run_virtual


class Box:
    """The machine as Health sees it."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.open = 20
        self.limit = 1_024
        self.slept: Duration = 0
        self.jumps: list[ClockJump] = []
        self.stalls: list[Stall] = []
        self.stood: Duration = 0
        self.watching = False
        self.counted = 0
        self.health = Health(
            clock,
            self.jumps.append,
            self.stalls.append,
            witness=self,
            descriptors=self.descriptors,
            suspended=lambda: self.slept,
            reserve=64,
        )

    def start(self) -> None:
        self.watching = True

    def stop(self) -> None:
        self.watching = False

    def stood_still(self, since: int) -> Duration:
        return self.stood

    def descriptors(self) -> Descriptors:
        self.counted += 1
        return Descriptors(self.open, self.limit)

    def sleep(self, duration: Duration) -> None:
        """Suspend the machine: wall time passes, monotonic time does not."""
        self.slept += duration
        self.clock.step_wall(duration)


def test_a_quiet_prober_has_its_alibi() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(HOUR)
        assert box.health.fault(0, 250 * MILLISECOND) is None
        assert (box.jumps, box.stalls) == ([], [])
        alive = box.health.alive()
        assert clock.monotonic() - alive.last_tick <= CANARY_EVERY
        assert (alive.worst_lag, alive.descriptors) == (0, Descriptors(20, 1_024))
        assert box.counted <= 3_602  # each second, not each tick
        box.health.stop()

    run_virtual(scene)


def test_a_stall_voids_the_failures_that_it_overlaps_and_no_others() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE + 1)  # just after a tick
        before = box.health.mark()
        clock.advance(1_100 * MILLISECOND)
        await pass_time(CANARY_EVERY)
        after = box.health.mark()
        fault = box.health.fault(before, 5 * SECOND)
        assert fault is not None
        assert (fault.cause, fault.reason) == (Cause.PROBER_FAULT, "loop_late")
        assert fault.detail == "the event loop was 1050 ms late"  # 1100 ms less the wait for the canary
        assert box.health.fault(after, 5 * SECOND) is None
        assert box.health.worst_lag(MINUTE) == 1_050 * MILLISECOND + 1
        await pass_time(MINUTE)
        assert box.health.worst_lag(MINUTE) == 0
        box.health.stop()

    run_virtual(scene)


def test_a_stall_counts_before_the_canary_could_tell() -> None:
    """A probe's own timer may run first after a stall: what is overdue then already counts."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        since = box.health.mark()
        clock.advance(3 * SECOND)
        fault = box.health.fault(since, 5 * SECOND)
        assert fault is not None
        assert fault.reason == "loop_late"
        assert box.health.alive().worst_lag >= 2 * SECOND
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize(
    ("stood", "cause", "reason"),
    [(0, Cause.PROBER_FAULT, "loop_late"), (9 * SECOND, Cause.MONITOR_STOPPED, "halted")],
)
@pytest.mark.parametrize("asked", [True, False])
def test_a_stall_is_told_once_with_its_bounds(stood: Duration, cause: Cause, reason: str, asked: bool) -> None:
    """S13: from the last turn of the loop that is known to the first one after it, before a failure is judged."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE + MILLISECOND)
        ticked, wall = box.health.alive().last_tick, clock.now() - (clock.monotonic() - box.health.alive().last_tick)
        since = box.health.mark()
        assert ticked < since
        clock.advance(10 * SECOND)
        box.stood = stood
        if asked:
            fault = box.health.fault(since, 5 * SECOND)
            assert fault is not None
            assert (fault.cause, fault.reason) == (cause, reason)
            assert box.stalls == [Stall(wall, clock.now(), cause)]
        await pass_time(MINUTE)
        assert len(box.stalls) == 1
        assert box.stalls[0].start == wall
        fault = box.health.fault(since, 5 * SECOND)
        assert fault is not None
        assert fault.cause is cause
        assert box.health.fault(box.health.mark(), 5 * SECOND) is None
        assert box.jumps == []
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize(("late", "told"), [(STALL, 0), (STALL + MILLISECOND, 1)])
def test_a_loop_that_is_a_little_late_did_not_stand_still(late: Duration, told: int) -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        clock.advance(CANARY_EVERY + late - (clock.monotonic() - box.health.alive().last_tick))
        await pass_time(SECOND)
        assert len(box.stalls) == told
        box.health.stop()

    run_virtual(scene)


def test_a_stall_is_told_to_whoever_comes_before_the_canary() -> None:
    """A probe that begins, or silence that is judged, finds it on record already."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        clock.advance(10 * SECOND)
        assert box.health.mark() == clock.monotonic()
        assert [stall.end for stall in box.stalls] == [clock.now()]
        box.health.mark()
        await pass_time(MINUTE)
        assert len(box.stalls) == 1
        box.health.stop()

    run_virtual(scene)


def test_a_stall_that_goes_on_after_it_was_told_is_told_on() -> None:
    """A failed probe asks in the midst of it: each part is told, and no instant twice."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        since = box.health.mark()
        for _ in range(2):
            clock.advance(5 * SECOND)
            box.health.fault(since, SECOND)
        await pass_time(MINUTE)
        first, second = box.stalls
        assert first.end == second.start
        assert second.end - first.start >= 10 * SECOND
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_stall_in_which_the_clock_was_set_is_a_jump_alone(by: Duration) -> None:
    """All of the wall time between two readings is ambiguous then (S3)."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        clock.advance(10 * SECOND)
        clock.step_wall(by)
        await pass_time(MINUTE)
        assert box.stalls == []
        (jump,) = box.jumps
        assert jump.end - jump.start >= HOUR
        box.health.stop()

    run_virtual(scene)


def test_a_shortage_of_descriptors_voids_failures_while_it_lasts() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        before = box.health.mark()
        box.open = 961
        await pass_time(2 * SECOND)
        during = box.health.mark()
        box.open = 20
        await pass_time(2 * SECOND)
        after = box.health.mark()
        reasons = [fault and fault.reason for fault in (box.health.fault(at, SECOND) for at in (before, during, after))]
        assert reasons == ["descriptors_short", "descriptors_short", None]
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize(
    ("open_", "limit", "room"), [(20, 1_024, 470), (20, 20_000, 9_958), (900, 1_024, 30), (1_000, 1_024, 1)]
)
def test_the_room_for_probes(open_: int, limit: int, room: int) -> None:
    """(limit − 64 − open) / 2, and at least one."""
    box = Box(FakeClock())
    box.open, box.limit = open_, limit
    assert box.health.room() == room


def test_a_shortage_that_goes_on_has_no_gaps() -> None:
    """Counts come a second apart, or later where the loop is a little late: between two of them it is short as well,
    to the end of the one that finds it over. And a failure has them counted."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE + 1)
        box.open = 961
        clock.advance(500 * MILLISECOND)

        def reason(since: int) -> str | None:
            fault = box.health.fault(since, 5 * SECOND)
            return fault and fault.reason

        assert reason(box.health.mark()) == "descriptors_short"  # seen by the failure itself
        for _ in range(40):
            clock.advance(53 * MILLISECOND)
            since = box.health.mark()
            clock.advance(MILLISECOND)
            assert reason(since) == "descriptors_short"
            await pass_time(0)
        began = box.health.mark()
        box.open = 20
        clock.advance(SECOND)
        assert reason(began) == "descriptors_short"
        assert reason(box.health.mark()) is None
        box.health.stop()

    run_virtual(scene)


def test_failures_that_come_thick_share_a_count() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE + 500 * MILLISECOND)
        counted = box.counted
        for _ in range(1_000):
            box.health.fault(box.health.mark(), SECOND)
        assert box.counted - counted == 1
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize(
    ("open_", "unfit", "admits"),
    [
        (992, False, True),  # 32 are left
        (993, False, False),
        (1_008, False, False),  # 16 are left
        (1_009, True, False),
        (1_030, True, False),  # the limit was lowered while more were open
    ],
)
def test_the_last_descriptors_are_for_the_database_and_commands(open_: int, unfit: bool, admits: bool) -> None:
    """Of 1,024: visitors of the web leave 32 alone, and probes 16."""

    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        assert box.health.unfit() is None
        box.open = open_
        await pass_time(2 * SECOND)
        fault = box.health.unfit()
        assert (fault is not None) == unfit
        if fault is not None:
            assert (fault.cause, fault.reason) == (Cause.PROBER_FAULT, "descriptors_spent")
            assert fault.detail.startswith(str(max(0, 1_024 - open_)))
        assert box.health.admits() == admits
        box.health.stop()

    run_virtual(scene)


@pytest.mark.parametrize(("number", "told"), [(errno.EMFILE, True), (errno.ENFILE, True), (errno.EACCES, False)])
def test_where_listing_takes_a_descriptor_and_none_is_left_all_are_open(
    number: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Linux 6.2 the number of open descriptors is found by listing them."""

    def refuse(path: str) -> list[str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "stat", lambda path: SimpleNamespace(st_size=0))
    monkeypatch.setattr(os, "listdir", refuse)
    if told:
        found = read_descriptors()
        assert found.open == found.limit
    else:
        with pytest.raises(PermissionError):
            read_descriptors()


@pytest.mark.parametrize("by", [HOUR, -HOUR, 2 * SECOND])
def test_a_step_of_the_clock_is_told_once_with_its_bounds(by: Duration) -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        since, wall = box.health.mark(), clock.now()
        clock.step_wall(by)
        await pass_time(MINUTE)
        (jump,) = box.jumps
        assert (jump.by, jump.suspended) == (by, 0)
        low, high = sorted((wall, wall + by))
        assert abs(jump.start - low) <= CANARY_EVERY
        assert abs(jump.end - high) <= CANARY_EVERY
        fault = box.health.fault(since, SECOND)
        assert fault is not None
        assert fault.cause is Cause.CLOCK_STEP
        assert box.health.fault(box.health.mark(), SECOND) is None
        box.health.stop()

    run_virtual(scene)


def test_failures_on_waking_are_void_until_the_network_had_time_to_return() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        wall = clock.now()
        box.sleep(8 * HOUR)
        at_once = box.health.fault(box.health.mark(), SECOND)  # before any tick
        assert at_once is not None
        assert (at_once.cause, at_once.reason) == (Cause.MONITOR_STOPPED, "suspended")
        (jump,) = box.jumps
        assert (jump.start, jump.end, jump.by, jump.suspended) == (wall, wall + 8 * HOUR, 0, 8 * HOUR)
        assert jump.cause is Cause.MONITOR_STOPPED
        await pass_time(11 * SECOND)
        assert box.health.fault(box.health.mark(), SECOND) is None
        assert len(box.jumps) == 1
        box.health.stop()

    run_virtual(scene)


def test_a_listener_that_raises_is_reported_and_the_alibi_is_given() -> None:
    async def scene(clock: FakeClock) -> None:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))

        def broken(news: object) -> None:
            raise RuntimeError("disk full")

        health = Health(clock, broken, broken, suspended=lambda: 0)
        health.start()
        clock.step_wall(HOUR)
        fault = health.fault(health.mark(), SECOND)
        assert fault is not None
        assert fault.cause is Cause.CLOCK_STEP
        assert [str(report["exception"]) for report in reports] == ["disk full"]
        health.stop()

    run_virtual(scene)


def test_clocks_that_were_not_read_together_are_not_compared() -> None:
    """The process may be held up between two readings: that is no step."""

    class Interrupted(FakeClock):
        held_up: Duration = 0

        def now(self) -> int:
            wall = super().now()
            if self.held_up:
                self.advance(self.held_up)
                self.held_up = 0
            return wall

    clock = Interrupted(START)

    async def scene(_: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(MINUTE)
        clock.held_up = 10 * SECOND
        await pass_time(MINUTE)
        assert clock.held_up == 0
        assert box.jumps == []
        box.health.stop()

    run_virtual(scene, clock=clock)


def test_a_stopped_watch_leaves_no_timer() -> None:
    async def scene(clock: FakeClock) -> None:
        box = Box(clock)
        box.health.start()
        await pass_time(SECOND)
        assert box.watching
        box.health.stop()
        assert not box.watching
        counted = box.counted
        await pass_time(HOUR)
        assert box.counted == counted
        assert box.health.fault(0, SECOND) is None  # an old due time is no lag

    run_virtual(scene)


def test_open_descriptors_are_counted_on_this_machine() -> None:
    before = read_descriptors()
    reader, writer = os.pipe()
    try:
        assert read_descriptors().open == before.open + 2
    finally:
        os.close(reader)
        os.close(writer)
    assert before.limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_this_machine_was_not_suspended_between_two_readings() -> None:
    assert abs(read_suspended() - read_suspended()) < SECOND


async def test_the_real_clocks_show_no_jump() -> None:
    jumps: list[ClockJump] = []
    health = Health(SystemClock(), jumps.append, lambda stall: None)
    health.start()
    ticked = health.alive().last_tick
    async with asyncio.timeout(10):
        while health.alive().last_tick == ticked:
            await asyncio.sleep(0)
    health.stop()
    assert jumps == []
