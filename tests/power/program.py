"""A daemon's storage in a process of its own: records some facts and says which of them are durable.

``python program.py FOLDER FACTS [hold FIRST LAST]`` writes each acknowledged sequence as a line into FOLDER/said: the
same way as everything else, so that the journal has it in its place. While facts FIRST to LAST are recorded another
process holds the database's lock, and they go to the spool. ``PROGRAM_SYNCHRONOUS`` sets another pragma than the
product does.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import event

from slawatch.domain.facts import Change, State
from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.storage import ledger
from slawatch.storage.engine import writer_engine
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.reserve import Reserve
from slawatch.storage.writer import Tuning

ROUTER = EndpointKey("acme", "router")
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def weaken(pragma: str) -> None:
    """Let the writer's connection have another ``synchronous``."""
    made = writer_engine

    def weaker(*arguments: object, **more: object) -> object:
        found = made(*arguments, **more)  # type: ignore[arg-type]
        event.listen(found.sync_engine, "connect", lambda c, _: c.cursor().execute(f"PRAGMA synchronous = {pragma}"))
        return found

    setattr(ledger, "writer_engine", weaker)  # noqa: B010 - a name that the module does not export


async def main(folder: Path, facts: int, held: range) -> None:
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    reserve = Reserve(folder / "a.db.spool", ballast=0)
    tuning = Tuning(busy_timeout=0, first_retry=5 * MILLISECOND, longest_retry=20 * MILLISECOND)
    opened = await Ledger.open(f"sqlite:///{folder}/a.db", site="hq", boot="one", tuning=tuning, reserve=reserve)
    holder: subprocess.Popen[bytes] | None = None
    for number in range(1, facts + 1):
        if number == held.start:
            holder = _hold(folder / "a.db")
        at = number * SECOND
        opened.observe(ROUTER, Observation(at, 1, Verdict.UP, "ok", "x" * 200))
        opened.mark_alive(at)
        await opened.append([entry_of(ROUTER, Change(at, State(number % 3), at, at))])
        os.write(said, f"{number}\n".encode())
        if number == held.stop - 1 and holder is not None:
            holder.communicate()
            await opened.flushed()
    await opened.close()


def _hold(database: Path) -> subprocess.Popen[bytes]:
    """It is written down as well: when it closes the file as its last user, it checkpoints."""
    command = [sys.executable, "-c", HOLDER, str(database)]
    sound = {**os.environ, "SHIM_FAULT": ""}
    holder = subprocess.Popen(command, env=sound, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


if __name__ == "__main__":
    if "PROGRAM_SYNCHRONOUS" in os.environ:
        weaken(os.environ["PROGRAM_SYNCHRONOUS"])
    span = range(int(sys.argv[4]), int(sys.argv[5]) + 1) if sys.argv[3:4] == ["hold"] else range(0)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), span))
