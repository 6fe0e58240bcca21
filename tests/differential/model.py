"""A second reading of the rules: slow, second by second, with plain dicts, lists and loops.

It shares no code with slawatch. It reads the same terms and rows, asks zoneinfo what the local clock shows in each
second, gives each second of a period one class in each of three versions, and counts. Instants are whole seconds
since 1970; nothing here is clever, so that it can be checked by reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

DOWN, DEGRADED, UP, UNKNOWN = 0, 1, 2, 3
WORDS = {"down": DOWN, "degraded": DEGRADED, "up": UP, "unknown": UNKNOWN}
LOW, POINT, HIGH = 0, 1, 2
RANKS = ["maintenance", "force_majeure", "client_fault", "third_party", "other"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Row = dict[str, Any]
Three = list[bytearray]
"""What holds in each second of the world, in the low, the point and the high version."""


@cache
def zone_of(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data)


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


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


def seconds_of(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smhd])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def percent(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


@dataclass
class World:
    """The seconds from ``start`` to ``end``; outside of it nothing is known of anything."""

    start: int
    end: int

    def all(self, state: int) -> Three:
        return [bytearray([state]) * (self.end - self.start) for _ in range(3)]

    def inside(self, start: int, end: int) -> range:
        """The places of the seconds from ``start`` to ``end`` that are in the world."""
        first = max(start, self.start) - self.start
        return range(first, max(min(end, self.end) - self.start, first))


def endpoint(rows: list[Row], name: str, until: int, world: World) -> Three:
    """S5, S8, S12, S17, S27: states with their edges, then blips, then corrections."""
    found = world.all(UNKNOWN)
    mine = [row for row in rows if row.get("endpoint") == name]
    segments = states_in_order([row for row in mine if row.get("type", "state") == "state"], until)
    for index, segment in enumerate(segments):
        end = segments[index + 1]["at"] if index + 1 < len(segments) else until
        places = world.inside(segment["at"], end)
        for version in (LOW, POINT, HIGH):
            found[version][places.start : places.stop] = bytes([segment["state"]]) * len(places)
    for index, segment in enumerate(segments):
        if segment["state"] == UNKNOWN:
            continue
        end = segments[index + 1]["at"] if index + 1 < len(segments) else until
        before = segments[index - 1]["state"] if index else UNKNOWN
        widen(found, world.inside(segment["at"], min(segment["latest"], end)), before)
        if index + 1 < len(segments):
            after = segments[index + 1]
            widen(found, world.inside(max(after["earliest"], segment["at"]), end), after["neighbour"])
    blips(found, [row for row in mine if row.get("type") == "blip"], world)
    corrections(found, [row for row in mine if row.get("type") == "correction"], world)
    return found


def blips(found: Three, rows: list[Row], world: World) -> None:
    """S8, S12: an unconfirmed failure touches low, a success inside an outage touches high."""
    for row in rows:
        for place in world.inside(instant(row["edges"]["low"]), instant(row["edges"]["high"])):
            if row["state"] == "down" and found[LOW][place] != UNKNOWN:
                found[LOW][place] = DOWN
            if row["state"] != "down" and found[HIGH][place] == DOWN:
                found[HIGH][place] = UP


def corrections(found: Three, rows: list[Row], world: World) -> None:
    """S27: in the order of their entry, with a reason and an approver."""
    for row in rows:
        if row["reason"] and row["approved_by"]:
            for place in world.inside(instant(row["start"]), instant(row["end"])):
                for version in (LOW, POINT, HIGH):
                    found[version][place] = WORDS[row["state"]]


def states_in_order(rows: list[Row], until: int) -> list[dict[str, int]]:
    """Each change once: of two at one instant the later row holds. The end of the history is a change to unknown; it
    leaves the state that was seen at its instant as the neighbour of the time before."""
    by_instant: dict[int, dict[str, int]] = {}
    late: list[dict[str, int]] = []
    for row in sorted(rows, key=lambda row: instant(row["at"])):
        at, state = instant(row["at"]), WORDS[row["state"]]
        edges = row.get("edges", {"low": row["at"], "high": row["at"]})
        earliest, latest = instant(edges["low"]), instant(edges["high"])
        segment = {"at": at, "state": state, "neighbour": state, "earliest": earliest, "latest": latest}
        if at > until:
            late.append(segment)
            continue
        earlier = by_instant.get(at)
        if state == UNKNOWN and earlier is not None and earlier["neighbour"] != UNKNOWN:
            segment |= {"neighbour": earlier["neighbour"], "earliest": earlier["earliest"]}
        by_instant[at] = segment
    found = [by_instant[at] for at in sorted(by_instant)]
    if found and found[-1]["state"] != UNKNOWN:
        end = {"at": until, "state": UNKNOWN, "neighbour": UNKNOWN, "earliest": until, "latest": until}
        if late:
            end["earliest"] = min(late[0]["earliest"], until)
        if found[-1]["at"] == until:
            end |= {"neighbour": found[-1]["state"], "earliest": found[-1]["earliest"]}
            found.pop()
        found.append(end)
    return found


def widen(found: Three, places: range, neighbour: int) -> None:
    """S8: low takes the worse, high the better of two neighbours; a missing neighbour may have been anything."""
    for place in places:
        found[LOW][place] = min(found[LOW][place], DOWN if neighbour == UNKNOWN else neighbour)
        found[HIGH][place] = max(found[HIGH][place], UP if neighbour == UNKNOWN else neighbour)


def without_unreachable(endpoints: dict[str, Three], parents: dict[str, str], world: World) -> dict[str, Three]:
    """S14: child and parent both down is unknown; low grants that where the parent certainly was, high where it may
    have been."""
    found = {name: [bytearray(states) for states in three] for name, three in endpoints.items()}
    for child, parent in parents.items():
        if child in endpoints and parent in endpoints:
            for version, other in ((LOW, HIGH), (POINT, POINT), (HIGH, LOW)):
                mine, theirs = endpoints[child][version], endpoints[parent][other]
                for place in range(world.end - world.start):
                    if mine[place] == DOWN and theirs[place] == DOWN:
                        found[child][version][place] = UNKNOWN
    return found


Tree = str | tuple[Any, ...]
"""A name, or ("and", …), ("or", …), ("of", k, …), ("weighted", share, (tree, weight), …)."""


def reaches(tree: Tree, states: dict[str, int], services: dict[str, Tree], level: int) -> str:
    """S16: whether a service is certainly at a level or better: yes, no or maybe."""
    if isinstance(tree, str):
        if tree in services:
            return reaches(services[tree], states, services, level)
        state = states[tree]
        return "maybe" if state == UNKNOWN else "yes" if state >= level else "no"
    if tree[0] == "weighted":
        parts = [(reaches(part, states, services, level), weight) for part, weight in tree[2:]]
        needed = tree[1] * sum(weight for _, weight in parts)
    else:
        members = tree[2:] if tree[0] == "of" else tree[1:]
        parts = [(reaches(part, states, services, level), 1) for part in members]
        needed = {"and": len(parts), "or": 1}.get(tree[0]) or tree[1]
    if sum(weight for answer, weight in parts if answer == "yes") >= needed:
        return "yes"
    return "maybe" if sum(weight for answer, weight in parts if answer != "no") >= needed else "no"


def service(tree: Tree, services: dict[str, Tree], endpoints: dict[str, Three], world: World) -> Three:
    """S16: the expression on the states of each second, in each version by itself."""
    names = sorted(endpoints)
    known: dict[tuple[int, ...], int] = {}
    found = world.all(UNKNOWN)
    for version in (LOW, POINT, HIGH):
        columns = [endpoints[name][version] for name in names]
        for place, together in enumerate(zip(*columns, strict=True)):
            if together not in known:
                states = dict(zip(names, together, strict=True))
                good = reaches(tree, states, services, DEGRADED)
                best = reaches(tree, states, services, UP)
                level = UP if best == "yes" else DEGRADED
                known[together] = {"no": DOWN, "maybe": UNKNOWN, "yes": level}[good]
            found[version][place] = known[together]
    return found


def runs_of_down(states: bytearray) -> list[list[int]]:
    """Outages as [first place, place after the last]."""
    runs: list[list[int]] = []
    for place, state in enumerate(states):
        if state == DOWN:
            if runs and runs[-1][1] == place:
                runs[-1][1] = place + 1
            else:
                runs.append([place, place + 1])
    return runs


def counted(states: bytearray, options: dict[str, str], world: World) -> bytearray:
    """S18, S19: merge, then ignore, then round; unknown stays unknown."""
    runs = runs_of_down(states)
    limit = seconds_of(options["merge_gaps_shorter_than"])
    merged: list[list[int]] = []
    for run in runs:
        if merged and run[0] - merged[-1][1] < limit and UNKNOWN not in states[merged[-1][1] : run[0]]:
            merged[-1][1] = run[1]
        else:
            merged.append(run)
    least = seconds_of(options["ignore_outages_shorter_than"])
    kept = [run for run in merged if run[1] - run[0] >= least]
    down = [False] * len(states)
    for first, after in kept:
        for place in range(first, after):
            down[place] = True
    down = rounded(down, kept, states, options["granularity"], world)
    result = bytearray(states)
    for place, state in enumerate(states):
        if state != UNKNOWN:
            result[place] = DOWN if down[place] else UP if state == DOWN else state
    return result


def rounded(down: list[bool], kept: list[list[int]], states: bytearray, rule: str, world: World) -> list[bool]:
    if rule == "exact":
        return down
    result = [False] * len(down)
    if rule.startswith("per started block of "):
        block = seconds_of(rule.removeprefix("per started block of "))
        for first, after in kept:
            blocks = -(-(after - first) // block)
            for place in range(first, min(first + blocks * block, len(down))):
                result[place] = True
        return result
    minutes: dict[int, list[int]] = {}
    for place in range(len(down)):
        minutes.setdefault((world.start + place) // 60, []).append(place)
    for places in minutes.values():
        if rule == "per minute, any":
            hit = any(down[place] for place in places)
        else:
            # Seconds outside the world are unknown, and unknown ones do not speak against the minute.
            hit = all(down[place] or states[place] == UNKNOWN for place in places)
        for place in places:
            result[place] = hit
    return result


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
class Judged:
    """What the model says of one period. Seconds; figures as low, point, high."""

    start: int
    end: int
    partial: bool
    classes: dict[str, int]
    by_version: list[dict[str, int]]
    excluded: dict[str, int]
    service: int
    suppressed: int
    figures: list[Fraction | None]
    if_unknown_down: Fraction | None
    if_unknown_up: Fraction | None
    without_exclusions: Fraction | None
    coverage: Fraction | None
    allowed: int
    used: int
    verdict: str
    credit: str | None
    finals: tuple[Fraction | None, Fraction | None] = field(default=(None, None))


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


def ratio(classes: dict[str, int], weight: Fraction, unknown: str) -> Fraction | None:
    """S6."""
    good = classes["up"] + weight * classes["degraded"]
    whole = classes["up"] + classes["degraded"] + classes["down"]
    if unknown != "exclude":
        whole += classes["unknown"]
    if unknown == "up":
        good += classes["unknown"]
    return Fraction(good) / whole if whole else None


def three(by_version: list[dict[str, int]], weight: Fraction, unknown: str) -> list[Fraction | None]:
    """S6, S8: none without a point figure; bounds that would not hold the point are widened to hold it."""
    found = [ratio(classes, weight, unknown) for classes in by_version]
    if found[POINT] is None:
        return [None, None, None]
    there = [figure for figure in found if figure is not None]
    return [min(there), found[POINT], max(there)]


def judge(terms: Row, tree: Tree, services: dict[str, Tree], rows: list[Row], until: int, at: int) -> list[Judged]:
    """Every period that the history touches, as of ``at``."""
    stamps = [instant(row[key]) for row in rows for key in ("at", "start", "end") if key in row]
    touched = [instant(row["at"]) for row in rows if row.get("type", "state") in ("state", "blip")]
    world = World(min(stamps) - 600, max([*stamps, until]) + 600)
    names = sorted({row["endpoint"] for row in rows if "endpoint" in row} | set(leaves(tree, services)))
    endpoints = {name: endpoint(rows, name, until, world) for name in names}
    if terms["options"]["unreachable"] == "unknown":
        endpoints = without_unreachable(endpoints, terms["parents"], world)
    raw = service(tree, services, endpoints, world)
    states = [counted(raw[version], terms["options"], world) for version in (LOW, POINT, HIGH)]
    first = min([*touched, at])
    return [
        judge_period(piece, terms, count(piece, terms, rows, raw[POINT], states, world, at), at)
        for piece in periods(terms, first, at)
    ]


def leaves(tree: Tree, services: dict[str, Tree]) -> list[str]:
    if isinstance(tree, str):
        return leaves(services[tree], services) if tree in services else [tree]
    parts = [part for part, _ in tree[2:]] if tree[0] == "weighted" else tree[2:] if tree[0] == "of" else tree[1:]
    return [name for part in parts for name in leaves(part, services)]


NAMES = ["down", "degraded", "up", "unknown"]


@dataclass
class Seconds:
    """The seconds of one period, counted."""

    by_version: list[dict[str, int]] = field(default_factory=lambda: [dict.fromkeys(NAMES, 0) for _ in range(3)])
    excluded: dict[str, int] = field(default_factory=dict)
    excluded_states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    outside: int = 0
    suppressed: int = 0
    ahead: int = 0


def count(piece: Piece, terms: Row, rows: list[Row], raw: bytearray, states: Three, world: World, at: int) -> Seconds:
    """S4: each second that has passed is in exactly one class; service time ahead is in none."""
    found = Seconds()
    aside = excluded_seconds(rows, terms, piece.start, piece.end)
    known: dict[int, bytearray] = {}
    low, point, high = states
    together: dict[tuple[int, int, int], int] = {}
    for second in range(piece.start, piece.end):
        if not in_hours(second, terms["hours"], known):
            found.outside += second < at
            continue
        kind = aside.get(second)
        if second >= at:
            found.ahead += kind is None
            continue
        place = second - world.start
        seen = 0 <= place < len(raw)
        if kind is not None:
            found.excluded[kind] = found.excluded.get(kind, 0) + 1
            found.excluded_states[NAMES[point[place] if seen else UNKNOWN]] += 1
            continue
        key = (low[place], point[place], high[place]) if seen else (UNKNOWN, UNKNOWN, UNKNOWN)
        together[key] = together.get(key, 0) + 1
        found.suppressed += seen and raw[place] == DOWN and point[place] != DOWN
    for key, number in together.items():
        for version in (LOW, POINT, HIGH):
            found.by_version[version][NAMES[key[version]]] += number
    return found


def judge_period(piece: Piece, terms: Row, seconds: Seconds, at: int) -> Judged:
    """S6 to S9, S22, S34: what follows from the seconds."""
    options, ahead, by_version = terms["options"], seconds.ahead, seconds.by_version
    weight, unknown, target = weight_of(options["degraded"]), options["unknown"], percent(terms["standard"])
    floor, point = percent(options["coverage_floor"]), by_version[POINT]
    judged = not (piece.partial and options["partial"] == "inform_only")
    figures, over = three(by_version, weight, unknown), at >= piece.end
    total = sum(point.values())
    coverage = Fraction(total - point["unknown"], total) if total else None
    lost = point["down"] + (1 - weight) * point["degraded"] + (point["unknown"] if unknown == "down" else 0)
    base = total + ahead - (point["unknown"] if unknown == "exclude" else 0)
    best = [{**classes, "up": classes["up"] + ahead} for classes in by_version]
    worst = [{**classes, "down": classes["down"] + ahead} for classes in by_version]
    everything = {name: point[name] + seconds.excluded_states[name] for name in NAMES}
    aside = {"excluded": sum(seconds.excluded.values()), "outside_hours": seconds.outside, "outside_contract": 0}
    return Judged(
        start=piece.start,
        end=piece.end,
        partial=piece.partial,
        classes={**point, **aside},
        by_version=by_version,
        excluded=seconds.excluded,
        service=total + ahead,
        suppressed=seconds.suppressed,
        figures=figures,
        if_unknown_down=ratio(point, weight, "down"),
        if_unknown_up=ratio(point, weight, "up"),
        without_exclusions=ratio(everything, weight, unknown),
        coverage=coverage,
        allowed=int((1 - target) * base * 10**6 // 1),
        used=int(-(-lost * 10**6 // 1)),
        verdict=verdict_of(figures, coverage, target, floor, over=over, judged=judged),
        credit=credit_of(terms, figures, coverage, target, piece.share, settled=over and judged),
        finals=(three(worst, weight, unknown)[LOW], three(best, weight, unknown)[HIGH]),
    )


def weight_of(text: str) -> Fraction:
    return percent(text) if text.endswith("%") else Fraction(text)


def verdict_of(
    figures: list[Fraction | None],
    coverage: Fraction | None,
    target: Fraction,
    floor: Fraction,
    *,
    over: bool,
    judged: bool,
) -> str:
    """S9."""
    low, _, high = figures
    if not over:
        return "open"
    if low is None or high is None or coverage is None or not judged:
        return "not_applicable"
    if high < target:
        return "breached"
    return "met" if low >= target and coverage >= floor else "disputable"


def credit_of(
    terms: Row,
    figures: list[Fraction | None],
    coverage: Fraction | None,
    target: Fraction,
    share: Fraction,
    *,
    settled: bool,
) -> str | None:
    """S34, a flat share of the charges of the period: due when the figure that is settled on is below the standard;
    open while the period runs and below the coverage floor."""
    figure = figures[["low", "point", "high"].index(terms["options"]["settle_on"])]
    if not settled or (coverage is not None and coverage < percent(terms["options"]["coverage_floor"])):
        return None
    rate = percent(terms["penalty"].removesuffix(" of charges"))
    charges = Fraction(terms["charges"][0]["amount"].split()[0])
    cents = rate * charges * share * 100 if figure is not None and figure < target else Fraction(0)
    whole = int(cents + Fraction(1, 2))
    return f"{whole // 100}.{whole % 100:02}"
