"""Which addresses and ports a probe may talk to: what each address is, what the box's file allows, what is our own.

Everything here is judged by the number of an address, never by its spelling, and the same under every version of
Python: what `ipaddress` says of IPv4 inside IPv6 changed between 3.11 and 3.13.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

from slawatch.domain.interval import MINUTE, Instant
from slawatch.probes.options import Host, parse_port, split_port
from slawatch.runtime.clock import Clock, SystemClock

AnyAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Sort(NamedTuple):
    """One sort of address that is denied. ``opened``: what can allow it: nothing, an entry that is exactly this
    address, or any entry that holds it.
    """

    words: str
    opened: Literal["never", "by name", "by network"]
    networks: tuple[Network, ...]


def _sort(words: str, opened: Literal["never", "by name", "by network"], *networks: str) -> Sort:
    return Sort(words, opened, tuple(map(ip_network, networks)))


SORTS = (
    # Where clouds hand out credentials: AWS, Azure, Google, OpenStack and others; AWS for containers (ECS, EKS);
    # Azure's WireServer; Alibaba; Oracle (classic); AWS, EKS and Google over IPv6.
    _sort("a cloud's metadata service", "by name", "169.254.169.254", "169.254.170.2", "169.254.170.23",
          "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    _sort("the unspecified address", "never", "0.0.0.0/8", "::/128"),
    _sort("multicast or broadcast", "never", "224.0.0.0/4", "255.255.255.255/32", "ff00::/8"),
    _sort("link-local", "by network", "169.254.0.0/16"),
    # It needs a zone, and no target has one.
    _sort("link-local", "never", "fe80::/10"),
    _sort("loopback", "by network", "127.0.0.0/8", "::1/128"),
)  # fmt: skip
"""Denied unless allowed, the first that fits."""

_V4_AT_THE_END = tuple(
    map(
        IPv6Network,
        (
            "::ffff:0:0/96",  # mapped (RFC 4291)
            "::ffff:0:0:0/96",  # translated (RFC 2765)
            "::/96",  # compatible (RFC 4291)
            "64:ff9b::/96",  # NAT64 (RFC 6052)
        ),
    )
)
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: whoever runs it chooses the length of the prefix, and so where the IPv4 address stands (RFC 6052)."""
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""What stands before the IPv4 address in an interface identifier (RFC 5214)."""
_LOW_32 = 0xFFFF_FFFF


def embedded(address: AnyAddress) -> Iterator[IPv4Address]:
    """IPv4 addresses to which an IPv6 address may lead: mapped, translated, compatible, 6to4, Teredo, NAT64, ISATAP."""
    if isinstance(address, IPv4Address):
        return
    number, low = int(address), int(address) & _LOW_32
    if number > 1 and any(address in network for network in _V4_AT_THE_END):
        yield IPv4Address(low)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if (number >> 32) & _LOW_32 in _ISATAP:
        yield IPv4Address(low)
    if address in _LOCAL_NAT64:
        # Prefixes of 96, 64, 56 and 48 bits, of which bits 64 to 71 are no part. One that reads 0.x.x.x is not meant.
        rest = ((number >> 64) & 0xFFFF) << 32 | (number >> 24) & _LOW_32
        for inner in (low, rest & _LOW_32, (rest >> 8) & _LOW_32, rest >> 16):
            if inner >> 24:
                yield IPv4Address(inner)


@lru_cache(maxsize=65536)
def sorted_out(text: str) -> tuple[tuple[AnyAddress, Sort | None], ...]:
    """An address and those within it, each with the sort that it is of, if it is one of :data:`SORTS`."""
    address = ip_address(text)
    return tuple((each, _sort_of(each)) for each in (address, *embedded(address)))


def _sort_of(address: AnyAddress) -> Sort | None:
    return next((sort for sort in SORTS if any(address in network for network in sort.networks)), None)


class Allowance(NamedTuple):
    """One entry of ``outbound: {allow: …}``. ``port`` ``None`` means every port, and pings."""

    network: Network
    port: int | None

    @property
    def exact(self) -> bool:
        """Whether it is one single address."""
        return self.network.num_addresses == 1

    def holds(self, address: AnyAddress, port: int) -> bool:
        """Whether the entry speaks of this address and port; ``port`` 0 is a probe without one."""
        return (self.port is None or self.port == port) and address in self.network


_EXPECTED = "expected a network like 127.0.0.0/8, an address like ::1, or an address and port like 127.0.0.1:8080"


def parse_allowance(text: str) -> Allowance:
    """A network, an address, or an address with a port; ``ValueError`` says what is wrong with it."""
    network, port = _network_and_port(text)
    closed = [(sort, of) for sort in SORTS for of in sort.networks if of.version == network.version]
    for sort, of in closed:
        if sort.opened == "never" and network.subnet_of(of):  # type: ignore[arg-type]
            raise ValueError(f"{text!r} can never be allowed: {sort.words}")
    if port is None and not any(network.subnet_of(of) for _, of in closed):  # type: ignore[arg-type]
        raise ValueError(
            f"{text!r} is not denied, or not as a whole: expected one that lies in 127.0.0.0/8, ::1 or "
            "169.254.0.0/16, a metadata service's address, or an address and port of slawatch's own"
        )
    return Allowance(network, port)


def _network_and_port(text: str) -> tuple[Network, int | None]:
    try:
        if "%" in text:
            raise ValueError("zones are of no use here")
        if "/" in text:
            return ip_network(text), None
        if text.count(":") > 1 and not text.startswith("["):
            return ip_network(IPv6Address(text)), None
        host, port = split_port(text)
        address = IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
        return ip_network(address), parse_port(port) if port or text.endswith(":") else None
    except ValueError as problem:
        if "host bits" in str(problem):
            raise ValueError(f"{text!r} has bits set beyond its prefix: {_EXPECTED}") from None
        if "is no port" in str(problem):
            raise
        raise ValueError(f"{text!r} is no address or network: {_EXPECTED}") from None


LOOPBACK = tuple(map(parse_allowance, ("127.0.0.0/8", "::1")))
"""What lets all of this machine through: for one who typed such a target."""


class Service(NamedTuple):
    """A port of slawatch's own: where it listens, or where its database does. ``host`` ``None`` is this machine."""

    words: str
    host: Host | None
    port: int


