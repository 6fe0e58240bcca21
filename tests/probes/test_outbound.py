"""The one door: which address of a name is probed, and that every one of them passed the policy with the port."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from probes.driver import Driver
from probes.scene import needs_root
from probes.servers import Servers, silence
from slawatch.domain.observation import Verdict
from slawatch.probes.answer import Failure, Trace
from slawatch.probes.options import Family, parse_host
from slawatch.probes.outbound import Address, Outbound
from slawatch.probes.policy import AddressPolicy, Service
from slawatch.probes.resolver import Resolver
from support.clock import FakeClock


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
    """Only where the port is the database's is anybody asked; without a resolver the last addresses stand."""
    outbound, book = door(["192.0.2.5"], [])
    outbound = Outbound(book, AddressPolicy(services=[Service("database", parse_host("db.example"), 5432)]))

    async def ask(host: str, port: int) -> Address:
        return await outbound.address(parse_host(host), port, "any", 0.0, Trace(FakeClock()))

    assert await ask("192.0.2.5", 5433) == Address("192.0.2.5", 4, 5433)
    assert book.asked == []
    for _ in range(2):
        with pytest.raises(Failure) as caught:
            await ask("192.0.2.5", 5432)
        assert caught.value.answer.detail == "192.0.2.5: database"
        book.lost = True
    assert await ask("192.0.2.6", 5432) == Address("192.0.2.6", 4, 5432)


async def test_a_database_that_was_never_found_closes_its_port() -> None:
    _, book = door([], [])
    book.lost = True
    outbound = Outbound(book, AddressPolicy(services=[Service("database", parse_host("db.example"), 5432)]))
    with pytest.raises(Failure) as caught:
        await outbound.address(parse_host("192.0.2.5"), 5432, "any", 0.0, Trace(FakeClock()))
    assert caught.value.answer.reason == "resolver_lost"


@needs_root
async def test_nothing_asks_the_systems_resolver_or_a_thread(
    observe: Driver, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> Any:
        raise AssertionError("the system's resolver or a thread was asked")

    port = await servers.start(silence)
    port6 = await servers.start(silence, host="::1")
    for name in ("getaddrinfo", "gethostbyname", "getnameinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    loop = asyncio.get_running_loop()
    if type(loop).__module__.startswith("asyncio"):
        monkeypatch.setattr(loop, "run_in_executor", forbidden)
        monkeypatch.setattr(loop, "getaddrinfo", forbidden)
    probes: list[tuple[str, str, dict[str, Any]]] = [
        ("tcp", f"127.0.0.1:{port}", {}),
        ("tcp", f"localhost:{port}", {}),
        ("tcp", f"[::1]:{port6}", {}),
        ("tcp", f"localhost:{port6}", {"ip": "6"}),
        ("icmp", "localhost", {}),
        ("icmp", "::1", {}),
    ]
    for kind, target, options in probes:
        assert (await observe(kind, target, **options)).verdict is Verdict.UP
