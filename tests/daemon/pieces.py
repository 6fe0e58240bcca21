"""A history taken apart: what each endpoint was, from when to when, and what ``evaluate`` must then say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from slawatch.config.loader import load_client
from slawatch.domain.account_json import account_object
from slawatch.domain.interval import Duration, Instant, parse_instant
from slawatch.evaluation.history_file import read_history
from slawatch.evaluation.offline import Offline

Rows = list[dict[str, Any]]


class Piece(NamedTuple):
    """One state of one endpoint. ``opened`` is the earliest at which it can have begun."""

    state: str
    cause: str | None
    start: Instant
    end: Instant
    opened: Instant

    @property
    def length(self) -> Duration:
        return self.end - self.start


def pieces(rows: Rows, endpoint: str) -> list[Piece]:
    """The pieces of the point version, in order, up to the end of the history. Of two rows at one instant the later
    one holds (S17), and neighbours that are equal are one piece."""
    ends = [parse_instant(row["at"]) for row in rows if row["type"] == "until"]
    changes = [row for row in rows if row["type"] == "state" and row["endpoint"] == endpoint]
    changes.sort(key=lambda row: parse_instant(row["at"]))
    bounds = [parse_instant(row["at"]) for row in changes] + ends
    found: list[Piece] = []
    for row, (start, end) in zip(changes, pairwise(bounds), strict=True):
        state, cause = row["state"], row.get("cause")
        opened = parse_instant(row["edges"]["low"]) if "edges" in row else start
        if start == end:
            continue
        if found and (found[-1].state, found[-1].cause) == (state, cause):
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Piece(state, cause, start, end, opened))
    return found


def without_lateness(found: Sequence[Piece], start: Instant, end: Instant) -> list[Piece]:
    """Without the time that this busy box made unknown by being late, apart from ``[start, end)``: a failure that was
    void for it says nothing of what is tested."""
    kept: list[Piece] = []
    for piece in found:
        late = piece.cause == "prober_fault" and (piece.end <= start or end <= piece.start)
        if kept and (late or (kept[-1].state, kept[-1].cause) == (piece.state, piece.cause)):
            kept[-1] = kept[-1]._replace(end=piece.end)
        elif not late:
            kept.append(piece)
    return kept


def total(found: Iterable[Piece], state: str) -> Duration:
    """How long a state held."""
    return sum(piece.length for piece in found if piece.state == state)


def spelled(found: Iterable[Piece]) -> list[str]:
    """``up``, ``unknown prober_fault`` …"""
    return [" ".join(filter(None, (piece.state, piece.cause))) for piece in found]


def judged(rows: Rows, client_file: Path) -> Rows:
    """What ``evaluate --period current --format json`` says of a history, without a process of its own."""
    path = client_file.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    client = load_client(client_file)
    history = read_history(path, client.id)
    history.seal(None)
    assert history.end is not None
    offline = Offline([item.contract for item in client.contracts], [], history, terms_of_file=False)
    return [account_object(account) for account in offline.accounts(history.end, "current")]


def check_evaluation(accounts: Rows, rows: Rows) -> None:
    """Every contract is on one endpoint of its own name, and its classes are the history's, to the microsecond."""
    assert accounts
    for account in accounts:
        found = pieces(rows, account["contract"])
        start, end = parse_instant(account["period"]["start"]), parse_instant(rows[-1]["at"])
        never = (found[0].start if found else end) - start
        expected = {"up": total(found, "up"), "down": total(found, "down")}
        expected |= {"unknown": never + total(found, "unknown"), "degraded": total(found, "degraded")}
        assert {name: account["time_us"][name] for name in expected} == expected, account["contract"]
