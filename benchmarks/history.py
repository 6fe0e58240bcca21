"""`slawatch evaluate` on a long history file, as a whole process: start, reading, judging, printing.

    python -m benchmarks.history [--rows N]

Twice: with rows that say endpoint, instant and state alone, and with rows as `slawatch history` exports them (brackets,
confirmation, reason). The floor is what reading the same lines costs in Python with orjson and nothing else.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.harness import Row, table

ENDPOINTS = 100
_FLOOR = "import sys, orjson\nfor line in open(sys.argv[1]): orjson.loads(line)"


def text_of(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def plain_row(endpoint: str, at: datetime, state: str) -> str:
    return f'{{"type":"state","client":"acme","endpoint":"{endpoint}","at":"{text_of(at)}","state":"{state}"}}\n'


def exported_row(endpoint: str, at: datetime, state: str) -> str:
    low, confirmed = text_of(at - timedelta(seconds=9)), text_of(at + timedelta(seconds=10))
    return (
        f'{{"type":"state","client":"acme","endpoint":"{endpoint}","at":"{text_of(at)}","state":"{state}",'
        f'"edges":{{"low":"{low}","high":"{text_of(at)}"}},"confirmed_at":"{confirmed}","reason":"timeout"}}\n'
    )


def write(path: Path, rows: int, row: Callable[[str, datetime, str], str]) -> None:
    """A year of changes between up and down, over a hundred endpoints."""
    dice, at = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)
    step = timedelta(days=364) / rows
    states = dict.fromkeys((f"e{number}" for number in range(ENDPOINTS)), "up")
    names = list(states)
    with path.open("w", encoding="utf-8") as stream:
        for _ in range(rows):
            name = dice.choice(names)
            states[name] = "down" if states[name] == "up" else "up"
            stream.write(row(name, at, states[name]))
            at += step


def client_file() -> str:
    """A hundred contracts over a calendar year, one for each endpoint."""
    lines = ["client: acme", "name: Acme", "timezone: UTC", "endpoints:"]
    lines += [f"  e{n}: {{probe: icmp, target: 192.0.2.1, every: 10s}}" for n in range(ENDPOINTS)]
    lines += ["services:"]
    lines += [f"  s{n}: {{kind: network, definition: It is up., up_when: e{n}}}" for n in range(ENDPOINTS)]
    lines += ["contracts:"]
    rest = "standard: 99%, period: year, owner: a@msp.example, review_at: ['09:00', '15:00'], valid: {from: 2026-01-01}"
    lines += [f"  c{n}: {{service: s{n}, measurement: availability, {rest}}}" for n in range(ENDPOINTS)]
    return "\n".join(lines) + "\n"


def run(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MB of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    lines = process.stdout.read().count(b"\n")
    _, status, used = _wait(process)
    wall = time.perf_counter() - begin
    assert status == 0
    assert lines in (0, ENDPOINTS)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, int, resource.struct_rusage]:
    assert process.stdout is not None
    process.stdout.close()
    found = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(found[1])
    return found


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(words)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        client, history = Path(folder, "acme.yaml"), Path(folder, "history.jsonl")
        client.write_text(client_file(), encoding="utf-8")
        for name, row, goal in (("plain", plain_row, True), ("exported", exported_row, False)):
            write(history, arguments.rows, row)
            command = [sys.executable, "-m", "slawatch", "evaluate", str(history), "--contract", str(client)]
            command += ["--period", "all", "--format", "jsonl"]
            found = [run(command) for _ in range(arguments.rounds)]
            floor = run([sys.executable, "-c", _FLOOR, str(history)])
            wall, used, memory = (statistics.median(values) for values in zip(*found, strict=True))
            rows += [
                Row(f"{name} rows, wall clock", wall, "s", 3 if goal else None),
                Row(f"{name} rows, processor", used, "s", None, f"{used / floor[1]:.1f} times reading the lines"),
                Row(f"{name} rows, memory", memory, "MB", 500),
            ]
    table(f"evaluate: {arguments.rows:,} rows, {ENDPOINTS} endpoints and contracts, the whole process", rows)


if __name__ == "__main__":
    main()
