"""A real daemon that is killed again and again over one ledger, beside targets that go up and down."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from daemon.conftest import Slawatch
from power.disk import Disk, records
from support.process import free_port
from support.waiting import eventually

HERE = Path(__file__).parent
TARGETS = 8

Rows = list[dict[str, Any]]

ENTRIES = """
SELECT b.boot AS boot, b.sequence AS sequence, e.name AS endpoint, b.kind AS kind, b.at AS at,
  b.state AS state, b.body AS body
FROM entries b LEFT JOIN endpoints e ON e.id = b.endpoint_id ORDER BY b.id
"""
TRANSITIONS = """
SELECT e.name AS endpoint, t.at AS at, t.state AS state, t.up AS up, t.degraded AS degraded, t.down AS down,
  t.unknown AS unknown
FROM transitions t JOIN endpoints e ON e.id = t.endpoint_id ORDER BY e.name, t.at
"""


def now() -> int:
    return time.time_ns() // 1_000


@dataclass(slots=True)
class Run:
    """One run of the daemon. Instants of the wall clock in microseconds."""

    how: str
    begun: int
    ready: int | None = None
    """None when it died before it answered."""
    died: int = 0
    orderly: bool = False


@dataclass(slots=True)
class Record:
    """What the driver and the simulator know, and what the product says, at the end."""

    runs: list[Run]
    truth: Rows
    acknowledged: set[tuple[str, int]]
    rows: Rows
    """The history as it was exported."""
    entries: Rows
    """The ledger's entries: boot, sequence, endpoint, kind, at, state, body."""
    transitions: Rows
    ports: dict[str, int]
    board: Rows = field(default_factory=list)
    judged: Rows = field(default_factory=list)


def client_file(ports: dict[str, int]) -> str:
    """Every target each second; one contract of them all."""
    lines = [
        f'  {name}: {{probe: tcp, target: "127.0.0.1:{port}", every: 1s, timeout: 500ms, retry_every: 1s}}'
        for name, port in ports.items()
    ]
    period = "every 2 weeks from 2026-01-05"
    return "\n".join(
        [
            "client: acme",
            "endpoints:",
            *lines,
            "services:",
            f"  all: {{kind: applications, definition: All of it., up_when: {' and '.join(ports)}}}",
            "contracts:",
            f"  all: {{service: all, standard: 99%, period: {period}, owner: owner@msp.example}}",
            "",
        ]
    )


