"""Recurring maintenance by RFC 5545: a local start, a zone, a rule, dates left out, an elapsed duration (S25).

The rule counts on the wall clock of the zone; each local start it names becomes one instant by S2, and the
duration runs from there in elapsed time. Where RFC 5545 leaves something open or surprises people:

* a start that is not the rule's own first occurrence is refused (the RFC leaves the result undefined);
* ``UNTIL`` is inclusive; as a date it includes that whole date, with ``Z`` it is an instant;
* ``COUNT`` counts before ``EXDATE`` takes occurrences away;
* rules finer than hourly are refused: that is not maintenance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from dateutil.rrule import rrule, rrulestr

from slawatch.domain.interval import Duration, Instant, Interval, to_instant
from slawatch.domain.local_time import instant_of, local_of, zone

_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)
_EXPECTED = "an RFC 5545 rule like FREQ=MONTHLY;BYDAY=1SU is expected"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Windows of maintenance. Without a rule there is one, at ``start``.

    ``start`` is naive, on the clock of ``zone``; ``duration`` is elapsed microseconds. ``excluded`` holds
    local starts, or dates all of whose occurrences are left out. ``ValueError`` says what is expected.
    """

    start: datetime
    zone: str
    duration: Duration
    rule: str | None = None
    excluded: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        zone(self.zone)
        if self.duration <= 0:
            raise ValueError("maintenance lasts longer than nothing")
        if self.start.tzinfo is not None:
            raise ValueError("the start is a local time in the zone and carries no offset")
        if self.rule is not None:
            self._refuse_another_first(self.rule)

    def occurrences(self, start: Instant, end: Instant) -> list[Interval]:
        """The windows that share an instant with ``[start, end)``, whole, in order of their starts.

        Windows may overlap where the duration is longer than the step; the same start is given once.
        """
        if start >= end:
            return []
        tz = zone(self.zone)
        starts = sorted({instant_of(local, tz) for local in self._local_starts(start - self.duration, end)})
        windows = (Interval(begin, begin + self.duration) for begin in starts)
        return [window for window in windows if window.end > start and window.start < end]

    def _local_starts(self, start: Instant, end: Instant) -> Iterator[datetime]:
        """Local starts that may mean an instant in ``[start, end)``, and a day's worth around it."""
        tz, day = zone(self.zone), timedelta(days=1)
        low, high = local_of(start, tz) - day, local_of(end, tz) + day
        for local in (self.start,) if self.rule is None else _expand(self.rule, self.start, self.zone):
            if local > high:
                return
            if local >= low and local not in self.excluded and local.date() not in self.excluded:
                yield local

    def _refuse_another_first(self, rule: str) -> None:
        first = next(_expand(rule, self.start, self.zone), None)
        if first != self.start:
            found = f"the rule's first is {first.isoformat(' ', 'minutes')}" if first else "the rule has none"
            raise ValueError(f"the start {self.start.isoformat(' ', 'minutes')} is no occurrence of {rule!r}: {found}")


def occurrences(recurrence: Recurrence, start: Instant, end: Instant) -> list[Interval]:
    """See :meth:`Recurrence.occurrences`."""
    return recurrence.occurrences(start, end)


def _expand(rule: str, start: datetime, zone_name: str) -> Iterator[datetime]:
    """The local starts of a rule in order, until it ends."""
    for local in _parsed(rule, start):
        if _is_after_until(local, rule, zone_name):
            return
        yield local


@lru_cache(maxsize=1024)
def _parsed(rule: str, start: datetime) -> rrule:
    """The rule without its UNTIL, which :func:`_is_after_until` judges in the zone."""
    parts = _parts(rule)
    _until(rule)
    if parts.get("FREQ") in ("SECONDLY", "MINUTELY"):
        raise ValueError(f"{rule!r} recurs more often than hourly: FREQ=HOURLY or longer is expected")
    if "UNTIL" in parts and "COUNT" in parts:
        raise ValueError(f"{rule!r} has both UNTIL and COUNT: one of them is expected")
    for key in {"INTERVAL", "COUNT"} & parts.keys():
        if not re.fullmatch(r"0*[1-9]\d{0,8}", parts[key], re.ASCII):
            raise ValueError(f"{rule!r}: {key} is a number from 1")
    text = ";".join(f"{key}={value}" for key, value in parts.items() if key != "UNTIL")
    try:
        # The cache keeps what was expanded once: evaluations ask again and again.
        found = rrulestr(text, dtstart=start, cache=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{rule!r} is no rule ({error}): {_EXPECTED}") from None
    assert isinstance(found, rrule), "one rule without dates of its own is no set"
    return found


def _parts(rule: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in rule.strip().upper().removeprefix("RRULE:").split(";")]
    parts = {key: value for key, _, value in pairs}
    if len(parts) != len(pairs) or not all(parts.values()) or any(word.isspace() for word in rule):
        raise ValueError(f"{rule!r} is no rule: {_EXPECTED}")
    return parts


@lru_cache(maxsize=1024)
def _until(rule: str) -> tuple[datetime, bool] | None:
    """The last moment that UNTIL allows, and whether it is UTC rather than local."""
    text = _parts(rule).get("UNTIL")
    if text is None:
        return None
    try:
        found = _UNTIL.fullmatch(text)
        if found is None:
            raise ValueError
        last = datetime.fromisoformat(f"{found[1]}T{found[2] or '235959.999999'}")
    except ValueError:
        raise ValueError(f"{rule!r}: UNTIL is 20261231, 20261231T235959 or 20261231T235959Z") from None
    return last, found[3] is not None


def _is_after_until(local: datetime, rule: str, zone_name: str) -> bool:
    until = _until(rule)
    if until is None:
        return False
    last, is_utc = until
    if not is_utc:
        return local > last
    return instant_of(local, zone(zone_name)) > to_instant(last.replace(tzinfo=UTC))
