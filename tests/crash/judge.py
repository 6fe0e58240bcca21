"""The slow judge: what the targets and the driver know against what the ledger says. Plain loops, no shared code.

All instants are microseconds of the wall clock; a span is (start, end).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from crash.driver import Record, Rows, Run

SECOND = 1_000_000
EVERY, TIMEOUT, MARK = SECOND, SECOND // 2, 10 * SECOND
SLACK = 2 * SECOND
"""What a busy box may add to an interval: with another suite beside this one a first probe ended 0.9 s late."""

Span = tuple[int, int]


def findings(record: Record) -> list[str]:
    """Everything that is wrong."""
    return [
        *lost(record),
        *doubled(record),
        *not_rolled_up(record),
        *false_claims(record),
        *unexplained_unknown(record),
        *outages_cut(record),
        *misjudged(record),
    ]


def lost(record: Record) -> Iterator[str]:
    """Acknowledged, and not there."""
    there = {(entry["boot"], entry["sequence"]) for entry in record.entries}
    for boot, sequence in sorted(record.acknowledged - there):
        yield f"entry {sequence} of run {boot} was acknowledged and is lost"


def doubled(record: Record) -> Iterator[str]:
    """The same key, or the same fact, twice."""
    keys = Counter((entry["boot"], entry["sequence"]) for entry in record.entries)
    facts = Counter(
        (entry["endpoint"], entry["kind"], entry["at"], entry["body"])
        for entry in record.entries
        if entry["kind"] in ("state", "blip")
    )
    for what, number in [*keys.items(), *facts.items()]:
        if number > 1:
            yield f"{number} times: {what}"


def not_rolled_up(record: Record) -> Iterator[str]:
    """The table of transitions is what the entries say, made anew by hand."""
    changes: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for entry in record.entries:
        if entry["kind"] == "state":
            changes[entry["endpoint"]][entry["at"]] = entry["state"]
    expected: Rows = []
    for endpoint in sorted(changes):
        sums = dict.fromkeys(("up", "degraded", "down", "unknown"), 0)
        before: tuple[int, str] | None = None
        for at, state in sorted(changes[endpoint].items()):
            if before is not None:
                sums[before[1]] += at - before[0]
            expected.append({"endpoint": endpoint, "at": at, "state": state, **sums})
            before = at, state
    if expected != record.transitions:
        yield f"transitions differ: {len(record.transitions)} rows instead of {len(expected)}"


def false_claims(record: Record) -> Iterator[str]:
    """Up or down from one observation to the last that agrees with it, though the target was the opposite in between.

    A probe that began before a flip may end after it: an opposite span counts up to a timeout before its end.
    """
    for name, states in histories(record).items():
        for (at, state, _, _), (_, _, agreed_until, _) in pairwise(states):
            if state not in ("up", "down"):
                continue
            for start, end in opposite(record, name, up=state == "up"):
                overlap = min(end - TIMEOUT, agreed_until) - max(start, at)
                if overlap > 0:
                    yield f"{name} is {state} from {at} to {agreed_until}, and was not for {overlap} us from {start}"


def histories(record: Record) -> dict[str, list[tuple[int, str, int, str]]]:
    """Of each endpoint: from when on, which state, until when the one before was last seen, and the cause."""
    found: defaultdict[str, list[tuple[int, str, int, str]]] = defaultdict(list)
    for row in record.rows:
        if row["type"] == "state":
            low = instant(row.get("edges", {}).get("low", row["at"]))
            found[row["endpoint"]].append((instant(row["at"]), row["state"], low, row.get("cause", "")))
    return found


def opposite(record: Record, name: str, *, up: bool) -> Iterator[Span]:
    """When the target was the opposite, without the instants of its flips."""
    flips = [flip for flip in record.truth if flip["port"] == record.ports[name]]
    for flip, following in pairwise(flips):
        if flip["up"] is not up:
            yield flip["after"][0], following["before"][0]


def unexplained_unknown(record: Record) -> Iterator[str]:
    """Unknown only while nobody watched: each death explains its time away, a mark's interval before it, and an
    interval of probing after it. Deaths so close that nothing was seen between them explain one span together."""
    away = [(start - MARK - SLACK, end + EVERY + SLACK) for start, end in absences(record.runs)]
    for name, states in histories(record).items():
        for (at, state, _, cause), (until, _, _, _) in pairwise(states):
            if state != "unknown":
                continue
            bare = (until - at) - covered((at, until), away)
            if bare:
                yield f"{name} is unknown from {at} to {until} ({cause}), and for {bare} us of it nobody was away"
            elif cause != "monitor_stopped":
                yield f"{name} is unknown at {at} because of {cause}"


def covered(span: Span, spans: list[Span]) -> int:
    """How much of a span lies in any of the others."""
    edges = sorted({span[0], span[1], *(min(max(edge, span[0]), span[1]) for each in spans for edge in each)})
    return sum(b - a for a, b in pairwise(edges) if any(start <= a and b <= end for start, end in spans))


def absences(runs: list[Run]) -> list[Span]:
    """From each death to the next time that a daemon answered; runs that never did are part of an absence."""
    spans, died = [], None
    for run in runs:
        if run.ready is not None and died is not None:
            spans.append((died, run.ready))
            died = None
        if died is None:
            died = run.died
    return spans


def outages_cut(record: Record) -> Iterator[str]:
    """A target that was down before, during and after an absence is down on both sides of it, and never up between."""
    for start, end in absences(record.runs):
        for name, states in histories(record).items():
            for down, up in opposite(record, name, up=True):
                if down < start - 4 * SECOND - MARK and up > end + 4 * SECOND:
                    between = [state for at, state, _, _ in states if down + 3 * SECOND < at < end + 3 * SECOND]
                    if "up" in between or between[-1:] != ["down"]:
                        yield f"{name} was down from {down} to {up}, over {start}: {between}"


def misjudged(record: Record) -> Iterator[str]:
    """What the daemon showed and what ``evaluate`` makes of its export, at one instant."""
    for shown, judged in zip(record.board, record.judged, strict=True):
        for key in ("time_us", "availability", "coverage", "budget_us", "verdict"):
            if shown[key] != judged[key]:
                yield f"{key} is {json.dumps(shown[key])} on the board and {json.dumps(judged[key])} by evaluate"


def instant(text: str) -> int:
    """The microseconds of a text."""
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * SECOND + moment.microsecond
