"""The paths of a configuration: which witnesses vouch for each, and who vouches for each endpoint (S15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address

from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.domain.observation import Observation
from slawatch.evaluation.board import PathStatus, Vouched
from slawatch.probes.policy import OwnAddresses
from slawatch.probes.probe import Resources
from slawatch.probes.witness import Witness, answers
from slawatch.runtime.link import way_to
from slawatch.scheduling.alibi import Fault
from slawatch.scheduling.paths import Excuse, PathWatch, Voucher, link_fault
from slawatch.scheduling.runner import Vouch

BY_ADDRESS = "lan"
"""The path of which the link of this machine is a witness."""


class Paths:
    """Every path that has witnesses, watched. ``on_change`` hears of each that goes blind or is seen again."""

    def __init__(self, resources: Resources, on_change: Callable[[PathWatch], None], excuse: Excuse) -> None:
        self._resources = resources
        self._on_change, self._excuse = on_change, excuse
        self._own = OwnAddresses(resources.clock)
        self._watches: dict[str, tuple[Sequence[Witness], PathWatch]] = {}

    async def apply(self, configuration: Configuration) -> None:
        """Watch the configured paths. One whose witnesses are the same goes on as it is."""
        wanted = configuration.witnesses
        for name, (witnesses, watch) in list(self._watches.items()):
            if wanted.get(name) != witnesses:
                del self._watches[name]
                await watch.stop()
        for name, witnesses in wanted.items():
            if name not in self._watches:
                watch = PathWatch(name, self._vouchers(witnesses), self._resources.clock, self._on_change, self._excuse)
                self._watches[name] = witnesses, watch
                watch.start()

    async def stop(self) -> None:
        """Ask nobody any more."""
        for _, watch in self._watches.values():
            await watch.stop()
        self._watches.clear()

    def statuses(self) -> tuple[PathStatus, ...]:
        """Where each stands now."""
        return tuple(
            PathStatus(watch.name, watch.witnesses, watch.answering, watch.blind, watch.since)
            for _, watch in self._watches.values()
        )

    def vouch(self, endpoint: EndpointConfig) -> Vouch:
        """Who is asked when a probe of the endpoint fails."""
        return partial(self._fault, endpoint)

    def _vouchers(self, witnesses: Sequence[Witness]) -> list[Voucher]:
        return [Voucher(witness.address, partial(self._answers, witness)) for witness in witnesses]

    async def _answers(self, witness: Witness) -> bool:
        """Never, where the address is this machine's own: it would vouch for everything."""
        return ip_address(witness.address) not in self._own and await answers(witness, self._resources)

    async def _fault(self, endpoint: EndpointConfig, since: int, failed: Observation) -> Fault | None:
        address = failed.address or endpoint.address
        fault = link_fault(address, way_to)
        if fault is None and endpoint.path in self._watches:
            fault = await self._watches[endpoint.path][1].fault(since, address)
        return fault


def vouched(endpoint: EndpointConfig, configuration: Configuration) -> Vouched:
    """Who vouches for the way to an endpoint, for pages to say."""
    if endpoint.path in configuration.witnesses:
        return Vouched.HOSTS
    return Vouched.LINK if endpoint.path == BY_ADDRESS else Vouched.NOBODY
