"""One probe, from its target to an observation: the only call that the scheduler makes."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import ssl
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from slawatch.domain.grammar import format_duration
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Observation
from slawatch.probes.answer import ANY, Answer, Failure, Reason, Reasons, Trace
from slawatch.probes.echo import Echo
from slawatch.probes.echo_socket import Opener, open_socket
from slawatch.probes.options import Family, ProbeOptions
from slawatch.probes.outbound import Outbound
from slawatch.probes.policy import AddressPolicy
from slawatch.probes.resolver import Resolver
from slawatch.probes.tls import failed_handshake
from slawatch.probes.tls_contexts import TlsContexts
from slawatch.runtime.clock import Clock, SystemClock
from slawatch.runtime.errors import Unavailable

log = logging.getLogger(__name__)

LONGEST_DETAIL = 256

_REFUSED = frozenset({errno.ECONNREFUSED})
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN})
_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENONET, errno.ENOPROTOOPT, errno.EMSGSIZE}
)
_BY_ERRNO = {
    **dict.fromkeys(_REFUSED, "refused"),
    **dict.fromkeys(_RESET, "reset"),
    **dict.fromkeys(_UNREACHABLE, "unreachable"),
    errno.ETIMEDOUT: "timeout",
}
"""What the other side or the network did. Every other error of the system is this machine's own (S11)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of probe: what its module in ``kinds/`` declares."""

    name: str
    summary: str
    options: type[ProbeOptions]
    target: Callable[[str], Any]
    probe: Callable[[Any, Any, ProbeContext], Awaitable[Answer]]
    schemes: tuple[str, ...]
    reasons: Reasons


@dataclass(slots=True)
class ProbeContext:
    """What one running probe has at hand. ``deadline`` is in the loop's time; past it the probe is cancelled."""

    started: Instant
    """When the probe began, by the wall: what certificates and the like are compared with."""
    deadline: float
    trace: Trace
    outbound: Outbound
    echo: Callable[[Family, bool], Echo]
    """The shared ICMP socket of a family, the flag: for packets that nobody may cut into fragments.

    ``Unavailable`` where this process may have none.
    """
    tls: TlsContexts
    late: Callable[[], Answer | None] = lambda: None
    """What the probe itself has to say when its deadline passed; ``None``: no more than that it is a timeout."""

    def judged(self, took: Duration, slow: Duration | None) -> Answer:
        """``slow`` where it took longer than the threshold, else ``answered``."""
        if slow is not None and took > slow:
            return Answer("slow", f"took {_rounded(took)}, more than {format_duration(slow)}")
        return Answer("answered")


class Resources:
    """What all probes share: the door, ICMP sockets, TLS contexts. An asynchronous context manager.

    ``resolvers`` ``None`` means those of the system. The ICMP sockets open with the first ping.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        resolver: Resolver | None = None,
        policy: AddressPolicy | None = None,
        icmp_opener: Opener = open_socket,
    ) -> None:
        self.clock = clock or SystemClock()
        self.outbound = Outbound(resolver or Resolver(self.clock), policy or AddressPolicy(clock=self.clock))
        self.tls = TlsContexts(self.clock)
        self.icmp_opener = icmp_opener
        self._echoes: dict[tuple[Family, bool], Echo] = {}

    def judge_by(self, policy: AddressPolicy) -> None:
        """From the next probe on, another address policy. What names are probed by stays."""
        self.outbound = replace(self.outbound, policy=policy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for echo in self._echoes.values():
            echo.close()
        self._echoes.clear()
        self.outbound.resolver.close()

    def echo(self, family: Family, whole: bool = False) -> Echo:
        """The ICMP socket of a family, ``whole`` for packets that nobody may cut into fragments.

        ``Unavailable`` where this process may have none.
        """
        echo = self._echoes.get((family, whole))
        if echo is None:
            echo = self._echoes[family, whole] = Echo(family, self.clock, self.icmp_opener, whole=whole)
        return echo

    def context(self, started: Instant, deadline: float) -> ProbeContext:
        """A context for one probe that began at ``started`` and ends at ``deadline``, in the loop's time."""
        return ProbeContext(started, deadline, Trace(self.clock), self.outbound, self.echo, self.tls)


