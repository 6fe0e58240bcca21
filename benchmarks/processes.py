"""Processor time of whole process trees, and the peers of the tests' own Debian tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
_TICK = 1e3 / os.sysconf("SC_CLK_TCK")


def cpu_ms(root: int) -> float:
    """Processor time, user and system, that a process and all its descendants have used, those that ended included.

    The kernel counts every tick to the nanosecond and gives it in hundredths of a second: half a tick is lost at most.
    """
    parents, used = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            fields = text[text.rindex(")") + 2 :].split()
            parents[int(entry.name)] = int(fields[1])
            used[int(entry.name)] = sum(map(int, fields[11:15])) * _TICK
    tree = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        if not more:
            return sum(used.get(pid, 0.0) for pid in tree)
        tree |= more


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process for as long as it is wanted; then SIGTERM, and SIGKILL where that does not suffice."""
    process = subprocess.Popen(command, text=True, cwd=PROJECT, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def module(name: str, *words: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", name, *words]


def peers() -> Any:
    """The Debian tree of real servers that the tests build, with fping and blackbox_exporter; None without it."""
    sys.path.append(str(PROJECT / "tests"))
    from support.tree import Tree, location

    tree = Tree(location())
    programs = ("/usr/bin/fping", "/usr/bin/prometheus-blackbox-exporter")
    return tree if os.geteuid() == 0 and all(map(tree.has, programs)) else None
