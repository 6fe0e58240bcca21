"""When probes run: spread, phase, retries, skipping, plans. One virtual clock; nothing sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

import pytest

from scheduling.estate import Estate, Well, cadence, pass_time
from slawatch.domain.interval import HOUR, MILLISECOND, MINUTE, SECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.scheduling.dispatch import TICK, Dispatcher, Target
from support.clock import START, FakeClock
from support.loop import run_virtual

NAMES = [f"acme/host{n}" for n in range(200)]
SLACK = TICK + MILLISECOND


def gaps(instants: list[int]) -> list[int]:
    return [b - a for a, b in itertools.pairwise(instants)]


@pytest.mark.parametrize("every", [SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, HOUR])
def test_after_a_start_every_endpoint_is_probed_within_its_interval_or_a_minute(every: int) -> None:
    """S13: within min(every, 60 s)."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(NAMES, cadence(every)))
        await pass_time(min(every, MINUTE) + SLACK)
        assert estate.starts.keys() == set(NAMES)
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_probes_are_spread_over_the_interval() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan([f"acme/host{n}" for n in range(6_000)], cadence(MINUTE)))
        begin = clock.monotonic()
        await pass_time(MINUTE + SLACK)
        await estate.dispatcher.stop()
        seconds = [0] * 61
        for starts in estate.starts.values():
            seconds[(starts[0] - begin) // SECOND] += 1
        # 100 a second on average; 5 standard deviations of a Poisson number are 50.
        assert all(50 <= n <= 150 for n in seconds[:60])

    run_virtual(scene)


def test_the_phase_is_kept_over_a_restart() -> None:
    def first_starts(wall: int, monotonic: int) -> dict[str, int]:
        async def scene(clock: FakeClock) -> dict[str, int]:
            estate = Estate(clock)
            offset = clock.now() - clock.monotonic()
            estate.run(estate.plan(NAMES, cadence(MINUTE)))
            await pass_time(MINUTE + SLACK)
            await estate.dispatcher.stop()
            return {name: (starts[0] + offset) % MINUTE for name, starts in estate.starts.items()}

        return run_virtual(scene, clock=FakeClock(wall, monotonic))

    before = first_starts(START, 0)
    after = first_starts(START + 12_345_678_901, 777_777)
    for name in NAMES:
        apart = (after[name] - before[name]) % MINUTE
        assert min(apart, MINUTE - apart) <= SLACK


def test_a_step_of_the_wall_clock_moves_no_probe() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(MINUTE)))
        await pass_time(10 * MINUTE)
        clock.step_wall(-HOUR)
        await pass_time(10 * MINUTE)
        await estate.dispatcher.stop()
        assert len(estate.starts["a"]) == 20
        assert all(abs(gap - MINUTE) <= SLACK for gap in gaps(estate.starts["a"]))

    run_virtual(scene)


def test_a_long_interval_gets_one_early_probe_and_then_its_grid() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(HOUR)))
        await pass_time(10 * HOUR)
        await estate.dispatcher.stop()
        first, *rest = estate.starts["a"]
        assert first <= MINUTE + SLACK
        assert len(rest) == 10
        assert all(abs(gap - HOUR) <= SLACK for gap in gaps(rest))

    run_virtual(scene)


def test_a_suspect_is_probed_after_retry_every_and_then_back_on_its_grid() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(MINUTE, retry_every=7 * SECOND)))
        await pass_time(MINUTE + SLACK)
        (healthy,) = estate.starts["a"]
        estate.says["a"] = Verdict.DOWN
        estate.takes["a"] = SECOND
        await pass_time(2 * MINUTE)
        failing = estate.starts["a"][1:]
        assert abs(failing[0] - healthy - MINUTE) <= SLACK
        assert len(failing) >= 2
        assert all(0 <= gap - 7 * SECOND <= SLACK for gap in gaps(failing))
        del estate.says["a"]
        known = len(estate.starts["a"])
        await pass_time(3 * MINUTE)
        await estate.dispatcher.stop()
        back = estate.starts["a"][known + 1 :]
        assert all(min((at - healthy) % MINUTE, (healthy - at) % MINUTE) <= SLACK for at in back)
        assert len(back) >= 2
        assert estate.dispatcher.tally.missed == 0

    run_virtual(scene)


