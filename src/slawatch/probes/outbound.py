"""The one door to the network: resolve, check every address, connect to the one that was checked.

A probe's target is partly in other people's hands (DNS answers, redirects). So each address is checked after it
was resolved, with the port, and the connection goes to that very address: a name cannot change in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from slawatch.probes.answer import Failure, Trace
from slawatch.probes.families import Families
from slawatch.probes.options import Family, Host
from slawatch.probes.policy import AddressPolicy
from slawatch.probes.resolver import Resolver

P = TypeVar("P", bound=asyncio.Protocol)


class Address(NamedTuple):
    """A literal address that passed the policy, with the port for which it did; 0 for a probe without one."""

    text: str
    family: Family
    port: int


@dataclass(frozen=True, slots=True)
class Outbound:
    """The door. Everything that a probe sends goes to an address that this returned."""

    resolver: Resolver
    policy: AddressPolicy
    families: Families = field(default_factory=Families)

    async def address(self, host: Host, port: int, ip: str, deadline: float, trace: Trace) -> Address:
        """The one address to probe at ``port`` (0 for ICMP): the first of the chosen family, after all were checked.

        With ``any``, IPv6 is used only where the name has no IPv4 address, and what a name began with it keeps.
        ``Failure`` carries ``no_address``, ``address_denied``, ``name_unknown`` or ``resolver_lost``.
        """
        for service in self.policy.unknown(port):
            await self._find(service, deadline)
        if host.family is not None:
            if ip not in ("any", str(host.family)):
                raise Failure("no_address", f"{host} is an IPv{host.family} address and `ip` asks for {ip}")
            self._check(host.text, port)
            trace.address = host.text
            return Address(host.text, host.family, port)
        trace.enter("resolve")
        for family in self.families.allowed(host.text, ip):
            addresses = await self.resolver.addresses(host.text, family, deadline)
            for each in addresses:
                self._check(each, port)
            if addresses:
                self.families.choose(host.text, ip, family)
                trace.address = addresses[0]
                return Address(addresses[0], family, port)
        raise Failure("no_address", self.families.lack(host.text, ip))

    def _check(self, address: str, port: int) -> None:
        why = self.policy.denial(address, port)
        if why is not None:
            raise Failure("address_denied", f"{address}: {why}")

    async def _find(self, service: Host, deadline: float) -> None:
        """Learn where a service of ours is. While no resolver answers, the last known addresses stand."""
        families: tuple[Family, ...] = (4, 6)
        try:
            answers = [await self.resolver.addresses(service.text, family, deadline) for family in families]
        except Failure as failure:
            if failure.answer.reason == "resolver_lost" and not self.policy.was_found(service):
                raise
            return
        self.policy.found(service, (text for answer in answers for text in answer))


async def connect(factory: Callable[[], P], address: Address, trace: Trace) -> tuple[asyncio.Transport, P]:
    """A TCP connection to what was checked; its time is the phase ``connect``. Errors are the system's own."""
    trace.enter("connect")
    loop = asyncio.get_running_loop()
    return await loop.create_connection(factory, address.text, address.port)
