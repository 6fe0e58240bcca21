"""The prober watches itself: how late its loop is, its descriptors, its clocks. Decisions are in ``alibi``."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.observation import Cause
from slawatch.runtime.clock import Clock
from slawatch.scheduling.alibi import (
    STALL,
    ClockJump,
    ClockWatch,
    Descriptors,
    Evidence,
    Fault,
    LagRecord,
    Reading,
    Stall,
    judge,
    stall_cause,
)
from slawatch.scheduling.pulse import Pulse

CANARY_EVERY: Duration = 50 * MILLISECOND
"""How often the canary asks to be woken. A stall is seen to its length less at most this."""

DESCRIPTORS_EVERY: Duration = SECOND
"""How often open descriptors are counted when nothing fails."""

DESCRIPTORS_APART: Duration = 100 * MILLISECOND
"""Failures have them counted anew; those that come thick share a count."""

RESERVE = 64
"""Descriptors that probes leave alone: for the database, for alerts and for the web."""

WEB_LEAVES = RESERVE // 2
"""Of the reserve, what visitors of the web leave alone, however many there are."""

PROBES_LEAVE = RESERVE // 4
"""Of the reserve, what is left when no probe begins any more: the database and commands go on with it."""

DESCRIPTORS_PER_PROBE = 2
"""A probe holds its connection, and for a moment the socket of a name query beside it."""

READ_WITHIN: Duration = 10 * MILLISECOND
"""Clocks read further apart than this were not read together: the process was held up in between."""


def read_descriptors() -> Descriptors:
    """Count this process's open descriptors. Linux 6.2 and later tell the number without listing them; before, it
    takes one to list them, and where none is left all are open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 2**31 if limit == resource.RLIM_INFINITY else limit
    try:
        count = os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))  # noqa: PTH116, PTH208
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        count = limit
    return Descriptors(count, limit)


def read_suspended() -> Duration:
    """How long this machine was suspended since it booted, in microseconds. Noise below a second means nothing."""
    return min(-time.monotonic_ns() + time.clock_gettime_ns(time.CLOCK_BOOTTIME) for _ in range(2)) // 1_000


class Witness(Protocol):
    """What knows whether the process ran while its loop did not (see ``pulse``)."""

    def start(self) -> None:
        """Begin to watch."""

    def stop(self) -> None:
        """Watch no more."""

    def stood_still(self, since: int) -> Duration:
        """The longest time that reaches beyond ``since`` in which the process showed no sign of life."""


@dataclass(frozen=True, slots=True)
class Alive:
    """Facts for the watchdog and for metrics; instants and durations in microseconds of the monotonic clock."""

    last_tick: int
    worst_lag: Duration
    descriptors: Descriptors


