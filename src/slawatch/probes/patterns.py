"""Regular expressions on what the other side said: it chooses the text, so their time is bounded."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

from pydantic import BeforeValidator

from slawatch.probes.answer import Failure

MOST_PATTERN_SECONDS = 0.05
"""Processor time that one pattern may take on one text."""


def _compiled(value: object) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise ValueError("expected a regular expression")
    try:
        return re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"no regular expression: {error}") from None


PatternText = Annotated[re.Pattern[str], BeforeValidator(_compiled)]
"""An option that is a regular expression (Python's)."""


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Where ``pattern`` occurs; ``Failure`` ``pattern_too_slow`` past ``MOST_PATTERN_SECONDS``.

    Patterns can take a time that grows exponentially with the text, and the text is the other side's. Python's
    matcher looks for signals as it runs, so an interval timer ends it; that works in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        raise Failure("prober_fault", "patterns are matched in the main thread only")
    with _alarm():
        return pattern.search(text)


class _TooSlow(Exception):
    """The timer ran out."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooSlow


@contextmanager
def _alarm() -> Iterator[None]:
    try:
        before = signal.signal(signal.SIGVTALRM, _ring)
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, MOST_PATTERN_SECONDS)
            yield
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
    except _TooSlow:
        raise Failure("pattern_too_slow", "the pattern took too long on this text") from None
