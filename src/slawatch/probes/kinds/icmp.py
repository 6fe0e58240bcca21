"""ICMP echo: whether a host answers a ping, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, Answer, Failure, Reason, Reasons
from slawatch.probes.echo import NONCE
from slawatch.probes.options import Host, HostPort, NetworkOptions, parse_host
from slawatch.probes.probe import ProbeContext
from slawatch.runtime.errors import Unavailable

SCHEMES = ("icmp",)

REASONS: Reasons = {
    **ANY,
    "not_permitted": Reason(
        Verdict.VOID, "This process may open neither raw nor datagram ICMP sockets.", Cause.PROBER_FAULT
    ),
}


class Options(NetworkOptions):
    """Options of the kind `icmp`."""

    size: int = Field(
        default=56, ge=NONCE, le=9000, description="Bytes of payload; 56 as ping(8) sends, larger ones try the path."
    )


@dataclass(frozen=True, slots=True)
class Target:
    """A host."""

    host: Host

    @property
    def destination(self) -> HostPort:
        """The host, without a port."""
        return HostPort(self.host, 0)

    def __str__(self) -> str:
        return self.host.text


def target(text: str) -> Target:
    """`host`, an address, or `icmp://host`; ``ValueError`` says what is wrong."""
    return Target(parse_host(text.removeprefix("icmp://").removesuffix("/")))


async def probe(target: Target, options: Options, context: ProbeContext) -> Answer:
    """Send one echo request and wait for its reply."""
    trace = context.trace
    address = await context.outbound.address(target.host, 0, options.ip, context.deadline, trace)
    try:
        echo = context.echo(address.family)
    except Unavailable as error:
        raise Failure("not_permitted", str(error)) from None
    trace.enter("rtt")
    took = await echo.ping(address.text, options.size)
    trace.close()
    return context.judged(took, options.slow)
