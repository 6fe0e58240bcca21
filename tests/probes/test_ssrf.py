"""Nobody makes a probe talk to what it should not, however the address is spelled and whatever brings it in.

Each shape is tried twice, in a network where every address is this machine: once as it is, when not one packet may be
sent beside those to the name server and the front; and, where the address policy refused it, once without that policy,
when the canary must hear of it. So each row would fail if the policy let it through.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from probes.certificates import authority
from probes.driver import PATIENT, Driver
from probes.nameservers import Dns, Query, Say
from probes.shapes import CANARY, FRONT, FRONT_PORT, SITE, Shape, canary, shapes
from slawatch.domain.interval import MILLISECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.probes.policy import AddressPolicy, Service, parse_allowance
from slawatch.probes.probe import Resources
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.nowhere import Nowhere, Packet, Wire

pytestmark = pytest.mark.server("ip")

SHAPES = list(shapes())
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nWelcome"


class Open(AddressPolicy):
    """No policy at all: the control of each shape."""

    def denial(self, text: str, port: int) -> str | None:
        return None


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Nowhere]:
    network = Nowhere.make()
    yield network
    network.close()


@pytest.fixture
def wire(nowhere: Nowhere) -> Iterator[Wire]:
    with nowhere.entered() as wire:
        yield wire


class Listener:
    """Answers every request; counts who came."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers or (OK,)
        self.visits = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            await reader.read(4096)
            writer.write(self.answers[min(self.visits, len(self.answers)) - 1])
            await writer.drain()
        except OSError:
            pass  # the probe went away
        finally:
            writer.close()


class Scene:
    """A front that redirects, a canary on every address, and a name server: all inside."""

    def __init__(self, wire: Wire, front: Listener, names: Dns) -> None:
        self.wire, self.front, self.names = wire, front, names
        self.canary = Listener()

    async def observe(
        self, shape: Shape, policy: AddressPolicy, timeout: int = PATIENT, **options: object
    ) -> Observation:
        clock = SystemClock()
        resolver = Resolver(clock, [self.names.address], hosts_file=Path("/dev/null"))
        if shape.kind == "http":
            listed = list(shape.redirects) if isinstance(shape.redirects, tuple) else shape.redirects
            options = {"redirects": listed, "expect": {"body": "Welcome"}, "proxy": shape.proxy, **options}
        async with Resources(clock, resolver=resolver, policy=policy) as resources:
            return await Driver(resources)(shape.kind, shape.target, timeout, **options)

    def strays(self) -> list[Packet]:
        """What was sent that belongs neither to the name server nor to the front."""
        known = {self.names.address[1], FRONT_PORT}
        return [packet for packet in self.wire.sent() if not known & {packet.port, packet.source_port}]


@asynccontextmanager
async def scene(wire: Wire, *answers: bytes, zone: Mapping[str, Sequence[Sequence[str]]]) -> AsyncIterator[Scene]:
    """``answers`` are the front's, one a visit; ``zone`` has the records of a name, one set a question."""
    names = Dns(_say({"front.example": [[f"A {FRONT}"]], **zone}), None)
    await names.start("127.0.0.1")
    front = Listener(*answers)
    made = Scene(wire, front, names)
    with closing(socket.create_server(("::", CANARY), family=socket.AF_INET6, dualstack_ipv6=True)) as everywhere:
        listening = [
            await asyncio.start_server(front, FRONT, FRONT_PORT),
            await asyncio.start_server(made.canary, sock=everywhere),
        ]
        try:
            yield made
        finally:
            for server in listening:
                server.close()
            names.stop()


def _say(zone: Mapping[str, Sequence[Sequence[str]]]) -> Say:
    asked: dict[tuple[str, str], int] = {}

    def say(query: Query) -> list[bytes]:
        [question] = query.question
        name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        turn = asked[str(name), kind] = asked.get((str(name), kind), 0) + 1
        sets = zone.get(str(name).rstrip("."), [])
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        for record in sets[min(turn, len(sets)) - 1] if sets else ():
            its_kind, value = record.split(" ")
            if its_kind in ("CNAME", kind):
                response.answer.append(dns.rrset.from_text(name, 0, "IN", its_kind, value))
                name = dns.name.from_text(value) if its_kind == "CNAME" else name
        return [response.to_wire(max_size=65535)]

    return say


