"""Any window of a long history: how long an endpoint was up, from memory and from SQLite.

    python -m benchmarks.windows [--transitions N] [--endpoints N]

The memory holds all transitions, ten million by default, over a thousand endpoints, and once more all in one endpoint.
The database holds as many rows; it is filled through sqlite3 itself, since it is reading that is measured. The floor is
the same question asked of sqlite3 without slawatch. Answers are compared with a walk over the pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Row, peak_memory, table
from slawatch.domain.compliance import classes_of
from slawatch.domain.cumulative import CumulativeTimeline
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, MINUTE, Instant, IntervalSet, parse_instant
from slawatch.domain.timeline import POINT, pack, totals
from slawatch.storage.entries import EndpointKey
from slawatch.storage.ledger import Ledger

START = parse_instant("2025-01-01T00:00:00Z")
STEP = 50 * MINUTE
CODES = [pack(state, state, state) for state in (State.UP, State.DOWN)]


def instants(count: int, seed: int) -> array[int]:
    """So many transitions, fifty minutes apart on the average."""
    dice, at, found = random.Random(seed), START, array("q")
    for _ in range(count):
        at += dice.randrange(1, 2 * STEP)
        found.append(at)
    return found


def line_of(starts: array[int]) -> CumulativeTimeline:
    line = CumulativeTimeline()
    for number, at in enumerate(starts):
        line.append(at, CODES[number % 2])
    return line


def windows(starts: array[int], count: int) -> list[tuple[Instant, Instant]]:
    """Of a day, of thirty days and of most of the history."""
    dice = random.Random(7)
    lengths = (DAY, 30 * DAY, (starts[-1] - starts[0]) * 9 // 10)
    found = []
    for number in range(count):
        length = min(lengths[number % 3], starts[-1] - starts[0])
        begin = dice.randrange(starts[0], starts[-1] - length + 1)
        found.append((begin, begin + length))
    return found


def milliseconds(ask: Callable[[], object]) -> float:
    begin = time.perf_counter()
    ask()
    return (time.perf_counter() - begin) * 1e3


def in_memory(line: CumulativeTimeline, starts: array[int]) -> list[float]:
    found = [milliseconds(lambda at=at: line.classes(*at)) for at in windows(starts, 600)]  # type: ignore[misc]
    for at in windows(starts, 6)[:2]:
        assert line.classes(*at) == classes_of(totals(line.timeline(), IntervalSet.span(*at)), POINT)
    return found


def fill(path: Path, endpoints: int, each: int) -> array[int]:
    """Rows as the ledger makes them; the transitions of the first endpoint."""
    first = instants(each, 0)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    for endpoint in range(endpoints):
        connection.execute(
            "INSERT INTO endpoints (id, client, name) VALUES (?, 'acme', ?)", (endpoint + 1, f"e{endpoint}")
        )
        up = down = 0
        rows = []
        for number, at in enumerate(first):
            rows.append((endpoint + 1, at, ("up", "down")[number % 2], up, down))
            length = first[number + 1] - at if number + 1 < each else 0
            up, down = (up + length, down) if number % 2 == 0 else (up, down + length)
        connection.executemany("INSERT INTO transitions VALUES (?, ?, ?, ?, 0, ?, 0)", rows)
    connection.commit()
    connection.close()
    return first


_PLAIN = """SELECT * FROM transitions WHERE endpoint_id = ? AND at IN (
  (SELECT max(at) FROM transitions WHERE endpoint_id = ?1 AND at <= ?2),
  (SELECT max(at) FROM transitions WHERE endpoint_id = ?1 AND at <= ?3))"""


async def from_database(folder: Path, endpoints: int, each: int) -> tuple[list[float], list[float]]:
    url = f"sqlite:///{folder / 'ledger.db'}"
    await (await Ledger.open(url, site="bench")).close()
    starts = fill(folder / "ledger.db", endpoints, each)
    line, dice, found, floor = line_of(starts), random.Random(3), [], []
    async with await Ledger.open(url, read_only=True) as ledger:
        plain = sqlite3.connect(folder / "ledger.db")
        for at in windows(starts, 300):
            number = dice.randrange(endpoints)
            begin = time.perf_counter()
            answer = await ledger.time_in_states(EndpointKey("acme", f"e{number}"), *at)
            found.append((time.perf_counter() - begin) * 1e3)
            assert answer == line.classes(*at)
            floor.append(milliseconds(lambda n=number, at=at: plain.execute(_PLAIN, (n + 1, *at)).fetchall()))  # type: ignore[misc]
        plain.close()
    return found, floor


def percentile(found: list[float], share: float) -> float:
    return sorted(found)[int(share * (len(found) - 1))]


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--transitions", type=int, default=10_000_000)
    parser.add_argument("--endpoints", type=int, default=1_000)
    arguments = parser.parse_args(words)
    each = arguments.transitions // arguments.endpoints
    shared = instants(each, 0)
    lines = [line_of(shared) for _ in range(arguments.endpoints)]
    several = [each for line in lines[:3] for each in in_memory(line, shared)]
    held = peak_memory()
    del lines
    starts = instants(arguments.transitions, 1)
    single = in_memory(line_of(starts), starts)
    with tempfile.TemporaryDirectory() as folder:
        stored, floor = asyncio.run(from_database(Path(folder), arguments.endpoints, each))
        size = (Path(folder) / "ledger.db").stat().st_size / 1e6
    times = statistics.median(stored) / statistics.median(floor)
    table(
        f"Any window of {arguments.transitions:,} transitions: of a day, of 30 days, of most of them",
        [
            Row(f"memory, {arguments.endpoints} endpoints, median", statistics.median(several), "ms", 1),
            Row(f"memory, {arguments.endpoints} endpoints, 99th percentile", percentile(several, 0.99), "ms", 1),
            Row("memory, all in one endpoint, 99th percentile", percentile(single, 0.99), "ms", 1),
            Row("SQLite through the ledger, median", statistics.median(stored), "ms", 5, f"{times:.0f} times sqlite3"),
            Row("SQLite through the ledger, 99th percentile", percentile(stored, 0.99), "ms", 5),
            Row("SQLite by sqlite3 itself, median", statistics.median(floor), "ms"),
            Row("memory of this process with all transitions", held, "MB"),
            Row("size of the database", size, "MB"),
        ],
    )


if __name__ == "__main__":
    main()
