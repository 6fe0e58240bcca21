"""The one door: which address of a name is probed, and that every one of them passed the policy with the port."""

from __future__ import annotations

import re
from pathlib import Path

import dns.rcode
import dns.rdatatype
import pytest

from probes.driver import PATIENT
from probes.nameservers import Farm, Query, answers, code
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Verdict
from slawatch.probes import outbound
from slawatch.probes.answer import Failure, Trace
from slawatch.probes.options import Family, parse_host
from slawatch.probes.outbound import Address, Outbound
from slawatch.probes.policy import AddressPolicy, Service
from slawatch.probes.probe import Resources
from slawatch.probes.probe import observe as probe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.clock import FakeClock
from support.gate import loopback_allowed


class Book(Resolver):
    """A resolver that knows what the test wrote into it."""

    entries: dict[Family, list[str]]
    asked: list[Family]
    lost = False

    async def addresses(self, name: str, family: Family, deadline: float) -> list[str]:
        self.asked.append(family)
        if self.lost:
            raise Failure("resolver_lost")
        return self.entries[family]


def door(four: list[str], six: list[str]) -> tuple[Outbound, Book]:
    book = Book(FakeClock(), servers=())
    book.entries, book.asked = {4: four, 6: six}, []
    return Outbound(book, AddressPolicy()), book


@pytest.mark.parametrize(
    ("choice", "four", "six", "chosen", "asked"),
    [
        ("any", ["192.0.2.2", "192.0.2.1"], ["2001:db8::1"], Address("192.0.2.2", 4, 25), [4]),
        ("any", [], ["2001:db8::1"], Address("2001:db8::1", 6, 25), [4, 6]),
        ("4", ["192.0.2.1"], ["2001:db8::1"], Address("192.0.2.1", 4, 25), [4]),
        ("6", ["192.0.2.1"], ["2001:db8::1"], Address("2001:db8::1", 6, 25), [6]),
    ],
)
async def test_the_address_of_a_name(
    choice: str, four: list[str], six: list[str], chosen: Address, asked: list[Family]
) -> None:
    outbound, book = door(four, six)
    assert await outbound.address(parse_host("host.example"), 25, choice, 0.0, Trace(FakeClock())) == chosen
    assert book.asked == asked


FOUR, SIX = ["192.0.2.1"], ["2001:db8::1"]


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ((FOUR, SIX), ([], SIX), "host.example has no address of IPv4 any more, and IPv6 is not taken in its place"),
        (([], SIX), (FOUR, []), "host.example has no address of IPv6 any more, and IPv4 is not taken in its place"),
        (([], SIX), (FOUR, SIX), Address("2001:db8::1", 6, 25)),
        ((FOUR, []), (["192.0.2.9"], SIX), Address("192.0.2.9", 4, 25)),
    ],
)
async def test_a_name_keeps_its_family(
    before: tuple[list[str], list[str]], after: tuple[list[str], list[str]], detail: str | Address
) -> None:
    """An outage of IPv4 is not hidden by IPv6, and a name is not judged by another path than before."""
    outbound, book = door(*before)
    host, trace = parse_host("host.example"), Trace(FakeClock())
    await outbound.address(host, 25, "any", 0.0, trace)
    book.entries = {4: after[0], 6: after[1]}
    if isinstance(detail, Address):
        assert await outbound.address(host, 25, "any", 0.0, trace) == detail
        return
    with pytest.raises(Failure) as caught:
        await outbound.address(host, 25, "any", 0.0, trace)
    assert (caught.value.answer.reason, caught.value.answer.detail) == ("no_address", detail)
    other = Address(book.entries[6][0], 6, 25) if book.entries[6] else Address(book.entries[4][0], 4, 25)
    assert await outbound.address(host, 25, str(other.family), 0.0, trace) == other  # asked for, it is what is meant


async def test_what_is_asked_for_chooses_nothing() -> None:
    outbound, _ = door(FOUR, SIX)
    host, trace = parse_host("host.example"), Trace(FakeClock())
    assert (await outbound.address(host, 25, "6", 0.0, trace)).family == 6
    assert (await outbound.address(host, 25, "any", 0.0, trace)).family == 4


async def test_a_reload_swaps_no_family() -> None:
    outbound, book = door([], SIX)
    resources = Resources(resolver=outbound.resolver, policy=AddressPolicy())
    host, trace = parse_host("host.example"), Trace(FakeClock())
    await resources.outbound.address(host, 25, "any", 0.0, trace)
    resources.judge_by(AddressPolicy())
    book.entries = {4: FOUR, 6: SIX}
    assert (await resources.outbound.address(host, 25, "any", 0.0, trace)).family == 6


