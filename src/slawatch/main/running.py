"""Running a daemon until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from slawatch.config.loader import load
from slawatch.main.daemon import Daemon, Load
from slawatch.runtime.lifecycle import ServiceManager
from slawatch.runtime.logs import set_up_logging

COLLECT_AFTER = (20_000, 50, 100)
"""New objects until the youngest are looked at, and how many such looks until those of the next age are."""

Beside = Callable[[Daemon], Awaitable[None]]
"""Work that goes on beside the daemon until it ends or is cancelled."""


def run(config: Path, log_level: str) -> int:
    """``slawatch run``."""
    set_up_logging(log_level)
    return run_loop(until_stopped(lambda: load(config), manager=ServiceManager()))


def run_loop(main: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop where it is installed, on asyncio's own loop elsewhere."""
    factory = None
    with suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def until_stopped(
    configuration: Load, *, manager: ServiceManager | None = None, beside: Beside | None = None
) -> int:
    """Run a daemon until SIGTERM or SIGINT; SIGHUP reloads. 0, or 1 when the work beside it failed."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Daemon(configuration, manager=manager) as daemon:
        _spare_the_collector()
        reloads: set[asyncio.Task[Any]] = set()

        def reload() -> None:
            task = loop.create_task(daemon.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        work = None if beside is None else loop.create_task(_run(beside, daemon))
        waiting = loop.create_task(stop.wait())
        await asyncio.wait([waiting, *([work] if work else [])], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work is not None:
            failed = work.done() and work.exception() is not None
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            if failed:
                sys.stderr.write(f"slawatch: {work.exception()}\n")
                return 1
    return 0


def _spare_the_collector() -> None:
    """What the start has made stays, and hardly anything that follows is garbage only in a circle.

    By its own thresholds Python's collector walks every endpoint, track and metric several times a second, which made a
    hundredth of the probes of 5,000 endpoints a quarter of a second late.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _run(beside: Beside, daemon: Daemon) -> None:
    await beside(daemon)
    await asyncio.Event().wait()
