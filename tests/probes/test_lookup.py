"""Several servers, one of them slow, dead or wrong: who is asked when, and whose word counts."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket

import dns.message
import dns.rcode
import pytest

from probes.nameservers import Dns, Farm, Query, Say, answers, code, missing, silent
from probes.test_resolver import ask, failing, resolver
from slawatch.domain.interval import SECOND
from slawatch.probes.answer import Failure
from slawatch.probes.lookup import MOST_STRAY
from slawatch.probes.resolver import MOST_CACHED
from slawatch.probes.server_health import TRY_AGAIN, ServerHealth
from support.clock import FakeClock
from support.waiting import async_eventually

AGES = 600.0
"""Seconds: a test that waited for a share of this would not end in time."""

HERE = answers("A 192.0.2.1")
GONE = missing()
FORGED = code(dns.rcode.NXDOMAIN)


@pytest.mark.parametrize("first", [silent, code(dns.rcode.SERVFAIL), FORGED, answers("CNAME host.example.")])
async def test_a_server_that_does_not_help_costs_no_share_of_the_time(dns_server: Farm, first: Say) -> None:
    bad, good = await dns_server(first), await dns_server(HERE)
    async with asyncio.timeout(60):
        assert await ask(resolver(bad, good), "host.example", within=AGES) == ["192.0.2.1"]
    assert (len(bad.questions), len(good.questions)) == (1, 1)


async def test_the_first_is_still_listened_to(dns_server: Farm) -> None:
    first, second = await dns_server(silent), await dns_server(silent)
    asking = asyncio.create_task(ask(resolver(first, second), "host.example", within=AGES))
    await async_eventually(lambda: bool(second.questions))
    first.from_now_on(HERE)
    async with asyncio.timeout(60):
        assert await asking == ["192.0.2.1"]


@pytest.mark.parametrize("second", [GONE, answers("AAAA 2001:db8::1")])
async def test_the_no_of_the_second_waits_for_the_first_who_is_late(
    dns_server: Farm, second: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers may see two worlds, as one inside and one outside: haste must not prefer the second's."""
    monkeypatch.setattr("slawatch.probes.lookup.GRACE", AGES)
    inside, outside = await dns_server(silent), await dns_server(second)
    asking = asyncio.create_task(ask(resolver(inside, outside), "host.example", within=AGES))
    await async_eventually(lambda: bool(outside.questions))
    inside.from_now_on(HERE)
    async with asyncio.timeout(60):
        assert await asking == ["192.0.2.1"]


async def test_a_dead_server_does_not_hold_up_the_no_of_another(dns_server: Farm) -> None:
    dead, good = await dns_server(silent), await dns_server(GONE)
    async with asyncio.timeout(60):
        failure = await failing(resolver(dead, good), within=AGES)
    assert (failure.answer.reason, failure.answer.detail) == ("name_unknown", "host.example does not exist")


