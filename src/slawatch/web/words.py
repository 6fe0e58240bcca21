"""Instants, lengths and ratios as people read them. No locale: the same text on every machine.

Nothing here flatters: what is left is cut, what was lost is rounded up, and a share is 100 % only when it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from urllib.parse import quote
from zoneinfo import ZoneInfo

from slawatch.domain.compliance import display_ratio
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Duration, Instant, format_instant
from slawatch.domain.local_time import local_of
from slawatch.domain.penalty import percent_text

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = {DAY: "d", HOUR: "h", MINUTE: "m", SECOND: "s"}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for a ``<time>`` element: ``text`` to read, ``iso`` (RFC 3339, UTC) to look up."""

    text: str
    iso: str


def span_text(length: Duration, *, round_up: bool = False) -> str:
    """A length in at most two units, cut toward zero: ``3 h 21 m``, ``9 d 4 h``, ``12 s``, ``2.3 ms``.

    ``round_up`` is for what was used, lost or overdrawn: the last digit shown is never too small.
    """
    if length < 0:
        return f"-{span_text(-length, round_up=round_up)}"
    if length < SECOND:
        return _short(length)
    if round_up:
        lesser = _resolution(length)[1]
        length = -(-length // lesser) * lesser
    unit, lesser = _resolution(length)
    count, rest = divmod(length, unit)
    smaller = rest // lesser
    return f"{count} {_NAMES[unit]}" + (f" {smaller} {_NAMES[lesser]}" if smaller else "")


def coarse_text(length: Duration) -> str:
    """As :func:`span_text`, without seconds from a minute on, so that it stands still for a while."""
    return span_text(length // MINUTE * MINUTE if length >= MINUTE else length // SECOND * SECOND)


def _resolution(length: Duration) -> tuple[Duration, Duration]:
    """The two units in which a length of at least a second is shown."""
    if length >= 3 * DAY:
        return DAY, HOUR
    if length >= HOUR:
        return HOUR, MINUTE
    return (MINUTE if length >= MINUTE else SECOND), SECOND


def _short(length: Duration) -> str:
    if length < MILLISECOND:
        return f"{length} µs" if length else "0 s"
    whole, rest = divmod(length // 100, 10)
    return f"{whole}.{rest} ms" if whole < 100 else f"{whole} ms"


def day_text(moment: datetime, year: int | None = None) -> str:
    """``Mon 5 Jan``, with the year unless it is ``year``."""
    text = f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"
    return text if moment.year == year else f"{text} {moment.year}"


def moment(instant: Instant, now: Instant, zone: ZoneInfo, *, seconds: bool = True) -> Moment:
    """Local time in a zone; the day stands before it unless it is the day of ``now``."""
    local, today = local_of(instant, zone), local_of(now, zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    if local.date() != today.date():
        clock = f"{day_text(local, today.year)} {clock}"
    return Moment(clock, format_instant(instant))


def ago(instant: Instant, now: Instant) -> str:
    """How long ago: ``12 m``, ``3 h 5 m``, ``9 d 12 h``."""
    return coarse_text(max(0, now - instant))


def since_text(instant: Instant, now: Instant, zone: ZoneInfo) -> Moment:
    """When a state began: to the second if that was today, else to the minute."""
    return moment(instant, now, zone, seconds=local_of(instant, zone).date() == local_of(now, zone).date())


@lru_cache(maxsize=4096)
def period_text(start: Instant, end: Instant, zone: ZoneInfo) -> str:
    """A period by its days, the last one included: ``Mon 5 Jan – Sun 18 Jan 2026``; with times if it has any."""
    first, last = local_of(start, zone), local_of(end, zone)
    if first.time() == last.time() == datetime.min.time():
        last -= timedelta(days=1)
        if first.date() == last.date():
            return day_text(first)
        return f"{day_text(first, last.year)} – {day_text(last)}"
    return f"{day_text(first, last.year)} {first:%H:%M} – {day_text(last)} {last:%H:%M}"


def percent(ratio: Fraction | None, target: Fraction) -> str:
    """A figure that decides, by S10: ``99.12 %``; ``–`` where there is none."""
    return "–" if ratio is None else f"{display_ratio(ratio, target)} %"


def agreed(ratio: Fraction) -> str:
    """A percentage that somebody wrote, exactly: ``99.95 %``."""
    return percent_text(ratio).replace("%", " %")


def share(ratio: Fraction, digits: int = 1) -> str:
    """Any other ratio, cut: ``97.2 %``, and ``100 %`` only when it is whole."""
    if ratio == 1:
        return "100 %"
    tenths = ratio.numerator * 100 * 10**digits // ratio.denominator
    whole, rest = divmod(tenths, 10**digits)
    return f"{whole}.{rest:0{digits}d} %"


def spoken(word: str) -> str:
    """An identifier from the ledger as people say it: ``monitor_stopped`` → ``monitor stopped``."""
    return word.replace("_", " ")


def count_text(count: int, one: str, many: str) -> str:
    """``1 contract``, ``3 contracts``."""
    return f"{count} {one if count == 1 else many}"


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def sentence(clauses: Sequence[str]) -> str:
    """Clauses as one sentence with a capital; empty for none."""
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}" if text else ""


def contract_href(client: str, name: str) -> str:
    """Where a contract's page is."""
    return f"/contracts/{quote(client, safe='')}/{quote(name, safe='')}"


def endpoint_href(client: str, name: str) -> str:
    """Where an endpoint's page is."""
    return f"/endpoints/{quote(client, safe='')}/{quote(name, safe='')}"
