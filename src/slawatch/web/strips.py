"""Stretches of time as the rectangles of an SVG strip, each with a text that says what it is.

Positions are percentages of the strip's width as text, so that hatching keeps its shape at every width. What grows
with each second, the end of the running piece and the far edge of a window that moves along, stands in steps of a
thousandth: a strip changes only when an eye could see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from slawatch.domain.interval import DAY, WEEK, Duration, Instant, Interval
from slawatch.domain.local_time import instant_of, local_of
from slawatch.domain.strip import StripPiece
from slawatch.web.words import coarse_text, count_text, moment, span_text

WORDS = {
    "up": "up",
    "degraded": "degraded",
    "down": "down",
    "unknown": "unknown",
    "excluded": "excluded",
    "outside_hours": "outside service hours",
    "outside_contract": "outside the contract",
}
"""Every class of time, in the order in which tables list them."""

_WORST_FIRST = ("down", "degraded", "unknown", "excluded", "up", "outside_hours", "outside_contract")
_DRAWN_LAST = {kind: rank for rank, kind in enumerate(reversed(_WORST_FIRST))}


@dataclass(frozen=True, slots=True)
class Mark:
    """One rectangle: ``x`` and ``width`` as percentages, the class of time, and what it says when pointed at."""

    x: str
    width: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip from its start (left) to its end (right). ``now`` is where the future begins, if there is any."""

    label: str
    marks: tuple[Mark, ...]
    ticks: tuple[str, ...] = ()
    """Where local days begin in a strip of two days to five weeks, and each sixth hour in a shorter one."""
    now: str | None = None


def strip(pieces: Sequence[StripPiece], span: Interval, now: Instant, zone: ZoneInfo, what: str) -> Strip:
    """The strip of ``span``. ``what`` begins its label: ``acme/network, Mon 5 Jan – Sun 18 Jan``."""
    shown = _clipped(pieces, span)
    ordered = sorted(shown, key=lambda piece: (_DRAWN_LAST[piece.kind], piece.start))
    marks = tuple(_mark(piece, span, now, zone) for piece in ordered)
    running = _percent(_steps(now, span)) if now in span and span.end - now > span.length // 100 else None
    return Strip(f"{what}: {_label(shown)}", marks, _ticks(span, zone), running)


@lru_cache(maxsize=4096)
def _ticks(span: Interval, zone: ZoneInfo) -> tuple[str, ...]:
    if span.length > 5 * WEEK:
        return ()
    first = local_of(span.start, zone).date()
    hours = (0, 6, 12, 18) if span.length < 2 * DAY else (0,)
    marks = (
        instant_of(datetime.combine(first + timedelta(days=count), time(hour)), zone)
        for count in range(span.length // DAY + 2)
        for hour in hours
    )
    return tuple(percent_of(mark - span.start, span.length) for mark in marks if span.start < mark < span.end)


def percent_of(part: Duration, whole: Duration) -> str:
    """``part`` of ``whole`` as an SVG percentage, cut to a hundredth; nothing below 0 or above 100."""
    return _percent(max(0, min(10_000, part * 10_000 // whole)) if whole > 0 else 0)


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def _steps(now: Instant, span: Interval) -> int:
    """Where now is, in hundredths of a percent, at a full thousandth of the span."""
    return (now - span.start) * 1_000 // span.length * 10


def _clipped(pieces: Iterable[StripPiece], span: Interval) -> list[StripPiece]:
    inside = (
        StripPiece(max(piece.start, span.start), min(piece.end, span.end), piece.kind)
        for piece in pieces
        if piece.end > span.start and piece.start < span.end
    )
    found = [piece for piece in inside if piece.start < piece.end]
    if found and found[0].start - span.start < span.length // 1_000:
        found[0] = found[0]._replace(start=span.start)
    return found


def _mark(piece: StripPiece, span: Interval, now: Instant, zone: ZoneInfo) -> Mark:
    left = (piece.start - span.start) * 10_000 // span.length
    right = (piece.end - span.start) * 10_000 // span.length
    if now - span.length // 1_000 <= piece.end <= now:
        right = max(left + 10, _steps(now, span))
    return Mark(_percent(left), _percent(right - left), piece.kind, _title(piece, span, now, zone))


def _title(piece: StripPiece, span: Interval, now: Instant, zone: ZoneInfo) -> str:
    word, start, end = WORDS[piece.kind], moment(piece.start, now, zone), moment(piece.end, now, zone)
    if piece.end >= now:
        return f"{word} throughout" if piece.start == span.start else f"{word} since {start.text}"
    if piece.start == span.start:
        return f"{word} until {end.text}"
    return f"{word} {start.text} – {end.text} ({span_text(piece.end - piece.start)})"


def _label(pieces: Sequence[StripPiece]) -> str:
    """What the strip shows, for those who do not see it: how long each class lasted and how often it came."""
    if not pieces:
        return "nothing yet"
    parts = []
    for kind, word in WORDS.items():
        lengths = [piece.end - piece.start for piece in pieces if piece.kind == kind]
        if lengths:
            often = f", {count_text(len(lengths), 'time', 'times')}" if kind in ("down", "degraded") else ""
            parts.append(f"{word} {coarse_text(sum(lengths))}{often}")
    return "; ".join(parts)
