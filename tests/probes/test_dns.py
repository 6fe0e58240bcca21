"""The kind `dns` against name servers on loopback, and against Knot."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes.driver import HASTY, Driver
from probes.nameservers import Dns, Farm, Query, Say, answers, broken, code, cut, forged_then, silent
from probes.scene import Scene
from probes.servers import Servers, endless
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.dns_exchange import parsed
from slawatch.probes.kinds.dns import MOST_STRAY, Options, target
from support.servers import Knot


def at(server: Dns, name: str = "host.example") -> str:
    return f"127.0.0.1:{server.address[1]}/{name}"


async def test_a_server_that_answers(observe: Driver, dns_server: Farm) -> None:
    server = await dns_server(answers("A 192.0.2.1"))
    seen = await observe("dns", f"dns://{at(server)}")
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.UP, "answered", "")
    assert [name for name, _ in seen.phases] == ["answer"]
    assert server.questions == ["host.example. A"]


async def test_a_server_by_name(observe: Driver, dns_server: Farm) -> None:
    """The server's name is ours to resolve; the name that it is asked for never is."""
    server = await dns_server(answers("A 192.0.2.1"))
    seen = await observe("dns", f"localhost:{server.address[1]}/host.example")
    assert (seen.verdict, [name for name, _ in seen.phases]) == (Verdict.UP, ["resolve", "answer"])
    seen = await observe("dns", "ns.example/host.example")
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "resolver_lost")
    assert seen.detail.startswith("ns.example")


RECORDS: list[tuple[str, str, str]] = [
    ("A", "192.0.2.1", "192.0.2.1"),
    ("AAAA", "2001:db8::1", "2001:DB8:0::1"),
    ("CAA", '0 issue "ca.example"', "0 issue ca.example"),
    ("CNAME", "other.example.", "Other.Example"),
    ("MX", "10 mail.example.", "10 MAIL.example"),
    ("NS", "ns1.example.", "ns1.example"),
    ("PTR", "host.example.", "host.example"),
    ("SOA", "ns1.example. admin.example. 1 3600 600 86400 60", "ns1.example admin.example 1 1h 10m 1d 60"),
    ("SRV", "10 5 5060 sip.example.", "10 5 5060 sip.example"),
    ("TXT", '"v=spf1 " "-all"', "v=spf1 -all"),
]


def zone(kind: str, *values: str) -> Say:
    """Whatever is asked, these records are the answer."""

    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *values))
        return [response.to_wire(max_size=65535)]

    return say


@pytest.mark.parametrize(("kind", "record", "text"), RECORDS)
async def test_records_are_compared_by_meaning(
    observe: Driver, dns_server: Farm, kind: str, record: str, text: str
) -> None:
    server = await dns_server(zone(kind, record))
    seen = await observe("dns", at(server), type=kind, expect={"answers": [text]})
    assert (seen.verdict, seen.detail) == (Verdict.UP, "")
    assert server.questions == [f"host.example. {kind}"]


MAIL = ("10 a.example.", "20 b.example.")


@pytest.mark.parametrize(
    ("expect", "reason", "detail"),
    [
        ({}, "answered", ""),
        ({"answers": ["20 b.example", "10 a.example"]}, "answered", ""),
        ({"contains": ["20 b.example"]}, "answered", ""),
        ({"answers": ["10 a.example"]}, "answers", "20 b.example. is in it"),
        ({"answers": ["10 a.example"], "contains": ["20 b.example"]}, "answered", ""),
        ({"contains": ["30 c.example"]}, "answers", "30 c.example. is not in it"),
        ({"answers": ["10 a.example", "20 b.example", "5 c.example"]}, "answers", "5 c.example. is not in it"),
        ({"answers": []}, "answers", "10 a.example. is in it"),
        ({"rcode": "NXDOMAIN"}, "rcode", "NOERROR, expected NXDOMAIN"),
    ],
)
async def test_what_is_expected(
    observe: Driver, dns_server: Farm, expect: dict[str, Any], reason: str, detail: str
) -> None:
    seen = await observe("dns", at(await dns_server(zone("MX", *MAIL))), type="MX", expect=expect)
    assert (seen.reason, seen.detail) == (reason, detail)
    assert seen.verdict is (Verdict.DOWN if detail else Verdict.UP)


