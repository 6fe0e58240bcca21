"""What a probe says: a reason from its kind's verdict table, and what it learned on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.runtime.clock import Clock

if TYPE_CHECKING:
    from slawatch.probes.found import Found


class Reason(NamedTuple):
    """One row of a verdict table: what the word means, and what it says of the endpoint."""

    verdict: Verdict
    sentence: str
    cause: Cause | None = None
    """Given exactly where the verdict is void."""


Reasons = Mapping[str, Reason]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe's result. ``reason`` is a key of the kind's ``REASONS``, which holds the verdict.

    ``detail`` is for people and carries nothing that the other side could have chosen to repeat from us:
    no header, no body, no text of a secret.
    """

    reason: str
    detail: str = ""


class Failure(Exception):
    """Ends a probe from within with an answer. Never leaves :func:`slawatch.probes.probe.observe`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.answer = Answer(reason, detail)


def fail(future: asyncio.Future[T], error: BaseException) -> None:
    """End a future that is still open by ``error``. Where nobody waits any more, that is of no interest.

    A probe can be cancelled at any point, and then the loop would report the error as one that was overlooked.
    """
    if not future.done():
        future.set_exception(error)
        future.exception()


class Trace:
    """What is known of one probe while it runs, so that a failure loses nothing of it.

    Phases follow each other: entering one ends the one before. Times are monotonic microseconds.
    """

    __slots__ = ("_clock", "_marks", "address", "certificate_expiry", "found")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: list[tuple[str, int]] = []
        self.certificate_expiry: Instant | None = None
        self.address = ""
        """The address that was let through last; of several hops, the last one's."""
        self.found: Found | None = None
        """Collects what an observation does not hold, where somebody asked for that; ``None`` for scheduled probes."""

    def enter(self, phase: str) -> None:
        """Start ``phase`` now."""
        self._marks.append((phase, self._clock.monotonic()))

    def close_with(self, phase: str, length: Duration) -> None:
        """End the running phase now, and say that its last ``length`` microseconds were another one."""
        now = self._clock.monotonic()
        start = max(now - length, self._marks[-1][1])
        self._marks += [(phase, start), ("", now)]

    def close(self) -> None:
        """End the running phase now and start none."""
        self.enter("")

    @property
    def phase(self) -> str:
        """The phase that was entered last; empty before the first and after :meth:`close`."""
        return self._marks[-1][0] if self._marks else ""

    def phases(self) -> tuple[tuple[str, Duration], ...]:
        """Each phase with its length, in order of first entry; one entered twice (a redirect) is added up.

        A phase that still runs ends now.
        """
        lengths: dict[str, Duration] = {}
        ends = [start for _, start in self._marks[1:]]
        for (name, start), end in zip(self._marks, [*ends, self._clock.monotonic()], strict=False):
            if name:
                lengths[name] = lengths.get(name, 0) + end - start
        return tuple(lengths.items())

    def spent(self, *, without: str = "") -> Duration:
        """Microseconds in all phases but ``without``."""
        return sum(length for name, length in self.phases() if name != without)


UP, DEGRADED, DOWN, VOID = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.VOID

ANY: Reasons = {
    "answered": Reason(UP, "It answered as agreed."),
    "slow": Reason(DEGRADED, "It answered as agreed, but took longer than `slow` allows."),
    "timeout": Reason(DOWN, "The probe did not come to its end within `timeout`."),
    "unreachable": Reason(DOWN, "The network said that the host, its network or its port cannot be reached."),
    "name_unknown": Reason(DOWN, "The name does not exist, and its zone's authority says so (NXDOMAIN with its SOA)."),
    "no_address": Reason(
        DOWN, "The host exists but has no address of the family that `ip` asks for, or that it was probed by before."
    ),
    "resolver_lost": Reason(
        VOID,
        "None of our own resolvers gave a usable answer within half of the probe's time.",
        Cause.RESOLVER_LOST,
    ),
    "address_denied": Reason(
        VOID,
        "The target is, or its name stands for, an address that slawatch never talks to; the detail names it.",
        Cause.PROBER_FAULT,
    ),
    "prober_fault": Reason(
        VOID,
        "This machine had no descriptor, memory, port, interface or right to ask with; the detail says which.",
        Cause.PROBER_FAULT,
    ),
    "internal_error": Reason(VOID, "A defect of slawatch itself, which is logged.", Cause.PROBER_FAULT),
}
"""Reasons that every kind that speaks over the network can give."""

STREAM: Reasons = {
    "refused": Reason(DOWN, "The host refused the connection: nothing listens on that port."),
    "reset": Reason(DOWN, "The other side broke the connection off."),
}
"""Further reasons of kinds that speak over TCP."""

TLS: Reasons = {
    "certificate_expired": Reason(DOWN, "The server's certificate, or one that it rests on, has expired."),
    "certificate_not_yet_valid": Reason(DOWN, "The server's certificate, or one that it rests on, is not valid yet."),
    "certificate_wrong_host": Reason(DOWN, "The server's certificate is for another name."),
    "certificate_untrusted": Reason(DOWN, "The server's certificate does not lead to an authority that is trusted."),
    "tls": Reason(DOWN, "No common ground was found in the TLS handshake, or the TLS stream broke."),
    "client_certificate": Reason(
        DOWN, "The server demands a certificate of its client, or refuses the one that it was shown."
    ),
    "trust_unavailable": Reason(VOID, "The authorities in `tls.ca` cannot be read.", Cause.PROBER_FAULT),
    "client_certificate_unavailable": Reason(
        VOID,
        "The certificate or the key to show to the server cannot be used; the detail says why.",
        Cause.PROBER_FAULT,
    ),
}
"""Further reasons of kinds that speak TLS."""

TLS_ENDS: Reasons = {
    "certificate_unreadable": Reason(
        VOID, "OpenSSL takes the certificates, but their ends and issuers cannot be read here.", Cause.PROBER_FAULT
    ),
    "certificate_expires": Reason(
        DEGRADED, "The certificate, or one that it rests on, ends sooner than `expires_within`."
    ),
}
"""Further reasons of kinds that watch when certificates end."""
