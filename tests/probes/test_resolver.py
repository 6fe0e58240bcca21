"""The resolver against real DNS servers on loopback that answer as a test tells them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from probes.driver import HASTY, PATIENT
from probes.nameservers import Dns, Farm, Query, Say, answers, broken, code, cut, forged_then, missing, silent
from probes.scene import needs_root
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import Failure
from slawatch.probes.dns_exchange import Server
from slawatch.probes.options import Family
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import LONGEST_TRUST, Resolver
from slawatch.probes.system_names import RECHECK
from slawatch.runtime.clock import SystemClock
from support.clock import FakeClock
from support.gate import loopback_allowed
from support.servers import Knot


def resolver(*servers: Dns | Server, clock: FakeClock | None = None, **files: Path) -> Resolver:
    made = [server.address if isinstance(server, Dns) else server for server in servers]
    files = {"hosts_file": Path("/dev/null"), **files}
    return Resolver(clock or FakeClock(), made, **files)


async def ask(resolver: Resolver, name: str, family: Family = 4, within: float = 5.0) -> list[str]:
    return await resolver.addresses(name, family, asyncio.get_running_loop().time() + within)


async def failing(resolver: Resolver, name: str = "host.example", family: Family = 4, within: float = 5.0) -> Failure:
    with pytest.raises(Failure) as caught:
        await ask(resolver, name, family, within)
    return caught.value


async def test_addresses_in_the_order_of_the_answer(dns_server: Farm) -> None:
    server = await dns_server(answers("A 192.0.2.2", "A 192.0.2.1", "AAAA 2001:db8::1"))
    assert await ask(resolver(server), "host.example") == ["192.0.2.2", "192.0.2.1"]
    assert await ask(resolver(server), "host.example", 6) == ["2001:db8::1"]
    assert server.questions == ["host.example. A", "host.example. AAAA"]


async def test_through_an_alias(dns_server: Farm) -> None:
    server = await dns_server(answers("CNAME other.example.", "A 192.0.2.1"))
    assert await ask(resolver(server), "host.example") == ["192.0.2.1"]


async def test_an_alias_to_nothing_and_a_name_without_an_address(dns_server: Farm) -> None:
    assert await ask(resolver(await dns_server(answers("CNAME other.example."))), "host.example") == []
    assert await ask(resolver(await dns_server(answers("AAAA ::1"))), "host.example") == []


async def test_a_name_that_does_not_exist_is_not_kept(dns_server: Farm) -> None:
    server = await dns_server(missing())
    lookup = resolver(server)
    for _ in range(2):
        failure = await failing(lookup)
        assert (failure.answer.reason, failure.answer.detail) == ("name_unknown", "host.example does not exist")
    assert len(server.questions) == 2


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (code(dns.rcode.SERVFAIL), "SERVFAIL"),
        (code(dns.rcode.REFUSED), "REFUSED"),
        (silent, "no answer"),
        (broken, "no answer"),
    ],
)
async def test_no_server_that_can_help(dns_server: Farm, say: Say, words: str) -> None:
    server = await dns_server(say)
    failure = await failing(resolver(server), within=2)
    assert failure.answer.reason == "resolver_lost"
    assert failure.answer.detail == f"host.example: 127.0.0.1:{server.address[1]}: {words}"
    assert len(server.questions) == 2


async def test_no_server_at_all_and_one_that_is_not_there() -> None:
    assert (await failing(resolver())).answer.detail == "host.example: no DNS server is configured"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address: Server = unused.getsockname()
    failure = await failing(resolver(address))
    assert (failure.answer.reason, failure.answer.detail) == (
        "resolver_lost",
        f"host.example: 127.0.0.1:{address[1]}: Connection refused",
    )


@pytest.mark.parametrize("say", [silent, broken, code(dns.rcode.SERVFAIL)])
async def test_the_next_server_is_asked(dns_server: Farm, say: Say) -> None:
    bad, good = await dns_server(say), await dns_server(answers("A 192.0.2.1"))
    assert await ask(resolver(bad, good), "host.example", within=8) == ["192.0.2.1"]


async def test_a_lost_question_is_asked_again(dns_server: Farm) -> None:
    say = iter([silent, answers("A 192.0.2.1")])
    server = await dns_server(lambda query: next(say)(query))
    assert await ask(resolver(server), "host.example", within=8) == ["192.0.2.1"]


async def test_half_of_the_time_is_the_services_own(dns_server: Farm) -> None:
    server = await dns_server(silent)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await failing(resolver(server, server), within=3)
    assert loop.time() - start < 2.9


async def test_answers_to_other_questions_are_passed_over(dns_server: Farm) -> None:
    server = await dns_server(forged_then(answers("A 192.0.2.1")))
    assert await ask(resolver(server), "host.example") == ["192.0.2.1"]


async def test_a_cut_answer_is_asked_for_again_over_tcp(dns_server: Farm) -> None:
    many = [f"A 192.0.2.{i}" for i in range(1, 200)]
    server = await dns_server(cut, answers(*many))
    assert len(await ask(resolver(server), "host.example")) == 199
    assert server.tcp_questions == 1


@pytest.mark.parametrize("over_tcp", [None, silent, broken])
async def test_a_cut_answer_without_tcp(dns_server: Farm, over_tcp: Say | None) -> None:
    failure = await failing(resolver(await dns_server(cut, over_tcp)), within=0.3)
    assert failure.answer.reason == "resolver_lost"


async def test_answers_are_kept_as_long_as_they_say(dns_server: Farm) -> None:
    clock = FakeClock()
    server = await dns_server(answers("A 192.0.2.1", ttl=60))
    lookup = resolver(server, clock=clock)
    await ask(lookup, "host.example")
    clock.advance(60 * SECOND - 1)
    await ask(lookup, "host.example")
    assert len(server.questions) == 1
    clock.advance(1)
    await ask(lookup, "host.example")
    assert len(server.questions) == 2


async def test_no_answer_is_kept_for_more_than_five_minutes_and_zero_not_at_all(dns_server: Farm) -> None:
    clock = FakeClock()
    long, short = await dns_server(answers("A 192.0.2.1", ttl=86_400)), await dns_server(answers("A 192.0.2.1", ttl=0))
    lookup, forgetful = resolver(long, clock=clock), resolver(short, clock=clock)
    for _ in range(2):
        await ask(lookup, "host.example")
        await ask(forgetful, "host.example")
        clock.advance(LONGEST_TRUST)
    assert (len(long.questions), len(short.questions)) == (2, 2)


async def test_the_hosts_file_comes_first_and_is_read_again(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 Printer printer.example # here\n192.0.2.2 printer\n2001:db8::1 printer\n")
    clock = FakeClock()
    lookup = resolver(clock=clock, hosts_file=hosts)
    assert await ask(lookup, "printer") == ["192.0.2.1", "192.0.2.2"]
    assert await ask(lookup, "printer", 6) == ["2001:db8::1"]
    assert (await failing(lookup, "printer.example", family=6)).answer.reason == "resolver_lost"  # as libc: DNS is next
    hosts.write_text("192.0.2.9 printer\n")
    assert await ask(lookup, "printer") == ["192.0.2.1", "192.0.2.2"]
    clock.advance(RECHECK)
    assert await ask(lookup, "printer") == ["192.0.2.9"]
    hosts.unlink()
    clock.advance(RECHECK)
    assert (await failing(lookup, "printer")).answer.reason == "resolver_lost"


async def test_localhost_is_this_machine_unless_the_hosts_file_knows_better(tmp_path: Path) -> None:
    for name in ("localhost", "app.localhost"):
        assert await ask(resolver(), name) == ["127.0.0.1"]
        assert await ask(resolver(), name, 6) == ["::1"]
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.7 localhost\n")
    assert await ask(resolver(hosts_file=hosts), "localhost") == ["127.0.0.7"]


async def test_suffixes_are_tried_for_names_without_a_dot(dns_server: Farm, tmp_path: Path) -> None:
    def say(query: Query) -> list[bytes]:
        known = str(query.question[0].name) in ("nas.inner.example.", "host.example.")
        return answers("A 192.0.2.1")(query) if known else missing(".")(query)

    server = await dns_server(say)
    conf = tmp_path / "resolv.conf"
    conf.write_text("search outer.example inner.example.\n")

    class Elsewhere(Resolver):
        """Port 53 is not ours to open: the servers of the file are replaced, its suffixes are not."""

        def _configuration(self) -> tuple[Sequence[Server], Sequence[str]]:
            return [server.address], super()._configuration()[1]

    lookup = Elsewhere(FakeClock(), hosts_file=Path("/dev/null"), resolv_conf=conf)
    assert await ask(lookup, "nas") == ["192.0.2.1"]
    assert await ask(lookup, "host.example") == ["192.0.2.1"]
    assert (await failing(lookup, "none")).answer.reason == "name_unknown"
    assert [question.split(" ")[0] for question in server.questions] == [
        "nas.outer.example.",
        "nas.inner.example.",
        "host.example.",
        "none.outer.example.",
        "none.inner.example.",
        "none.",
    ]


def test_resolv_conf_is_read_again(tmp_path: Path) -> None:
    conf, clock = tmp_path / "resolv.conf", FakeClock()
    lookup = Resolver(clock, resolv_conf=conf)
    assert lookup._configuration()[0] == (("127.0.0.1", 53),)
    conf.write_text("nameserver 192.0.2.53\n")
    clock.advance(RECHECK)
    assert lookup._configuration()[0] == (("192.0.2.53", 53),)
    conf.unlink()
    clock.advance(RECHECK)
    assert lookup._configuration()[0] == (("127.0.0.1", 53),)


@pytest.mark.parametrize(
    ("say", "reason", "verdict", "cause"),
    [
        (missing(), "name_unknown", Verdict.DOWN, None),
        (code(dns.rcode.NXDOMAIN), "resolver_lost", Verdict.VOID, Cause.RESOLVER_LOST),
        (answers("AAAA 2001:db8::1"), "no_address", Verdict.DOWN, None),
        (code(dns.rcode.SERVFAIL), "resolver_lost", Verdict.VOID, Cause.RESOLVER_LOST),
        (silent, "resolver_lost", Verdict.VOID, Cause.RESOLVER_LOST),
        (answers("A 169.254.169.254"), "address_denied", Verdict.VOID, Cause.PROBER_FAULT),
    ],
)
async def test_what_a_probe_says_of_it(
    dns_server: Farm, say: Say, reason: str, verdict: Verdict, cause: Cause | None
) -> None:
    """S11: that nobody answers us is no downtime; that the name is gone is."""
    server = await dns_server(say)
    clock = SystemClock()
    async with Resources(clock, resolver=Resolver(clock, [server.address])) as resources:
        kind = kinds()["tcp"]
        target = kind.target("shop.example:443")
        timeout = HASTY * 2 if say is silent else PATIENT
        seen = await observe(kind, target, kind.options.model_validate({"ip": "4"}), resources, timeout)
    assert (seen.reason, seen.verdict, seen.cause) == (reason, verdict, cause)
    assert [name for name, _ in seen.phases] == ["resolve"]


@needs_root
async def test_a_probe_of_a_name_reaches_the_address_that_was_answered(dns_server: Farm) -> None:
    server = await dns_server(answers("A 127.0.0.3"))
    clock = SystemClock()
    resolver = Resolver(clock, [server.address])
    async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
        kind = kinds()["icmp"]
        seen = await observe(kind, kind.target("host.example"), kind.options(), resources, PATIENT)
    assert seen.verdict is Verdict.UP
    assert server.questions == ["host.example. A"]


ZONE = """\
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
shop A 192.0.2.1
www CNAME shop
six AAAA 2001:db8::1
stray CNAME none
"""


async def test_a_real_authority(knot: Callable[[str], Knot]) -> None:
    """Knot, with the authority over a zone that it signs, and over no other."""
    server = await asyncio.to_thread(knot, ZONE)
    lookup = resolver(("127.0.0.1", server.port))
    assert await ask(lookup, "shop.acme.test") == ["192.0.2.1"]
    assert await ask(lookup, "www.acme.test") == ["192.0.2.1"]
    assert await ask(lookup, "six.acme.test") == []
    assert await ask(lookup, "six.acme.test", 6) == ["2001:db8::1"]
    for name, reason, detail in (
        ("none.acme.test", "name_unknown", "none.acme.test does not exist"),
        ("stray.acme.test", "name_unknown", "stray.acme.test is an alias of none.acme.test, which does not exist"),
        ("shop.other.test", "resolver_lost", f"shop.other.test: 127.0.0.1:{server.port}: REFUSED"),
    ):
        failure = await failing(lookup, name)
        assert (failure.answer.reason, failure.answer.detail) == (reason, detail)
    await server.async_stop()
    failure = await failing(lookup, "none.acme.test")
    assert failure.answer.reason == "resolver_lost"
