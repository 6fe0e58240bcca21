"""DNS: whether a name server answers a question as agreed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset
import idna
from dns.rdtypes.txtbase import TXTBase
from pydantic import Field, model_validator

from slawatch.domain.interval import SECOND, Instant
from slawatch.domain.observation import Verdict
from slawatch.probes.answer import ANY, STREAM, Answer, Failure, Reason, Reasons
from slawatch.probes.dns_exchange import PAYLOAD, OtherAnswer, Server, over_tcp, over_udp, without_edns
from slawatch.probes.found import note_answer, note_connection
from slawatch.probes.options import (
    Host,
    HostPort,
    NetworkOptions,
    ProbeOptions,
    parse_host,
    parse_port,
    quoted,
    refuse_controls,
    split_port,
)
from slawatch.probes.probe import ProbeContext

SCHEMES = ("dns",)

MOST_STRAY = 64
"""How many datagrams that answer something else are passed over before it counts as the server's way."""

REASONS: Reasons = {
    **ANY,
    **STREAM,
    "nxdomain": Reason(Verdict.DOWN, "The server said that the name asked for does not exist (NXDOMAIN)."),
    "servfail": Reason(Verdict.DOWN, "The server said that it failed to find the answer (SERVFAIL)."),
    "query_refused": Reason(Verdict.DOWN, "The server refuses to answer this question (REFUSED)."),
    "rcode": Reason(Verdict.DOWN, "The server answered with another code than the one in `expect.rcode`."),
    "not_authoritative": Reason(Verdict.DOWN, "The answer is not from the zone's authority (flag AA), as it must be."),
    "not_validated": Reason(Verdict.DOWN, "The server did not say that it validated the answer (flag AD)."),
    "unsigned": Reason(Verdict.DOWN, "Records came without a signature (RRSIG) that is in force now."),
    "no_record": Reason(Verdict.DOWN, "The answer holds no record of the type asked for."),
    "answers": Reason(Verdict.DOWN, "The records are not as `expect` says; the detail names one."),
    "wrong_question": Reason(Verdict.DOWN, "What came was an answer to another question, or had another number."),
    "malformed": Reason(Verdict.DOWN, "What came was no DNS message."),
    "incomplete": Reason(Verdict.DOWN, "The server closed the connection in the middle of its answer."),
}

_CODES = {"NXDOMAIN": "nxdomain", "SERVFAIL": "servfail", "REFUSED": "query_refused"}

Type = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]
Record = dns.rdata.Rdata | bytes
"""A record as it is compared; that of a TXT record is its strings, joined."""


class Expect(ProbeOptions):
    """What a DNS answer must be."""

    rcode: Literal["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "NOTIMP"] = Field(
        default="NOERROR", description="The response code that is right."
    )
    answers: list[str] | None = Field(
        default=None,
        max_length=100,
        description="The records, all of them, in any order, as a zone file writes them; `[]`: there is none.",
    )
    contains: list[str] | None = Field(
        default=None, min_length=1, max_length=100, description="Records that must be among the others."
    )


class Options(NetworkOptions):
    """Options of the kind `dns`."""

    type: Type = Field(default="A", description="The type of record to ask for.")
    expect: Expect = Field(default_factory=Expect, description="What the answer must be.")
    authoritative: bool = Field(
        default=False, description="Whether the answer must come from the zone's authority (flag AA)."
    )
    dnssec: bool = Field(
        default=False, description="Whether the server, a resolver, must say that it validated the answer (flag AD)."
    )
    signed: bool = Field(
        default=False, description="Whether the records must come with signatures (RRSIG) that are in force now."
    )
    recursion: bool = Field(
        default=True, description="Whether the server is asked to look elsewhere too (flag RD); an authority need not."
    )
    transport: Literal["udp", "tcp"] = Field(
        default="udp", description="`udp`, and TCP where the answer was cut off; or `tcp` from the start."
    )

    @model_validator(mode="after")
    def _records(self) -> Self:
        for texts in (self.expect.answers, self.expect.contains):
            _records(self.type, tuple(texts or ()))
            if texts and self.expect.rcode != "NOERROR":
                raise ValueError(f"an answer with {self.expect.rcode} holds no records, and `expect` asks for some")
        return self