def redirect(location: str, status: int = 302, more: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\n".encode()
    return head + more + b"Content-Length: 0\r\nConnection: close\r\n\r\n"


def test_there_are_enough_of_them() -> None:
    assert len({str(shape) for shape in SHAPES}) == len(SHAPES) >= 300


@pytest.mark.parametrize("shape", SHAPES, ids=str)
async def test_refused_without_a_packet(wire: Wire, shape: Shape) -> None:
    answers = [redirect(shape.location, shape.status), OK] if shape.location else [OK]
    async with scene(wire, *answers, zone={name: [records] for name, records in shape.dns.items()}) as around:
        if shape.refused == "parser":
            with pytest.raises(ValueError, match=r"."):
                kinds()[shape.kind].target(shape.target)
        else:
            seen = await around.observe(shape, AddressPolicy())
            assert seen.reason == {"front": "answered"}.get(shape.refused, shape.refused)
            assert (seen.verdict is Verdict.VOID) == (shape.refused == "address_denied")
            assert around.front.visits == bool(shape.location) + (shape.refused == "front")
        assert (around.strays(), around.canary.visits) == ([], 0)
        if shape.refused == "address_denied" and shape.reachable:
            around.front.visits = 0
            await around.observe(shape, Open(), 300 * MILLISECOND if shape.kind == "icmp" else PATIENT)
            assert around.strays()
            assert around.canary.visits == (shape.kind in ("http", "tcp", "tls")) or shape.location.startswith("https")


# --- Rebinding, chains, and what else an answer can say ---------------------------------------------------------------

SHOP = Shape("", f"http://shop.example:{FRONT_PORT}/", "front")


async def test_rebinding_has_nothing_to_hook_into(wire: Wire) -> None:
    """A harmless answer for the check, an inner one afterwards, both without a time to live: one probe asks once."""
    async with scene(wire, zone={"shop.example": [[f"A {FRONT}"], ["A 127.0.0.1"]]}) as around:
        seen = await around.observe(SHOP, AddressPolicy())
        assert (seen.verdict, seen.address) == (Verdict.UP, FRONT)
        assert around.names.questions == ["shop.example. A"]
        assert (around.front.visits, around.strays()) == (1, [])


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "0.0.0.0"])
async def test_the_next_probe_checks_anew(wire: Wire, inner: str) -> None:
    """Once harmless is not harmless for ever."""
    clock = SystemClock()
    async with scene(wire, zone={"shop.example": [[f"A {FRONT}"], [f"A {inner}"]]}) as around:
        resolver = Resolver(clock, [around.names.address], hosts_file=Path("/dev/null"))
        async with Resources(clock, resolver=resolver) as resources:
            observe = Driver(resources)
            assert (await observe("http", SHOP.target)).verdict is Verdict.UP
            seen = await observe("http", SHOP.target)
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
        assert seen.detail.startswith(f"{inner}: ")
        assert (around.front.visits, around.strays()) == (1, [])


@pytest.mark.parametrize("location", ["/next", f"http://shop.example:{FRONT_PORT}/", f"//shop.example:{FRONT_PORT}/"])
async def test_a_redirect_to_the_same_name_is_checked_again(wire: Wire, location: str) -> None:
    """The site sends its visitor to itself, and its name server moves meanwhile."""
    async with scene(wire, redirect(location), zone={"shop.example": [[f"A {FRONT}"], ["A 127.0.0.1"]]}) as around:
        seen = await around.observe(Shape("", SHOP.target, "front", redirects="same_host"), AddressPolicy())
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
        assert around.names.questions == ["shop.example. A"] * 2
        assert (around.front.visits, around.strays()) == (1, [])


@pytest.mark.parametrize("length", [1, 2, 3, 4])
async def test_the_end_of_a_chain_of_redirects(wire: Wire, length: int) -> None:
    """Harmless hops first, of all statuses; the last leads within."""
    hops = [redirect(f"/{hop}", (301, 307, 308, 303)[hop]) for hop in range(length)]
    async with scene(wire, *hops, redirect(canary("127.0.0.1")), zone={}) as around:
        seen = await around.observe(Shape("", SITE, "front", redirects=("127.0.0.1",)), AddressPolicy())
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
        assert (around.front.visits, around.strays()) == (length + 1, [])


@pytest.mark.parametrize(
    "header",
    [
        f"Refresh: 0; url=http://127.0.0.1:{CANARY}/",
        f"Content-Location: http://127.0.0.1:{CANARY}/",
        f'Link: <http://127.0.0.1:{CANARY}/>; rel="preload"',
        f'Alt-Svc: http/1.1="127.0.0.1:{CANARY}"; persist=1',
        f"Location: http://127.0.0.1:{CANARY}/",
        f"URI: http://127.0.0.1:{CANARY}/",
        f'Report-To: {{"endpoints": [{{"url": "http://127.0.0.1:{CANARY}/"}}]}}',
        f"X-Accel-Redirect: http://127.0.0.1:{CANARY}/",
    ],
    ids=lambda header: header.partition(":")[0],
)
@pytest.mark.parametrize("status", [200, 201])
async def test_what_is_no_redirect_leads_nowhere(wire: Wire, header: str, status: int) -> None:
    page = f'<meta http-equiv="refresh" content="0; url=http://127.0.0.1:{CANARY}/">Welcome'.encode()
    answer = f"HTTP/1.1 {status} OK\r\n{header}\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page
    async with scene(wire, answer, zone={}) as around:
        seen = await around.observe(Shape("", SITE, "front", redirects=("127.0.0.1",)), AddressPolicy())
        assert seen.verdict is Verdict.UP
        assert (around.front.visits, around.strays()) == (1, [])


