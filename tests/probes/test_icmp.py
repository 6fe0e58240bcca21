"""The kind `icmp` with real sockets, on loopback and in a network of its own. Needs root."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes.driver import HASTY, Driver
from probes.quiet_network import QuietNetwork
from probes.scene import Scene, needs_root
from probes.servers import Servers
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import Failure
from slawatch.probes.echo import Echo, Ping, checksum
from slawatch.probes.echo_socket import icmp_rights, open_socket
from slawatch.probes.kinds.icmp import Options, target
from slawatch.probes.options import Family
from slawatch.probes.probe import Resources
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.clock import FakeClock
from support.gate import loopback_allowed

pytestmark = needs_root


@pytest.fixture
def quiet() -> Iterator[QuietNetwork]:
    network = QuietNetwork()
    yield network
    network.close()


@asynccontextmanager
async def driver(network: QuietNetwork) -> AsyncIterator[Driver]:
    clock = SystemClock()
    resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
    policy = loopback_allowed()
    async with Resources(clock, resolver=resolver, policy=policy, icmp_opener=network.opener) as resources:
        yield Driver(resources)


@pytest.mark.parametrize("host", ["127.0.0.1", "icmp://127.0.0.1", "::1", "localhost", "127.9.8.7"])
async def test_a_host_that_answers(observe: Driver, host: str) -> None:
    seen = await observe("icmp", host)
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.UP, "answered", "")
    assert seen.phases[-1][0] == "rtt"


@pytest.mark.parametrize("size", [16, 17, 56, 1473, 9000])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_every_size_of_payload(observe: Driver, host: str, size: int) -> None:
    assert (await observe("icmp", host, size=size)).verdict is Verdict.UP


async def test_a_host_that_keeps_silent(quiet: QuietNetwork) -> None:
    async with driver(quiet) as observe:
        seen = await observe("icmp", "127.0.0.1", HASTY)
        assert (seen.verdict, seen.reason) == (Verdict.DOWN, "timeout")
        assert seen.detail == "not done within 80ms; last phase: rtt"
        quiet.answers(True)
        assert (await observe("icmp", "127.0.0.1")).verdict is Verdict.UP


async def test_datagram_sockets_where_the_sysctl_allows_them() -> None:
    network = QuietNetwork(ping_groups="0 2147483647")
    network.answers(True)
    async with driver(network) as observe:
        opened, raw = network.opener(4)
        opened.close()
        assert not raw
        seen = [await observe("icmp", host, size=size) for host in ("127.0.0.1", "::1") for size in (16, 57)]
    network.close()
    assert [each.verdict for each in seen] == [Verdict.UP] * 4


async def test_5000_in_flight_on_one_socket(resources: Resources, observe: Driver) -> None:
    seen = await asyncio.gather(*(observe("icmp", f"127.0.{i // 250}.{i % 250 + 1}") for i in range(5000)))
    assert {each.reason for each in seen} == {"answered"}


async def test_an_address_without_a_route_is_unreachable(quiet: QuietNetwork) -> None:
    async with driver(quiet) as observe:
        seen = await observe("icmp", "192.0.2.77")
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "unreachable", "Network is unreachable")


async def test_where_no_socket_is_permitted() -> None:
    """S11: a right that this process lacks says nothing of the endpoint."""

    def forbidden(family: Family, raw: bool) -> socket.socket:
        raise PermissionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slawatch.probes.echo_socket._open", forbidden)
        clock = SystemClock()
        resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
        async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
            seen = await Driver(resources)("icmp", "127.0.0.1")
        assert "CAP_NET_RAW" in icmp_rights()
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "not_permitted", Cause.PROBER_FAULT)
    assert "CAP_NET_RAW" in seen.detail
    assert "net.ipv4.ping_group_range" in seen.detail


def test_the_rights_that_there_are() -> None:
    assert icmp_rights() in ("raw sockets (CAP_NET_RAW)", "datagram sockets (net.ipv4.ping_group_range)")


async def test_slow_is_degraded(observe: Driver) -> None:
    seen = await observe("icmp", "127.0.0.1", slow="1us")
    assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "slow")


async def test_one_socket_for_all_and_none_after(observe: Driver, resources: Resources) -> None:
    await asyncio.gather(*(observe("icmp", "127.0.0.1") for _ in range(20)))
    assert resources.echo(4) is resources.echo(4)
    await resources.__aexit__(None, None, None)


@pytest.mark.parametrize("options", [{"size": 15}, {"size": 9001}, {"size": "56"}, {"size": True}])
def test_sizes_that_are_none(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="size"):
        Options.model_validate(options)


@pytest.mark.parametrize("text", ["", "a b", "host:80", "fe80::1%eth0", "http://host", "300.1.1.1", "0x7f000001"])
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|contains|zone|decimal"):
        target(text)


@pytest.mark.parametrize(
    ("packet", "sum_"),
    [
        (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),  # RFC 1071 section 3: the sum is ddf2, this its complement
        (b"\x08\x00\x00\x00\x00\x01\x00\x01a", 0x96FD),  # an odd length: 0800 + 0001 + 0001 + 6100 = 6902
    ],
)
def test_the_checksum(packet: bytes, sum_: int) -> None:
    assert checksum(packet) == sum_


# What the socket gives to us, by hand: replies and errors that are ours, and those that are not.


class Flight:
    """One ping in flight on an `Echo` whose packets the test writes itself."""

    def __init__(self, echo: Echo, task: asyncio.Task[int], request: bytes, family: Family) -> None:
        self.echo, self.task, self.request, self.family = echo, task, request, family

    def receive(self, icmp: bytes, source: str) -> None:
        header = b"\x45" + bytes(19) if self.family == 4 else b""
        self.echo.receive(memoryview(header + icmp), source)

    def reply(self, **changed: bytes) -> bytes:
        kind = b"\x00" if self.family == 4 else b"\x81"
        parts = {"kind": kind, "code": b"\0", "sum": b"\0\0", "id": self.request[4:6], "seq": self.request[6:8]}
        parts["payload"] = self.request[8:]
        return b"".join((parts | changed).values())

    def error(self, kind: int, destination: str, quoted: int = 64, **changed: bytes) -> bytes:
        domain = socket.AF_INET if self.family == 4 else socket.AF_INET6
        address = socket.inet_pton(domain, destination)
        parts = {"head": self.request[:4], "id": self.request[4:6], "seq": self.request[6:8], "rest": self.request[8:]}
        inner = b"".join((parts | changed).values())[:quoted]
        header = b"\x45" + bytes(15) + address if self.family == 4 else bytes(24) + address
        return struct.pack("!BBHHH", kind, 1, 0, 0, 0) + header + inner


@asynccontextmanager
async def in_flight(family: Family, clock: FakeClock) -> AsyncIterator[Flight]:
    sent: list[bytes] = []
    network = QuietNetwork()
    echo = Echo(family, clock, network.opener)

    def leaves(ping: Ping, packet: bytes, now: int) -> bool:
        sent.append(packet)
        ping.sent = now
        return True

    echo._leaves = leaves  # type: ignore[method-assign]
    task = asyncio.create_task(echo.ping("192.0.2.9" if family == 4 else "2001:db8::9", 56))
    await asyncio.sleep(0)
    yield Flight(echo, task, sent[0], family)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    echo.close()
    network.close()


SOURCE: dict[Family, str] = {4: "192.0.2.9", 6: "2001:db8::9"}
OTHER: dict[Family, str] = {4: "192.0.2.8", 6: "2001:db8::8"}


@pytest.mark.parametrize("family", [4, 6])
async def test_the_round_trip_is_measured(family: Family) -> None:
    clock = FakeClock()
    async with in_flight(family, clock) as flight:
        clock.advance(12_345)
        flight.receive(flight.reply(), SOURCE[family])
        assert await flight.task == 12_345


@pytest.mark.parametrize("family", [4, 6])
async def test_a_stray_reply_never_counts(family: Family) -> None:
    """Another process with our identifier and sequence, another host, another sequence, a stump."""
    async with in_flight(family, FakeClock()) as flight:
        flight.receive(flight.reply(payload=bytes(56)), SOURCE[family])
        flight.receive(flight.reply(), OTHER[family])
        flight.receive(flight.reply(seq=bytes([flight.request[6] ^ 1, flight.request[7]])), SOURCE[family])
        flight.receive(flight.reply()[:20], SOURCE[family])
        flight.receive(flight.reply(kind=flight.request[:1]), SOURCE[family])
        flight.receive(b"", SOURCE[family])
        flight.echo.receive(memoryview(b"\x45"), SOURCE[family])
        await asyncio.sleep(0)
        assert not flight.task.done()
        flight.receive(flight.reply(), SOURCE[family])
        flight.receive(flight.reply(), SOURCE[family])  # a duplicate changes nothing
        assert await flight.task == 0


@pytest.mark.parametrize("family", [4, 6])
async def test_a_reply_may_be_shorter_but_never_different(family: Family) -> None:
    """Some hosts send the beginning of large payloads back; a spoiled one is no answer."""
    async with in_flight(family, FakeClock()) as flight:
        payload = flight.request[8:]
        for wrong in (payload[:-1] + b"x", payload + b"x", payload[:15], payload[:16] + b"x"):
            flight.receive(flight.reply(payload=wrong), SOURCE[family])
        await asyncio.sleep(0)
        assert not flight.task.done()
        flight.receive(flight.reply(payload=payload[:16]), SOURCE[family])
        assert await flight.task == 0


@pytest.mark.parametrize(
    ("family", "kind", "words"),
    [
        (4, 3, "destination unreachable"),
        (4, 11, "time to live exceeded"),
        (6, 1, "destination unreachable"),
        (6, 2, "packet too big"),
        (6, 3, "hop limit exceeded"),
    ],
)
@pytest.mark.parametrize("quoted", [8, 20, 64])
async def test_a_router_says_unreachable(family: Family, kind: int, words: str, quoted: int) -> None:
    async with in_flight(family, FakeClock()) as flight:
        flight.receive(flight.error(kind, SOURCE[family], quoted), OTHER[family])
        with pytest.raises(Failure) as caught:
            await flight.task
        assert caught.value.answer.reason == "unreachable"
        assert caught.value.answer.detail == f"{OTHER[family]}: {words}"


@pytest.mark.parametrize("family", [4, 6])
async def test_an_error_about_something_else_is_passed_over(family: Family) -> None:
    kind = 3 if family == 4 else 1
    async with in_flight(family, FakeClock()) as flight:
        for error in (
            flight.error(kind, OTHER[family]),
            flight.error(kind, SOURCE[family], rest=bytes(56)),
            flight.error(kind, SOURCE[family], id=bytes([flight.request[4] ^ 1, 0])),
            flight.error(kind, SOURCE[family], seq=bytes([flight.request[6] ^ 1, 0])),
            flight.error(kind, SOURCE[family], head=b"\0\0\0\0"),
            flight.error(kind, SOURCE[family], quoted=7),
            flight.error(kind, SOURCE[family])[:8],
            flight.error(99, SOURCE[family]),
        ):
            flight.receive(error, OTHER[family])
        await asyncio.sleep(0)
        assert not flight.task.done()


@pytest.mark.parametrize("family", [4, 6])
async def test_no_packet_whatever_it_holds_does_any_harm(family: Family) -> None:
    async with in_flight(family, FakeClock()) as flight:
        kinds = [0, 3, 11, 12] if family == 4 else [1, 2, 3, 4, 129]

        @given(st.sampled_from(kinds), st.binary(max_size=120), st.booleans())
        def check(kind: int, rest: bytes, with_header: bool) -> None:
            packet = bytes([kind]) + rest
            if with_header:
                flight.receive(packet, SOURCE[family])
            else:
                flight.echo.receive(memoryview(rest), SOURCE[family])

        check()
        assert not flight.task.done()


async def test_the_kernel_hands_over_only_replies_and_errors() -> None:
    """ICMP_FILTER and ICMP6_FILTER: on loopback a raw socket would see every request too."""
    for family, host in ((4, "127.0.0.1"), (6, "::1")):
        opened, raw = open_socket(family)  # type: ignore[arg-type]
        if not raw:
            opened.close()
            continue
        request = struct.pack("!BBHHH", 8 if family == 4 else 128, 0, 0, 77, 1) + b"abcdefgh"
        summed = request[:2] + checksum(request).to_bytes(2, "big") + request[4:]
        opened.sendto(summed if family == 4 else request, (host, 0))
        heard = []
        while True:
            try:
                packet = opened.recv(200)
            except BlockingIOError:
                break
            heard.append(packet[20 if family == 4 else 0])
        opened.close()
        assert set(heard) <= ({0, 3, 11, 12} if family == 4 else {129, 1, 2, 3, 4})
        assert heard


class QuietScene(Scene):
    """Pings inside a network of its own, where hosts can be told to keep silent."""

    @asynccontextmanager
    async def resources(self, silent: bool) -> AsyncIterator[Resources]:
        network = QuietNetwork()
        network.answers(not silent)
        async with driver(network) as made:
            yield made.resources
        network.close()


async def _host(servers: Servers) -> str:
    return "127.0.0.1"


SCENE = QuietScene(good=_host, silent=_host, root=True)
