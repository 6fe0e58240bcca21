"""Found by a daemon under test through PYTHONPATH: it dies where the test says, and says what it had acknowledged.

``TEST_FAILPOINT=name:3`` ends the process by SIGKILL at the third passing of a place below. ``TEST_ACKNOWLEDGED`` names
a file that gets a line ``boot sequence`` for each entry once its future is done: written at once, so that it outlives
the process.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
from collections.abc import Callable
from typing import Any

PLACES: dict[str, tuple[str, str, str]] = {
    "before the migration's end": ("slawatch.storage.engine", "_upgrade", "after"),
    "after the run began": ("slawatch.storage.committing", "Committer.begin", "after"),
    "while endpoints are taken up": ("slawatch.evaluation.recorder", "Recorder.adopt", "after"),
    "before probing": ("slawatch.main.daemon", "Daemon._start_probing", "before"),
    "before a commit": ("slawatch.storage.committing", "Committer.commit", "before"),
    "between entries and their roll-up": ("slawatch.storage.transitions", "RollUp.take_up", "before"),
    "between observations and the mark": ("slawatch.storage.committing", "Committer._insert", "after"),
    "before COMMIT": ("sqlalchemy.engine.default", "DefaultDialect.do_commit", "before"),
    "after COMMIT": ("sqlalchemy.engine.default", "DefaultDialect.do_commit", "after"),
    "after an acknowledgement": ("slawatch.storage.group", "Group.acknowledge", "after"),
    "before the spool has it": ("slawatch.storage.spool", "Spool.append", "before"),
    "after the spool has it": ("slawatch.storage.spool", "Spool.append", "after"),
    "before the spool lets go": ("slawatch.storage.spool", "Spool.remove", "before"),
    "after the spool let go": ("slawatch.storage.spool", "Spool.remove", "after"),
    "between suspicion and confirmation": ("slawatch.storage.group", "Group.acknowledge", "suspicion"),
    "while observations are pruned": ("slawatch.storage.summaries", "by_hour", "after"),
    "after observations were pruned": ("slawatch.storage.retention", "_paced", "before"),
    "at the orderly end": ("slawatch.storage.writer", "Writer.stop", "before"),
    "after the orderly end": ("slawatch.storage.writer", "Writer.stop", "after"),
}
"""By name: the module, the function in it, and when the process dies."""


class _Bomb:
    """Goes off at the n-th passing."""

    def __init__(self, passings: int) -> None:
        self._left = passings

    def tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _wrap(owner: Any, name: str, before: Callable[..., None], after: Callable[..., None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def plain(*args: Any, **more: Any) -> Any:
        before(*args)
        result = original(*args, **more)
        after(*args)
        return result

    @functools.wraps(original)
    async def waiting(*args: Any, **more: Any) -> Any:
        before(*args)
        result = await original(*args, **more)
        after(*args)
        return result

    setattr(owner, name, waiting if inspect.iscoroutinefunction(original) else plain)


def _find(module: str, path: str) -> tuple[Any, str]:
    owner: Any = __import__(module, fromlist=["x"])
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    return owner, name


def _nothing(*_: object) -> None: ...


def _plant(text: str) -> None:
    place, _, passings = text.rpartition(":")
    module, path, when = PLACES[place]
    bomb, (owner, name) = _Bomb(int(passings)), _find(module, path)
    if when == "suspicion":
        # the group is asked before it forgets; it dies after whoever waits was told
        seen: list[bool] = []
        _wrap(
            owner,
            name,
            lambda group: seen.append(any(row["kind"] == "suspicion" for _, row in group.rows)),
            lambda _: bomb.tick() if seen.pop() else None,
        )
    else:
        tick = lambda *_: bomb.tick()  # noqa: E731
        _wrap(owner, name, tick if when == "before" else _nothing, tick if when == "after" else _nothing)


def _witness(path: str) -> None:
    from slawatch.storage.group import Group

    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    lines: list[bytes] = []

    def note(group: Group) -> None:
        lines[:] = [f"{row['boot']} {row['sequence']}\n".encode() for _, row in group.rows]

    def tell(_: Group) -> None:
        os.write(log, b"".join(lines))

    _wrap(Group, "acknowledge", note, tell)


if "TEST_ACKNOWLEDGED" in os.environ:
    _witness(os.environ["TEST_ACKNOWLEDGED"])
if os.environ.get("TEST_FAILPOINT"):
    _plant(os.environ["TEST_FAILPOINT"])
if "TEST_HOUSEKEEP_SECONDS" in os.environ:
    import slawatch.main.daemon

    slawatch.main.daemon.HOUSEKEEP_EVERY = int(os.environ["TEST_HOUSEKEEP_SECONDS"]) * 1_000_000
