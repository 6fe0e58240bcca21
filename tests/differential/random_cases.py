"""Random agreements and histories with whole-second instants, for the model and for slawatch to judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from differential.words import Row, Tree
from domain.plain_terms import calendar, terms

PLACES = [
    ("Europe/Berlin", ["2026-03-29", "2026-10-25"]),
    ("America/New_York", ["2026-03-08", "2026-11-01"]),
    ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04"]),
    ("Africa/Casablanca", ["2026-02-15", "2026-03-22"]),
    ("Asia/Kathmandu", ["2026-05-01"]),
    ("America/Sao_Paulo", ["2017-10-15", "2018-02-18", "2018-11-04", "2019-02-17"]),
    ("Pacific/Apia", ["2011-12-29", "2011-12-31", "2011-09-24", "2012-04-01"]),
    ("Atlantic/Azores", ["2026-03-29", "2026-10-25"]),
    ("America/Havana", ["2026-03-08", "2026-11-01"]),
    ("UTC", ["2026-06-30"]),
]
"""Zones and dates on which their clocks change, or whole dates are missing."""

RANGES = [
    ["00:00-24:00"],
    ["08:00-12:00", "13:00-18:00"],
    ["22:00-06:00"],
    ["00:00-02:30", "08:00-18:00"],
    ["00:00-01:30", "02:15-03:45", "23:30-00:30"],
    ["01:15-03:45", "22:00-06:00"],
    ["00:00-00:00"],
    ["closed"],
]
EXPRESSIONS: list[tuple[Tree, str]] = [
    ("a", "a"),
    (("and", "a", "b"), "a and b"),
    (("or", "a", "b"), "a or b"),
    (("and", "a", ("or", "b", "c")), "a and (b or c)"),
    (("or", ("and", "a", "b"), "c"), "a and b or c"),
    (("of", 2, "a", "b", "c"), "2 of (a, b, c)"),
    (("of", 2, "a", ("or", "b", "c"), "c"), "2 of (a, b or c, c)"),
    (("weighted", 0.5, ("a", 3), ("b", 1), ("c", 2)), "weighted(a: 3, b: 1, c: 2) >= 50%"),
    (("weighted", 0.75, ("a", 3), ("b", 1)), "weighted(a: 3, b: 1) >= 75%"),
    (("and", "inner", "c"), "inner and c"),
    (("or", "inner", ("and", "outer", "a")), "inner or outer and a"),
]
"""Shares are such that binary fractions hold them exactly."""
SERVICES: dict[str, Tree] = {"inner": ("or", "a", "b"), "outer": ("and", "inner", "c")}
WRITTEN = {"inner": "a or b", "outer": "inner and c"}
STATES = ["up", "up", "up", "down", "down", "degraded", "unknown"]


@dataclass(frozen=True)
class Case:
    """What both are given."""

    terms: dict[str, Any]
    tree: Tree
    rows: list[Row]
    until: int
    at: int


def text_of(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def random_case(seed: int, most_days: int) -> Case:
    """One agreement and history over at most so many days."""
    random = Random(seed)
    place, dates = random.choice(PLACES)
    day = date.fromisoformat(random.choice(dates)) - timedelta(days=random.choice([0, 0, 0, 1]))
    days = min(most_days, random.choice([1, 1, 1, 2, 3] if most_days <= 3 else [1, 3, 7, 10, 14, 31]))
    tree, written = random.choice(EXPRESSIONS)
    agreed = terms(
        random_options(random),
        timezone=place,
        standard=random.choice(["99%", "95%", "90%", "99.9%", "50%", "100%"]),
        up_when=written,
        services=WRITTEN if "inner" in written else {},
        parents=random.choice([{}, {"a": "router"}, {"a": "router", "b": "a"}]),
        hours=random_hours(random, place, day, days),
        charges=[{"from": None, "amount": random.choice(["100.00 EUR per period", "1234.56 EUR per period"])}],
        penalty=random.choice(["10% of charges", "33.333% of charges"]),
        **random_period(random, day, days),
    )
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - random.randint(0, 14 * 3600)
    end = start + min(days, most_days) * 86400 + random.randint(-20000, 3600)
    rows = random_rows(random, start, end)
    until = random.choice([end, end, end, end - random.randint(0, 30000)])
    if random.random() < 0.7:
        rows.append({"type": "until", "at": text_of(until)})
    else:
        until = max(instants(rows))
    at = random.choice([until, until, until + 86400, until - random.randint(0, 40000)])
    return Case(agreed, tree, rows, until, at)


def instants(rows: list[Row]) -> list[int]:
    return [
        int(datetime.fromisoformat(row["at"]).timestamp())
        for row in rows
        if row.get("type", "state") in ("state", "blip")
    ]


def random_options(random: Random) -> dict[str, str]:
    return {
        "settle_on": random.choice(["point", "low", "high"]),
        "unknown": random.choice(["exclude", "exclude", "down", "up"]),
        "degraded": random.choice(["1", "1", "0", "0.5", "0.333333333"]),
        "coverage_floor": random.choice(["95%", "0%", "50%"]),
        "granularity": random.choice(
            ["exact", "exact", "exact", "per minute, any", "per minute, all", "per started block of 30m"]
        ),
        "ignore_outages_shorter_than": random.choice(["0s", "0s", "60s", "10m"]),
        "merge_gaps_shorter_than": random.choice(["0s", "0s", "90s", "15m"]),
        "partial": random.choice(["judge", "merge", "inform_only"]),
        "unreachable": random.choice(["down", "unknown"]),
        "maintenance_notice": random.choice(["0s", "0s", "1h", "1d"]),
        "maintenance_limit": random.choice(["unlimited", "unlimited", "1h", "100m"]),
    }


def random_period(random: Random, day: date, days: int) -> dict[str, Any]:
    """A rule, and a validity that may clip it; the rules with long periods always have one."""
    anchor = day - timedelta(days=random.choice([0, 0, 1, 2]))
    rule = random.choice(
        [
            "every 1 days from {}",
            "every 1 days from {}",
            "every 2 days from {}",
            "every 3 days from {}",
            "every 1 weeks from {}",
            "span",
            "week",
            "month",
        ]
    )
    if rule == "span":
        period = f"from {anchor} {clock(random)} to {day + timedelta(days=days)} {clock(random)}"
    else:
        period = rule.format(anchor)
    valid: dict[str, str | None] = {"from": None, "to": None}
    if random.random() < 0.3 or rule in ("week", "month", "every 1 weeks from {}"):
        valid["from"] = random.choice([f"{anchor}", f"{anchor} {clock(random)}"])
        valid["to"] = f"{day + timedelta(days=days)} {clock(random)}"
    return {"period": period, "valid": valid}


def clock(random: Random) -> str:
    return f"{random.randint(0, 23):02}:{random.choice([0, 0, 15, 30, 59]):02}"


def random_hours(random: Random, place: str, day: date, days: int) -> dict[str, Any] | None:
    if random.random() < 0.35:
        return None
    week = {
        name: random.choice(RANGES)
        for name in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        if random.random() < 0.85
    }
    near = [(day + timedelta(days=number)).isoformat() for number in range(-1, days + 1)]
    opened = {name: random.choice(RANGES) for name in random.sample(near, 1) if random.random() < 0.3}
    return calendar(
        week,
        random.choice([place, place, place, "Europe/Berlin"]),
        closed=[name for name in near if random.random() < 0.15],
        open=opened,
    )


def random_rows(random: Random, start: int, end: int) -> list[Row]:
    """States with and without edges, blips, corrections, exclusions; two states of one endpoint at one instant at
    times; in any order."""
    rows: list[Row] = []
    for name in ("a", "b", "c", "router"):
        if random.random() < 0.1:
            continue
        ticks = [random.randint(start, end) for _ in range(random.randint(1, 14))]
        ticks += [tick + random.choice([0, 5, 61, 600]) for tick in random.sample(ticks, len(ticks) // 3)]
        rows += [state(random, name, tick) for tick in ticks]
        for _ in range(random.randint(0, 3)):
            at = random.randint(start, end)
            edges = {"low": text_of(at - random.randint(0, 90)), "high": text_of(at + random.randint(0, 90))}
            word = random.choice(["down", "down", "up", "degraded"])
            rows.append({"type": "blip", "endpoint": name, "at": text_of(at), "state": word, "edges": edges})
        if random.random() < 0.3:
            rows.append(correction(random, name, start, end))
    rows += [exclusion(random, number, start, end) for number in range(random.choice([0, 0, 1, 2, 4]))]
    if not instants(rows):
        rows.append(state(random, "a", start))
    random.shuffle(rows)
    return rows


def state(random: Random, name: str, at: int) -> Row:
    row: Row = {"endpoint": name, "at": text_of(at), "state": random.choice(STATES)}
    if random.random() < 0.5:
        row["edges"] = {"low": text_of(at - random.choice([0, 10, 60, 300, 9000])), "high": row["at"]}
        if random.random() < 0.4:
            row["edges"]["high"] = text_of(at + random.choice([10, 60, 400]))
    return row


def stretch(random: Random, start: int, end: int) -> tuple[int, int]:
    begin = random.randint(start, end)
    return begin, begin + random.choice([1, 60, 1800, 7200, 30000])


def correction(random: Random, name: str, start: int, end: int) -> Row:
    begin, finish = stretch(random, start, end)
    return {
        "type": "correction",
        "endpoint": name,
        "start": text_of(begin),
        "end": text_of(finish),
        "state": random.choice(["up", "down", "degraded", "unknown"]),
        "reason": random.choice(["seen", "seen", ""]),
        "approved_by": random.choice(["client", "client", ""]),
    }


def exclusion(random: Random, number: int, start: int, end: int) -> Row:
    begin, finish = stretch(random, start, end)
    row: Row = {
        "type": "exclusion",
        "id": str(number),
        "kind": random.choice(["maintenance"] * 4 + ["force_majeure", "client_fault", "third_party", "other"]),
        "start": text_of(begin),
        "end": text_of(finish),
    }
    if random.random() < 0.6:
        row["announced_at"] = text_of(begin - random.choice([-60, 0, 3599, 3600, 86400, 90000]))
    if random.random() < 0.5:
        row |= {"reason": "power", "approved_by": random.choice(["client", ""])}
    if random.random() < 0.4:
        row |= random.choice([{"services": ["network"]}, {"services": ["mail"]}, {"contracts": ["network"]}])
    return row