class Health:
    """The prober's alibi (S11), and its watch over the clocks (S3).

    ``on_jump`` gets every step of the wall clock and every suspension, with the bounds of the wall-clock span
    that it makes ambiguous, and ``on_stall`` every time in which the loop stood still (S13), before any failed probe
    of that span is judged. Whatever they raise goes to the loop's exception handler and not to whoever asked.
    """

    def __init__(
        self,
        clock: Clock,
        on_jump: Callable[[ClockJump], None],
        on_stall: Callable[[Stall], None],
        *,
        witness: Witness | None = None,
        descriptors: Callable[[], Descriptors] = read_descriptors,
        suspended: Callable[[], Duration] = read_suspended,
        reserve: int = RESERVE,
    ) -> None:
        self._clock = clock
        self._on_jump = on_jump
        self._on_stall = on_stall
        self._witness = witness or Pulse(clock)
        self._read_descriptors = descriptors
        self._read_suspended = suspended
        self._reserve = reserve
        self._lags = LagRecord()
        self._watch: ClockWatch | None = None
        self._descriptors = descriptors()
        self._short_until: int | None = None
        self._stepped: int | None = None
        self._woke: int | None = None
        self._halted: int | None = None
        self._tick = self._due = self._counted = clock.monotonic()
        self._turned: tuple[int, Instant] = (self._tick, clock.now())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._witness.start()
        self._tick = self._clock.monotonic()
        self._turned = (self._tick, self._clock.now())
        self._count_descriptors(self._tick)
        self._look_at_clocks()
        self._plan()

    def stop(self) -> None:
        """Stop watching. What was measured can still be asked for."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._witness.stop()

    def mark(self) -> int:
        """Now, on the monotonic clock. A stall that has just ended is told first, whoever runs before the canary."""
        now = self._clock.monotonic()
        if self._overdue(now) > STALL:
            self._look_around(now)
        return now

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        """Why the prober was not fit to judge between ``since`` and now; None when it was.

        Looks again before it answers: after a stall the failed probe may run before the canary does.
        """
        now = self._clock.monotonic()
        self._look_around(now)
        if now - self._counted >= DESCRIPTORS_APART:
            self._count_descriptors(now)
        worst = max(self._lags.worst_since(since), self._overdue(now))
        short_until = now + 1 if self._descriptors.short(self._reserve) else self._short_until
        return judge(since, timeout, Evidence(worst, short_until, self._stepped, self._woke, self._halted))

    def room(self) -> int:
        """How many probes may run at once without touching the reserve. At least 1."""
        found = self._read_descriptors()
        return max(1, (found.limit - self._reserve - found.open) // DESCRIPTORS_PER_PROBE)

    def unfit(self) -> Fault | None:
        """Why no probe should begin now; None when one may. What was counted less than a second ago says it."""
        if not self._descriptors.short(PROBES_LEAVE):
            return None
        left = max(0, self._descriptors.limit - self._descriptors.open)
        return Fault(Cause.PROBER_FAULT, "descriptors_spent", f"{left} file descriptors were left: nothing was asked")

    def admits(self) -> bool:
        """Whether one more visitor of the web, already counted, leaves enough for everything else."""
        return not self._read_descriptors().short(WEB_LEAVES)

    def worst_lag(self, span: Duration) -> Duration:
        """The longest lag that ended within the last ``span``, or that runs now."""
        now = self._clock.monotonic()
        return max(self._lags.worst_since(now - span), self._overdue(now))

    def alive(self, span: Duration = 10 * SECOND) -> Alive:
        """When the loop last turned, how late it was at worst within ``span``, and what is left of descriptors."""
        return Alive(self._tick, self.worst_lag(span), self._descriptors)

    def _overdue(self, now: int) -> Duration:
        return max(0, now - self._due) if self._timer is not None else 0

    def _plan(self) -> None:
        assert self._loop is not None
        self._due = self._tick + CANARY_EVERY
        self._timer = self._loop.call_later(CANARY_EVERY / 1_000_000, self._on_tick)

    def _on_tick(self) -> None:
        now = self._clock.monotonic()
        self._lags.add(now, now - self._due)
        self._tick = now
        self._plan()
        self._look_around(now)
        if now - self._counted >= DESCRIPTORS_EVERY:
            self._count_descriptors(now)

    def _count_descriptors(self, now: int) -> None:
        self._counted = now
        was_short = self._descriptors.short(self._reserve)
        self._descriptors = self._read_descriptors()
        if was_short:  # it may have ended only now
            self._short_until = now

    def _look_around(self, now: int) -> None:
        """Tell what happened since the loop is last known to have turned. Whoever asks is turned by the loop.

        All of the wall time between two readings is ambiguous after a jump, so a stall has nothing to add then.
        """
        (turned, wall), self._turned = self._turned, (now, self._clock.now())
        jumped = self._look_at_clocks()
        length = now - turned - CANARY_EVERY
        if self._timer is None or length <= STALL:
            return
        cause = stall_cause(length, self._witness.stood_still(turned))
        if cause is Cause.MONITOR_STOPPED:
            self._halted = now
        if not jumped and wall < self._turned[1]:
            _tell(self._on_stall, Stall(wall, self._turned[1], cause))

    def _look_at_clocks(self) -> bool:
        """Whether wall time did not pass as it should have since the last look."""
        reading = self._read_clocks()
        if reading is None:
            return False
        if self._watch is None:
            self._watch = ClockWatch.begin(reading)
            return False
        self._watch, jump = self._watch.compare(reading)
        if jump is None:
            return False
        if jump.by:
            self._stepped = jump.seen
        if jump.suspended > 0:
            self._woke = jump.seen
        _tell(self._on_jump, jump)
        return True

    def _read_clocks(self) -> Reading | None:
        before = self._clock.monotonic()
        reading = Reading(self._clock.now(), self._clock.monotonic(), self._read_suspended())
        return reading if self._clock.monotonic() - before <= READ_WITHIN else None


_News = TypeVar("_News")


def _tell(listener: Callable[[_News], None], news: _News) -> None:
    """The alibi must be given whatever becomes of the news."""
    try:
        listener(news)
    except Exception as error:  # noqa: BLE001 - see above
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"{type(news).__name__} was not taken", "exception": error}
        )
