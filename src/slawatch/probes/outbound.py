"""The one door to the network: resolve, check every address, connect to the one that was checked.

A probe's target is partly in other people's hands (DNS answers, redirects). So each address is checked after it
was resolved, and the connection goes to that very address: a name cannot change in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple, TypeVar

from slawatch.probes.answer import Failure, Trace
from slawatch.probes.options import Family, Host
from slawatch.probes.resolver import Resolver

P = TypeVar("P", bound=asyncio.Protocol)

_METADATA = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))
"""Where clouds hand out credentials (AWS, Azure, Google, OpenStack; AWS over IPv6; Alibaba)."""
_NAT64 = IPv6Network("64:ff9b::/96")


class Address(NamedTuple):
    """A literal address that passed the policy."""

    text: str
    family: Family


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be talked to. Link-local, multicast, unspecified, broadcast and metadata never."""

    allow_loopback: bool = True

    def denial(self, text: str) -> str | None:
        """Why ``text`` is refused; ``None`` when it may be talked to. Embedded IPv4 addresses count too."""
        return _denial(text, self.allow_loopback)


@lru_cache(maxsize=65536)
def _denial(text: str, allow_loopback: bool) -> str | None:
    address = ip_address(text)
    for each in (address, *_embedded(address)):
        if each in _METADATA:
            return "a cloud's metadata service"
        if each.is_unspecified or (each.version == 4 and int(each) >> 24 == 0):
            return "the unspecified address"
        if each.is_multicast or int(each) == 0xFFFF_FFFF:
            return "multicast or broadcast"
        if each.is_link_local:
            return "link-local"
        if each.is_loopback and not allow_loopback:
            return "loopback"
    return None


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address carries to: mapped, 6to4, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    found = [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return found


@dataclass(frozen=True, slots=True)
class Outbound:
    """The door. Everything that a probe sends goes to an address that this returned."""

    resolver: Resolver
    policy: AddressPolicy

    async def address(self, host: Host, ip: str, deadline: float, trace: Trace) -> Address:
        """The one address to probe: the first of the chosen family, after all of them were checked.

        With ``any``, IPv6 is used only where the name has no IPv4 address. ``Failure`` carries ``no_address``,
        ``address_denied``, ``name_unknown`` or ``resolver_lost``.
        """
        if host.family is not None:
            if ip not in ("any", str(host.family)):
                raise Failure("no_address", f"{host} is an IPv{host.family} address and `ip` asks for {ip}")
            self._check(host.text)
            return Address(host.text, host.family)
        trace.enter("resolve")
        families: tuple[Family, ...] = (4, 6) if ip == "any" else (4,) if ip == "4" else (6,)
        for family in families:
            addresses = await self.resolver.addresses(host.text, family, deadline)
            for each in addresses:
                self._check(each)
            if addresses:
                return Address(addresses[0], family)
        raise Failure("no_address", f"{host} has no address" + ("" if ip == "any" else f" of IPv{ip}"))

    def _check(self, address: str) -> None:
        why = self.policy.denial(address)
        if why is not None:
            raise Failure("address_denied", f"{address}: {why}")


async def connect(factory: Callable[[], P], address: Address, port: int, trace: Trace) -> tuple[asyncio.Transport, P]:
    """A TCP connection to a checked address; its time is the phase ``connect``. Errors are the system's own."""
    trace.enter("connect")
    loop = asyncio.get_running_loop()
    return await loop.create_connection(factory, address.text, port)
