"""A host that vouches for a path (S15): how it is written, and whether it answers now.

A witness is asked by the ICMP echo, or by TCP where it has a port: a connection that is refused is an answer too, since
it came over the path.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from ipaddress import ip_address

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.probes.answer import Failure, Trace
from slawatch.probes.options import Family, parse_host, parse_port, split_port
from slawatch.probes.outbound import Address, connect
from slawatch.probes.probe import Resources
from slawatch.runtime.errors import Unavailable

ANSWER_WITHIN: Duration = 900 * MILLISECOND
"""How long a witness has. One that needs longer is no witness for probes that have seconds."""
AGAIN_AFTER: Duration = 300 * MILLISECOND
"""A ping without a reply for so long gets a second one beside it: one lost packet must not blind a path."""
_SIZE = 56
_ENDPOINT = re.compile(r"[^/\s]+/[^/\s]+")


@dataclass(frozen=True, slots=True)
class Witness:
    """A literal address, a TCP port or None for a ping, and the endpoint (``client/endpoint``) that it lies behind."""

    address: str
    family: Family
    port: int | None = None
    behind: str | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.address
        return f"[{self.address}]:{self.port}" if self.family == 6 else f"{self.address}:{self.port}"


def parse_witness(text: str, behind: str | None = None) -> Witness:
    """`192.0.2.10` to be pinged, `192.0.2.10:53` to be connected to; ``ValueError`` says what is wrong."""
    host, port = split_port(text) if text.startswith("[") or text.count(":") == 1 else (text, "")
    found = parse_host(host)
    if found.family is None:
        raise ValueError(f"{text!r} is a name: expected an address, since a witness must not need a resolver")
    address = ip_address(found.text)
    if address.is_loopback or address.is_unspecified:
        raise ValueError(f"{text!r} is this machine, which vouches for nothing: expected another host's address")
    if address.is_multicast or address.is_link_local:
        raise ValueError(f"{text!r} is no single host that can be reached by its address: expected another")
    if behind is not None and not _ENDPOINT.fullmatch(behind):
        raise ValueError(f"{behind!r} names no endpoint: expected client/endpoint")
    return Witness(found.text, found.family, parse_port(port) if port else None, behind)


async def answers(witness: Witness, resources: Resources) -> bool:
    """Whether it answers within ``ANSWER_WITHIN``. Raises nothing but ``CancelledError``."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN / SECOND):
            return await (_pinged(witness, resources) if witness.port is None else _connected(witness, resources))
    except ConnectionRefusedError:
        return True
    except (OSError, Failure, Unavailable):
        return False


async def _connected(witness: Witness, resources: Resources) -> bool:
    assert witness.port is not None
    address = Address(witness.address, witness.family, witness.port)
    transport, _ = await connect(asyncio.Protocol, address, Trace(resources.clock))
    transport.abort()
    return True


async def _pinged(witness: Witness, resources: Resources) -> bool:
    """Two pings at most; the first good reply to either counts."""
    echo, loop = resources.echo(witness.family), asyncio.get_running_loop()
    pings = {loop.create_task(echo.ping(witness.address, _SIZE))}
    try:
        done, _ = await asyncio.wait(pings, timeout=AGAIN_AFTER / SECOND)
        if done:
            return _good(done)
        pings.add(loop.create_task(echo.ping(witness.address, _SIZE)))
        done, _ = await asyncio.wait(pings, return_when=asyncio.FIRST_COMPLETED)
        return _good(done)
    finally:
        for ping in pings:
            ping.cancel()
        await asyncio.gather(*pings, return_exceptions=True)


def _good(done: set[asyncio.Task[int]]) -> bool:
    return any(ping.exception() is None for ping in done)
