"""One probe's answer: a verdict, a named reason, and how long each phase took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slawatch.domain.interval import Duration, Instant


class Verdict(StrEnum):
    """What one observation says of its endpoint."""

    UP = "up"
    """It answered as agreed."""
    DEGRADED = "degraded"
    """It answered as agreed, but worse than a threshold (slow, lossy)."""
    DOWN = "down"
    """It failed while the prober was healthy."""
    VOID = "void"
    """Nothing can be said: the prober itself was not fit to judge (S11). Makes UNKNOWN, never DOWN."""


class Cause(StrEnum):
    """Why time is UNKNOWN (S5). The values are written into the ledger and never change."""

    NEVER_OBSERVED = "never_observed"
    MONITOR_STOPPED = "monitor_stopped"
    PROBER_FAULT = "prober_fault"
    RESOLVER_LOST = "resolver_lost"
    PATH_LOST = "path_lost"
    CLOCK_STEP = "clock_step"
    PAUSED = "paused"
    STALE = "stale"
    """No observation arrived in time although the daemon ran (S13)."""
    CONNECTOR_FAILED = "connector_failed"
    UNREACHABLE = "unreachable"
    """Both it and the parent that it lies behind were down, and the contract calls that unknown (S14)."""
    STATED = "stated"
    """A history file said ``unknown`` and gave no cause."""
    NO_FURTHER_DATA = "no_further_data"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one probe saw.

    ``started`` is the wall-clock start in UTC microseconds; it dates the observation (S3, S8).
    ``duration`` and the phases are microseconds of the monotonic clock. ``reason`` is a short stable
    word from the kind's own table (``timeout``, ``refused``, ``status`` …); ``detail`` is at most 256
    printable characters for people, already free of secrets. ``cause`` is given with a void verdict only.
    """

    started: Instant
    duration: Duration
    verdict: Verdict
    reason: str
    detail: str = ""
    phases: tuple[tuple[str, Duration], ...] = ()
    certificate_expiry: Instant | None = None
    cause: Cause | None = None
    address: str = ""
    """The address that was probed, of several hops the last one's; empty where none was found."""
