"""Rows of the kind ``dns``."""

from __future__ import annotations

import dns.flags
import dns.rcode

from parity.awkward_dns import (
    GOOD,
    about_another_name,
    aliases_in_a_circle,
    cut_off,
    drips,
    edited,
    from_elsewhere,
    loop_of_pointers,
    many,
    named,
    nobody_over_udp,
    only_without_edns,
    over_tcp,
    resets,
    says_over_tcp,
    stalls,
    to_another_question,
    wire,
    wrong_number,
)
from parity.row import Ask, Row
from probes.nameservers import answers, code, silent

ASKED = {"preferred_ip_protocol": "ip4", "query_name": "host.example", "query_type": "A"}
BARE = Ask("dns", "{}/host.example", "{}", "dns", {}, ASKED)
RECORD = BARE.but(module={"validate_answer_rrs": {"fail_if_none_matches_regexp": [".*\\tA\\t.*"]}})
CODE = dns.rcode

CODES = [
    Row("an address", RECORD, named(GOOD), "answered", "up"),
    Row("an alias and its address", RECORD, named(answers("CNAME other.example.", "A 192.0.2.1")), "answered", "up"),
    Row("SERVFAIL", RECORD, named(code(CODE.SERVFAIL)), "servfail", "down"),
    Row("REFUSED", RECORD, named(code(CODE.REFUSED)), "query_refused", "down"),
    Row("NXDOMAIN", RECORD, named(code(CODE.NXDOMAIN)), "nxdomain", "down"),
    Row(
        "NXDOMAIN, as agreed",
        BARE.but({"expect": {"rcode": "NXDOMAIN"}}, {"valid_rcodes": ["NXDOMAIN"]}),
        named(code(CODE.NXDOMAIN)),
        "answered",
        "up",
    ),
    Row("NOTIMP", RECORD, named(code(CODE.NOTIMP)), "rcode", "down"),
    Row("FORMERR", RECORD, named(code(CODE.FORMERR)), "rcode", "down"),
    Row("an old server that knows no EDNS", RECORD, named(only_without_edns), "answered", "up"),
    Row("no record of this type", RECORD, named(answers("AAAA 2001:db8::1")), "no_record", "down"),
    Row(
        "no record, and none is asked for by the exporter",
        BARE,
        named(answers()),
        "no_record",
        "up",
        "A name without an address serves nobody. slawatch wants a record unless it is told otherwise.",
    ),
    Row("an alias that leads nowhere", RECORD, named(answers("CNAME other.example.")), "no_record", "down"),
    Row("aliases in a circle", RECORD, named(aliases_in_a_circle), "no_record", "down"),
    Row(
        "the address of another name",
        RECORD,
        named(about_another_name),
        "no_record",
        "up",
        "The answer holds an address, and not that of the name that was asked for; the exporter looks at the "
        "text of each record by itself.",
    ),
]

FORGERIES = [
    Row("never answers", RECORD, named(silent), "timeout", "down", hasty=True),
    Row("nothing listens", RECORD, nobody_over_udp, "refused", "down"),
    Row("another number", RECORD, named(wrong_number), "wrong_question", "down", hasty=True),
    Row(
        "another number, then the right answer",
        RECORD,
        named(lambda query: wrong_number(query) + GOOD(query)),
        "answered",
        "up",
    ),
    Row(
        "another question",
        RECORD,
        named(to_another_question),
        "wrong_question",
        "up",
        "The right number over another question is an answer to somebody else, or a forgery; the exporter "
        "does not compare the question.",
        hasty=True,
    ),
    Row("from another port", RECORD, from_elsewhere("127.0.0.1"), "timeout", "down", hasty=True),
    Row("from another address", RECORD, from_elsewhere("127.0.0.2"), "timeout", "down", hasty=True),
    Row("the question sent back", RECORD, named(lambda query: [query.to_wire()]), "wrong_question", "down", hasty=True),
    Row(
        "a flood of other answers",
        RECORD,
        named(lambda query: wrong_number(query) * 100),
        "wrong_question",
        "down",
        hasty=True,
    ),
    Row("the right answer three times", RECORD, named(lambda query: GOOD(query) * 3), "answered", "up"),
]

