"""One probe: its deadline, and what becomes of a failure without an alibi (S11)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scheduling.estate import Well
from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.scheduling.alibi import Fault
from slawatch.scheduling.runner import DETAIL_LENGTH, Probe, Vouch, ask, judged, overrun, voided
from support.clock import START, FakeClock
from support.loop import run_virtual

LATE = Fault(Cause.PROBER_FAULT, "loop_late", "the event loop was 1400 ms late")


BLIND = Fault(Cause.PATH_LOST, "path_blind", "no witness of the path internet answered")


async def run(probe: Probe, alibi: Well, clock: FakeClock, within: Duration, vouch: Vouch | None = None) -> Observation:
    """As the dispatcher does it."""
    since = alibi.mark()
    return await judged(await ask(probe, alibi, clock), alibi, since, within, vouch)


class Faulty(Well):
    """An alibi that never holds, and remembers what it was asked."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked: list[tuple[int, Duration]] = []

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        self.asked.append((since, timeout))
        return LATE


def seen(verdict: Verdict, reason: str = "told", detail: str = "") -> Observation:
    cause = Cause.PROBER_FAULT if verdict is Verdict.VOID else None
    return Observation(START, 3, verdict, reason, detail, (("connect", 2),), 99, cause)


@pytest.mark.parametrize("verdict", [Verdict.UP, Verdict.VOID])
def test_a_success_proves_itself(verdict: Verdict) -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return seen(verdict)

        alibi = Faulty(clock)
        assert await run(probe, alibi, clock, SECOND) == seen(verdict)
        assert alibi.asked == []

    run_virtual(scene)


def test_s11_a_slow_answer_needs_an_alibi() -> None:
    """It may have been our own loop that was slow: neither degraded nor up is proved then."""

    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return seen(Verdict.DEGRADED, "slow", "3.1 s")

        result = await run(probe, Faulty(clock), clock, SECOND)
        assert (result.verdict, result.cause, result.reason) == (Verdict.VOID, Cause.PROBER_FAULT, "loop_late")
        assert result.detail.endswith("the probe said slow: 3.1 s")
        assert await run(probe, Well(clock), clock, SECOND) == seen(Verdict.DEGRADED, "slow", "3.1 s")

    run_virtual(scene)


def test_s11_an_unfit_prober_asks_nothing() -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            raise AssertionError("asked")

        class Unfit(Well):
            def unfit(self) -> Fault | None:
                return Fault(Cause.PROBER_FAULT, "descriptors_spent", "3 file descriptors were left")

        clock.advance(SECOND)
        result = await run(probe, Unfit(clock), clock, SECOND)
        assert (result.verdict, result.cause, result.reason) == (Verdict.VOID, Cause.PROBER_FAULT, "descriptors_spent")
        assert (result.started, result.duration) == (START + SECOND, 0)

    run_virtual(scene)


def test_a_failure_with_an_alibi_stays_as_it_is() -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return seen(Verdict.DOWN, "refused")

        assert await run(probe, Well(clock), clock, SECOND) == seen(Verdict.DOWN, "refused")

    run_virtual(scene)


def test_a_failure_without_an_alibi_is_void_and_keeps_what_it_found() -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            await asyncio.sleep(0.5)
            return seen(Verdict.DOWN, "timeout", "no answer in 5s")

        clock.advance(7 * SECOND)
        alibi = Faulty(clock)
        result = await run(probe, alibi, clock, 5 * SECOND)
        assert alibi.asked == [(7 * SECOND, 5 * SECOND)]
        assert (result.verdict, result.cause, result.reason) == (Verdict.VOID, Cause.PROBER_FAULT, "loop_late")
        assert result.detail == "the event loop was 1400 ms late; the probe said timeout: no answer in 5s"
        assert (result.started, result.duration, result.phases) == (START, 3, (("connect", 2),))

    run_virtual(scene)


