"""Found by a daemon under test through PYTHONPATH: SIGUSR1 holds up its main thread, as a mistake of its own would.

When it began and ended is appended to a file, as ``begun 1767571200000000 5000000000``: microseconds of the wall clock
and of the monotonic one. ``TEST_LOOP=asyncio`` hides uvloop, as where it is not installed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType


def _note(word: str) -> None:
    with Path(os.environ["TEST_STALL_LOG"]).open("a", encoding="ascii") as log:
        log.write(f"{word} {time.time_ns() // 1_000} {time.monotonic_ns() // 1_000}\n")


def _hold_up(_number: int, _frame: FrameType | None) -> None:
    _note("begun")
    time.sleep(float(os.environ["TEST_STALL_SECONDS"]))
    _note("ended")


if os.environ.get("TEST_LOOP") == "asyncio":
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # what makes an import fail
if "TEST_STALL_LOG" in os.environ:
    signal.signal(signal.SIGUSR1, _hold_up)
