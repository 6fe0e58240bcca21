"""A second witness of the process: did it run while its event loop stood still?

A loop that was late may have been held up by its own work, or the whole process may have been stopped (a signal, a
paused virtual machine, no processor time). A thread that writes down the time twice a second tells the two apart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.runtime.clock import Clock
from slawatch.scheduling.alibi import LagRecord

PULSE_EVERY: Duration = 500 * MILLISECOND
"""How often the thread wakes: often enough for stalls of more than a second, and next to nothing for the processor."""

STOP_WITHIN = 2.0
"""Seconds that the thread may take to end; it has nothing to finish."""


def read_processor_time() -> Duration:
    """The processor time that this process has used, in microseconds."""
    return time.process_time_ns() // 1_000


class Pulse:
    """Beats on a thread of its own while the process runs. Durations and instants as on ``clock.monotonic()``."""

    def __init__(self, clock: Clock, processor_time: Callable[[], Duration] = read_processor_time) -> None:
        self._clock = clock
        self._processor_time = processor_time
        self._gaps = LagRecord()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat_at, self._used = clock.monotonic(), processor_time()

    def start(self) -> None:
        """Begin to beat."""
        self._over.clear()
        self.beat()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more, and let the thread end. Twice is once."""
        thread, self._thread = self._thread, None
        self._over.set()
        if thread is not None:
            thread.join(STOP_WITHIN)

    def beat(self) -> None:
        """Write down that the process runs now."""
        with self._lock:
            now, used = self._clock.monotonic(), self._processor_time()
            self._gaps.add(now, self._stood(now, used))
            self._beat_at, self._used = now, used

    def stood_still(self, since: int) -> Duration:
        """The longest time that reaches beyond ``since`` in which the process showed no sign of life."""
        with self._lock:
            return max(self._gaps.worst_since(since), self._stood(self._clock.monotonic(), self._processor_time()))

    def _stood(self, now: int, used: Duration) -> Duration:
        """How long there was no beat. A thread that did not get its turn while the process worked proves nothing."""
        gap = max(0, now - self._beat_at - PULSE_EVERY)
        return 0 if 2 * (used - self._used) > gap else gap

    def _run(self) -> None:
        while not self._over.wait(PULSE_EVERY / SECOND):
            self.beat()
