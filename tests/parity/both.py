"""Puts every row to both probers, in one session: to two processes of slawatch's for each loop, and to one exporter."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.prober import LOOPS
from parity.row import Ask, Place, Row, placed
from probes.certificates import Authority
from probes.nameservers import Farm
from probes.servers import Servers
from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from support.blackbox import Blackbox, MakeBlackbox
from support.servers import fetch

HASTY: Duration = 1 * SECOND
PATIENT: Duration = 10 * SECOND
PATIENCE = 5.0
"""Seconds beyond its deadline after which the exporter is given up."""
PROBERS = 2
"""Processes for each loop."""

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Probed:
    """What a process of slawatch's answered; see ``parity.prober`` for the measures."""

    verdict: str
    reason: str
    detail: str
    elapsed: Duration
    starved: Duration
    memory: int
    left: int
    complaints: list[str]


@dataclass(frozen=True)
class Seen:
    """What both made of a row. ``log`` is what the exporter had to say about it."""

    ours: Mapping[str, Probed]
    """By loop."""
    theirs: str
    log: str


class Prober:
    """One process that probes with slawatch."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, ask: Ask, place: str, authority: Authority, timeout: Duration) -> Probed:
        assert self._process.stdin
        assert self._process.stdout
        request = {"kind": ask.kind, "target": ask.target.format(place), "timeout": timeout}
        request["options"] = placed(ask.options, authority)
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = await self._process.stdout.readline()
        assert answer, f"the prober ended at {request}"
        return Probed(**json.loads(answer))


@asynccontextmanager
async def probers(loop: str) -> AsyncIterator[asyncio.Queue[Prober]]:
    """Processes that are free, as a queue: who needs one takes it and puts it back."""
    free: asyncio.Queue[Prober] = asyncio.Queue()
    command = [sys.executable, "-m", "parity.prober", loop]
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=TESTS) for _ in range(PROBERS)
    ]
    for process in processes:
        free.put_nowait(Prober(process))
    try:
        yield free
    finally:
        for process in processes:
            assert process.stdin
            process.stdin.close()
            await process.wait()


def modules(rows: Sequence[Row], authority: Authority) -> dict[str, dict[str, Any]]:
    """A module of the exporter's for every row, by the row's number."""
    return {
        str(number): {
            "prober": row.ask.prober,
            "timeout": f"{their_deadline(row) // MILLISECOND}ms",
            row.ask.prober: placed(row.ask.module, authority),
        }
        for number, row in enumerate(rows)
    }


def deadline(row: Row) -> Duration:
    """How long slawatch may take: less where it is to run into its deadline, as name servers have it do silently."""
    return HASTY if row.hasty and (row.ours == "timeout" or row.ask.kind == "dns") else PATIENT


def their_deadline(row: Row) -> Duration:
    """How long the exporter may take."""
    return HASTY if row.hasty else PATIENT


async def put_to_both(rows: Sequence[Row], make: MakeBlackbox, authority: Authority) -> dict[str, Seen]:
    """Every row, several at a time, each against a server of its own that both are put to."""
    exporter = make(modules(rows, authority), [authority.folder])
    async with AsyncExitStack() as stack:
        farm = Farm()
        stack.callback(_stop, farm)
        servers = await stack.enter_async_context(Servers())
        free = {loop: await stack.enter_async_context(probers(loop)) for loop in LOOPS}
        place = Place(servers, farm, authority)
        turn = asyncio.Semaphore(PROBERS)

        async def one(number: int, row: Row) -> Seen:
            async with turn, asyncio.timeout(60):
                where = await row.serve(place)
                where = f"127.0.0.1:{where}" if isinstance(where, int) else where
                theirs = asyncio.create_task(_theirs(exporter, row, str(number), where))
                ours = await asyncio.gather(*(_ask(free[loop], row, where, authority) for loop in LOOPS))
                return Seen(dict(zip(LOOPS, ours, strict=True)), *await theirs)

        async with asyncio.TaskGroup() as group:
            seen = {str(row): group.create_task(one(number, row)) for number, row in enumerate(rows)}
    for _ in range(10):
        await asyncio.sleep(0.01)  # what is closing closes
    return {name: task.result() for name, task in seen.items()}


def _stop(farm: Farm) -> None:
    for server in farm.servers:
        server.stop()


async def _ask(free: asyncio.Queue[Prober], row: Row, where: str, authority: Authority) -> Probed:
    prober = await free.get()
    try:
        return await prober.ask(row.ask, where, authority, deadline(row))
    finally:
        free.put_nowait(prober)


async def _theirs(exporter: Blackbox, row: Row, module: str, where: str) -> tuple[str, str]:
    url = exporter.probe_url(row.ask.theirs.format(where), module, debug=True)
    try:
        log = await asyncio.to_thread(fetch, url, their_deadline(row) / SECOND + PATIENCE)
    except TimeoutError:
        return "never", "the exporter did not come back"
    match = re.search(r"^probe_success ([01])$", log, re.MULTILINE)
    assert match, log
    return {"1": "up", "0": "down"}[match[1]], log
