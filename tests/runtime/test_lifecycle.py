"""Cleanups run last first, whatever fails; the service manager's absence is nobody's problem."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from pathlib import Path

import structlog

from slawatch.runtime.lifecycle import Cleanups, ServiceManager, cancelling
from slawatch.runtime.logs import set_up_logging


async def test_cleanups_run_last_first_and_survive_a_failure() -> None:
    """The third fails; the others run all the same, each once."""
    ran: list[str] = []

    def cleanup(name: str, fails: bool = False) -> None:
        async def run() -> None:
            ran.append(name)
            if fails:
                raise OSError(name)

        cleanups.push(name, run)

    cleanups = Cleanups()
    cleanup("first")
    cleanup("second")
    cleanup("third", fails=True)
    async with cleanups:
        pass
    await cleanups.run()
    assert ran == ["third", "second", "first"]


async def test_a_task_is_cancelled_and_awaited() -> None:
    """The cleanup returns when the task has ended."""

    async def forever() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    await cancelling(task)()
    assert task.cancelled()


def test_no_manager_no_words(tmp_path: Path) -> None:
    """Without a socket, or with one that nobody listens at, telling does nothing."""
    ServiceManager({}).tell(READY=1)
    gone = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "30000000"})
    gone.tell(READY=1)
    assert gone.watchdog == 30_000_000
    assert ServiceManager({"WATCHDOG_USEC": "30000000"}).watchdog is None


def test_logs_are_one_json_object_a_line() -> None:
    """Our own events and those of libraries alike, with a time in UTC; what is below the level is left out."""
    stream = io.StringIO()
    try:
        set_up_logging("info", stream)
        structlog.get_logger().info("ledger opened", site="hq")
        structlog.get_logger().debug("unheard")
        logging.getLogger("library").warning("careful")
    finally:
        structlog.reset_defaults()
        logging.basicConfig(force=True)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("ledger opened", "info"), ("careful", "warning")]
    assert lines[0]["site"] == "hq"
    assert lines[0]["timestamp"].endswith("Z")
