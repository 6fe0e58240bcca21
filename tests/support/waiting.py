"""Waiting for real servers and real time: look again until it is so, or fail with what was seen last."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds after which a test no longer waits."""

PAUSE = 0.02
"""Seconds between two looks."""


def eventually(look: Callable[[], T], *, within: float = DEADLINE, pause: float = PAUSE) -> T:
    """The first true value of ``look()``. Raises AssertionError when there is none ``within`` so many real seconds."""
    end = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < end, f"not so within {within:g} s; seen last: {seen!r}"
        threading.Event().wait(pause)
    return seen


async def async_eventually(look: Callable[[], T | Awaitable[T]], *, within: float = DEADLINE) -> T:
    """As ``eventually`` on the running loop, which goes on meanwhile; ``look`` may be a coroutine function."""
    end = time.monotonic() + within
    while True:
        seen = look()
        value: T = await seen if isinstance(seen, Awaitable) else seen
        if value:
            return value
        assert time.monotonic() < end, f"not so within {within:g} s; seen last: {value!r}"
        await asyncio.sleep(PAUSE)