MESSAGES = [
    Row("seven bytes of noise", RECORD, named(lambda query: [b"\xff" * 7]), "malformed", "down", hasty=True),
    Row("a head and nothing else", RECORD, named(wire(lambda data: data[:12])), "wrong_question", "down", hasty=True),
    Row("half an answer", RECORD, named(wire(lambda data: data[:-7])), "malformed", "down"),
    Row("trailing garbage", RECORD, named(wire(lambda data: data + b"garbage")), "answered", "up"),
    Row("a name that points to itself", RECORD, named(wire(loop_of_pointers)), "malformed", "down"),
    Row(
        "a name that points beyond the end",
        RECORD,
        named(wire(lambda data: data.replace(b"\xc0\x0c", b"\xff\xff", 1))),
        "malformed",
        "down",
    ),
    Row(
        "fewer records than it says",
        RECORD,
        named(wire(lambda data: data[:6] + b"\0\x09" + data[8:])),
        "malformed",
        "up",
        "It says nine records and holds one: where the other eight went, nobody knows. The exporter takes "
        "what is there.",
    ),
    Row(
        "an address of three bytes",
        RECORD,
        named(wire(lambda data: data.replace(b"\0\x04\xc0\0\x02\x01", b"\0\x03\xc0\0\x02"))),
        "malformed",
        "down",
    ),
    Row(
        "a record of another class",
        RECORD,
        named(wire(lambda data: data.replace(b"\xc0\x0c\0\x01\0\x01", b"\xc0\x0c\0\x01\0\x03"))),
        "malformed",
        "up",
        "A record of the class CHAOS answers no question about the Internet; the exporter looks at its type only.",
    ),
    Row(
        "two kilobytes over UDP, more than was offered",
        RECORD,
        named(many(120)),
        "answered",
        "down",
        "Resolvers read what came. The exporter keeps room for 512 bytes and takes the rest for a fault.",
    ),
    Row("sixty kilobytes over UDP", RECORD, named(many(3700)), "malformed", "down"),
    Row(
        "the authority's word is asked for",
        RECORD.but({"authoritative": True}),
        named(edited(lambda message: None)),
        "not_authoritative",
        "up",
        "The exporter has no such question: whether the zone's own server still answers, or a cache, it does not see.",
    ),
]

OVER_TCP = [
    Row(
        "cut off, and whole over TCP",
        RECORD,
        named(cut_off, GOOD),
        "answered",
        "down",
        "An answer that is cut off is to be asked for again over TCP (RFC 7766), as every resolver does; the "
        "exporter judges the stump.",
    ),
    Row("cut off, and TCP refused", RECORD, named(cut_off), "refused", "down"),
    Row("cut off, and TCP stalls", RECORD, over_tcp(stalls), "timeout", "down", hasty=True),
    Row("cut off, and TCP drips", RECORD, over_tcp(drips), "timeout", "down", hasty=True),
    Row("cut off, and TCP resets", RECORD, over_tcp(resets), "reset", "down"),
    Row("cut off, and TCP closes at once", RECORD, over_tcp(says_over_tcp(lambda data: b"")), "incomplete", "down"),
    Row(
        "cut off, and TCP closes half way",
        RECORD,
        over_tcp(says_over_tcp(lambda data: data[:-7])),
        "incomplete",
        "down",
    ),
    Row(
        "cut off, and noise over TCP",
        RECORD,
        over_tcp(says_over_tcp(lambda data: data[:2] + b"\xff" * len(data[2:]))),
        "malformed",
        "down",
    ),
    Row(
        "cut off, and another number over TCP",
        RECORD,
        over_tcp(says_over_tcp(lambda data: data[:2] + b"\0\0" + data[4:])),
        "wrong_question",
        "down",
    ),
    Row("cut off over TCP as well", RECORD, named(cut_off, cut_off), "no_record", "down"),
]

ROWS = [*CODES, *FORGERIES, *MESSAGES, *OVER_TCP]