_REMEMBERED: int = MINUTE
"""How long it is remembered whether an address is this machine's, and where a service is: addresses come and go."""


class OwnAddresses:
    """Which addresses are this machine's: those to which a UDP socket can be bound. Nothing is sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[AnyAddress, tuple[Instant, bool]] = {}

    def __contains__(self, address: AnyAddress) -> bool:
        now = self._clock.monotonic()
        known = self._known.get(address)
        if known is not None and now < known[0]:
            return known[1]
        answer = _can_be_bound(address)
        if answer is None:
            return True
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[address] = (now + _REMEMBERED, answer)
        return answer


_MOST_KNOWN = 10_000
_NOWHERE: frozenset[AnyAddress] = frozenset()


def _can_be_bound(address: AnyAddress) -> bool | None:
    """``None`` where this machine cannot even ask: out of descriptors, say."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.bind((str(address), 0))
    except OSError as error:
        return False if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) else None
    return True


class AddressPolicy:
    """What probes may talk to: everything but :data:`SORTS` and ``services``, and of these what ``allow`` says.

    It is told where services are that are configured by a name, and remembers the last addresses.
    """

    def __init__(
        self, allow: Iterable[Allowance] = (), services: Iterable[Service] = (), clock: Clock | None = None
    ) -> None:
        self.allow = tuple(allow)
        self.services = tuple(services)
        self._clock = clock or SystemClock()
        self._ports = frozenset(service.port for service in self.services)
        self._ours = OwnAddresses(self._clock)
        self._found: dict[str, tuple[Instant, frozenset[AnyAddress]]] = {}
        self._let_through: set[tuple[str, int]] = set()
        """What ``allow`` lets through, or is of no sort at all: the same for as long as this policy stands."""

    def unknown(self, port: int) -> Sequence[Host]:
        """Names whose addresses must be found, again after a minute, before anything is asked at ``port``."""
        if port not in self._ports:
            return ()
        now = self._clock.monotonic()
        hosts = [each.host for each in self.services if each.port == port and each.host and each.host.family is None]
        return [host for host in hosts if now >= self._found.get(host.text, (now, _NOWHERE))[0]]

    def was_found(self, host: Host) -> bool:
        """Whether addresses of a name are known, however old."""
        return host.text in self._found

    def found(self, host: Host, addresses: Iterable[str]) -> None:
        """Where a service is."""
        self._found[host.text] = self._clock.monotonic() + _REMEMBERED, frozenset(map(ip_address, addresses))

    def denial(self, text: str, port: int) -> str | None:
        """Why ``text`` at ``port`` (0: no port) is refused; ``None`` when it may be talked to.

        IPv4 addresses within an IPv6 address count too.
        """
        sorted_ = sorted_out(text)
        if (text, port) not in self._let_through:
            for address, sort in sorted_:
                if sort is not None and not self._opened(sort, address, port):
                    return sort.words
            if len(self._let_through) >= _MOST_KNOWN:
                self._let_through.clear()
            self._let_through.add((text, port))
        if port in self._ports:
            for address, _ in sorted_:
                service = self._service_at(address, port)
                if service is not None and not self._named_exactly(address, port):
                    return service.words
        return None

    def _opened(self, sort: Sort, address: AnyAddress, port: int) -> bool:
        if sort.opened == "never":
            return False
        exactly = sort.opened == "by name"
        return any(entry.holds(address, port) and (entry.exact or not exactly) for entry in self.allow)

    def _named_exactly(self, address: AnyAddress, port: int) -> bool:
        return any(entry.port == port and entry.holds(address, port) for entry in self.allow)

    def _service_at(self, address: AnyAddress, port: int) -> Service | None:
        for service in self.services:
            if service.port == port and self._stands_at(service, address):
                return service
        return None

    def _stands_at(self, service: Service, address: AnyAddress) -> bool:
        """Whether the service is at ``address``; one on this machine is at every address of this machine."""
        if service.host is None:
            return address in self._ours
        if service.host.family is None:
            where = self._found.get(service.host.text, (0, _NOWHERE))[1]
        else:
            where = frozenset({ip_address(service.host.text)})
        return address in where or (any(each in self._ours for each in where) and address in self._ours)
