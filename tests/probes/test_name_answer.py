"""What a reply proves about a name."""

from __future__ import annotations

from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.probes.dns_exchange import parsed
from slawatch.probes.name_answer import Known, Missing, Reply, Useless, read_reply

SOA = "SOA ns.example. admin.example. 1 3600 600 86400 60"
NO_WORD = Useless("NXDOMAIN without the zone's word for it (SOA)")
NOTHING = Useless("neither an address nor the zone's word that there is none")
GONE = Missing("host.shop.example does not exist")
NONE = Known([], 0)


def reply(code: str, flags: str, answer: list[str], authority: list[str]) -> Reply:
    response = dns.message.make_response(dns.message.make_query("host.shop.example", "A"))
    response.set_rcode(dns.rcode.from_text(code))
    response.flags |= dns.flags.from_text(flags)
    for section, lines in ((response.answer, answer), (response.authority, authority)):
        for line in lines:
            name, ttl, kind, value = line.split(" ", 3)
            section.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
    return read_reply(dns.message.from_wire(response.to_wire()))


HERE = "host.shop.example. 60 A 192.0.2.1"


@pytest.mark.parametrize(
    ("code", "flags", "answer", "authority", "said"),
    [
        ("NOERROR", "RA", [HERE], [], Known(["192.0.2.1"], 60)),
        ("NOERROR", "", [HERE], [], Known(["192.0.2.1"], 60)),
        ("NOERROR", "RA", ["host.shop.example. 0 A 192.0.2.1"], [], Known(["192.0.2.1"], 0)),
        (
            "NOERROR",
            "RA",
            ["host.shop.example. 60 CNAME b.other.", "b.other. 9 A 192.0.2.2"],
            [],
            Known(["192.0.2.2"], 9),
        ),
        # Addresses of another name are no answer.
        ("NOERROR", "RA", ["b.other. 9 A 192.0.2.2"], [], NOTHING),
        # The zone's word that the name is not there: its own SOA, or one of a zone above it.
        ("NXDOMAIN", "RA", [], [f"shop.example. 60 {SOA}"], GONE),
        ("NXDOMAIN", "RA", [], [f"host.shop.example. 60 {SOA}"], GONE),
        ("NXDOMAIN", "RA", [], [f". 60 {SOA}"], GONE),
        ("NXDOMAIN", "AA", [], [f"example. 60 {SOA}"], GONE),
        # Nobody's word: nothing, another zone's, one in the wrong section, a referral.
        ("NXDOMAIN", "RA", [], [], NO_WORD),
        ("NXDOMAIN", "RA", [], [f"other. 60 {SOA}"], NO_WORD),
        ("NXDOMAIN", "RA", [], [f"hop.example. 60 {SOA}"], NO_WORD),
        ("NXDOMAIN", "RA", [f"shop.example. 60 {SOA}"], [], NO_WORD),
        ("NXDOMAIN", "RA", [], ["shop.example. 60 NS ns.example."], NO_WORD),
        # The authority itself offers no recursion. A resolver that says AA speaks for its own filter.
        ("NXDOMAIN", "AA", [], [], GONE),
        ("NXDOMAIN", "AA RA", [], [], NO_WORD),
        # An alias exists; what it leads to does not, and it is that zone's word that counts (RFC 6604).
        (
            "NXDOMAIN",
            "RA",
            ["host.shop.example. 60 CNAME b.other."],
            [f"other. 60 {SOA}"],
            Missing("host.shop.example is an alias of b.other, which does not exist"),
        ),
        ("NXDOMAIN", "RA", ["host.shop.example. 60 CNAME b.other."], [f"shop.example. 60 {SOA}"], NO_WORD),
        ("NXDOMAIN", "RA", [HERE], [f"shop.example. 60 {SOA}"], Useless("an answer that contradicts itself")),
        # The name exists without an address of the family.
        ("NOERROR", "RA", [], [f"shop.example. 60 {SOA}"], NONE),
        ("NOERROR", "AA", [], [], NONE),
        ("NOERROR", "RA", ["host.shop.example. 60 CNAME b.other."], [], NONE),
        ("NOERROR", "RA", ["host.shop.example. 60 CNAME b.other."], [f"other. 60 {SOA}"], NONE),
        # Empty, a lame delegation, a server that does not follow aliases: nothing is proven.
        ("NOERROR", "RA", [], [], NOTHING),
        ("NOERROR", "", [], ["shop.example. 60 NS ns.other."], NOTHING),
        ("NOERROR", "", [], [f"other. 60 {SOA}"], NOTHING),
        ("NOERROR", "", ["host.shop.example. 60 CNAME b.other."], [], NOTHING),
        # Aliases in a circle.
        (
            "NOERROR",
            "RA",
            ["host.shop.example. 60 CNAME b.other.", "b.other. 60 CNAME host.shop.example."],
            [],
            Useless("a circle of aliases, or more than 15"),
        ),
        ("SERVFAIL", "RA", [], [f"shop.example. 60 {SOA}"], Useless("SERVFAIL")),
        ("REFUSED", "", [HERE], [], Useless("REFUSED")),
        ("NOTIMP", "", [], [], Useless("NOTIMP")),
    ],
)
def test_what_it_proves(code: str, flags: str, answer: list[str], authority: list[str], said: Reply) -> None:
    """S11: what may be the word of a filter, or of nobody, is no downtime."""
    assert reply(code, flags, answer, authority) == said


def test_a_time_to_live_beyond_all_measure_is_none() -> None:
    """RFC 2181: the highest bit set means zero."""
    response = dns.message.make_response(dns.message.make_query("host.shop.example", "A"))
    response.answer.append(dns.rrset.from_text("host.shop.example.", 0x01020304, "IN", "A", "192.0.2.1"))
    wire = response.to_wire().replace(b"\x01\x02\x03\x04", b"\xff\xff\xff\xff")
    said = read_reply(dns.message.from_wire(wire))
    assert said == Known(["192.0.2.1"], 0)


def _whole_answer() -> bytes:
    response = dns.message.make_response(dns.message.make_query("host.shop.example", "A", id=7))
    response.answer.append(dns.rrset.from_text("host.shop.example.", 60, "IN", "CNAME", "b.other."))
    response.answer.append(dns.rrset.from_text("b.other.", 60, "IN", "A", "192.0.2.1"))
    response.authority.append(dns.rrset.from_text("other.", 60, "IN", *SOA.split(" ", 1)))
    return response.to_wire()


WHOLE = _whole_answer()
BODY = st.lists(st.tuples(st.integers(2, len(WHOLE) - 1), st.integers(0, 255)), max_size=6)


@given(BODY, st.integers(0, len(WHOLE)), st.binary(max_size=40))
def test_no_reply_is_a_defect_of_ours(changes: list[tuple[int, int]], end: int, tail: bytes) -> None:
    """Bytes of a true answer changed, cut off, gone on with: whatever is taken for a reply is read without an error."""
    wire = bytearray(WHOLE)
    for place, value in changes:
        wire[place] = value
    response = parsed(bytes(wire[: end or len(wire)]) + tail)
    query = dns.message.make_query("host.shop.example", "A", id=7)
    if response is not None and query.is_response(response):
        said = read_reply(response)
        assert isinstance(said, Known | Missing | Useless)
        if isinstance(said, Known):
            assert all(ip_address(text).version == 4 for text in said.addresses)
            assert 0 <= said.lifetime < 2**31
