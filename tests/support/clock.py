"""A clock that only the test moves."""

from __future__ import annotations

from slawatch.domain.interval import Duration, Instant

START = 1_767_571_200_000_000
"""2026-01-05T00:00:00Z, a Monday: the first instant of the contract in the documentation."""


class FakeClock:
    """Wall and monotonic time in whole microseconds; implements :class:`slawatch.runtime.clock.Clock`.

    ``now`` is microseconds since 1970 in UTC, ``monotonic`` microseconds from an arbitrary start. Both stand still
    until a test moves them.
    """

    def __init__(self, now: Instant = START, monotonic: Duration = 0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> Instant:
        """Wall-clock time, microseconds since 1970 in UTC."""
        return self._now

    def monotonic(self) -> Duration:
        """Microseconds from the start that the test chose; never goes back."""
        return self._monotonic

    def advance(self, duration: Duration) -> None:
        """Let ``duration`` microseconds pass on both clocks. Raises ValueError when it is negative."""
        if duration < 0:
            raise ValueError(f"time does not run backwards: {duration}")
        self._now += duration
        self._monotonic += duration

    def step_wall(self, by: Duration) -> None:
        """Step the wall clock alone, forwards or (negative) backwards, as a clock correction or a suspend does."""
        self._now += by
