"""Local times and instants (S2).

Zone data is that of the pinned ``tzdata`` package, never the machine's: two boxes with the same lock file
count the same seconds. Everything here takes and gives whole microseconds; a *local* datetime is naive and
means what a clock on the wall shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

from slawatch.domain.interval import HOUR, Duration, Instant, to_datetime, to_instant

_MICROSECOND = timedelta(microseconds=1)

_SAMPLE = 12 * HOUR
"""No zone changes its offset twice within 24 hours (a test reads every zone to prove it), so looking every
12 hours sees every change since 1970."""


def tzdata_version() -> str:
    """The IANA release that every local time is read with, such as ``2026a``; it goes on record (S23)."""
    return str(import_module("tzdata").IANA_VERSION)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every zone and alias that the pinned data knows."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name, always the same object for the same name; ``ValueError`` for any other name."""
    if name not in zone_names():
        raise ValueError(f"{name!r} is no time zone: an IANA name like Europe/Berlin is expected{_hint(name)}")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def _hint(name: str) -> str:
    near = get_close_matches(name, sorted(zone_names()), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def offset_at(instant: Instant, tz: ZoneInfo) -> Duration:
    """What the zone's clocks are ahead of UTC at an instant; negative west of it."""
    offset = to_datetime(instant).astimezone(tz).utcoffset()
    assert offset is not None
    return offset // _MICROSECOND


def local_of(instant: Instant, tz: ZoneInfo) -> datetime:
    """What a clock in the zone shows at an instant."""
    return to_datetime(instant).astimezone(tz).replace(tzinfo=None)


def instant_of(local: datetime, tz: ZoneInfo) -> Instant:
    """The one instant that a local time means (S2).

    A time that the clocks skip is the first instant after the gap. A time that occurs twice is the first of
    the two. ``ValueError`` if ``local`` is not naive.
    """
    if local.tzinfo is not None:
        raise ValueError("a local time carries no zone of its own")
    first, other = (to_instant(local.replace(tzinfo=tz, fold=fold)) for fold in (0, 1))
    if local_of(first, tz) == local:
        return first
    return _change_between(other, first, tz)


def instants_showing(local: datetime, tz: ZoneInfo) -> tuple[Instant, ...]:
    """Every instant at which the zone's clocks show a local time: none in a gap, two where it repeats."""
    found = {to_instant(local.replace(tzinfo=tz, fold=fold)) for fold in (0, 1)}
    return tuple(sorted(instant for instant in found if local_of(instant, tz) == local))


@lru_cache(maxsize=4096)
def first_instant(day: date, tz: ZoneInfo) -> Instant:
    """The first instant of a date: its midnight, or what S2 makes of it where midnight is skipped or repeats."""
    return instant_of(datetime.combine(day, time.min), tz)


def parse_local(text: str, tz: ZoneInfo) -> Instant:
    """The instant of a date, a local time or a time with an offset: ``2026-02-01``, ``2026-02-01 22:00``.

    A date means its first instant. An offset or ``Z`` in the text goes before the zone. Anything else is a
    ``ValueError`` that says what is expected.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no local time: 2026-02-01 or 2026-02-01 22:00 is expected") from None
    return instant_of(moment, tz) if moment.tzinfo is None else to_instant(moment)


def parse_date(text: str) -> date:
    """The date of ``2026-02-01``; ``ValueError`` for anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no date: one like 2026-02-01 is expected") from None


class OffsetSpan(NamedTuple):
    """A span ``[start, end)`` throughout which local time is UTC plus ``offset``."""

    start: Instant
    end: Instant
    offset: Duration


def offset_spans(start: Instant, end: Instant, tz: ZoneInfo) -> Iterator[OffsetSpan]:
    """Split ``[start, end)`` where the zone's offset changes. Exact for every instant from 1970 on."""
    if start >= end:
        return
    for year in range(to_datetime(start).year, to_datetime(end - 1).year + 1):
        for change in _offset_changes(tz, year):
            if change > start:
                yield OffsetSpan(start, min(change, end), offset_at(start, tz))
                start = change
            if start >= end:
                return
    yield OffsetSpan(start, end, offset_at(start, tz))


@lru_cache(maxsize=4096)
def _offset_changes(tz: ZoneInfo, year: int) -> tuple[Instant, ...]:
    """The instants within a UTC year at which the offset changes."""
    begin, end = year_start(year), year_start(year + 1)
    changes = []
    before, offset = begin - 1, offset_at(begin - 1, tz)
    for sample in (*range(begin, end, _SAMPLE), end - 1):
        if offset_at(sample, tz) != offset:
            change = _change_between(before, sample, tz)
            offset = offset_at(change, tz)
            changes.append(change)
        before = sample
    return tuple(changes)


def year_start(year: int) -> Instant:
    """The first instant of a UTC year."""
    return to_instant(datetime(year, 1, 1, tzinfo=UTC))


def _change_between(low: Instant, high: Instant, tz: ZoneInfo) -> Instant:
    """The first instant in ``(low, high]`` with another offset than ``low``; there must be one change."""
    before = offset_at(low, tz)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle, tz) == before:
            low = middle
        else:
            high = middle
    return high
