"""Witnesses of a path (S15): when a failure counts, when it does not, and what it costs to know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.domain.observation import Cause
from slawatch.runtime.link import Way
from slawatch.scheduling.alibi import Fault
from slawatch.scheduling.paths import APART, PathWatch, Voucher, link_fault
from support.clock import START, FakeClock
from support.loop import run_virtual

SILENCE = 900 * MILLISECOND
"""How long a question to a silent witness takes here."""


@dataclass
class Hosts:
    """Witnesses that answer after 10 ms, or do not answer."""

    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    takes: int = 10 * MILLISECOND

    def voucher(self, address: str) -> Voucher:
        async def answers() -> bool:
            self.asked.append(address)
            if address in self.silent:
                await asyncio.sleep(SILENCE / SECOND)
                return False
            await asyncio.sleep(self.takes / SECOND)
            return True

        return Voucher(address, answers)


OURS = Fault(Cause.PROBER_FAULT, "loop_late", "the event loop was 9000 ms late")

Scene = Callable[[FakeClock, Hosts, PathWatch, list[tuple[bool | None, int]]], Awaitable[None]]


def play(scene: Scene, *addresses: str) -> None:
    async def main(clock: FakeClock) -> None:
        hosts, changes = Hosts(), list[tuple[bool | None, int]]()
        vouchers = [hosts.voucher(address) for address in addresses or ("192.0.2.10", "192.0.2.11")]
        watch = PathWatch("lan", vouchers, clock, lambda path: changes.append((path.blind, clock.monotonic())))
        watch.start()
        try:
            await scene(clock, hosts, watch, changes)
        finally:
            await watch.stop()

    run_virtual(main)


def lost(fault: Fault | None) -> bool:
    assert fault is None or (fault.cause, fault.reason) == (Cause.PATH_LOST, "path_blind")
    return fault is not None


def test_one_witness_that_answers_is_enough() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        hosts.silent.add("192.0.2.10")
        await asyncio.sleep(3.5)
        assert not lost(await watch.fault(clock.monotonic() - SECOND, "192.0.2.99"))
        assert (watch.blind, watch.answering, watch.witnesses) == (False, 1, 2)

    play(scene)


def test_a_failure_while_no_witness_answers_is_void_and_the_path_is_blind() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: list[tuple[bool | None, int]]) -> None:
        await asyncio.sleep(1.5)
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        began = clock.monotonic()
        await asyncio.sleep(0.2)
        fault = await watch.fault(began, "192.0.2.99")
        assert fault == Fault(Cause.PATH_LOST, "path_blind", "no witness of the path lan answered")
        assert watch.blind
        hosts.silent.clear()
        await asyncio.sleep(1.5)
        assert [blind for blind, _ in changes] == [False, True, False]
        assert watch.since is not None
        assert watch.since - START <= clock.monotonic()

    play(scene)


def test_a_prober_that_hears_nobody_through_its_own_fault_does_not_call_the_path_blind() -> None:
    """The failure is void all the same, for whoever asks; nobody is alerted to a line that was never lost."""

    async def main(clock: FakeClock) -> None:
        hosts, changes = Hosts(), list[bool | None]()
        unfit: list[Fault] = []
        watch = PathWatch(
            "lan",
            [hosts.voucher("192.0.2.10"), hosts.voucher("192.0.2.11")],
            clock,
            lambda path: changes.append(path.blind),
            lambda since: unfit[0] if unfit else None,
        )
        watch.start()
        await asyncio.sleep(1.5)
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        unfit.append(OURS)
        assert lost(await watch.fault(clock.monotonic(), "192.0.2.99"))
        await asyncio.sleep(5)
        assert changes == [False]
        unfit.clear()
        await asyncio.sleep(2)
        assert changes == [False, True]
        await watch.stop()

    run_virtual(main)


def test_a_path_that_is_lost_after_the_last_round_is_seen_by_the_round_after_the_failure() -> None:
    """The round at 1.0 s is answered, the path goes at 1.2 s, the probe fails at 1.3 s: witnesses are asked at once."""

    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        await asyncio.sleep(1.2)
        began = clock.monotonic()
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        await asyncio.sleep(0.1)
        asked = clock.monotonic()
        assert lost(await watch.fault(began, "192.0.2.99"))
        assert clock.monotonic() - asked == SILENCE

    play(scene)


def test_an_interruption_in_the_middle_of_a_long_probe_voids_its_failure() -> None:
    """The path is gone from 1.5 s to 2.5 s of a probe that runs from 1.1 s to 6 s: the round at 2 s saw it."""

    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        await asyncio.sleep(1.1)
        began = clock.monotonic()
        await asyncio.sleep(0.4)
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        await asyncio.sleep(1)
        hosts.silent.clear()
        await asyncio.sleep(3.5)
        assert lost(await watch.fault(began, "192.0.2.99"))
        assert not lost(await watch.fault(clock.monotonic(), "192.0.2.99"))

    play(scene)


def test_a_failure_that_began_after_the_interruption_counts() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        await asyncio.sleep(1.95)
        hosts.silent.clear()
        await asyncio.sleep(1)
        assert not lost(await watch.fault(clock.monotonic() - 10 * MILLISECOND, "192.0.2.99"))

    play(scene)


@pytest.mark.parametrize(("other_is_silent", "void"), [(False, False), (True, True)])
def test_a_witness_never_vouches_for_itself(other_is_silent: bool, void: bool) -> None:
    """A name that leads to a witness's own address is judged by the other witnesses alone."""

    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        if other_is_silent:
            hosts.silent.add("192.0.2.11")
        await asyncio.sleep(1.5)
        assert lost(await watch.fault(clock.monotonic(), "192.0.2.10")) is void

    play(scene)


