"""Local clocks, service hours, exclusions and periods, second by second (S2, S20, S21, S25, S26)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from differential.words import DAYS, RANKS, Row, instant, seconds_of


@cache
def zone_of(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data)


def clock(second: int, zone: ZoneInfo) -> datetime:
    """What the wall clock shows."""
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)


@cache
def local(text: str, zone: ZoneInfo) -> int:
    """S2: the first second at which the clock shows the time; where none does, the first after the gap. No change of
    clocks happens within a minute, so looking at each minute is enough."""
    wanted = datetime.fromisoformat(text)
    around = int(wanted.replace(tzinfo=UTC).timestamp())
    after_gap = None
    for second in range(around - 26 * 3600, around + 26 * 3600, 60):
        shown = clock(second, zone)
        if shown == wanted:
            return second
        if after_gap is None and shown > wanted:
            after_gap = second
    assert after_gap is not None
    return after_gap


def ranges_on(day: date, calendar: dict[str, Any]) -> list[tuple[int, int]]:
    """Seconds of the day on which a range starts; it may go on into the next one."""
    if day.isoformat() in calendar["open"]:
        texts = calendar["open"][day.isoformat()]
    elif day.isoformat() in calendar["closed"]:
        texts = []
    else:
        texts = calendar["days"].get(DAYS[day.weekday()], [])
    found = []
    for text in texts:
        if text == "closed":
            continue
        start, end = (int(part[:2]) * 3600 + int(part[3:]) * 60 for part in text.split("-"))
        found.append((start, end if end > start else end + 86400))
    return found


def in_hours(second: int, calendar: dict[str, Any] | None, known: dict[int, bytearray]) -> int:
    """S2: whether the local clock reads a time in a range, of its own day or of the day before. ``known`` keeps, for
    each local date, what its 86,400 times are."""
    if calendar is None:
        return 1
    shown = datetime.fromtimestamp(second, zone_of(calendar["timezone"]))
    number = shown.toordinal()
    if number not in known:
        known[number] = bytearray(86400)
        today = date.fromordinal(number)
        before = [(start - 86400, end - 86400) for start, end in ranges_on(today - timedelta(days=1), calendar)]
        for start, end in [*before, *ranges_on(today, calendar)]:
            for time in range(max(start, 0), min(end, 86400)):
                known[number][time] = 1
    return known[number][shown.hour * 3600 + shown.minute * 60 + shown.second]


def excluded_seconds(rows: list[Row], terms: Row, start: int, end: int) -> dict[int, str]:
    """S25, S26, S28: which seconds of a period are excluded, and for what."""
    notice = seconds_of(terms["options"]["maintenance_notice"])
    limit = terms["options"]["maintenance_limit"]
    kinds: dict[int, set[str]] = {}
    in_time: set[int] = set()
    for row in rows:
        if row.get("type") != "exclusion":
            continue
        named = row.get("services", []) + row.get("contracts", [])
        meant = terms["service"] in row.get("services", []) or terms["contract"] in row.get("contracts", [])
        if named and not meant:
            continue
        begin, kind = instant(row["start"]), row["kind"]
        seconds = range(max(begin, start), min(instant(row["end"]), end))
        approved = bool(row.get("reason") and row.get("approved_by"))
        announced = row.get("announced_at")
        early = notice == 0 if announced is None else instant(announced) + notice <= begin
        if kind == "maintenance" and early:
            in_time.update(seconds)
        if approved:
            for second in seconds:
                kinds.setdefault(second, set()).add(kind)
    for used, second in enumerate(sorted(in_time)):
        if limit == "unlimited" or used < seconds_of(limit):
            kinds.setdefault(second, set()).add("maintenance")
    return {second: min(found, key=RANKS.index) for second, found in kinds.items()}


def boundaries(terms: Row, first: int, last: int) -> list[tuple[int, int]]:
    """S20: the nominal periods that touch the seconds from ``first`` to ``last``."""
    zone, text = zone_of(terms["timezone"]), terms["period"]
    if text.startswith("from "):
        start, end = text.removeprefix("from ").split(" to ")
        return [(local(start, zone), local(end, zone))]
    every = re.fullmatch(r"every (\d+) (day|week)s from (\S+)", text)
    step = int(every[1]) * (7 if every[2] == "week" else 1) if every else {"week": 7, "month": 31}[text]
    day, stop = (clock(second, zone).date() for second in (first, last))
    day, stop = day - timedelta(days=step + 1), stop + timedelta(days=step + 1)
    starts = []
    while day <= stop:
        if every:
            since = (day - date.fromisoformat(every[3])).days
            begins = since >= 0 and since % step == 0
        else:
            begins = day.weekday() == 0 if text == "week" else day.day == 1
        if begins:
            starts.append(local(day.isoformat(), zone))
        day += timedelta(days=1)
    return [(a, b) for a, b in pairwise(starts) if a < b and b > first and a <= last]


@dataclass
class Piece:
    """A period of the contract: what validity leaves of nominal ones, and how much of them that is."""

    start: int
    end: int
    first_nominal: int
    last_nominal: int
    share: Fraction
    merged: bool = False

    @property
    def partial(self) -> bool:
        return self.merged or (self.start, self.end) != (self.first_nominal, self.last_nominal)


def joined(left: Piece, right: Piece) -> Piece:
    return Piece(left.start, right.end, left.first_nominal, right.last_nominal, left.share + right.share, merged=True)


def periods(terms: Row, first: int, at: int) -> list[Piece]:
    """S20, S21: the periods that share a second with the history up to ``at``."""
    zone, valid = zone_of(terms["timezone"]), terms["valid"]
    begin = local(valid["from"], zone) if valid["from"] else None
    finish = local(valid["to"], zone) if valid["to"] else None
    low = first if begin is None else begin
    high = max(at, low) if finish is None else finish
    pieces = []
    for start, end in boundaries(terms, low, max(high - 1, low)):
        a, b = max(start, begin or start), min(end, finish or end)
        if a < b:
            pieces.append(Piece(a, b, start, end, Fraction(b - a, end - start)))
    if terms["options"]["partial"] == "merge":
        if len(pieces) > 1 and pieces[0].start != pieces[0].first_nominal:
            pieces[0:2] = [joined(pieces[0], pieces[1])]
        if len(pieces) > 1 and pieces[-1].end != pieces[-1].last_nominal:
            pieces[-2:] = [joined(pieces[-2], pieces[-1])]
    return [piece for piece in pieces if piece.start < max(at, first + 1) and piece.end > first]
