"""Ten thousand endpoints for an hour, counted exactly; and the same code on both real loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import blake2s

import pytest
import uvloop

from scheduling.estate import Estate, Well, cadence, pass_time
from slawatch.domain.interval import HOUR, MILLISECOND, MINUTE, SECOND, Duration
from slawatch.domain.observation import Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.runtime.clock import SystemClock
from slawatch.scheduling.alibi import ClockJump
from slawatch.scheduling.dispatch import TICK, Dispatcher, Target
from slawatch.scheduling.health import Health
from support.clock import FakeClock
from support.loop import run_virtual

MIX: tuple[tuple[Duration, int], ...] = (
    (MINUTE, 500),
    (5 * MINUTE, 2_500),
    (15 * MINUTE, 7_000),
)
"""An interval, and how many endpoints have it: 500·60 + 2,500·12 + 7,000·4 = 88,000 probes an hour on the grid."""


def due_within_an_hour(name: str, every: Duration, clock: FakeClock) -> list[int]:
    """By walking seconds of the wall clock: slots of the interval, and one in the first minute (S13)."""
    offset = clock.monotonic() - clock.now()
    phase = int.from_bytes(blake2s(name.encode(), digest_size=8).digest())
    early = clock.now() // MINUTE * MINUTE + phase % MINUTE
    early += MINUTE if early <= clock.now() else 0
    slots = [clock.now() // every * every + phase % every + n * every for n in range(HOUR // every + 1)]
    return sorted({early + offset, *(slot + offset for slot in slots if clock.now() < slot <= clock.now() + HOUR)})


def test_ten_thousand_endpoints_for_an_hour_fire_exactly_as_often_as_they_should() -> None:
    async def scene(clock: FakeClock) -> None:
        starts: dict[str, list[int]] = {}
        answer = Observation(clock.now(), 0, Verdict.UP, "told")

        def target(name: str, every: Duration) -> Target:
            mine = starts[name] = []

            async def probe() -> Observation:
                mine.append(clock.monotonic())
                return answer

            return Target(name, cadence(every), probe)

        plan = {f"{every}/{n}": target(f"{every}/{n}", every) for every, count in MIX for n in range(count)}
        dispatcher = Dispatcher(clock, lambda *_: False, Well(clock))
        dispatcher.apply(plan)
        dispatcher.start()
        due = {name: due_within_an_hour(name, target.cadence.every, clock) for name, target in plan.items()}
        await pass_time(HOUR + 2 * MILLISECOND)  # the last tick of the hour is past, the next one is not
        await dispatcher.stop()
        # A probe begins at the end of the tick in which it is due, and at no other time.
        assert starts == {name: [-(-at // TICK) * TICK for at in slots] for name, slots in due.items()}
        tally = dispatcher.tally
        assert tally.started == tally.finished == sum(map(len, due.values())) > 88_000
        assert tally.missed == tally.cancelled == 0
        assert sum(tally.lateness.counts[3:]) == 0  # none later than 5 ms

    run_virtual(scene)


def test_a_reload_of_ten_thousand_endpoints_moves_none() -> None:
    async def scene(clock: FakeClock) -> None:
        estate = Estate(clock)
        names = [f"acme/host{n}" for n in range(10_000)]
        pace = cadence(5 * MINUTE)
        estate.run(estate.plan(names, pace))
        await pass_time(2 * MINUTE)
        before = [estate.dispatcher.next_due(name) for name in names]
        estate.dispatcher.apply(estate.plan(reversed(names), pace))
        assert [estate.dispatcher.next_due(name) for name in names] == before
        await estate.dispatcher.stop()

    run_virtual(scene)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_real_loops_dispatch_alike(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Endpoints every 50 ms, of which one fails and one hangs, until the slowest has answered five times."""

    async def scene() -> None:
        clock, jumps = SystemClock(), list[ClockJump]()
        health = Health(clock, jumps.append, lambda stall: None)
        results: dict[str, list[Observation]] = {"good": [], "bad": [], "hung": []}
        enough = asyncio.Event()

        async def answer(verdict: Verdict) -> Observation:
            await asyncio.sleep(0)
            return Observation(clock.now(), 1, verdict, "told")

        async def hang() -> Observation:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        def sink(identity: str, observation: Observation) -> bool:
            results[identity].append(observation)
            if min(map(len, results.values())) >= 2 and len(results["good"]) >= 5:
                enough.set()
            return observation.verdict is Verdict.DOWN

        pace = Cadence(50 * MILLISECOND, 20 * MILLISECOND, 50 * MILLISECOND)
        dispatcher = Dispatcher(clock, sink, health)
        dispatcher.apply(
            {
                "good": Target("good", pace, lambda: answer(Verdict.UP)),
                "bad": Target(
                    "bad", Cadence(50 * MILLISECOND, 10 * SECOND, 50 * MILLISECOND), lambda: answer(Verdict.DOWN)
                ),
                "hung": Target("hung", pace, hang),
            }
        )
        health.start()
        dispatcher.start()
        async with asyncio.timeout(20):
            await enough.wait()
        await dispatcher.stop(0)
        health.stop()
        assert {seen.verdict for seen in results["good"]} == {Verdict.UP}
        assert {seen.reason for seen in results["hung"]} == {"overrun"}
        assert {seen.verdict for seen in results["hung"]} == {Verdict.VOID}
        assert {seen.reason for seen in results["bad"]} <= {"told", "loop_late"}
        assert jumps == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scene())