@pytest.mark.parametrize("location", [canary("127.0.0.1"), canary("169.254.169.254", "https"), "//127.0.0.1/"])
async def test_two_locations_are_no_way_around(wire: Wire, location: str) -> None:
    """Whichever of them counts: it is checked like any other."""
    async with scene(wire, redirect(location, more=f"Location: {SITE}/\r\n".encode()), OK, zone={}) as around:
        listed = ("127.0.0.1", "169.254.169.254")
        await around.observe(Shape("", SITE, "front", redirects=listed), AddressPolicy())
        assert (around.strays(), around.canary.visits) == ([], 0)


async def test_from_https_to_http_within(wire: Wire, tmp_path: Path) -> None:
    """Refused for the step down alone, before anything is resolved; and by the gate where it stays with https."""
    root = authority(tmp_path)
    for scheme, reason in (("http", "redirect_refused"), ("https", "address_denied")):
        async with scene(wire, zone={}) as around:
            secure = Listener(redirect(canary("127.0.0.1", scheme)))
            server = await asyncio.start_server(secure, FRONT, 443, ssl=root.server("front.example"))
            seen = await around.observe(
                Shape("", "https://front.example/", "front", redirects=("127.0.0.1",)),
                AddressPolicy(),
                tls={"ca": root.path},
            )
            server.close()
            assert seen.reason == reason
            assert (secure.visits, around.canary.visits) == (1, 0)
            assert not [packet for packet in around.strays() if CANARY in (packet.port, packet.source_port)]


# --- Our own ports, and what may pass ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.7.7.7", "::1", "::ffff:127.0.0.1", "localhost", "192.0.2.77"])
@pytest.mark.parametrize("kind", ["http", "tcp"])
async def test_the_daemons_own_port_on_every_address_of_this_machine(wire: Wire, kind: str, host: str) -> None:
    """Loopback is allowed as a whole, and every address of this network is this machine's."""
    allow = [parse_allowance("127.0.0.0/8"), parse_allowance("::1")]
    target = canary(host).removeprefix("http://" if kind == "tcp" else "").removesuffix("/")
    async with scene(wire, zone={}) as around:
        own = AddressPolicy(allow, [Service("slawatch's own port", None, CANARY)])
        seen = await around.observe(Shape("", target, "address_denied", kind), own)
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
        assert seen.detail.endswith(": slawatch's own port")
        assert (around.strays(), around.canary.visits) == ([], 0)
        other = AddressPolicy(allow, [Service("slawatch's own port", None, CANARY + 1)])
        assert (await around.observe(Shape("", target, "front", kind), other)).verdict is Verdict.UP
        assert around.canary.visits == 1


@pytest.mark.parametrize(
    ("entry", "target", "location"),
    [
        ("127.0.0.1", canary("127.0.0.1"), ""),
        (f"127.0.0.1:{CANARY}", canary("127.0.0.1"), ""),
        ("127.0.0.0/8", canary("127.9.9.9"), ""),
        ("127.0.0.0/8", canary("shop.example"), ""),
        ("127.0.0.0/8", canary("::ffff:127.0.0.1"), ""),
        ("::1", canary("::1"), ""),
        ("169.254.10.0/24", canary("169.254.10.3"), ""),
        ("169.254.169.254", canary("169.254.169.254"), ""),
        ("127.0.0.1", SITE, canary("127.0.0.1")),
    ],
)
async def test_what_is_allowed_goes_through(wire: Wire, entry: str, target: str, location: str) -> None:
    answers = [redirect(location)] if location else []
    async with scene(wire, *answers, zone={"shop.example": [["A 127.0.0.1"]]}) as around:
        shape = Shape("", target, "front", redirects=("127.0.0.1",))
        seen = await around.observe(shape, AddressPolicy([parse_allowance(entry)]))
        assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
        assert around.canary.visits == 1


@pytest.mark.parametrize("target", [canary("192.0.2.77"), canary("10.1.2.3"), canary("fd00::3"), canary("2001:db8::3")])
async def test_what_needs_no_entry_goes_through(wire: Wire, target: str) -> None:
    async with scene(wire, zone={}) as around:
        assert (await around.observe(Shape("", target, "front"), AddressPolicy())).verdict is Verdict.UP
        assert around.canary.visits == 1


async def test_the_network_of_these_tests_is_closed(wire: Wire) -> None:
    """What is sent here arrives here: a listener on every address hears a documentation address called."""
    assert socket.if_nameindex() == [(1, "lo")]
    async with scene(wire, zone={}) as around:
        reader, writer = await asyncio.open_connection("203.0.113.99", CANARY)
        writer.write(b"x")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert around.canary.visits == 1
        assert {packet.address for packet in around.strays()} == {"203.0.113.99"}
