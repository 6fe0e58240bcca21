"""Runs probes in a process of its own and says whether the system's resolver or a thread was asked on the way.

``python -m probes.threadless asyncio|uvloop`` reads the DNS server and the probes as JSON and prints what it saw. A
process of its own, since libuv's threads, once there, serve every loop and can no longer be told from new ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvloop

from probes.driver import PATIENT
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Forbidden:
    """Stands where a call blocks or leaves the loop, and remembers that it was called."""

    calls: list[str] = []

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: object, **__: object) -> Any:
        self.calls.append(self._name)
        raise AssertionError(f"{self._name} was called")


async def run(server: tuple[str, int], probes: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        setattr(socket, name, Forbidden(f"socket.{name}"))
    for name in ("run_in_executor", "getaddrinfo", "getnameinfo"):
        setattr(loop, name, Forbidden(f"loop.{name}"))
    clock = SystemClock()
    seen = []
    resolver = Resolver(clock, [server], hosts_file=Path(os.devnull))
    async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
        for name, target, options in probes:
            kind = kinds()[name]
            saw = await observe(kind, kind.target(target), kind.options(**options), resources, PATIENT)
            seen.append([name, saw.verdict.value, saw.reason, saw.address])
    return {"seen": seen, "calls": Forbidden.calls, "threads": len(list(Path("/proc/self/task").iterdir()))}


def main() -> None:
    """Probe on the loop that the command line names."""
    asked = json.load(sys.stdin)
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        host, port = asked["server"]
        json.dump(runner.run(run((host, port), asked["probes"])), sys.stdout)


if __name__ == "__main__":
    main()
