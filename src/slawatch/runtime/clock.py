"""Wall time and monotonic time behind one small protocol, so that tests own both (S3)."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that dates, one that measures."""

    def now(self) -> int:
        """Wall-clock time, microseconds since 1970 in UTC. May step."""

    def monotonic(self) -> int:
        """Microseconds from an arbitrary start. Never steps; stops while the machine is suspended."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """CLOCK_REALTIME in whole microseconds."""
        return time.time_ns() // 1_000

    def monotonic(self) -> int:
        """CLOCK_MONOTONIC in whole microseconds."""
        return time.monotonic_ns() // 1_000
