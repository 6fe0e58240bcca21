"""What the measurements share: the machine in a line, processor time, and tables with the goal beside the figure."""

from __future__ import annotations

import gc
import os
import platform
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was measured, what is wanted (None where it is there to compare with)."""

    name: str
    measured: float
    unit: str
    goal: float | None = None
    beside: str = ""
    """The ratio to a peer or a floor of the same run, in words."""


def machine() -> str:
    """What the figures were measured on."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def busy() -> str:
    """How much else runs here: figures of a busy machine are worse than they need be."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def processor_seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The median of this process's processor time for ``work``, in seconds."""
    found = []
    for _ in range(rounds):
        gc.collect()
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return statistics.median(found)


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(title: str, rows: Sequence[Row]) -> None:
    """Print rows, the goal and whether it is met beside each."""
    print(f"\n{title}  ({busy()})")
    for row in rows:
        goal = (
            ""
            if row.goal is None
            else f"goal {row.goal:g} {row.unit}: {'met' if row.measured <= row.goal else 'MISSED'}"
        )
        print(f"  {row.name:58}{row.measured:12.4g} {row.unit:9}{goal:24}{row.beside}")