async def test_a_lost_resolver_chooses_no_family(dns_server: Farm) -> None:
    """S11: that the question for IPv4 addresses brought no answer is no reason to go on by IPv6."""

    def only_six(query: Query) -> list[bytes]:
        six = query.question[0].rdtype == dns.rdatatype.AAAA
        return answers("AAAA ::1")(query) if six else code(dns.rcode.SERVFAIL)(query)

    server = await dns_server(only_six)
    own = Resolver(SystemClock(), [server.address])
    async with Resources(SystemClock(), resolver=own, policy=loopback_allowed()) as resources:
        kind = kinds()["tcp"]
        target, options = kind.target("host.example:9"), kind.options()
        seen = await probe(kind, target, options, resources, PATIENT)
        assert (seen.verdict, seen.reason, seen.address) == (Verdict.VOID, "resolver_lost", "")
        server.from_now_on(answers("A 127.0.0.1", "AAAA ::1"))
        seen = await probe(kind, target, options, resources, PATIENT)
        assert (seen.reason, seen.address) == ("refused", "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "choice", "four", "reason", "detail"),
    [
        ("host.example", "any", [], "no_address", "host.example has no address"),
        ("host.example", "4", [], "no_address", "host.example has no address of IPv4"),
        ("192.0.2.1", "6", [], "no_address", "192.0.2.1 is an IPv4 address and `ip` asks for 6"),
        ("169.254.1.1", "any", [], "address_denied", "169.254.1.1: link-local"),
        ("host.example", "any", ["192.0.2.1", "fe80::1"], "address_denied", "fe80::1: link-local"),
    ],
)
async def test_no_address_to_probe(host: str, choice: str, four: list[str], reason: str, detail: str) -> None:
    """One bad address among good ones denies the name: the order of an answer is in other people's hands."""
    outbound, _ = door(four, [])
    with pytest.raises(Failure) as caught:
        await outbound.address(parse_host(host), 25, choice, 0.0, Trace(FakeClock()))
    assert (caught.value.answer.reason, caught.value.answer.detail) == (reason, detail)


async def test_a_database_that_is_configured_by_name_is_found_by_its_addresses() -> None:
    """Only where the port is the database's is anybody asked, once a minute; without a resolver the last ones stand."""
    _, book = door(["192.0.2.5"], [])
    clock = FakeClock()
    policy = AddressPolicy(services=[Service("database", parse_host("db.example"), 5432)], clock=clock)
    outbound = Outbound(book, policy)

    async def ask(host: str, port: int) -> Address:
        return await outbound.address(parse_host(host), port, "any", 0.0, Trace(clock))

    assert await ask("192.0.2.5", 5433) == Address("192.0.2.5", 4, 5433)
    assert book.asked == []
    for lost, later, asked in ((False, 0, 2), (False, 59, 2), (True, 2, 3), (False, 0, 5)):
        book.lost = lost
        clock.advance(later * SECOND)
        with pytest.raises(Failure) as caught:
            await ask("192.0.2.5", 5432)
        assert (caught.value.answer.detail, len(book.asked)) == ("192.0.2.5: database", asked)
    assert await ask("192.0.2.6", 5432) == Address("192.0.2.6", 4, 5432)
    book.entries[4] = ["192.0.2.6"]
    clock.advance(61 * SECOND)
    assert await ask("192.0.2.5", 5432) == Address("192.0.2.5", 4, 5432)


async def test_a_database_that_was_never_found_closes_its_port() -> None:
    _, book = door([], [])
    book.lost = True
    outbound = Outbound(book, AddressPolicy(services=[Service("database", parse_host("db.example"), 5432)]))
    with pytest.raises(Failure) as caught:
        await outbound.address(parse_host("192.0.2.5"), 5432, "any", 0.0, Trace(FakeClock()))
    assert caught.value.answer.reason == "resolver_lost"


def test_there_is_one_door() -> None:
    """Sockets are made in these files alone. Their addresses come from the door, or from the box's own file."""
    source = Path(outbound.__file__).parent
    makers = re.compile(r"\bsocket\(|\bcreate_(connection|datagram_endpoint)\(|\bopen_connection\(|\bcreate_server\(")
    found = {path.name for path in source.rglob("*.py") if makers.search(path.read_text(encoding="utf-8"))}
    assert found == {
        "outbound.py",  # every connection
        "dns_exchange.py",  # questions: of the resolver, to servers of the box's file; of the kind `dns`, by the door
        "echo_socket.py",  # pings, to addresses by the door
        "policy.py",  # binds, and sends nothing
    }
