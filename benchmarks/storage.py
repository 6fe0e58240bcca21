"""What storing costs: commits and rows a second of the ledger, beside sqlite3 itself on the same disk.

    python -m benchmarks.storage [--commits N]

The ledger commits with ``synchronous=FULL``; so does the floor, and both write such rows into the same table. How long
a synced write takes belongs to the disk: it is measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Row, table
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import SECOND, parse_instant
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger

START = parse_instant("2026-01-05T00:00:00Z")
SIZES = (1, 100, 1_000)
"""Entries in one commit."""


def fact(number: int) -> Change:
    at = START + number * SECOND
    return Change(at, State.DOWN if number % 2 else State.UP, at, at, None, at, "timeout")


def key(number: int) -> EndpointKey:
    return EndpointKey("acme", f"e{number % 100}")


async def by_ledger(path: Path, commits: int, size: int) -> tuple[float, float]:
    """Wall and processor seconds for one entry."""
    async with await Ledger.open(f"sqlite:///{path}", site="bench") as ledger:
        await ledger.append([entry_of(key(number), fact(number)) for number in range(100)])
        entries = [entry_of(key(number), fact(number)) for number in range(100, 100 + commits * size)]
        wall, used = time.perf_counter(), time.process_time()
        for start in range(0, len(entries), size):
            await ledger.append(entries[start : start + size])
        return (time.perf_counter() - wall) / len(entries), (time.process_time() - used) / len(entries)


def by_sqlite3(path: Path, commits: int, size: int) -> tuple[float, float]:
    """The same rows, without slawatch."""
    asyncio.run(_empty(path))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("INSERT INTO endpoints (id, client, name) VALUES (1, 'acme', 'e0')")
    boot, site = connection.execute("SELECT boot, site FROM boots").fetchone()
    connection.commit()
    body = '{"confirmed_at":1,"earliest":1,"latest":1,"reason":"timeout","state":"down"}'
    rows = [
        (site, boot, n + 1, "state", 1, "down", START + n * SECOND, START + n * SECOND, body)
        for n in range(commits * size)
    ]
    wall, used = time.perf_counter(), time.process_time()
    for start in range(0, len(rows), size):
        connection.executemany(
            "INSERT INTO entries (site, boot, sequence, kind, endpoint_id, state, at, recorded_at, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows[start : start + size],
        )
        connection.commit()
    found = (time.perf_counter() - wall) / len(rows), (time.process_time() - used) / len(rows)
    connection.close()
    return found


async def _empty(path: Path) -> None:
    await (await Ledger.open(f"sqlite:///{path}", site="bench")).close()


def synced_write(folder: Path) -> float:
    """Seconds for one small write that is on disk when it returns."""
    found = []
    with (folder / "probe").open("wb", buffering=0) as stream:
        for _ in range(200):
            begin = time.perf_counter()
            stream.write(b"x" * 4096)
            os.fdatasync(stream.fileno())
            found.append(time.perf_counter() - begin)
    return statistics.median(found)


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commits", type=int, default=300)
    arguments = parser.parse_args(words)
    rows = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # on the disk, where /tmp may be memory
        folder = Path(name)
        for size in SIZES:
            commits = max(20, arguments.commits // size if size > 100 else arguments.commits)
            own = asyncio.run(by_ledger(folder / f"own{size}.db", commits, size))
            floor = by_sqlite3(folder / f"floor{size}.db", commits, size)
            unit, times = "us/entry", f"{own[0] / floor[0]:.1f} times sqlite3"
            rows += [
                Row(f"ledger, {size} entries a commit, wall clock", own[0] * 1e6, unit, None, times),
                Row(f"ledger, {size} entries a commit, processor", own[1] * 1e6, unit, None),
                Row(f"sqlite3, {size} rows a commit, wall clock", floor[0] * 1e6, unit),
            ]
        rows.append(Row("one synced write of 4 kB on this disk", synced_write(folder) * 1e6, "us"))
    table("Storage: SQLite in WAL mode, synchronous=FULL", rows)


if __name__ == "__main__":
    main()