class Torture:
    """Keeps a daemon and its targets, kills the daemon by order, and writes down when."""

    def __init__(self, folder: Path, seed: int, database: str | None) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.ports = {f"t{number}": free_port() for number in range(TARGETS)}
        self.daemon = Slawatch(folder / "box", client_file(self.ports), database=database)
        with (folder / "box" / "slawatch.yaml").open("a", encoding="utf-8") as box:
            box.write("retention: 5s\n")
        self._command = self.daemon._command
        self._truth, self._acknowledged = folder / "truth.jsonl", folder / "acknowledged"
        self._acknowledged.touch()
        self.runs: list[Run] = []
        command = [
            sys.executable,
            str(HERE / "simulator.py"),
            str(self._truth),
            str(seed),
            *map(str, self.ports.values()),
        ]
        self._simulator = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def close(self) -> None:
        """End both."""
        self.daemon.kill()
        self._simulator.kill()
        self._simulator.wait()

    # --- Deaths ---------------------------------------------------------------------------------------------

    def die_at_random(self) -> None:
        """Kill it at any instant, be it while it starts."""
        run = self._begin("random")
        wait = self.dice.uniform(0.3, 6.0)
        self._watch(run, lambda: now() - run.begun > wait * 1e6)
        run.died = now()
        self.daemon.kill()

    def die_at(self, place: str, passings: int = 1) -> None:
        """Let it die at a place of its own, with what that needs: a locked database, an orderly stop."""
        run = self._begin(place, f"{place}:{passings}")
        if "spool" in place:
            self._watch(run, lambda: run.ready is not None)
            with self.locked():
                self._watch(run, lambda: self._gone() or now() - (run.ready or 0) > 4_000_000)
        if "orderly" in place:
            self._watch(run, lambda: run.ready is not None and now() - run.ready > 2_000_000)
            log = (self.daemon.folder / "daemon.log").read_text(encoding="utf-8")
            assert not self._gone(), f"{place}: gone by itself: {log[-2_000:]}"
            os.kill(self.daemon.pid, signal.SIGTERM)
        self._watch(run, self._gone)
        run.died = now()
        assert self._status() == -signal.SIGKILL, f"{place}: never reached"
        self.daemon.kill()

    def lose_power(self, shim: Path) -> None:
        """Kill it at any instant, and let its files be what a disk may hold then."""
        box, journal = self.daemon.folder, self.folder / f"journal{len(self.runs)}"
        disk = Disk()
        disk.hold(box)
        preload = {"LD_PRELOAD": str(shim), "SHIM_FOLDER": f"{box}/", "SHIM_JOURNAL": str(journal)}
        run = self._begin("power", more=preload)
        wait = self.dice.uniform(2.0, 7.0)
        self._watch(run, lambda: now() - run.begun > wait * 1e6)
        run.died = now()
        self.daemon.kill()
        for record in records(journal):
            disk.take(record)
        left = self.folder / "left"
        disk.crash(self.dice, left)
        for path in box.glob("slawatch.db*"):
            path.unlink()
        for path in left.glob("slawatch.db*"):
            shutil.copy(path, box)
        shutil.rmtree(left)

    def stop(self) -> Record:
        """Let it run once more, compare what it shows with what it exports, stop it orderly, and read everything."""
        run = self._begin("orderly")
        self._watch(run, lambda: run.ready is not None and now() - run.ready > 3_000_000)
        board, judged = self._shown_and_judged()
        self.daemon.stop()
        run.died, run.orderly = now(), True
        rows = self.daemon.history("--client", "acme")
        entries, transitions = self._read(ENTRIES), self._read(TRANSITIONS)
        truth = [json.loads(line) for line in self._truth.read_text(encoding="ascii").splitlines()]
        lines = [line.split() for line in self._acknowledged.read_text(encoding="ascii").splitlines()]
        said = {(boot, int(sequence)) for boot, sequence in lines}
        return Record(self.runs, truth, said, rows, entries, transitions, self.ports, board, judged)

    # --- Inside ---------------------------------------------------------------------------------------------

    def _begin(self, how: str, failpoint: str = "", more: Mapping[str, str] | None = None) -> Run:
        settings = {
            **(more or {}),
            "PYTHONPATH": str(HERE / "injected"),
            "TEST_ACKNOWLEDGED": str(self._acknowledged),
            "TEST_FAILPOINT": failpoint,
        }
        if "pruned" in how:
            settings["TEST_HOUSEKEEP_SECONDS"] = "6"
        self.daemon._command = ["env", *(f"{key}={value}" for key, value in settings.items()), *self._command]
        run = Run(how, now())
        self.runs.append(run)
        self.daemon._spawn()
        return run

    def _watch(self, run: Run, enough: Any) -> None:
        """Look at it until it is enough or it is gone, and note when it began to answer."""

        def look() -> bool:
            if run.ready is None and self.daemon._is_ready():
                run.ready = now()
            return bool(self._gone() or enough())

        eventually(look, within=60, pause=0.05)

    def _gone(self) -> bool:
        return self._status() is not None

    def _status(self) -> int | None:
        process = self.daemon._process
        assert process is not None
        return process.poll()

    def _shown_and_judged(self) -> tuple[Rows, Rows]:
        """The account that the daemon shows, and the one that ``evaluate`` makes of its export, of one instant."""

        found: list[tuple[Rows, Rows]] = []

        def same_instant() -> bool:
            shown = {seen["at"]: seen["contracts"] for seen in (self.daemon.status() for _ in range(3))}
            rows = self.daemon.history("--client", "acme")
            shown |= {seen["at"]: seen["contracts"] for seen in (self.daemon.status() for _ in range(3))}
            cut = rows[-1]["at"]
            if cut in shown:
                found.append((shown[cut], self.daemon.evaluate(rows, "--period", "current")))
            return bool(found)

        eventually(same_instant, within=60)
        return found[0]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The database takes nothing."""
        if self.daemon.database.startswith("sqlite"):
            path = self.daemon.database.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as other:
                other.execute("BEGIN IMMEDIATE")
                yield
                other.execute("ROLLBACK")
            return
        ready, done = threading.Event(), threading.Event()
        keeper = threading.Thread(target=lambda: asyncio.run(_hold(self.daemon.database, ready, done)))
        keeper.start()
        ready.wait(20)
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _read(self, query: str) -> Rows:
        if self.daemon.database.startswith("sqlite"):
            path = self.daemon.database.removeprefix("sqlite:///")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query)]
        return asyncio.run(_fetch(self.daemon.database, query))


async def _hold(url: str, ready: threading.Event, done: threading.Event) -> None:
    connection = await asyncpg.connect(url)
    with suppress(asyncpg.PostgresError):
        async with connection.transaction():
            await connection.execute("LOCK TABLE entries IN EXCLUSIVE MODE")
            ready.set()
            await asyncio.to_thread(done.wait, 30)
    await connection.close()


async def _fetch(url: str, query: str) -> Rows:
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


def spread(places: list[str], randoms: int, dice: random.Random) -> list[str]:
    """An order in which all of them come; an empty name is any instant."""
    order = [*places, *itertools.repeat("", randoms)]
    dice.shuffle(order)
    return order