async def observe(
    kind: Kind,
    target: object,
    options: ProbeOptions,
    resources: Resources,
    timeout: Duration,  # noqa: ASYNC109  in microseconds, and the observation says that it passed
    prepare: Callable[[ProbeContext], None] | None = None,
) -> Observation:
    """Probe once and say what was seen, at most ``timeout`` microseconds later.

    Raises nothing but ``CancelledError``: what goes wrong on the other side is DOWN with its reason, what goes wrong
    on this side is VOID with its cause (S11). The instant is that of the start (S3). ``prepare`` is shown the context
    before the probe begins.
    """
    clock = resources.clock
    started, begun = clock.now(), clock.monotonic()
    context = resources.context(started, asyncio.get_running_loop().time() + timeout / 1e6)
    if prepare is not None:
        prepare(context)
    try:
        answer = await _in_time(kind, target, options, context, timeout)
    except Failure as failure:
        answer = failure.answer
    except Exception as error:  # noqa: BLE001  whatever it is, it must not end the scheduler
        answer = _from_error(kind, error)
    return _observation(kind, answer, context.trace, started, clock.monotonic() - begun)


async def _in_time(
    kind: Kind,
    target: object,
    options: ProbeOptions,
    context: ProbeContext,
    timeout: Duration,  # noqa: ASYNC109  in microseconds, for its text; what ends it is the context's deadline
) -> Answer:
    try:
        async with asyncio.timeout_at(context.deadline):
            return await kind.probe(target, options, context)
    except TimeoutError:
        phase = context.trace.phase or "none"
        answer = context.late() or Answer("timeout")
        if answer.reason != "timeout":
            return answer
        text = f"not done within {format_duration(timeout)}; last phase: {phase}"
        return Answer("timeout", f"{text}; {answer.detail}" if answer.detail else text)


def _observation(kind: Kind, answer: Answer, trace: Trace, started: int, duration: int) -> Observation:
    reason = kind.reasons.get(answer.reason)
    if reason is None:
        log.error("probe kind %s gave a reason that is not in its table: %s", kind.name, answer.reason)
        answer, reason = Answer("internal_error"), ANY["internal_error"]
    return Observation(
        started=started,
        duration=duration,
        verdict=reason.verdict,
        reason=answer.reason,
        detail=printable(answer.detail),
        phases=trace.phases(),
        certificate_expiry=trace.certificate_expiry,
        address=trace.address,
        cause=reason.cause,
    )


def _from_error(kind: Kind, error: Exception) -> Answer:
    """The answer for an exception that a probe let through."""
    if isinstance(error, ssl.SSLError) and "tls" in kind.reasons:
        return failed_handshake(error)
    if isinstance(error, OSError) and (error.errno is not None or isinstance(error, ConnectionError)):
        return from_system(error)
    if isinstance(error, Unavailable | MemoryError):
        return Answer("prober_fault", str(error) or "out of memory")
    # The message of an unexpected exception may quote a secret; its type and place cannot.
    place = "".join(traceback.format_tb(error.__traceback__))
    log.error("probe kind %s failed with %s\n%s", kind.name, type(error).__name__, place)
    return Answer("internal_error", type(error).__name__)


def from_system(error: OSError) -> Answer:
    """The answer for an error of the system: ``prober_fault`` where neither the other side nor the network made it."""
    if error.errno is None:
        return Answer("reset", "connection lost")
    return Answer(_BY_ERRNO.get(error.errno, "prober_fault"), os.strerror(error.errno))


def _rounded(length: Duration) -> str:
    """For people: whole milliseconds from 10 ms on."""
    return format_duration(length // 1000 * 1000 if length >= 10_000 else length)


def printable(text: str) -> str:
    """At most 256 printable characters."""
    if text.isprintable() and len(text) <= LONGEST_DETAIL:
        return text
    return "".join(c if c.isprintable() else "·" for c in text)[:LONGEST_DETAIL]


__all__ = ["Kind", "ProbeContext", "Reason", "Resources", "observe", "printable"]