@pytest.mark.parametrize(
    ("rcode", "reason"),
    [
        (dns.rcode.NXDOMAIN, "nxdomain"),
        (dns.rcode.SERVFAIL, "servfail"),
        (dns.rcode.REFUSED, "query_refused"),
        (dns.rcode.NOTIMP, "rcode"),
    ],
)
async def test_response_codes(observe: Driver, dns_server: Farm, rcode: dns.rcode.Rcode, reason: str) -> None:
    """The server is the target here: what it says of the name is its own failure, never that of our resolver."""
    server = await dns_server(code(rcode))
    word = dns.rcode.to_text(rcode)
    seen = await observe("dns", at(server))
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.DOWN, reason, None)
    assert seen.detail == f"{word}, expected NOERROR"
    assert (await observe("dns", at(server), expect={"rcode": word})).verdict is Verdict.UP


async def test_an_empty_answer(observe: Driver, dns_server: Farm) -> None:
    server = await dns_server(code(dns.rcode.NOERROR))
    seen = await observe("dns", at(server), type="AAAA", expect={"contains": ["::1"]})
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "no_record", "no AAAA record")
    assert (await observe("dns", at(server), expect={"answers": []})).verdict is Verdict.UP


async def test_aliases_are_followed_to_their_end(observe: Driver, dns_server: Farm) -> None:
    there = await dns_server(answers("CNAME other.example.", "A 192.0.2.1"))
    assert (await observe("dns", at(there), expect={"answers": ["192.0.2.1"]})).verdict is Verdict.UP
    nowhere = await dns_server(answers("CNAME other.example."))
    assert (await observe("dns", at(nowhere))).reason == "no_record"
    circle = await dns_server(answers("CNAME host.example."))
    assert (await observe("dns", at(circle))).reason == "no_record"


def flagged(*flags: dns.flags.Flag, only_if_asked: bool = False) -> Say:
    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
        if not only_if_asked or (query.flags & dns.flags.AD and query.ednsflags & dns.flags.DO):
            response.flags |= sum(flags)
        return [response.to_wire()]

    return say


async def test_authority(observe: Driver, dns_server: Farm) -> None:
    server = await dns_server(flagged())
    seen = await observe("dns", at(server), authoritative=True)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "not_authoritative")
    assert (await observe("dns", at(server))).verdict is Verdict.UP
    server = await dns_server(flagged(dns.flags.AA))
    assert (await observe("dns", at(server), authoritative=True)).verdict is Verdict.UP


async def test_validation_is_asked_for_and_seen(observe: Driver, dns_server: Farm) -> None:
    server = await dns_server(flagged())
    seen = await observe("dns", at(server), dnssec=True)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "not_validated")
    server = await dns_server(flagged(dns.flags.AD, only_if_asked=True))
    assert (await observe("dns", at(server), dnssec=True)).verdict is Verdict.UP


def signed(*dates: tuple[int, int], covers: str = "A", owner: str = "") -> Say:
    """An address with signatures that begin and end so many seconds from now."""

    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        name = query.question[0].name
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
        now = int(time.time())
        for start, end in dates if query.ednsflags & dns.flags.DO else ():
            text = f"{covers} 13 2 60 {now + end} {now + start} 1 example. AAAA"
            response.answer.append(dns.rrset.from_text(owner or name, 60, "IN", "RRSIG", text))
        return [response.to_wire()]

    return say


HOUR = 3600


@pytest.mark.parametrize(
    ("say", "detail"),
    [
        (signed((-HOUR, HOUR)), ""),
        (signed((-2 * HOUR, -HOUR), (-HOUR, HOUR)), ""),
        (signed(), "A of host.example. has no signature"),
        (signed((-HOUR, HOUR), covers="MX"), "A of host.example. has no signature"),
        (signed((-HOUR, HOUR), owner="other.example."), "A of host.example. has no signature"),
        (signed((-2 * HOUR, -HOUR)), "the signature of A of host.example. expired"),
        (signed((HOUR, 2 * HOUR)), "the signature of A of host.example. is not valid yet"),
    ],
)
async def test_signatures(observe: Driver, dns_server: Farm, say: Say, detail: str) -> None:
    seen = await observe("dns", at(await dns_server(say)), signed=True)
    assert (seen.reason, seen.detail) == ("unsigned" if detail else "answered", detail)


async def test_recursion_is_asked_for_unless_it_is_not_wanted(observe: Driver, dns_server: Farm) -> None:
    def only_with(flag: bool) -> Say:
        return lambda query: (
            answers("A 192.0.2.1")(query)
            if bool(query.flags & dns.flags.RD) is flag
            else code(dns.rcode.REFUSED)(query)
        )

    server = await dns_server(only_with(False))
    assert (await observe("dns", at(server))).reason == "query_refused"
    assert (await observe("dns", at(server), recursion=False)).verdict is Verdict.UP
    assert (await observe("dns", at(await dns_server(only_with(True))))).verdict is Verdict.UP


