"""Run every measurement of this folder, each in a process of its own, one after the other.

    python -m benchmarks [NAME…]

A module is a measurement if it can be run by itself; it may say in ``BRIEFLY`` with which words it is run here, so that
all of them together take minutes, not hours.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import benchmarks
from benchmarks.harness import busy, machine


def measurements() -> dict[str, list[str]]:
    """The modules that can be run, with their words."""
    found: dict[str, list[str]] = {}
    for info in pkgutil.iter_modules(benchmarks.__path__):
        if info.name in ("__main__", "harness"):
            continue
        module = importlib.import_module(f"benchmarks.{info.name}")
        if hasattr(module, "main"):
            found[info.name] = [str(word) for word in getattr(module, "BRIEFLY", ())]
    return found


def main(wanted: list[str]) -> int:
    """Run them; the number of those that failed."""
    every = measurements()
    unknown = sorted(set(wanted) - every.keys())
    if unknown:
        print(f"{', '.join(unknown)}: no such measurement; there are {', '.join(every)}", file=sys.stderr)
        return 2
    print(f"{machine()}; {busy()}", flush=True)
    begin, failed = time.perf_counter(), []
    for name in wanted or every:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *every[name]]
        if subprocess.run(command, check=False, cwd=Path(__file__).resolve().parents[1]).returncode:
            failed.append(name)
    print(f"\n{time.perf_counter() - begin:.0f} s in all" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
