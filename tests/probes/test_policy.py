"""The address policy: what each address is, what an entry of `allow` opens, and which ports are slawatch's own."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from slawatch.domain.interval import SECOND
from slawatch.probes import policy as module
from slawatch.probes.options import parse_host
from slawatch.probes.policy import AddressPolicy, OwnAddresses, Service, embedded, parse_allowance
from support.clock import FakeClock

METADATA, NOWHERE, MANY = "a cloud's metadata service", "the unspecified address", "multicast or broadcast"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("192.0.2.1", None),
        ("10.0.0.1", None),
        ("100.64.0.1", None),
        ("2001:db8::1", None),
        ("fd00::1", None),
        ("64:ff9b::c000:201", None),
        ("64:ff9b:1::c000:201", None),
        ("64:ff9b:1:c000:2:100::", None),
        ("2002:c000:201::1", None),
        ("2001:db8::5efe:c000:201", None),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:0:127.0.0.1", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("2002:7f00:1::1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b:1::7f00:1", "loopback"),
        ("64:ff9b:1:7f00:0:100::", "loopback"),  # a prefix of 48 bits
        ("64:ff9b:1:7f:0:1::", "loopback"),  # of 56
        ("64:ff9b:1:0:7f:0:100:0", "loopback"),  # of 64
        ("2001:0:7f00:1::", "loopback"),  # Teredo: the server
        ("2001:0:c000:201::80ff:fffe", "loopback"),  # and the client, its bits turned over
        ("2001:db8::5efe:7f00:1", "loopback"),
        ("2001:db8::200:5efe:7f00:1", "loopback"),
        ("169.254.169.254", METADATA),
        ("169.254.170.2", METADATA),
        ("168.63.129.16", METADATA),
        ("100.100.100.200", METADATA),
        ("192.0.0.192", METADATA),
        ("fd00:ec2::254", METADATA),
        ("fd20:ce::254", METADATA),
        ("::ffff:169.254.169.254", METADATA),
        ("2002:a9fe:a9fe::1", METADATA),
        ("64:ff9b::a9fe:a9fe", METADATA),
        ("169.254.1.1", "link-local"),
        ("::ffff:169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("febf::1", "link-local"),
        ("0.0.0.0", NOWHERE),
        ("0.1.2.3", NOWHERE),
        ("::", NOWHERE),
        ("::2", NOWHERE),
        ("::ffff:0.0.0.0", NOWHERE),
        ("64:ff9b::", NOWHERE),
        ("224.0.0.1", MANY),
        ("239.255.255.255", MANY),
        ("ff02::1", MANY),
        ("ff0e::1", MANY),
        ("255.255.255.255", MANY),
        ("::ffff:224.0.0.1", MANY),
    ],
)
def test_what_is_denied(address: str, why: str | None) -> None:
    assert AddressPolicy().denial(address, 0) == why
    assert AddressPolicy().denial(address, 443) == why


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("192.0.2.1", []),
        ("2001:db8::1", []),
        ("::", []),
        ("::1", []),
        ("::ffff:192.0.2.1", ["192.0.2.1"]),
        ("2002:c000:201::", ["192.0.2.1"]),
        ("2001:0:cb00:7101::3fff:fdfe", ["203.0.113.1", "192.0.2.1"]),
        ("64:ff9b:1:c000:2:100::", ["192.0.2.1", "2.1.0.0"]),  # as a prefix of 48 bits reads it, and one of 56
    ],
)
def test_what_lies_within(address: str, within: list[str]) -> None:
    assert sorted(map(str, embedded(ip_address(address)))) == sorted(within)


@pytest.mark.parametrize(
    ("entry", "address", "port", "passes"),
    [
        ("127.0.0.0/8", "127.0.0.1", 80, True),
        ("127.0.0.0/8", "127.0.0.1", 0, True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 80, True),  # the same host, and told apart by no packet
        ("127.0.0.0/8", "::1", 80, False),
        ("127.0.0.1", "127.0.0.2", 80, False),
        ("127.0.0.1:80", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", 81, False),
        ("127.0.0.1:80", "127.0.0.1", 0, False),
        ("127.0.0.1:80", "::ffff:127.0.0.1", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 443, False),
        ("169.254.0.0/16", "169.254.10.1", 80, True),
        ("169.254.0.0/16", "169.254.169.254", 80, False),  # nobody means that one by its network
        ("169.254.169.254", "169.254.169.254", 80, True),
        ("169.254.169.254/32", "169.254.169.254", 80, True),
        ("168.63.129.16:53", "168.63.129.16", 53, True),
        ("168.63.129.16:53", "168.63.129.16", 80, False),
    ],
)
def test_what_an_entry_opens(entry: str, address: str, port: int, passes: bool) -> None:
    assert (AddressPolicy([parse_allowance(entry)]).denial(address, port) is None) == passes


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("localhost", "'localhost' is no address or network: expected a network like 127.0.0.0/8"),
        ("", "'' is no address or network"),
        ("127.1", "is no address or network"),
        ("0177.0.0.1", "is no address or network"),
        ("2130706433", "is no address or network"),
        ("127.0.0.1:", "'' is no port"),
        ("127.0.0.1:0", "'0' is no port: expected a number from 1 to 65535"),
        ("127.0.0.0/8:80", "is no address or network"),
        ("127.0.0.1/8", "'127.0.0.1/8' has bits set beyond its prefix"),
        ("::1:80", "'::1:80' is not denied"),
        ("::1%lo", "is no address or network"),
        ("fe80::/10", "'fe80::/10' can never be allowed: link-local"),
        ("fe80::1", "'fe80::1' can never be allowed: link-local"),
        ("224.0.0.1", "can never be allowed: multicast or broadcast"),
        ("ff02::1", "can never be allowed: multicast or broadcast"),
        ("255.255.255.255", "can never be allowed: multicast or broadcast"),
        ("0.0.0.0", "can never be allowed: the unspecified address"),
        ("[::]:80", "can never be allowed: the unspecified address"),
        ("0.0.0.0/0", "'0.0.0.0/0' is not denied, or not as a whole"),
        ("10.0.0.0/8", "'10.0.0.0/8' is not denied, or not as a whole: expected one that lies in 127.0.0.0/8"),
        ("::/0", "is not denied, or not as a whole"),
    ],
)
def test_entries_that_are_refused(entry: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_allowance(entry)


OWN, DATABASE = Service("own port", None, 9797), Service("database", parse_host("192.0.2.5"), 5432)


@pytest.mark.parametrize(
    ("allow", "address", "port", "why"),
    [
        (["127.0.0.0/8", "::1"], "127.0.0.1", 9797, "own port"),
        (["127.0.0.0/8", "::1"], "127.3.3.3", 9797, "own port"),
        (["127.0.0.0/8", "::1"], "::1", 9797, "own port"),
        (["127.0.0.0/8", "::1"], "::ffff:127.0.0.1", 9797, "own port"),
        (["127.0.0.0/8", "::1"], "127.0.0.1", 9798, None),
        (["127.0.0.0/8", "::1"], "127.0.0.1", 0, None),
        (["127.0.0.1"], "127.0.0.1", 9797, "own port"),
        (["127.0.0.1:9797"], "127.0.0.1", 9797, None),
        (["127.0.0.1:9797"], "127.0.0.2", 9797, "loopback"),
        ([], "192.0.2.1", 9797, None),  # another machine's
        ([], "192.0.2.5", 5432, "database"),
        ([], "::ffff:192.0.2.5", 5432, "database"),
        ([], "192.0.2.5", 5433, None),
        ([], "192.0.2.6", 5432, None),
        (["192.0.2.5:5432"], "192.0.2.5", 5432, None),
    ],
)
def test_ports_of_our_own(allow: list[str], address: str, port: int, why: str | None) -> None:
    policy = AddressPolicy(map(parse_allowance, allow), [OWN, DATABASE])
    assert policy.denial(address, port) == why


def test_a_database_of_this_machine_is_at_each_of_its_addresses() -> None:
    everywhere = map(parse_allowance, ["127.0.0.0/8", "::1"])
    policy = AddressPolicy(everywhere, [Service("database", parse_host("127.0.0.1"), 5432)])
    assert policy.denial("127.0.0.2", 5432) == policy.denial("::1", 5432) == "database"
    assert policy.denial("192.0.2.9", 5432) is None


def test_a_database_elsewhere_closes_no_port_of_this_machine() -> None:
    everywhere = map(parse_allowance, ["127.0.0.0/8", "::1"])
    policy = AddressPolicy(everywhere, [Service("database", parse_host("192.0.2.9"), 5432)])
    assert policy.denial("192.0.2.9", 5432) == "database"
    assert policy.denial("127.0.0.1", 5432) is None


def test_whether_an_address_is_ours_is_asked_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = {"192.0.2.1": False, "127.0.0.1": True}

    def bindable(address: object) -> bool:
        asked.append(str(address))
        return answers[str(address)]

    monkeypatch.setattr(module, "_can_be_bound", bindable)
    clock = FakeClock()
    ours = OwnAddresses(clock)
    for _ in range(3):
        assert ip_address("127.0.0.1") in ours
        assert ip_address("192.0.2.1") not in ours
    assert asked == ["127.0.0.1", "192.0.2.1"]
    answers["192.0.2.1"] = True  # it came while we ran
    clock.advance(61 * SECOND)
    assert ip_address("192.0.2.1") in ours


def test_a_machine_that_cannot_even_ask_counts_the_address_as_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of descriptors: the answer is on the safe side, and is not kept."""
    ours = OwnAddresses(FakeClock())
    with monkeypatch.context() as without:
        without.setattr(socket, "socket", _no_more)
        assert ip_address("192.0.2.1") in ours
    assert ip_address("192.0.2.1") not in ours


def _no_more(*_: object) -> object:
    raise OSError(24, "Too many open files")
