"""The kind `icmp`: what fails on our own side is never the host's silence (S11). Needs root."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from probes.driver import HASTY, Driver
from probes.far_network import FarNetwork
from probes.quiet_network import QuietNetwork
from probes.scene import needs_root
from probes.test_icmp import driver
from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import Failure
from slawatch.probes.echo import Echo
from slawatch.probes.options import Family
from slawatch.runtime.clock import SystemClock
from support.waiting import async_eventually

pytestmark = needs_root


class Counting(socket.socket):
    """Counts its calls, and fails to send where a test says so."""

    calls: Counter[str]
    asked: list[str]
    trouble: Callable[[int], int]
    """The number of the error that a sending has, by how many came before; 0 for none."""

    def sendto(self, *args: Any) -> int:
        self.calls["send"] += 1
        self.asked.append(args[1][0])
        number = self.trouble(self.calls["send"] - 1)
        if number:
            raise OSError(number, os.strerror(number))
        return super().sendto(*args)

    def recvfrom_into(self, *args: Any) -> tuple[int, Any]:
        self.calls["receive"] += 1
        return super().recvfrom_into(*args)

    def getsockopt(self, *args: Any) -> Any:
        self.calls["look"] += 1
        return super().getsockopt(*args)


class OwnSide(QuietNetwork):
    """Hosts that answer, and a socket of ours with trouble of its own."""

    def __init__(self, *, raw: bool = True, room: int = 0, trouble: Callable[[int], int] = lambda number: 0) -> None:
        super().__init__("1 0" if raw else "0 2147483647")
        self.answers(True)
        self.calls: Counter[str] = Counter()
        self.asked: list[str] = []
        self._room, self._trouble = room, trouble

    def opener(self, family: Family) -> tuple[socket.socket, bool]:
        opened, raw = super().opener(family)
        made = Counting(opened.family, opened.type, opened.proto, fileno=opened.detach())
        made.calls, made.asked, made.trouble = self.calls, self.asked, self._trouble
        if self._room:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._room)
        return made, raw


@pytest.mark.parametrize("raw", [True, False])
async def test_replies_that_find_no_room_on_our_side_make_no_downtime(raw: bool) -> None:
    """A buffer for two replies, and a hundred that come before we read: who was not heard was not silent."""
    network = OwnSide(raw=raw, room=2048)
    async with driver(network) as observe:
        seen = await asyncio.gather(*(observe("icmp", f"127.1.1.{i + 1}", HASTY * 4) for i in range(100)))
        assert {each.reason for each in seen} == {"answered", "prober_fault"}
        lost = next(each for each in seen if each.reason == "prober_fault")
        assert (lost.verdict, lost.cause) == (Verdict.VOID, Cause.PROBER_FAULT)
        assert lost.detail == "replies found no room in this machine's own buffer (net.core.rmem_max)"
        series = await asyncio.gather(
            *(observe("icmp", f"127.1.1.{i + 1}", HASTY * 4, count=2, interval="10ms") for i in range(50))
        )
        assert {each.reason for each in series} <= {"answered", "prober_fault"}
        # A second later the doubt is over: silence is silence again.
        await asyncio.sleep(1.1)
        network.answers(False)
        assert (await observe("icmp", "127.0.0.1", HASTY)).reason == "timeout"
    network.close()


async def test_a_full_queue_of_our_own_is_waited_for(observe: Driver) -> None:
    """EAGAIN: the first ten calls are refused, and all of thirty pings go out in the end."""
    network = OwnSide(trouble=lambda number: errno.EAGAIN if number < 10 else 0)
    async with driver(network) as observe:
        seen = await asyncio.gather(*(observe("icmp", f"127.0.0.{i + 1}") for i in range(30)))
    network.close()
    assert {each.reason for each in seen} == {"answered"}
    assert network.asked == ["127.0.0.1"] * 10 + [f"127.0.0.{i + 1}" for i in range(30)]  # in order


async def test_a_ping_that_never_left_is_no_downtime() -> None:
    network = OwnSide(trouble=lambda number: errno.EAGAIN)
    async with driver(network) as observe:
        for options in ({}, {"count": 2, "interval": "10ms"}):
            seen = await observe("icmp", "127.0.0.1", HASTY, **options)
            assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "prober_fault", Cause.PROBER_FAULT)
            assert seen.detail == "no ping left this machine in time"
    network.close()


async def test_a_ping_that_nobody_waits_for_is_not_sent_late() -> None:
    network = OwnSide(trouble=lambda number: errno.EAGAIN if number < 1 else 0)
    echo = Echo(4, SystemClock(), network.opener)
    forgotten = echo.send("127.0.0.2", 56)
    echo.forget(forgotten)
    assert await echo.ping("127.0.0.1", 56) > 0
    assert forgotten.sent is None
    echo.close()
    network.close()


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.ENETDOWN])
@pytest.mark.parametrize("waited", [0, 1])
async def test_a_system_that_does_not_send(number: int, waited: int) -> None:
    network = OwnSide(trouble=lambda sent: errno.EAGAIN if sent < waited else number)
    async with driver(network) as observe:
        for options in ({}, {"count": 2, "interval": "10ms"}):
            seen = await observe("icmp", "127.0.0.1", HASTY * 4, **options)
            assert (seen.verdict, seen.reason, seen.detail) == (Verdict.VOID, "prober_fault", os.strerror(number))
    network.close()


async def test_replies_that_came_before_the_deadline_count_though_we_read_them_after_it() -> None:
    """The loop stands still over the deadline; what lies in the buffer by then is an answer, however much it is."""
    network = FarNetwork()
    network.behave = lambda seen: [(0.05, seen.reply())]
    async with driver(network) as observe:
        for options in ({}, {"count": 2, "interval": "10ms"}):
            chosen: dict[str, Any] = dict(options)
            probes = [
                asyncio.create_task(observe("icmp", f"10.6.{i // 250}.{i % 250 + 1}", SECOND, **chosen))
                for i in range(600)
            ]
            sent = len(network.seen) + 600 * chosen.get("count", 1)
            await async_eventually(lambda: len(network.seen) == sent)  # noqa: B023
            time.sleep(1.1)
            assert {seen.reason for seen in await asyncio.gather(*probes)} == {"answered"}
    network.close()


async def test_one_ping_costs_two_calls() -> None:
    network = OwnSide()
    async with driver(network) as observe:
        for _ in range(50):
            assert (await observe("icmp", "127.0.0.1")).verdict is Verdict.UP
    network.close()
    assert network.calls["send"] == 50
    assert network.calls["receive"] <= 100  # the second one finds nothing more
    assert network.calls["look"] <= 3  # once a second


async def test_numbers_begin_anew_and_none_is_given_twice() -> None:
    network = OwnSide()
    network.answers(False)
    echo = Echo(4, SystemClock(), network.opener)
    echo._sequence = 0xFFFE
    pings = [echo.send("127.0.0.1", 56) for _ in range(4)]
    assert [ping.sequence for ping in pings] == [0xFFFF, 0, 1, 2]
    echo._sequence = 0xFFFF
    assert echo.send("127.0.0.1", 56).sequence == 3
    echo._waiting.update(dict.fromkeys(range(0xF001), pings[0]))
    with pytest.raises(Failure) as caught:
        echo.send("127.0.0.1", 56)
    assert caught.value.answer.reason == "prober_fault"
    echo._waiting.clear()
    echo.close()
    network.close()


class Unprivileged(FarNetwork):
    """A receive buffer as large as the kernel's default limit allows, 208 KiB, and the kernel doubles that."""

    def opener(self, family: Family) -> tuple[socket.socket, bool]:
        opened, raw = super().opener(family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 212_992)
        return opened, raw


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("network_of", [FarNetwork, Unprivileged])
async def test_5000_in_flight_to_hosts_50_ms_away(raw: bool, network_of: type[FarNetwork]) -> None:
    network = network_of(raw=raw)
    network.behave = lambda seen: [(0.05, seen.reply())]
    async with driver(network) as observe:
        seen = await asyncio.gather(
            *(observe("icmp", f"10.5.{i // 250}.{i % 250 + 1}", 4 * SECOND) for i in range(5000))
        )
    network.close()
    reasons = Counter(each.reason for each in seen)
    # Where the buffer is small and this box is slow, some find no room in it: unknown, never down.
    assert reasons["answered"] + (reasons["prober_fault"] if network_of is Unprivileged else 0) == 5000
    assert min(length for each in seen for _, length in each.phases) >= 50 * MILLISECOND
