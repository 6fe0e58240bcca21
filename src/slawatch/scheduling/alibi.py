"""Was the prober fit to judge? The pure part: what its own measurements say about one failed probe (S11).

A success proves itself. A failure counts only if the prober can show that it was well while it asked:
its event loop was not late, file descriptors were left, it was not suspended and its clock did not step.
Instants are microseconds of the monotonic clock unless a name says ``wall``.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import MILLISECOND, MINUTE, SECOND, Duration, Instant
from slawatch.domain.observation import Cause

CLOCK_TOLERANCE: Duration = SECOND
"""The wall clock may differ from the monotonic one by this much before it counts as a step (S3)."""

SLEW_PER_MILLION = 1_000
"""How fast a clock may be slewed without being stepped: the kernel's limits are 500 ppm for the frequency and
500 ppm for ``adjtime``, and both can act at once."""

WAKE_GRACE: Duration = 10 * SECOND
"""For so long after a suspended machine wakes its network may still be coming up: failures say nothing."""

NOTABLE_LAG: Duration = MILLISECOND
"""A loop that is late by less is not late: timers themselves are no more exact."""

STALL: Duration = SECOND
"""A loop that is late by more than this stood still: it is told, and what nobody could see meanwhile is UNKNOWN (S13).
No failed probe is allowed as much (see ``allowed_lag``)."""

LAG_HORIZON: Duration = 10 * MINUTE
"""Lags older than this are forgotten. No probe runs as long."""


class Fault(NamedTuple):
    """Why the prober was not fit: the cause of the UNKNOWN time, a stable word, and a sentence for people."""

    cause: Cause
    reason: str
    detail: str


def allowed_lag(timeout: Duration) -> Duration:
    """How late the loop may be during a probe whose failure still counts: the lesser of 1 s and 20 % of its timeout."""
    return min(SECOND, timeout // 5)


class LagRecord:
    """How late the event loop was, for the one question that is asked: the worst since an instant.

    A lag that a later one equals or exceeds can never again be an answer and is dropped, so what is kept
    falls from the oldest to the latest and a search finds the worst in logarithmic time.
    """

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._lags: list[Duration] = []

    def add(self, end: int, lag: Duration) -> None:
        """The loop was ``lag`` late until ``end``. Ends never go back."""
        if lag < NOTABLE_LAG:
            return
        while self._lags and self._lags[-1] <= lag:
            self._lags.pop()
            self._ends.pop()
        expired = bisect_right(self._ends, end - LAG_HORIZON)
        del self._ends[:expired], self._lags[:expired]
        self._ends.append(end)
        self._lags.append(lag)

    def worst_since(self, since: int) -> Duration:
        """The longest lag that ended after ``since``; 0 when there was none."""
        index = bisect_right(self._ends, since)
        return self._lags[index] if index < len(self._lags) else 0

    def __len__(self) -> int:
        return len(self._lags)


class Reading(NamedTuple):
    """The clocks, read together: wall time, monotonic time, and how long the machine was suspended since it booted."""

    wall: Instant
    monotonic: int
    suspended: Duration

    @property
    def offset(self) -> int:
        """Wall time against time since boot (monotonic plus suspended): constant unless somebody sets the clock."""
        return self.wall - self.monotonic - self.suspended


@dataclass(frozen=True, slots=True)
class ClockJump:
    """Wall time did not pass as it should have (S3).

    ``[start, end)`` is the wall-clock span that is ambiguous: time that nobody watched after a step forward
    or a suspension; after a step back all that may have been read twice, whenever between the two readings it was
    that the clock went back. ``by`` is how far the clock was set (negative:
    back; 0 when it was not) and ``suspended`` how long the machine slept (0 when it did not). ``seen`` dates
    the discovery on the monotonic clock.
    """

    start: Instant
    end: Instant
    by: Duration
    suspended: Duration
    seen: int

    @property
    def cause(self) -> Cause:
        """What the span is UNKNOWN for."""
        return Cause.CLOCK_STEP if self.by else Cause.MONITOR_STOPPED

    @property
    def fault(self) -> Fault:
        """The same in words."""
        if not self.by:
            said = f"the machine was suspended for {_spelled(self.suspended)}"
            return Fault(self.cause, "suspended", said)
        way = "ahead" if self.by > 0 else "back"
        return Fault(self.cause, "clock_step", f"the wall clock was set {way} by {_spelled(abs(self.by))}")


class Stall(NamedTuple):
    """The event loop stood still for the wall-clock span ``[start, end)``, from the last instant at which it is known
    to have turned; ``cause`` is ``prober_fault`` where the process ran meanwhile, else ``monitor_stopped``."""

    start: Instant
    end: Instant
    cause: Cause

    @property
    def fault(self) -> Fault:
        """The same in words."""
        halted = self.cause is Cause.MONITOR_STOPPED
        what, reason = ("process", "halted") if halted else ("event loop", "loop_late")
        return Fault(self.cause, reason, f"the {what} stood still for {_spelled(self.end - self.start)}")


def stall_cause(length: Duration, stood_still: Duration) -> Cause:
    """Why the loop stood still for ``length``, when the process itself did for ``stood_still`` of it."""
    return Cause.MONITOR_STOPPED if 2 * stood_still > length else Cause.PROBER_FAULT


def _spelled(length: Duration) -> str:
    return spell_duration(length // MILLISECOND * MILLISECOND)


class ClockWatch(NamedTuple):
    """The latest reading and the offset that the wall clock is expected to have."""

    last: Reading
    expected: int

    @classmethod
    def begin(cls, reading: Reading) -> ClockWatch:
        """Trust the clock as it is now."""
        return cls(reading, reading.offset)

    def compare(self, reading: Reading) -> tuple[ClockWatch, ClockJump | None]:
        """Take the next reading; a jump when the clocks moved more than 1 s apart, beyond what slewing explains.

        The expected offset follows the measured one as fast as a clock can be slewed and no faster: slow
        corrections never add up to a step, several small steps in a row do.
        """
        strayed = reading.offset - self.expected
        slept = reading.suspended - self.last.suspended
        stepped = abs(strayed) > CLOCK_TOLERANCE
        if stepped or slept > CLOCK_TOLERANCE:
            passed = reading.monotonic + reading.suspended - self.last.monotonic - self.last.suspended
            back = stepped and strayed < 0
            jump = ClockJump(
                start=reading.wall - passed if back else self.last.wall,
                end=self.last.wall + passed if back else reading.wall,
                by=strayed if stepped else 0,
                suspended=slept if slept > CLOCK_TOLERANCE else 0,
                seen=reading.monotonic,
            )
            return ClockWatch.begin(reading), jump
        elapsed = reading.monotonic + reading.suspended - self.last.monotonic - self.last.suspended
        reach = -(-elapsed * SLEW_PER_MILLION // 1_000_000)
        return ClockWatch(reading, self.expected + max(-reach, min(reach, strayed))), None


class Descriptors(NamedTuple):
    """File descriptors of this process: how many are open, and how many it may open."""

    open: int
    limit: int

    def short(self, reserve: int) -> bool:
        """Whether the reserve, kept for the database and for alerts, has been touched."""
        return self.open > self.limit - reserve


class Evidence(NamedTuple):
    """What the prober measured of itself since a probe began.

    ``worst_lag`` is the longest lag that overlaps it; ``short_until`` the instant until which descriptors were
    short, ``stepped``, ``woke`` and ``halted`` when a clock step, a wake-up of the machine and a stop of the process
    were last seen; None: never.
    """

    worst_lag: Duration = 0
    short_until: int | None = None
    stepped: int | None = None
    woke: int | None = None
    halted: int | None = None


def judge(since: int, timeout: Duration, evidence: Evidence) -> Fault | None:
    """The fault that voids a failure of a probe which began at ``since`` and ends now; None when it counts."""
    if evidence.woke is not None and evidence.woke + WAKE_GRACE > since:
        return Fault(Cause.MONITOR_STOPPED, "suspended", "the machine was suspended")
    if evidence.stepped is not None and evidence.stepped >= since:
        return Fault(Cause.CLOCK_STEP, "clock_step", "the wall clock was set")
    if evidence.worst_lag > allowed_lag(timeout):
        late = evidence.worst_lag // MILLISECOND
        if evidence.halted is not None and evidence.halted > since:
            return Fault(Cause.MONITOR_STOPPED, "halted", f"the process stood still for {late} ms")
        return Fault(Cause.PROBER_FAULT, "loop_late", f"the event loop was {late} ms late")
    if evidence.short_until is not None and evidence.short_until > since:
        return Fault(Cause.PROBER_FAULT, "descriptors_short", "the reserve of file descriptors was touched")
    return None
