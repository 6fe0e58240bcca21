"""The second witness: whether the process ran, told apart from whether its loop did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.runtime.clock import SystemClock
from slawatch.scheduling.pulse import PULSE_EVERY, Pulse
from support.clock import FakeClock


class Case:
    """A pulse that beats when the test says so, in a process that used as much processor time as the test says."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.used: Duration = 0
        self.pulse = Pulse(self.clock, lambda: self.used)

    def pass_time(self, duration: Duration, used: Duration = 0) -> None:
        self.clock.advance(duration)
        self.used += used


def test_a_process_that_beats_did_not_stand_still() -> None:
    case = Case()
    for _ in range(20):
        case.pass_time(PULSE_EVERY)
        case.pulse.beat()
    assert case.pulse.stood_still(0) == 0


def test_a_missing_beat_shows_for_how_long_it_stood_still() -> None:
    """10 s without a beat, of which half a second is the wait for the next one; seen before and after it comes."""
    case = Case()
    case.pass_time(10 * SECOND)
    assert case.pulse.stood_still(0) == 10 * SECOND - PULSE_EVERY
    case.pulse.beat()
    assert case.pulse.stood_still(0) == 10 * SECOND - PULSE_EVERY
    assert case.pulse.stood_still(9 * SECOND) == 10 * SECOND - PULSE_EVERY
    assert case.pulse.stood_still(10 * SECOND) == 0


def test_a_process_that_worked_did_not_stand_still() -> None:
    """Code that never lets go of the interpreter keeps the thread from its turn, and uses the processor."""
    case = Case()
    case.pass_time(10 * SECOND, used=9 * SECOND)
    assert case.pulse.stood_still(0) == 0
    case.pulse.beat()
    assert case.pulse.stood_still(0) == 0
    case.pass_time(10 * SECOND, used=SECOND)
    assert case.pulse.stood_still(0) > 9 * SECOND


def test_the_thread_beats_and_ends() -> None:
    pulse = Pulse(SystemClock())
    started = time.monotonic_ns() // 1_000
    pulse.start()
    try:
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "pulse"]
        assert thread.daemon
    finally:
        pulse.stop()
        pulse.stop()
    assert not thread.is_alive()
    assert pulse.stood_still(started) < 2 * SECOND


STOPPED = """
import sys, time
from slawatch.runtime.clock import SystemClock
from slawatch.scheduling.pulse import Pulse
pulse = Pulse(SystemClock())
pulse.start()
print(time.monotonic_ns() // 1000, flush=True)
sys.stdin.readline()
print(pulse.stood_still(0), flush=True)
"""


def test_a_stopped_process_stood_still() -> None:
    """SIGSTOP for two seconds, in a process whose main thread waits for its input all the while."""
    child = subprocess.Popen([sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdout.readline()
        os.kill(child.pid, signal.SIGSTOP)
        began = time.monotonic()
        threading.Event().wait(2)
        stopped = (time.monotonic() - began) * SECOND
        os.kill(child.pid, signal.SIGCONT)
        said, _ = child.communicate("\n", timeout=20)
    finally:
        child.kill()
        child.wait()
    assert int(said) > stopped - PULSE_EVERY - 200 * MILLISECOND
