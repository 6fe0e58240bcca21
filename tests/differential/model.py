"""A second reading of the rules: slow, second by second, with plain dicts, lists and loops.

It shares no code with slawatch. It reads the same terms and rows, asks zoneinfo what the local clock shows in each
second, gives each second of a period one class in each of three versions, and counts. Nothing here is clever, so
that it can be checked by reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from differential.states import counted, endpoint, leaves, service, without_unreachable
from differential.times import Piece, excluded_seconds, in_hours, periods
from differential.words import (
    DOWN,
    HIGH,
    LOW,
    NAMES,
    POINT,
    UNKNOWN,
    Row,
    Three,
    Tree,
    World,
    instant,
    percent,
    weight_of,
)


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
