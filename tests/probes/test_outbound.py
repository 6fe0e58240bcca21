"""The one door: which addresses are let through, and which address of a name is probed."""

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
from slawatch.probes.outbound import Address, AddressPolicy, Outbound
from slawatch.probes.resolver import Resolver
from support.clock import FakeClock


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("192.0.2.1", None),
        ("10.0.0.1", None),
        ("100.64.0.1", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("2001:db8::1", None),
        ("fd00::1", None),
        ("64:ff9b::c000:201", None),
        ("169.254.169.254", "a cloud's metadata service"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("fd00:ec2::254", "a cloud's metadata service"),
        ("::ffff:169.254.169.254", "a cloud's metadata service"),
        ("2002:a9fe:a9fe::1", "a cloud's metadata service"),
        ("64:ff9b::a9fe:a9fe", "a cloud's metadata service"),
        ("169.254.1.1", "link-local"),
        ("::ffff:169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("0.0.0.0", "the unspecified address"),
        ("0.1.2.3", "the unspecified address"),
        ("::", "the unspecified address"),
        ("::ffff:0.0.0.0", "the unspecified address"),
        ("224.0.0.1", "multicast or broadcast"),
        ("ff02::1", "multicast or broadcast"),
        ("255.255.255.255", "multicast or broadcast"),
    ],
)
def test_the_policy(address: str, why: str | None) -> None:
    assert AddressPolicy().denial(address) == why


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_can_be_closed(address: str) -> None:
    assert AddressPolicy(allow_loopback=False).denial(address) == "loopback"


class Book(Resolver):
    """A resolver that knows what the test wrote into it."""

    entries: dict[Family, list[str]]
    asked: list[Family]

    async def addresses(self, name: str, family: Family, deadline: float) -> list[str]:
        self.asked.append(family)
        return self.entries[family]


def door(four: list[str], six: list[str]) -> tuple[Outbound, Book]:
    book = Book(FakeClock(), servers=())
    book.entries, book.asked = {4: four, 6: six}, []
    return Outbound(book, AddressPolicy()), book


@pytest.mark.parametrize(
    ("ip", "four", "six", "chosen", "asked"),
    [
        ("any", ["192.0.2.2", "192.0.2.1"], ["2001:db8::1"], Address("192.0.2.2", 4), [4]),
        ("any", [], ["2001:db8::1"], Address("2001:db8::1", 6), [4, 6]),
        ("4", ["192.0.2.1"], ["2001:db8::1"], Address("192.0.2.1", 4), [4]),
        ("6", ["192.0.2.1"], ["2001:db8::1"], Address("2001:db8::1", 6), [6]),
    ],
)
async def test_the_address_of_a_name(
    ip: str, four: list[str], six: list[str], chosen: Address, asked: list[Family]
) -> None:
    outbound, book = door(four, six)
    assert await outbound.address(parse_host("host.example"), ip, 0.0, Trace(FakeClock())) == chosen
    assert book.asked == asked


@pytest.mark.parametrize(
    ("host", "ip", "four", "reason", "detail"),
    [
        ("host.example", "any", [], "no_address", "host.example has no address"),
        ("host.example", "4", [], "no_address", "host.example has no address of IPv4"),
        ("192.0.2.1", "6", [], "no_address", "192.0.2.1 is an IPv4 address and `ip` asks for 6"),
        ("169.254.1.1", "any", [], "address_denied", "169.254.1.1: link-local"),
        ("host.example", "any", ["192.0.2.1", "fe80::1"], "address_denied", "fe80::1: link-local"),
    ],
)
async def test_no_address_to_probe(host: str, ip: str, four: list[str], reason: str, detail: str) -> None:
    """One bad address among good ones denies the name: the order of an answer is in other people's hands."""
    outbound, _ = door(four, [])
    with pytest.raises(Failure) as caught:
        await outbound.address(parse_host(host), ip, 0.0, Trace(FakeClock()))
    assert (caught.value.answer.reason, caught.value.answer.detail) == (reason, detail)


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
