"""What the daemon measures of itself, copied at one instant for whoever writes it out."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from slawatch.domain.interval import Duration
from slawatch.storage.reserve import NOTHING_WAITS, Standing


@dataclass(frozen=True, slots=True)
class Histogram:
    """``bounds`` are inclusive upper bounds, ascending; ``counts`` has one more entry, for all that is above.

    Bounds and ``total``, the sum of what was counted, in microseconds.
    """

    bounds: tuple[Duration, ...] = ()
    counts: tuple[int, ...] = (0,)
    total: Duration = 0


@dataclass(frozen=True, slots=True)
class ResolverFigures:
    """One of our own DNS servers, by its address as it is configured."""

    server: str
    up: bool | None
    """Whether it can be counted on; None before anything is known."""
    answer_time: Duration | None
    """How long its answers take, smoothed; None before the first."""
    answered: int
    unhelpful: int
    silent: int


@dataclass(frozen=True, slots=True)
class SelfMetrics:
    """The daemon's own figures. Durations in microseconds; counts since it started."""

    site: str = ""
    """The vantage point's name in the configuration."""
    version: str = ""
    """Of slawatch."""
    database: str = ""
    """Engine and its version: ``sqlite 3.45.1``, ``postgresql 15.6``."""
    python: str = platform.python_version()
    lateness: Histogram = Histogram()
    """How long after its due time each probe began."""
    slots_missed: int = 0
    loop_lag: Duration = 0
    """The longest delay of the event loop in its latest ten seconds."""
    ledger_queue: int = 0
    ledger_commits: int = 0
    last_commit_age: Duration | None = None
    """None before the first commit."""
    ledger: Standing = NOTHING_WAITS
    """Spool, ballast, losses."""
    resolvers: tuple[ResolverFigures, ...] = ()
    """In the configured order."""