async def test_the_no_waits_for_nobody_who_is_lost(dns_server: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slawatch.probes.lookup.GRACE", AGES)
    late, lost = await dns_server(silent), await dns_server(silent)
    lookup = resolver(late, lost)
    assert len(lookup.health()) == 2
    lookup._book.put(ServerHealth(lost.address).failed().failed())
    asking = asyncio.create_task(failing(lookup, within=AGES))
    await async_eventually(lambda: len(lost.questions) >= 2)  # the trial beside, and its turn
    late.from_now_on(GONE)
    async with asyncio.timeout(60):
        assert (await asking).answer.reason == "name_unknown"


async def test_the_first_proven_answer_is_final(dns_server: Farm) -> None:
    first, second = await dns_server(GONE), await dns_server(HERE)
    assert (await failing(resolver(first, second))).answer.reason == "name_unknown"
    assert second.questions == []


async def test_an_nxdomain_that_nobody_answers_for_is_none(dns_server: Farm) -> None:
    """S11: a filter, a captive portal, a router without its upstream."""
    one, two = await dns_server(FORGED), await dns_server(FORGED)
    failure = await failing(resolver(one, two))
    words = "NXDOMAIN without the zone's word for it (SOA)"
    assert failure.answer.reason == "resolver_lost"
    assert failure.answer.detail == "host.example: " + "; ".join(
        f"127.0.0.1:{server.address[1]}: {words}" for server in (one, two)
    )
    failure = await failing(resolver(one, await dns_server(GONE)))
    assert failure.answer.reason == "name_unknown"


async def test_who_fails_is_asked_last_and_comes_back_by_itself(dns_server: Farm) -> None:
    clock = FakeClock()
    first, second = await dns_server(silent), await dns_server(answers("A 192.0.2.1", ttl=0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        unused.connect(("127.0.0.1", 9))  # it takes nothing of ours, and nobody else can have its port
        lookup = resolver(unused.getsockname(), second, first, clock=clock)
        for _ in range(2):
            await ask(lookup, "host.example", within=AGES)
    refusing, good, untried = lookup.health()
    assert (refusing.up, refusing.silent, good.up, good.answered) == (None, 1, True, 2)
    assert (untried.up, first.questions) == (None, [])

    clock.advance(TRY_AGAIN)
    await ask(lookup, "host.example", within=AGES)
    await async_eventually(lambda: lookup.health()[0].up is False)
    assert lookup.health()[0].silent == 2


async def test_a_server_that_is_back_is_first_again(dns_server: Farm) -> None:
    clock = FakeClock()
    first, second = await dns_server(silent), await dns_server(answers("A 192.0.2.2", ttl=0))
    lookup = resolver(first, second, clock=clock)
    await ask(lookup, "host.example", within=AGES)
    await async_eventually(lambda: lookup.health()[0].silent == 1)  # still listened to after the lookup was over
    first.from_now_on(answers("A 192.0.2.1", ttl=0))
    assert await ask(lookup, "host.example", within=AGES) == ["192.0.2.2"]
    assert len(first.questions) == 1

    clock.advance(TRY_AGAIN)
    assert await ask(lookup, "host.example", within=AGES) == ["192.0.2.2"]  # asked beside, not waited for
    await async_eventually(lambda: lookup.health()[0].up is True)
    assert await ask(lookup, "host.example", within=AGES) == ["192.0.2.1"]
    lookup.close()


async def test_loss_and_return_are_one_line_each(dns_server: Farm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "slawatch.probes.resolver")
    server = await dns_server(code(dns.rcode.SERVFAIL))
    lookup = resolver(server)
    place = f"127.0.0.1:{server.address[1]}"
    for name in ("a.example", "b.example", "b.example"):
        await failing(lookup, name)
    assert not caplog.messages
    for name in ("c.example", "d.example", "e.example"):
        await failing(lookup, name)
    assert caplog.messages == [
        f"names cannot be resolved: none of our resolvers can be counted on ({place})",
    ]
    server.from_now_on(HERE)
    for name in ("a.example", "b.example"):
        await ask(lookup, name)
    assert caplog.messages[1:] == [f"names can be resolved again: one of our resolvers answers ({place})"]


async def test_who_asks_at_the_same_time_asks_once(dns_server: Farm) -> None:
    server = await dns_server(silent)
    lookup = resolver(server)
    asking = [asyncio.create_task(ask(lookup, "host.example", within=AGES)) for _ in range(50)]
    other = asyncio.create_task(ask(lookup, "host.example", 6, within=AGES))
    await async_eventually(lambda: len(server.questions) >= 2)
    server.from_now_on(answers("A 192.0.2.1", "AAAA 2001:db8::1"))
    assert await asyncio.gather(*asking) == [["192.0.2.1"]] * 50
    assert await other == ["2001:db8::1"]
    assert set(server.questions) == {"host.example. A", "host.example. AAAA"}
    assert len(server.questions) <= 4  # each at most twice


async def test_who_is_cancelled_leaves_the_others_alone(dns_server: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slawatch.probes.server_health.SLOW", 600 * SECOND)  # nobody is asked twice
    server = await dns_server(silent)
    lookup = resolver(server)
    first, second = (asyncio.create_task(ask(lookup, "host.example", within=AGES)) for _ in range(2))
    await async_eventually(lambda: bool(server.questions))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    third = asyncio.create_task(ask(lookup, "host.example", within=AGES))
    await asyncio.sleep(0)
    server.from_now_on(HERE)
    assert (await second, await third) == (["192.0.2.1"], ["192.0.2.1"])
    assert server.questions == ["host.example. A"]


async def test_a_lookup_that_nobody_waits_for_ends(dns_server: Farm) -> None:
    server = await dns_server(silent)
    lookup = resolver(server)
    only = asyncio.create_task(ask(lookup, "host.example", within=AGES))
    await async_eventually(lambda: bool(server.questions))
    only.cancel()
    await async_eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()}, within=60)


async def test_when_all_are_cancelled_the_next_asks_anew(dns_server: Farm) -> None:
    server = await dns_server(silent)
    lookup = resolver(server)
    only = asyncio.create_task(ask(lookup, "host.example", within=AGES))
    await async_eventually(lambda: bool(server.questions))
    only.cancel()
    await asyncio.sleep(0)
    server.from_now_on(HERE)
    assert await ask(lookup, "host.example") == ["192.0.2.1"]
    with pytest.raises(asyncio.CancelledError):
        await only


async def test_each_waits_for_its_own_time_only(dns_server: Farm) -> None:
    server = await dns_server(silent)
    lookup = resolver(server)
    hasty = asyncio.create_task(ask(lookup, "host.example", within=0.1))
    patient = asyncio.create_task(ask(lookup, "host.example", within=AGES))
    with pytest.raises(Failure) as caught:
        await hasty
    assert caught.value.answer.reason == "resolver_lost"
    server.from_now_on(HERE)
    assert await patient == ["192.0.2.1"]


async def test_the_patient_one_may_come_last(dns_server: Farm) -> None:
    """One question and its time: the second asker gives the lookup more of it."""
    server = await dns_server(silent)
    lookup = resolver(server)
    asking = [asyncio.create_task(ask(lookup, "host.example", within=within)) for within in (0.1, AGES, 0.1)]
    done, _ = await asyncio.wait(asking, timeout=1, return_when=asyncio.ALL_COMPLETED)
    assert done == {asking[0], asking[2]}
    server.from_now_on(HERE)
    assert await asking[1] == ["192.0.2.1"]
    for each in done:
        assert isinstance(each.exception(), Failure)


async def test_a_machine_without_descriptors_blames_no_server(
    dns_server: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S11: UNKNOWN with the right cause."""

    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    server = await dns_server(HERE)
    lookup = resolver(server)
    with monkeypatch.context() as patch:
        patch.setattr("slawatch.probes.dns_exchange._socket", none_left)
        failure = await failing(lookup)
    assert failure.answer.reason == "prober_fault"
    assert failure.answer.detail.endswith("Too many open files")
    assert (lookup.health()[0].silent, lookup.health()[0].up) == (0, None)
    assert await ask(lookup, "host.example") == ["192.0.2.1"]


async def test_a_storm_of_strays_is_a_failing_server(dns_server: Farm) -> None:
    def storm(query: Query) -> list[bytes]:
        stray = dns.message.make_response(query)
        stray.id ^= 1
        return [stray.to_wire()] * (MOST_STRAY + 1)

    server = await dns_server(storm)
    async with asyncio.timeout(60):
        failure = await failing(resolver(server), within=AGES)
    assert failure.answer.reason == "resolver_lost"
    assert failure.answer.detail.endswith("no usable answer")


async def test_a_server_on_ipv6_and_one_with_a_zone(dns_server: Farm) -> None:
    server = await dns_server(lambda query: truncated(query), HERE, host="::1")
    port = server.address[1]
    assert await ask(resolver(server), "host.example") == ["192.0.2.1"]
    assert await ask(resolver(("::1%lo", port)), "host.example") == ["192.0.2.1"]
    failure = await failing(resolver(("fe80::1%none", port)))
    assert failure.answer.detail.startswith(f"host.example: [fe80::1%none]:{port}: ")


def truncated(query: Query) -> list[bytes]:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


async def test_what_is_kept_is_bounded(dns_server: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slawatch.probes.resolver.MOST_CACHED", 2)
    assert MOST_CACHED == 10_000
    server: Dns = await dns_server(HERE)
    lookup = resolver(server)
    for name in ("a.example", "b.example", "c.example", "b.example", "c.example", "a.example"):
        await ask(lookup, name)
    assert [question[0] for question in server.questions] == ["a", "b", "c", "a"]
