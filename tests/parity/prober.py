"""A process that probes with slawatch and measures itself: ``python -m parity.prober asyncio|uvloop``.

Reads one JSON object a line (kind, target, options, timeout in microseconds) and answers with one. It probes one thing
at a time, so that what is measured is that probe's alone:

- ``elapsed``: microseconds from the call to its return;
- ``starved``: microseconds of it in which this thread was fit to run and the kernel ran others (``schedstat``);
- ``memory``: bytes by which the process was larger, at its largest, than before (``VmHWM``, reset by ``clear_refs``);
- ``left``: tasks and descriptors that are there after the probe and were not before;
- ``complaints``: what the loop, the warnings or the log had to say.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import uvloop

from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def starved() -> int:
    """Microseconds that this thread has waited for a processor, ever; 0 where the kernel does not count them."""
    place = Path("/proc/thread-self/schedstat")
    return int(place.read_text(encoding="ascii").split()[1]) // 1000 if place.exists() else 0


def memory(which: str) -> int:
    """Bytes of memory that this process holds: ``VmRSS`` now, ``VmHWM`` at its largest since the reset."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{which}:")[2].split()[0]) * 1024


def held() -> int:
    """How many tasks and descriptors there are."""
    return len(asyncio.all_tasks()) + sum(1 for _ in Path("/proc/self/fd").iterdir())


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


async def probe(request: dict[str, Any], resources: Resources) -> dict[str, Any]:
    """One probe, measured."""
    kind = kinds()[request["kind"]]
    target, options = kind.target(request["target"]), kind.options.model_validate(request["options"])
    if kind.name == "icmp":
        resources.echo(6 if ":" in request["target"] else 4)  # shared by all pings, and meant to stay
    gc.collect()
    before, waited = held(), starved()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    size, begun = memory("VmRSS"), time.monotonic_ns()
    seen = await observe(kind, target, options, resources, request["timeout"])
    elapsed = (time.monotonic_ns() - begun) // 1000
    waited, largest = starved() - waited, memory("VmHWM")
    for _ in range(5):
        await asyncio.sleep(0)  # transports are closed by the loop's next turns
    gc.collect()
    return {
        "verdict": seen.verdict,
        "reason": seen.reason,
        "detail": seen.detail,
        "elapsed": elapsed,
        "starved": waited,
        "memory": largest - size,
        "left": held() - before,
    }


def main(loop: str) -> None:
    """Answer until standard input ends."""
    warnings.simplefilter("always")
    logging.captureWarnings(capture=True)
    complaints = _Complaints()
    logging.getLogger().addHandler(complaints)
    kinds()
    clock = SystemClock()
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
        resources = Resources(clock, resolver=resolver, policy=loopback_allowed())
        # What a loop opens once, with its first connection, is no probe's cost.
        once = {"kind": "tcp", "target": "127.0.0.1:1", "options": {}, "timeout": 1_000_000}
        runner.run(probe(once, resources))
        gc.collect()
        gc.freeze()  # what was imported need not be looked through again at each probe
        for line in sys.stdin:
            answer = runner.run(probe(json.loads(line), resources))
            print(json.dumps({**answer, "complaints": complaints.heard}), flush=True)
            complaints.heard.clear()


if __name__ == "__main__":
    main(sys.argv[1])