@pytest.mark.parametrize(
    ("over_tcp", "reason", "detail"),
    [
        (answers("A 192.0.2.1"), "answered", ""),
        (None, "refused", "Connection refused"),
        (silent, "incomplete", "over TCP"),
        (broken, "malformed", "over TCP"),
    ],
)
async def test_tcp_from_the_start(
    observe: Driver, dns_server: Farm, over_tcp: Say | None, reason: str, detail: str
) -> None:
    server = await dns_server(code(dns.rcode.SERVFAIL), over_tcp)
    seen = await observe("dns", at(server), transport="tcp")
    assert (seen.reason, seen.detail, [name for name, _ in seen.phases]) == (reason, detail, ["tcp"])
    assert server.questions == []


async def test_a_cut_answer_is_asked_for_again_over_tcp(observe: Driver, dns_server: Farm) -> None:
    server = await dns_server(cut, answers("A 192.0.2.1"))
    seen = await observe("dns", at(server), expect={"answers": ["192.0.2.1"]})
    assert (seen.verdict, [name for name, _ in seen.phases]) == (Verdict.UP, ["answer", "tcp"])
    assert server.tcp_questions == 1


def other(query: Query) -> list[bytes]:
    """An answer with another number."""
    response = dns.message.make_response(query)
    response.id ^= 1
    return [response.to_wire()]


def beside(query: Query) -> list[bytes]:
    """An answer to a question that nobody asked, under the right number."""
    response = dns.message.make_response(dns.message.make_query("other.example", "A"))
    response.id = query.id
    return [response.to_wire()]


@pytest.mark.parametrize(
    ("over_tcp", "reason"),
    [(None, "refused"), (silent, "incomplete"), (broken, "malformed"), (other, "wrong_question")],
)
async def test_a_cut_answer_without_tcp(observe: Driver, dns_server: Farm, over_tcp: Say | None, reason: str) -> None:
    seen = await observe("dns", at(await dns_server(cut, over_tcp)))
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)


async def test_what_answers_something_else_is_passed_over(observe: Driver, dns_server: Farm) -> None:
    """Anybody can forge a datagram, and nobody must be able to make downtime of it, or uptime."""
    server = await dns_server(forged_then(answers("A 192.0.2.1")))
    assert (await observe("dns", at(server), expect={"answers": ["192.0.2.1"]})).verdict is Verdict.UP


@pytest.mark.parametrize(
    ("say", "reason"),
    [(other, "wrong_question"), (beside, "wrong_question"), (broken, "malformed"), (silent, "timeout")],
)
async def test_no_answer_to_the_question(observe: Driver, dns_server: Farm, say: Say, reason: str) -> None:
    seen = await observe("dns", at(await dns_server(say)), HASTY * 4)
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.DOWN, reason, None)
    assert HASTY * 3 <= seen.duration < 20 * HASTY


async def test_a_storm_of_strays_ends_the_probe(observe: Driver, dns_server: Farm) -> None:
    seen = await observe("dns", at(await dns_server(lambda query: other(query) * (MOST_STRAY + 9))))
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "wrong_question")
    assert seen.detail == f"{MOST_STRAY} datagrams, none of them an answer to the question"


async def test_a_port_on_which_nothing_listens(observe: Driver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.connect(("127.0.0.1", 9))  # connected elsewhere, it takes nothing of ours, and nobody else can have it
        seen = await observe("dns", f"127.0.0.1:{held.getsockname()[1]}/host.example")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "refused")


async def test_addresses_that_are_never_talked_to(observe: Driver) -> None:
    seen = await observe("dns", "169.254.169.254/host.example")
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "address_denied", Cause.PROBER_FAULT)


async def test_slow(observe: Driver, dns_server: Farm) -> None:
    seen = await observe("dns", at(await dns_server(answers("A 192.0.2.1"))), slow="1us")
    assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "slow")


@given(st.binary(max_size=300))
def test_no_datagram_is_a_defect_of_ours(wire: bytes) -> None:
    """A header of a true answer first, so that what follows is looked at."""
    query = dns.message.make_query("host.example", "A", id=7)
    for datagram in (wire, b"\x00\x07\x84\x00\x00\x01\x00\x01\x00\x00\x00\x01" + wire):
        response = parsed(datagram)
        assert response is None or query.is_response(response) in (True, False)


ZONE = """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns A 127.0.0.1
mail A 127.0.0.1
www CNAME mail
long TXT "{long}" "{long}" "{long}" "{long}" "{long}" "{long}"
""".format(long="x" * 250)


