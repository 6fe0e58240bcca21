"""Regular expressions on hostile texts end in time."""

from __future__ import annotations

import asyncio
import re
import signal
import threading

import pytest

from slawatch.probes.answer import Failure
from slawatch.probes.patterns import search


async def test_a_pattern_is_ended_beside_the_loops_own_signals() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
    before = signal.getsignal(signal.SIGVTALRM)
    for _ in range(3):
        with pytest.raises(Failure) as caught:
            search(re.compile("(a+)+b"), "a" * 64)
        assert caught.value.answer.reason == "pattern_too_slow"
        assert search(re.compile("b"), "ab")
        await asyncio.sleep(0)
    assert signal.getsignal(signal.SIGVTALRM) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_pattern_in_another_thread_is_not_matched_at_all() -> None:
    reasons: list[str] = []

    def match() -> None:
        try:
            search(re.compile("a"), "a")
        except Failure as failure:
            reasons.append(failure.answer.reason)

    thread = threading.Thread(target=match)
    thread.start()
    thread.join()
    assert reasons == ["prober_fault"]