@pytest.mark.parametrize(
    ("verdict", "fault", "expected"),
    [
        (Verdict.DOWN, None, Verdict.DOWN),
        (Verdict.DOWN, BLIND, Verdict.VOID),
        (Verdict.UP, BLIND, Verdict.UP),
        (Verdict.DEGRADED, BLIND, Verdict.DEGRADED),
    ],
)
def test_a_failure_counts_only_while_the_way_is_open(verdict: Verdict, fault: Fault | None, expected: Verdict) -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            await asyncio.sleep(0.5)
            return seen(verdict, "timeout")

        async def vouch(since: int, observation: Observation) -> Fault | None:
            asked.append((since, observation.reason))
            return fault

        asked: list[tuple[int, str]] = []
        clock.advance(3 * SECOND)
        result = await run(probe, Well(clock), clock, SECOND, vouch)
        assert result.verdict is expected
        assert result.cause is (Cause.PATH_LOST if expected is Verdict.VOID else None)
        assert asked == ([(3 * SECOND, "timeout")] if verdict is Verdict.DOWN else [])

    run_virtual(scene)


def test_nobody_is_asked_about_the_way_when_the_prober_was_not_fit_itself() -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return seen(Verdict.DOWN, "timeout")

        async def vouch(since: int, observation: Observation) -> Fault | None:
            raise AssertionError

        assert (await run(probe, Faulty(clock), clock, SECOND, vouch)).reason == "loop_late"

    run_virtual(scene)


@pytest.mark.parametrize(
    ("alibi", "fault", "reason"), [(Well, None, "no_answer"), (Well, BLIND, BLIND.reason), (Faulty, None, "loop_late")]
)
def test_a_lost_resolver_is_explained_by_the_line_or_by_the_prober(
    alibi: type[Well], fault: Fault | None, reason: str
) -> None:
    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return Observation(START, 3, Verdict.VOID, "no_answer", cause=Cause.RESOLVER_LOST)

        async def vouch(since: int, observation: Observation) -> Fault | None:
            return fault

        result = await run(probe, alibi(clock), clock, SECOND, vouch)
        causes = {"no_answer": Cause.RESOLVER_LOST, BLIND.reason: Cause.PATH_LOST, "loop_late": Cause.PROBER_FAULT}
        assert (result.verdict, result.reason, result.cause) == (Verdict.VOID, reason, causes[reason])

    run_virtual(scene)


def test_a_prober_that_was_late_to_hear_the_witnesses_is_to_blame_itself() -> None:
    class LateMeanwhile(Well):
        late = False

        def fault(self, since: int, timeout: Duration) -> Fault | None:
            return LATE if self.late else None

    async def scene(clock: FakeClock) -> None:
        async def probe() -> Observation:
            return seen(Verdict.DOWN, "timeout")

        async def vouch(since: int, observation: Observation) -> Fault | None:
            alibi.late = True
            return BLIND

        alibi = LateMeanwhile(clock)
        result = await run(probe, alibi, clock, SECOND, vouch)
        assert (result.reason, result.cause) == ("loop_late", Cause.PROBER_FAULT)

    run_virtual(scene)


def test_a_detail_is_never_longer_than_an_observation_allows() -> None:
    assert len(voided(seen(Verdict.DOWN, "status", "x" * DETAIL_LENGTH), LATE).detail) == DETAIL_LENGTH
    assert voided(seen(Verdict.DOWN, "refused"), LATE).detail.endswith("the probe said refused")


def test_a_probe_that_was_cut_off_is_void_and_dated_at_its_start() -> None:
    clock = FakeClock()
    clock.advance(1_250 * MILLISECOND)
    result = overrun(clock, 0)
    assert (result.verdict, result.cause, result.reason) == (Verdict.VOID, Cause.PROBER_FAULT, "overrun")
    assert (result.started, result.duration) == (START, 1_250 * MILLISECOND)


@pytest.mark.parametrize("error", [ValueError("secret"), TimeoutError(), OSError(24, "Too many open files")])
def test_a_probe_that_raises_is_our_fault_and_reported(error: Exception) -> None:
    async def scene(clock: FakeClock) -> None:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))

        async def probe() -> Observation:
            raise error

        result = await run(probe, Well(clock), clock, SECOND)
        assert (result.verdict, result.cause, result.reason) == (Verdict.VOID, Cause.PROBER_FAULT, "probe_error")
        assert result.detail == type(error).__name__  # never its text: that may hold a secret
        assert [report["exception"] for report in reports] == [error]

    run_virtual(scene)


def test_cancellation_passes_through() -> None:
    async def scene(clock: FakeClock) -> None:
        closed = asyncio.Event()

        async def probe() -> Observation:
            try:
                await asyncio.sleep(3600)
            finally:
                closed.set()
            raise AssertionError

        task = asyncio.ensure_future(run(probe, Well(clock), clock, 3600 * SECOND))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed.is_set()

    run_virtual(scene)