async def test_a_real_server(observe: Driver, knot: Callable[[str], Knot]) -> None:
    """Knot, with the authority over a zone that it signs."""
    server = await asyncio.to_thread(knot, ZONE)
    there = f"127.0.0.1:{server.port}"
    mail = {"answers": ["10 mail.acme.test"]}
    table: list[tuple[str, dict[str, Any], str]] = [
        ("acme.test", {"type": "MX", "expect": mail, "authoritative": True}, "answered"),
        ("acme.test", {"type": "TXT", "expect": {"answers": ["v=spf1 mx -all"]}}, "answered"),
        ("www.acme.test", {"expect": {"answers": ["127.0.0.1"]}}, "answered"),
        ("www.acme.test", {"type": "CNAME", "expect": {"contains": ["mail.acme.test"]}}, "answered"),
        ("long.acme.test", {"type": "TXT", "expect": {"answers": ["x" * 1500]}}, "answered"),
        ("none.acme.test", {}, "nxdomain"),
        ("none.acme.test", {"expect": {"rcode": "NXDOMAIN"}, "authoritative": True}, "answered"),
        ("mail.acme.test", {"type": "AAAA"}, "no_record"),
        ("other.test", {}, "query_refused"),
        ("acme.test", {"type": "SOA", "dnssec": True}, "not_validated"),  # an authority signs, a resolver validates
        ("acme.test", {"type": "MX", "expect": mail, "signed": True}, "answered"),
        ("www.acme.test", {"signed": True, "recursion": False}, "answered"),
    ]
    for name, options, reason in table:
        seen = await observe("dns", f"{there}/{name}", **options)
        assert (name, seen.reason) == (name, reason)
        assert ("tcp" in dict(seen.phases)) == (name == "long.acme.test")
    seen = await observe("dns", f"{there}/www.acme.test", transport="tcp", signed=True)
    assert (seen.reason, [name for name, _ in seen.phases]) == ("answered", ["tcp"])
    await server.async_stop()
    assert (await observe("dns", f"{there}/acme.test")).reason == "refused"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": "ANY"}, "type"),
        ({"expect": {"answers": ["mail.example"]}, "type": "MX"}, "expected one like 10 mail.example"),
        ({"expect": {"contains": ["host.example"]}}, "expected one like 192.0.2.1"),
        ({"expect": {"contains": []}}, "contains"),
        ({"expect": {"rcode": "FINE"}}, "rcode"),
        ({"expect": {"rcode": "NXDOMAIN", "answers": ["192.0.2.1"]}}, "holds no records"),
    ],
)
def test_options_that_are_none(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Options.model_validate(options)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.53",
        "192.0.2.53/",
        "/host.example",
        "192.0.2.53/host.example?type=MX",
        "2001:db8::53/host.example",
        "192.0.2.53/a..b",
        "192.0.2.53/" + "a" * 64,
        "192.0.2.53/" + "a." * 127 + "aa",
        "192.0.2.53:0/host.example",
        "192.0.2.53/back\\slash",
        "192.0.2.53/☃..example",
    ],
)
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|question mark|ambiguous"):
        target(text)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("192.0.2.53/Host.Example", "192.0.2.53/host.example."),
        ("dns://[2001:DB8::53]:53/host.example.", "[2001:db8::53]/host.example."),
        ("ns1.example:5353/_dmarc.bücher.example", "ns1.example:5353/_dmarc.xn--bcher-kva.example."),
        ("192.0.2.53/.", "192.0.2.53/."),
        ("192.0.2.53/1.0/25.2.0.192.in-addr.arpa", "192.0.2.53/1.0/25.2.0.192.in-addr.arpa."),
        ("192.0.2.53/192.0.2.1", "192.0.2.53/1.2.0.192.in-addr.arpa."),
    ],
)
def test_targets(text: str, whole: str) -> None:
    assert str(target(text)) == whole
    assert target(whole) == target(text)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, say: Say) -> None:
        self._say = say
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        assert isinstance(query, Query)
        assert self.transport is not None
        for wire in self._say(query):
            self.transport.sendto(wire, peer)


async def _answering(servers: Servers, say: Say) -> int:
    """A port that answers over UDP until the test ends, and without end over TCP."""
    udp = _Udp(say)
    while udp.transport is None:
        port = await servers.start(endless(b"", b"x" * 4096, servers.sent))
        with suppress(OSError):  # somebody has this port for UDP: another one
            udp.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: udp, ("127.0.0.1", port)
            )
    servers.also(udp.transport.close)
    return port


async def _good(servers: Servers) -> str:
    return f"127.0.0.1:{await _answering(servers, answers('A 192.0.2.1'))}/host.example"


async def _silent(servers: Servers) -> str:
    return f"127.0.0.1:{await _answering(servers, silent)}/host.example"


async def _flood(servers: Servers) -> str:
    return f"127.0.0.1:{await _answering(servers, cut)}/host.example"


SCENE = Scene(good=_good, silent=_silent, flood=_flood)
