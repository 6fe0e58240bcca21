"""ICMP echo: whether a host answers pings, how many, how fast and how evenly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from slawatch.domain.grammar import format_duration, parse_ratio, ratio_text
from slawatch.domain.interval import MILLISECOND, Duration
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, Answer, Failure, Reason, Reasons
from slawatch.probes.echo import NONCE, Echo, Ping
from slawatch.probes.options import DurationText, Host, HostPort, NetworkOptions, ProbeOptions, parse_host
from slawatch.probes.probe import ProbeContext
from slawatch.probes.round_trips import RoundTrips
from slawatch.runtime.errors import Unavailable

SCHEMES = ("icmp",)

REASONS: Reasons = {
    **ANY,
    "not_permitted": Reason(
        Verdict.VOID, "This process may open neither raw nor datagram ICMP sockets.", Cause.PROBER_FAULT
    ),
    "loss": Reason(Verdict.DOWN, "More pings were lost than `loss.down` allows."),
    "lossy": Reason(Verdict.DEGRADED, "More pings were lost than `loss.degraded` allows."),
    "jitter": Reason(Verdict.DEGRADED, "The round trips differ from one another by more than `jitter`."),
}


def _ratio(value: object) -> Fraction:
    if not isinstance(value, str):
        raise ValueError("expected a percentage, as 20%")
    ratio = parse_ratio(value)
    if ratio == 1:
        raise ValueError("nothing is more than 100%: expected less")
    return ratio


RatioText = Annotated[
    Fraction,
    BeforeValidator(_ratio),
    PlainSerializer(lambda ratio: f"{ratio_text(ratio * 100)}%"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,2}(\.\d{1,9})? ?%$", "examples": ["0%", "20%"]}),
]


class Loss(ProbeOptions):
    """How many of the pings may be lost."""

    degraded: RatioText | None = Field(
        default=None, description="A larger share of lost pings than this is `degraded`, as `0%`."
    )
    down: RatioText | None = Field(
        default=None, description="A larger share of lost pings than this is `down`, as `50%`."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.degraded is not None and self.down is not None and self.degraded >= self.down:
            raise ValueError("degraded comes before down: expected a smaller share for it")
        return self


class Options(NetworkOptions):
    """Options of the kind `icmp`."""

    count: int = Field(default=1, ge=1, le=20, description="How many pings one probe sends.")
    interval: DurationText = Field(
        default=200 * MILLISECOND, ge=10 * MILLISECOND, description="Time from one ping to the next."
    )
    loss: Loss | None = Field(default=None, description="How many of the pings may be lost; without it, all but one.")
    jitter: DurationText | None = Field(
        default=None, description="A larger mean difference between one round trip and the next is `degraded`."
    )
    size: int = Field(
        default=56, ge=NONCE, le=9000, description="Bytes of payload; 56 as ping(8) sends, larger ones try the path."
    )
    ttl: int | None = Field(
        default=None, ge=1, le=255, description="How many hops a ping may make: time to live, or hop limit."
    )
    dont_fragment: bool = Field(
        default=False, description="Whether the path must carry a ping in one piece; with `size`, a test of its MTU."
    )

    @field_validator("loss", "jitter")
    @classmethod
    def _of_several(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("count") == 1:
            raise ValueError("says nothing of a single ping: expected a count of 2 or more")
        return value

    def least(self) -> Duration:
        """Each ping has the time to the next one for its reply, the last one too."""
        return self.count * self.interval if self.count > 1 else 0


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
    """Send the echo requests and judge what came back: when all are answered, or when the deadline comes."""
    trace = context.trace
    address = await context.outbound.address(target.host, 0, options.ip, context.deadline, trace)
    try:
        echo = context.echo(address.family, options.dont_fragment)
    except Unavailable as error:
        raise Failure("not_permitted", str(error)) from None
    pings: list[Ping] = []
    trace.enter("rtt" if options.count == 1 else "series")
    try:
        if options.count == 1:
            pings.append(echo.send(address.text, options.size, options.ttl))
            took = await pings[0].done
            trace.close()
            return context.judged(took, options.slow)
        await _series(pings, address.text, echo, options)
        return _judge(pings, options, context)
    except asyncio.CancelledError:
        echo.catch_up()
        context.late = lambda: _late(pings, echo, options, context)
        raise
    finally:
        for ping in pings:
            echo.forget(ping)


async def _series(pings: list[Ping], address: str, echo: Echo, options: Options) -> None:
    """Send all of them, each at its time, and wait until each has its reply or its refusal."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(options.count):
        await asyncio.sleep(begun + number * options.interval / 1e6 - loop.time())
        pings.append(echo.send(address, options.size, options.ttl))
    await asyncio.gather(*(ping.done for ping in pings), return_exceptions=True)


def _late(pings: list[Ping], echo: Echo, options: Options, context: ProbeContext) -> Answer | None:
    """What the deadline finds. A ping counts as lost only where it is certain that it left and had its time.

    Where our own resolver took long, or our link's queue was full, the last ones did not.
    """
    fair = options.interval // 2 if options.count > 1 else 0
    had_time = [ping for ping in pings if ping.took is not None or echo.age(ping) >= fair]
    if not had_time:
        return Answer("prober_fault", "no ping left this machine in time") if pings else None
    if any(ping.took is None and echo.in_doubt(ping) for ping in had_time):
        return Answer("prober_fault", "replies found no room in this machine's own buffer (net.core.rmem_max)")
    if options.count > 1:
        return _judge(had_time, options, context)
    return None if pings[0].took is None else context.judged(pings[0].took, options.slow)


def _judge(pings: list[Ping], options: Options, context: ProbeContext) -> Answer:
    """Loss first, then jitter, then time, which is that of the mean round trip."""
    seen = RoundTrips(len(pings), [ping.took for ping in pings if ping.took is not None])
    text = str(seen) if seen.asked == options.count else f"{seen}; {options.count - seen.asked} more had no time"
    if not seen.trips:
        return _refusal(pings) or Answer("timeout", text)
    context.trace.close_with("rtt", seen.average)
    loss = options.loss or Loss()
    if loss.down is not None and seen.loses_more_than(loss.down):
        return Answer("loss", text)
    if loss.degraded is not None and seen.loses_more_than(loss.degraded):
        return Answer("lossy", text)
    if options.jitter is not None and seen.jitter is not None and seen.jitter > options.jitter:
        return Answer("jitter", f"{text}, more than {format_duration(options.jitter)}")
    answer = context.judged(seen.average, options.slow)
    return Answer(answer.reason, "; ".join(filter(None, (answer.detail, text))))


def _refusal(pings: list[Ping]) -> Answer | None:
    """What the network, or our own system, said of the first ping of which it said something."""
    for ping in pings:
        error = ping.done.exception() if ping.done.done() and not ping.done.cancelled() else None
        if isinstance(error, Failure):
            return error.answer
        if error is not None:
            raise error
    return None