def test_a_thousand_failures_at_once_share_a_round() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        await asyncio.sleep(1.5)
        before = len(hosts.asked)
        faults = await asyncio.gather(*(watch.fault(clock.monotonic(), "192.0.2.99") for _ in range(1_000)))
        assert not any(map(lost, faults))
        assert len(hosts.asked) - before == 2

    play(scene)


def test_rounds_begin_no_closer_than_allowed_however_many_failures_ask() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        await asyncio.sleep(1.5)
        before, began = len(hosts.asked), clock.monotonic()
        for _ in range(20):
            await asyncio.sleep(0.001)
            await watch.fault(clock.monotonic(), "192.0.2.99")
        rounds = (len(hosts.asked) - before) // 2
        assert rounds <= (clock.monotonic() - began) // APART + 3

    play(scene)


def test_one_failure_that_is_cancelled_does_not_take_the_others_along() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        await asyncio.sleep(1.05)  # so soon after a round that the next one has to wait
        first, second = (asyncio.create_task(watch.fault(clock.monotonic(), "192.0.2.99")) for _ in range(2))
        await asyncio.sleep(0.005)
        first.cancel()
        assert not lost(await second)
        assert first.cancelled()

    play(scene)


def test_a_silent_round_that_ends_after_a_later_one_does_not_blind_the_path_again() -> None:
    """Silence takes 0.9 s and an answer 10 ms: the round of 1.0 s ends after the one that a failure asks for."""

    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: list[tuple[bool | None, int]]) -> None:
        await asyncio.sleep(0.99)
        hosts.silent |= {"192.0.2.10", "192.0.2.11"}
        await asyncio.sleep(0.11)
        hosts.silent.clear()
        assert not lost(await watch.fault(clock.monotonic(), "192.0.2.99"))
        await asyncio.sleep(0.85)
        assert [blind for blind, _ in changes] == [False]

    play(scene)


def test_nothing_is_said_of_a_path_before_its_first_round() -> None:
    async def scene(clock: FakeClock, hosts: Hosts, watch: PathWatch, changes: object) -> None:
        assert (watch.blind, watch.since) == (None, None)

    play(scene)


@pytest.mark.parametrize(
    ("way", "fault"),
    [
        (Way("eth0", linked=True), None),
        (Way("eth0", linked=False), Fault(Cause.PATH_LOST, "link_down", "the link of eth0 is down")),
        (Way("", linked=False), Fault(Cause.PATH_LOST, "no_route", "this machine has no route to 192.0.2.1")),
    ],
)
def test_the_link_is_a_witness(way: Way, fault: Fault | None) -> None:
    assert link_fault("192.0.2.1", lambda address: way) == fault


def test_a_kernel_that_does_not_say_and_an_address_that_is_not_known_excuse_nothing() -> None:
    def silent(address: str) -> Way:
        raise OSError

    assert link_fault("192.0.2.1", silent) is None
    assert link_fault("", lambda address: Way("", linked=False)) is None