def test_a_probe_longer_than_retry_every_is_followed_at_once_and_never_overlapped() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.says["a"] = Verdict.DOWN
        estate.takes["a"] = 5 * SECOND
        estate.run(estate.plan(["a"], cadence(10 * SECOND, timeout=5 * SECOND, retry_every=SECOND)))
        await pass_time(2 * MINUTE)
        await estate.dispatcher.stop(0)
        between = gaps(estate.starts["a"])
        assert len(between) >= 20
        assert all(0 <= gap - 5 * SECOND <= SLACK for gap in between)
        assert sum(estate.dispatcher.tally.lateness.counts[4:]) == 0  # none counts as late for that

    run_virtual(scene)


def test_a_probe_that_outlives_its_timeout_is_cut_off_and_void_and_the_endpoint_goes_on() -> None:
    """Timeout 2 s, cut off at the first look after 2.25 s; looks are 500 ms apart."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes["a"] = HOUR
        estate.run(estate.plan(["a"], cadence(MINUTE, timeout=2 * SECOND)))
        await pass_time(2 * MINUTE)
        assert estate.cancelled[:2] == ["a", "a"]
        assert len(estate.results["a"]) >= 6  # void: again at once, then each 10 s
        for seen in estate.results["a"]:
            assert (seen.verdict, seen.reason) == (Verdict.VOID, "overrun")
            assert 2_250 * MILLISECOND < seen.duration <= 2_750 * MILLISECOND + SLACK
        assert estate.dispatcher.tally.cancelled == 0
        await estate.dispatcher.stop(0)

    run_virtual(scene)


def test_an_answer_that_lies_ready_after_a_stall_is_read_before_anything_is_cut_off() -> None:
    """A success is never voided: not even where the loop stood still for longer than the probe's timeout."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes["a"] = SECOND
        estate.run(estate.plan(["a"], cadence(MINUTE, timeout=2 * SECOND)))
        while not estate.under_way:
            await pass_time(MILLISECOND)
        clock.advance(10 * SECOND)
        await pass_time(MINUTE)
        assert estate.cancelled == []
        assert {seen.verdict for seen in estate.results["a"]} == {Verdict.UP}
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_slots_that_pass_while_a_probe_runs_are_skipped_and_counted() -> None:
    """Every 1 s, and each probe takes 2.5 s: it begins on every third slot and misses two in between."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes["a"] = 2_500 * MILLISECOND
        estate.run(estate.plan(["a"], cadence(SECOND, timeout=3 * SECOND)))
        await pass_time(MINUTE)
        assert len(estate.starts["a"]) == 20
        assert all(abs(gap - 3 * SECOND) <= SLACK for gap in gaps(estate.starts["a"]))
        assert estate.dispatcher.tally.missed == 2 * len(estate.results["a"])
        await estate.dispatcher.stop(0)

    run_virtual(scene)


def test_a_slot_at_which_the_probe_just_ended_is_served() -> None:
    async def scene(clock: FakeClock) -> None:
        starts: list[int] = []

        async def until_the_next_slot() -> Observation:
            starts.append(clock.monotonic())
            if len(starts) == 1:
                clock.advance(due + SECOND - clock.monotonic())
            return Observation(clock.now(), 0, Verdict.UP, "told")

        dispatcher = Dispatcher(clock, lambda *_: False, Well(clock))
        dispatcher.apply({"a": Target("a", cadence(SECOND), until_the_next_slot)})
        dispatcher.start()
        due = dispatcher.next_due("a") or 0
        await pass_time(3 * SECOND)
        assert 0 <= starts[1] - due - SECOND <= SLACK
        assert dispatcher.tally.missed == 0
        await dispatcher.stop()

    run_virtual(scene)


def test_a_probe_that_cleans_up_after_being_cut_off_is_let_be() -> None:
    async def scene(clock: FakeClock) -> None:
        cleaned = []

        async def slow_to_close() -> Observation:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(5)
                cleaned.append(clock.monotonic())
            raise AssertionError

        dispatcher = Dispatcher(clock, lambda *_: False, Well(clock))
        dispatcher.apply({"a": Target("a", cadence(MINUTE), slow_to_close)})
        dispatcher.start()
        await pass_time(2 * MINUTE)
        assert len(cleaned) >= 3
        await dispatcher.stop(MINUTE)

    run_virtual(scene)


def test_the_answer_of_a_removed_endpoint_that_will_not_be_cancelled_is_not_taken() -> None:
    async def scene(clock: FakeClock) -> None:
        results = []

        def sink(identity: str, observation: Observation) -> bool:
            results.append(identity)
            return False

        async def deaf() -> Observation:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            return Observation(clock.now(), 0, Verdict.UP, "told")

        dispatcher = Dispatcher(clock, sink, Well(clock))
        dispatcher.apply({"a": Target("a", cadence(MINUTE, timeout=MINUTE), deaf)})
        dispatcher.start()
        while not dispatcher.running:
            await pass_time(SECOND)
        await pass_time(SECOND)
        dispatcher.apply({})
        await pass_time(SECOND)
        assert dispatcher.running == 0
        assert results == []
        await dispatcher.stop()

    run_virtual(scene)


def test_a_plan_that_waited_for_the_start_begins_then() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.dispatcher.apply(estate.plan(NAMES, cadence(MINUTE)))
        await pass_time(HOUR)
        assert estate.starts == {}
        estate.dispatcher.start()
        await pass_time(SECOND)
        assert len(estate.starts) < 20
        await pass_time(MINUTE)
        assert estate.starts.keys() == set(NAMES)
        assert estate.dispatcher.tally.missed == 0
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_new_plan_leaves_probes_that_wait_for_room_waiting() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock, concurrency=5)
        estate.takes = dict.fromkeys(NAMES, 10 * SECOND)
        pace = cadence(MINUTE, timeout=MINUTE)
        estate.run(estate.plan(NAMES, pace))
        await pass_time(30 * SECOND)
        waiting = estate.dispatcher.waiting
        assert waiting > 50
        for _ in range(3):
            estate.dispatcher.apply(estate.plan(NAMES, pace))
            await pass_time(20 * MILLISECOND)
        assert waiting <= estate.dispatcher.waiting <= waiting + 3
        await pass_time(10 * MINUTE)
        assert estate.most_under_way == 5
        assert 61 * 5 <= estate.dispatcher.tally.started <= 65 * 5
        await estate.dispatcher.stop(0)

    run_virtual(scene)


def test_concurrency_is_bounded_and_what_waits_runs_once() -> None:
    """100 endpoints a second, 10 at a time, 250 ms each: 40 a second begin, in turn, and nothing piles up."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock, concurrency=10)
        names = NAMES[:100]
        estate.takes = dict.fromkeys(names, 250 * MILLISECOND)
        estate.run(estate.plan(names, cadence(SECOND)))
        await pass_time(MINUTE)
        tally = estate.dispatcher.tally
        assert estate.most_under_way == 10 == estate.dispatcher.running
        assert estate.dispatcher.waiting <= 90
        assert 40 * 57 <= tally.started <= 40 * 60
        counts = [len(estate.starts[name]) for name in names]
        assert max(counts) - min(counts) <= 2
        due = 100 * 60
        assert due - 300 <= tally.started + tally.missed <= due + 100
        assert tally.lateness.count == tally.started
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_concurrency_stays_below_the_room_that_descriptors_leave() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock, room=3)
        estate.takes = dict.fromkeys(NAMES, SECOND)
        estate.run(estate.plan(NAMES, cadence(MINUTE)))
        await pass_time(MINUTE)
        assert estate.dispatcher.concurrency == estate.most_under_way == 3
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_after_a_standstill_endpoints_begin_anew_instead_of_all_at_once() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(NAMES, cadence(MINUTE)))
        await pass_time(MINUTE + SLACK)
        started = estate.dispatcher.tally.started
        clock.advance(HOUR)  # the loop stood still
        woken = clock.monotonic()
        await pass_time(SECOND)
        assert estate.dispatcher.tally.started - started < 20
        await pass_time(MINUTE)
        assert all(0 < starts[1] - woken <= MINUTE + SLACK for starts in estate.starts.values())
        # 60 slots each passed in that hour, and the one at which it ended may or may not have.
        assert abs(estate.dispatcher.tally.missed - 60 * len(NAMES)) <= len(NAMES)
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_every_slot_of_a_standstill_is_counted_as_missed() -> None:
    """From 1 s before a slot for 10 min: the slots at 1, 61, … 541 s, ten of them."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(MINUTE)))
        due = estate.dispatcher.next_due("a")
        assert due is not None
        await pass_time(due - SECOND - clock.monotonic())
        clock.advance(10 * MINUTE)
        await pass_time(MINUTE)
        assert estate.dispatcher.tally.missed == 10
        assert len(estate.starts["a"]) == 1
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_short_standstill_makes_probes_late_and_loses_none() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(NAMES, cadence(MINUTE)))
        await pass_time(MINUTE + SLACK)
        clock.advance(30 * SECOND)
        await pass_time(30 * SECOND)
        assert all(len(starts) == 2 for starts in estate.starts.values())
        tally = estate.dispatcher.tally
        assert tally.missed == 0
        assert sum(tally.lateness.counts[-3:]) > 50  # later than 10 s
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_void_result_is_asked_for_again_at_once_and_then_no_more_than_once_per_retry_every() -> None:
    """S11: first again within a tick, then every 10 s."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.says["a"] = Verdict.VOID
        estate.run(estate.plan(["a"], cadence(HOUR)))
        await pass_time(MINUTE + SLACK)
        await pass_time(MINUTE)
        first, *rest = gaps(estate.starts["a"])
        assert first <= SLACK
        assert len(rest) >= 5
        assert all(abs(gap - 10 * SECOND) <= SLACK for gap in rest)
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_after_one_void_result_the_endpoint_returns_to_its_grid() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.says["a"] = Verdict.VOID
        estate.suspects = lambda identity, _: estate.says.pop(identity, None) is None and False
        estate.run(estate.plan(["a"], cadence(MINUTE)))
        await pass_time(5 * MINUTE + SLACK)
        first, again, *rest = estate.starts["a"]
        assert again - first <= SLACK
        assert [round((at - first) / MINUTE) for at in rest] == [1, 2, 3, 4]
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_retry_does_not_multiply_the_slots_after_it() -> None:
    """The slot that was planned when the retry was asked for passes while a long probe runs."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(MINUTE, timeout=2 * MINUTE)))
        await pass_time(MINUTE + SLACK)
        due = estate.dispatcher.next_due("a")
        assert due is not None
        await pass_time(due - 10 * SECOND - clock.monotonic())
        estate.takes["a"] = 30 * SECOND
        estate.dispatcher.retry_now("a")
        await pass_time(10 * MINUTE)
        after = estate.starts["a"][2:]
        assert all((at - due) % MINUTE <= SLACK for at in after)
        assert 9 <= len(after) <= 10
        await estate.dispatcher.stop(0)

    run_virtual(scene)


def test_retry_now_probes_at_once_and_is_bounded() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(HOUR)))
        await pass_time(MINUTE + SLACK)
        for _ in range(25):  # 25 s of impatience: one at once, then one each 10 s
            estate.dispatcher.retry_now("a")
            await pass_time(SECOND)
        assert len(estate.starts["a"]) == 1 + 3
        estate.dispatcher.retry_now("nobody")
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_new_plan_leaves_untouched_endpoints_alone() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        pace = cadence(5 * MINUTE)
        estate.takes["slow"] = SECOND
        estate.run(estate.plan(["slow", *NAMES], pace))
        await pass_time(MINUTE + SLACK)
        before = {name: estate.dispatcher.next_due(name) for name in NAMES}
        estate.dispatcher.retry_now("slow")
        await pass_time(500 * MILLISECOND)
        assert estate.under_way == {"slow"}
        estate.dispatcher.apply(estate.plan(["slow", *NAMES[100:], "new"], pace))
        assert {name: estate.dispatcher.next_due(name) for name in NAMES[100:]} == {n: before[n] for n in NAMES[100:]}
        assert estate.dispatcher.next_due(NAMES[0]) is None
        await pass_time(MINUTE)
        assert len(estate.starts["new"]) == 1
        assert estate.cancelled == []
        assert len(estate.results["slow"]) == 2
        await pass_time(10 * MINUTE)
        assert all(len(estate.starts[name]) == 1 for name in NAMES[:100] if before[name] > clock.monotonic())  # type: ignore[operator]
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_a_removed_endpoint_is_probed_no_more_and_its_running_probe_has_no_result() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes["a"] = 20 * SECOND
        pace = cadence(MINUTE, timeout=MINUTE)
        estate.run(estate.plan(["a", "b"], pace))
        while not estate.under_way:
            await pass_time(SECOND)
        estate.dispatcher.apply(estate.plan(["b"], pace))
        await pass_time(5 * MINUTE)
        assert estate.cancelled == ["a"]
        assert len(estate.starts["a"]) == 1
        assert "a" not in estate.results
        assert estate.dispatcher.running == 0
        assert estate.dispatcher.tally.cancelled == 1
        await estate.dispatcher.stop()

    run_virtual(scene)


@pytest.mark.parametrize("change", ["key", "cadence"])
def test_a_changed_endpoint_is_probed_anew_within_a_minute(change: str) -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(HOUR), key="192.0.2.1"))
        await pass_time(2 * MINUTE)
        assert len(estate.starts["a"]) == 1
        pace = cadence(2 * HOUR) if change == "cadence" else cadence(HOUR)
        estate.dispatcher.apply(estate.plan(["a"], pace, key="192.0.2.2" if change == "key" else "192.0.2.1"))
        await pass_time(MINUTE + SLACK)
        assert len(estate.starts["a"]) == 2
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_the_probe_of_an_equal_target_is_replaced_without_a_word() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.run(estate.plan(["a"], cadence(MINUTE)))
        await pass_time(MINUTE + SLACK)
        asked = []

        async def other() -> Observation:
            asked.append(clock.monotonic())
            return Observation(clock.now(), 0, Verdict.UP, "told")

        estate.dispatcher.apply({"a": Target("a", cadence(MINUTE), other)})
        await pass_time(MINUTE)
        assert len(estate.starts["a"]) == 1
        assert abs(asked[0] - estate.starts["a"][0] - MINUTE) <= SLACK
        await estate.dispatcher.stop()

    run_virtual(scene)


def test_an_endpoint_that_comes_back_while_its_cancelled_probe_cleans_up_is_not_probed_twice() -> None:
    async def scene(clock: FakeClock) -> None:
        spans: list[tuple[int, int]] = []

        async def stubborn() -> Observation:
            began = clock.monotonic()
            try:
                await asyncio.sleep(5)
            finally:
                await asyncio.sleep(90)  # cleans up for longer than the first slot is away
                spans.append((began, clock.monotonic()))
            return Observation(clock.now(), 0, Verdict.UP, "told")

        pace = cadence(MINUTE, timeout=10 * MINUTE)
        dispatcher = Dispatcher(clock, lambda *_: False, Well(clock))
        dispatcher.apply({"a": Target("a", pace, stubborn)})
        dispatcher.start()
        await pass_time(MINUTE + SLACK)
        while not dispatcher.running:
            await pass_time(SECOND)
        await asyncio.sleep(0)
        dispatcher.apply({})
        dispatcher.apply({"a": Target("a", pace, stubborn)})
        await pass_time(10 * MINUTE)
        await dispatcher.stop(0)
        assert len(spans) >= 3
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))

    run_virtual(scene)


def test_stopping_lets_running_probes_end() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes["a"] = 2 * SECOND
        estate.run(estate.plan(["a", "b"], cadence(MINUTE, timeout=5 * SECOND)))
        while "a" not in estate.under_way:
            await pass_time(SECOND)
        began = clock.monotonic()
        await estate.dispatcher.stop()
        assert len(estate.results["a"]) == 1
        assert clock.monotonic() - began <= 2 * SECOND
        count = estate.dispatcher.tally.started
        await pass_time(HOUR)
        assert estate.dispatcher.tally.started == count

    run_virtual(scene)


def test_stopping_cancels_what_does_not_end_in_time_and_leaves_no_task() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        estate.takes = dict.fromkeys(NAMES, 20 * SECOND)
        estate.run(estate.plan(NAMES, cadence(MINUTE, timeout=MINUTE)))
        await pass_time(15 * SECOND)
        running = len(estate.under_way)
        assert running > 10
        before = clock.monotonic()
        await estate.dispatcher.stop(within=0)
        assert clock.monotonic() - before <= SLACK
        assert len(estate.cancelled) == running
        assert estate.results == {}
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(scene)


def test_a_probe_that_is_cancelled_before_its_first_step_leaves_the_endpoint_on_its_grid() -> None:
    """A task that is cancelled before it ran never enters its coroutine: no ``finally`` in there would do."""

    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        plans = iter([estate.plan(["a"], cadence(MINUTE), key="other")])

        def change(identity: str, lateness: int) -> None:
            for plan in plans:
                asyncio.get_running_loop().call_soon(dispatcher.apply, plan)

        dispatcher = Dispatcher(clock, estate.sink, Well(clock), on_start=change)
        dispatcher.apply(estate.plan(["a"], cadence(MINUTE)))
        dispatcher.start()
        await pass_time(10 * MINUTE + SLACK)
        await dispatcher.stop()
        assert dispatcher.tally.cancelled == 1
        assert dispatcher.tally.started == 10
        assert len(estate.starts["a"]) == len(estate.results["a"]) == 9
        assert estate.cancelled == []

    run_virtual(scene)


def test_a_sink_that_raises_is_reported_and_the_endpoint_is_probed_on() -> None:
    async def scene(clock: FakeClock) -> None:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        estate = Estate(clock)

        def broken(identity: str, observation: Observation) -> bool:
            raise RuntimeError("disk full")

        estate.suspects = broken
        estate.run(estate.plan(["a"], cadence(MINUTE)))
        await pass_time(5 * MINUTE)
        await estate.dispatcher.stop()
        assert len(estate.results["a"]) == 5 == len(reports)
        assert str(reports[0]["exception"]) == "disk full"

    run_virtual(scene)


def test_the_hook_hears_every_start_with_its_lateness() -> None:
    async def scene(clock: FakeClock) -> None:
        heard: list[tuple[str, int]] = []

        async def probe() -> Observation:
            return Observation(clock.now(), 0, Verdict.UP, "told")

        dispatcher = Dispatcher(
            clock, lambda *_: False, Well(clock), on_start=lambda identity, lateness: heard.append((identity, lateness))
        )
        dispatcher.apply({"a": Target("a", cadence(SECOND), probe)})
        dispatcher.start()
        await pass_time(MINUTE)
        await dispatcher.stop()
        lateness = dispatcher.tally.lateness
        assert len(heard) == lateness.count == dispatcher.tally.finished
        assert sum(late for _, late in heard) == lateness.total
        assert all(0 <= late <= SLACK for _, late in heard)
        assert lateness.cumulative()[-1] == len(heard)

    run_virtual(scene)