@lru_cache(maxsize=4096)
def _records(kind: str, texts: tuple[str, ...]) -> frozenset[Record]:
    """Records as a zone file writes them, names with or without the final dot; a TXT record is just its text."""
    if kind == "TXT":
        return frozenset(text.encode() for text in texts)
    return frozenset(_record(kind, text) for text in texts)


def _record(kind: str, text: str) -> dns.rdata.Rdata:
    try:
        return dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, origin=dns.name.root, relativize=False
        )
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{text!r} is no {kind} record: expected one like {_LIKE[kind]}") from None


_LIKE = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "CAA": '0 issue "ca.example"',
    "CNAME": "other.example",
    "MX": "10 mail.example",
    "NS": "ns1.example",
    "PTR": "host.example",
    "SOA": "ns1.example admin.example 1 3600 600 86400 60",
    "SRV": "10 5 5060 sip.example",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A name server and the name that it is asked for: absolute, in lower-case ASCII."""

    server: Host
    port: int
    name: dns.name.Name

    @property
    def destination(self) -> HostPort:
        """The name server."""
        return HostPort(self.server, self.port)

    def __str__(self) -> str:
        port = "" if self.port == 53 else f":{self.port}"
        return f"{self.server.bracketed}{port}/{self.name}"


_LABEL = re.compile(r"[a-z0-9_*/-]{1,63}")
"""Names of records are freer than those of hosts: `_dmarc`, `*`, and `0/25` (RFC 2317)."""


def target(text: str) -> Target:
    """`server/name`, `server:port/name`, or the same after `dns://` (RFC 4501); ``ValueError`` says what is wrong.

    An address as name stands for the name of its reverse entry.
    """
    refuse_controls(text)
    authority, _, name = text.removeprefix("dns://").partition("/")
    if not authority or not name:
        raise ValueError(f"{quoted(text)} names no server and name: expected one like 192.0.2.53/host.example")
    if "?" in name:
        raise ValueError(f"{quoted(text)} holds a question mark: the type of record belongs into the option `type`")
    host, port = split_port(authority)
    return Target(parse_host(host), parse_port(port) if port else 53, _asked(name))


def _asked(text: str) -> dns.name.Name:
    try:
        return dns.reversename.from_address(str(ip_address(text)))
    except ValueError:
        pass
    name = text.removesuffix(".").lower()
    try:
        labels = [_ascii(label) for label in name.split(".")] if name else []
        if text and all(map(_LABEL.fullmatch, labels)):
            return dns.name.Name([*(label.encode() for label in labels), b""])
    except (idna.IDNAError, dns.exception.DNSException):
        pass
    raise ValueError(f"{quoted(text)} is no name to ask for: expected one like host.example, or . for the root")


def _ascii(label: str) -> str:
    """Only labels that need it: IDNA has no underscore, and records have."""
    return label if label.isascii() else idna.encode(label, uts46=True).decode("ascii")


async def probe(target: Target, options: Options, context: ProbeContext) -> Answer:
    """Ask once and judge: response code first, then flags, records and time."""
    trace = context.trace
    address = await context.outbound.address(target.server, target.port, options.ip, context.deadline, trace)
    response = await _ask(_query(target, options), (address.text, address.port), options, context)
    trace.close()
    note_answer(trace.found, response, of_zone=options.type == "SOA")
    _judge(response, options, context.started)
    return context.judged(trace.spent(without="resolve"), options.slow)


def _query(target: Target, options: Options) -> dns.message.Message:
    """The question. Where validation is of interest, it asks for signatures and for the flag AD (RFC 6840)."""
    signatures = options.dnssec or options.signed
    query = dns.message.make_query(target.name, options.type, use_edns=0, payload=PAYLOAD, want_dnssec=signatures)
    if options.dnssec:
        query.flags |= dns.flags.AD
    if not options.recursion:
        query.flags &= ~dns.flags.RD
    return query


class _Strays:
    """Counts what is no answer of ours. Anybody can forge a datagram: the right answer may still come."""

    def __init__(self) -> None:
        self._number = 0
        self._last = "malformed"

    def overhear(self, message: bool) -> None:
        self._number += 1
        self._last = "wrong_question" if message else "malformed"
        if self._number >= MOST_STRAY:
            raise Failure(self._last, self._words())

    def late(self) -> Answer | None:
        """The reason at the deadline: something came, and nothing of it was the answer."""
        return Answer(self._last, self._words()) if self._number else None

    def _words(self) -> str:
        return f"{self._number} datagrams, none of them an answer to the question"


async def _ask(
    query: dns.message.Message, server: Server, options: Options, context: ProbeContext
) -> dns.message.Message:
    if options.transport == "tcp":
        return await _ask_over_tcp(query, server, context, "over TCP")
    strays = _Strays()
    context.trace.enter("answer")
    context.late = strays.late
    with _judging("over UDP"):
        response = await over_udp(query, server, strays.overhear)
        plain = without_edns(query, response)
        if plain is not None:
            query, response = plain, await over_udp(plain, server, strays.overhear)
    if not response.flags & dns.flags.TC:
        return response
    context.late = lambda: None
    note_answer(context.trace.found, response, of_zone=options.type == "SOA")
    return await _ask_over_tcp(query, server, context, "over TCP, after an answer that was cut off")


async def _ask_over_tcp(
    query: dns.message.Message, server: Server, context: ProbeContext, words: str
) -> dns.message.Message:
    context.trace.enter("tcp")
    with _judging(words):
        return await over_tcp(query, server, note_connection(context.trace.found, context.trace.spent))


@contextmanager
def _judging(words: str) -> Iterator[None]:
    """What is no answer, as a ``Failure``."""
    try:
        yield
    except EOFError:
        raise Failure("incomplete", words) from None
    except OtherAnswer:
        raise Failure("wrong_question", words) from None
    except dns.exception.DNSException:
        raise Failure("malformed", words) from None


def _judge(response: dns.message.Message, options: Options, now: Instant) -> None:
    """Nothing, or a ``Failure`` with what is wrong first."""
    code = dns.rcode.to_text(response.rcode())
    if code != options.expect.rcode:
        raise Failure(_CODES.get(code, "rcode"), f"{code}, expected {options.expect.rcode}")
    if options.authoritative and not response.flags & dns.flags.AA:
        raise Failure("not_authoritative")
    if options.dnssec and not response.flags & dns.flags.AD:
        raise Failure("not_validated")
    if code == "NOERROR":
        _judge_records(_found(response, options.type), options)
        if options.signed:
            _judge_signatures(response.answer, now // SECOND)


def _judge_signatures(answer: Sequence[dns.rrset.RRset], now: int) -> None:
    """Each set of records has a signature within its dates (``now``: seconds). Whether it is right is not computed."""
    for records in answer:
        if records.rdtype == dns.rdatatype.RRSIG:
            continue
        covering = [s for s in answer if s.name == records.name and s.covers == records.rdtype]
        dates = [(each.inception, each.expiration) for signatures in covering for each in signatures]
        what = f"{dns.rdatatype.to_text(records.rdtype)} of {records.name}"
        if not dates:
            raise Failure("unsigned", f"{what} has no signature")
        if not any(start <= now <= end for start, end in dates):
            latest = max(end for _, end in dates)
            raise Failure("unsigned", f"the signature of {what} " + ("expired" if latest < now else "is not valid yet"))


def _found(response: dns.message.Message, kind: str) -> frozenset[Record]:
    """Records of the type asked for, at the end of the aliases that lead to them."""
    if not isinstance(response, dns.message.QueryMessage):
        return frozenset()
    try:
        records = response.resolve_chaining().answer
    except dns.exception.DNSException:
        return frozenset()  # aliases in a circle
    if kind == "TXT":
        return frozenset(b"".join(each.strings) for each in records or () if isinstance(each, TXTBase))
    return frozenset(records or ())


def _judge_records(found: frozenset[Record], options: Options) -> None:
    expect = options.expect
    if not found and expect.answers != []:
        raise Failure("no_record", f"no {options.type} record")
    wanted = _records(options.type, tuple(expect.answers or ())) | _records(options.type, tuple(expect.contains or ()))
    missing = _spelled(wanted - found)
    if missing:
        raise Failure("answers", f"{missing[0]} is not in it")
    surplus = _spelled(found - wanted)
    if expect.answers is not None and surplus:
        raise Failure("answers", f"{surplus[0]} is in it")


def _spelled(records: frozenset[Record]) -> Sequence[str]:
    """For people, in an order that does not change."""
    return sorted(each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in records)
