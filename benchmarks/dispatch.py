"""What dispatching a probe costs: slawatch's dispatcher, a task per target that sleeps, and APScheduler.

    python -m benchmarks.dispatch [--targets N] [--every SECONDS] [--window SECONDS] [--rounds N]

Each contender runs in a process of its own, in turn, round after round; the medians are printed, and the ratio to
slawatch on the same loop. The probe answers at once and the sink counts, so what is measured is dispatch alone.
slawatch does more for it than the others: a deadline for each probe, the prober's canary, never two probes of one
endpoint, the suspect's own rhythm, lateness and missed slots counted. APScheduler is not a dependency: without it
(`pip install 'apscheduler<4'`) its rows are left out, and that is said.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slawatch.domain.observation import Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.runtime.clock import SystemClock
from slawatch.scheduling.dispatch import Dispatcher, Target
from slawatch.scheduling.health import Health

CONTENDERS = ("slawatch", "task per target", "apscheduler")
LOOPS = ("asyncio", "uvloop")
BRIEFLY = ("--rounds", "1")
ANSWER = Observation(0, 0, Verdict.UP, "told")
Stop = Callable[[], Awaitable[None]]


class Counter:
    """The probe and the sink of every contender."""

    def __init__(self) -> None:
        self.fired = 0
        self.lateness: list[float] = []

    async def probe(self) -> Observation:
        return ANSWER

    def sink(self, identity: str, observation: Observation) -> bool:
        self.fired += 1
        return False

    def late(self, seconds: float) -> None:
        self.lateness.append(seconds)


async def start_slawatch(counter: Counter, targets: int, every: float) -> Stop:
    clock = SystemClock()
    health = Health(clock, lambda jump: None, lambda stall: None)
    dispatcher = Dispatcher(clock, counter.sink, health, on_start=lambda _, late: counter.late(late / 1e6))
    cadence = Cadence(round(every * 1e6), 5_000_000, round(every * 1e6))
    dispatcher.apply({str(n): Target(str(n), cadence, counter.probe) for n in range(targets)})
    health.start()
    dispatcher.start()

    async def stop() -> None:
        health.stop()
        await dispatcher.stop()

    return stop


async def start_tasks(counter: Counter, targets: int, every: float) -> Stop:
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def forever(identity: str) -> None:
        due = begin + random.random() * every
        while True:
            await asyncio.sleep(due - loop.time())
            counter.late(loop.time() - due)
            counter.sink(identity, await counter.probe())
            due += every

    tasks = [loop.create_task(forever(str(n))) for n in range(targets)]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return stop


async def start_apscheduler(counter: Counter, targets: int, every: float) -> Stop:
    scheduler = importlib.import_module("apscheduler.schedulers.asyncio").AsyncIOScheduler(timezone=UTC)

    async def job(identity: str, begin: float) -> None:
        counter.late((time.time() - begin) % every)
        counter.sink(identity, await counter.probe())

    now = datetime.now(UTC)
    for n in range(targets):
        first = now + timedelta(seconds=1 + random.random() * every)
        scheduler.add_job(
            job,
            "interval",
            (str(n), first.timestamp()),
            seconds=every,
            start_date=first,
            misfire_grace_time=None,
            coalesce=True,
        )
    scheduler.start()

    async def stop() -> None:
        scheduler.shutdown(wait=False)

    return stop


STARTERS: dict[str, Callable[[Counter, int, float], Awaitable[Stop]]] = dict(
    zip(CONTENDERS, (start_slawatch, start_tasks, start_apscheduler), strict=True)
)


async def measure(contender: str, targets: int, every: float, window: float) -> dict[str, Any]:
    counter = Counter()
    before, memory = time.process_time(), peak_memory()
    stop = await STARTERS[contender](counter, targets, every)
    started = time.process_time()
    await asyncio.sleep(min(every, 2.0))  # settle: what was late for the start is not counted
    counter.fired = 0
    counter.lateness.clear()
    begin, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(window)
    used, took = time.process_time() - begin, time.perf_counter() - wall
    fired, lateness = counter.fired, sorted(counter.lateness)
    await stop()
    return {
        "start_ms": (started - before) * 1e3,
        "cpu_ms_per_1000": used / fired * 1e6,
        "fired_of_due": fired / (targets / every * took),
        "p50_ms": lateness[len(lateness) // 2] * 1e3,
        "p99_ms": lateness[len(lateness) * 99 // 100] * 1e3,
        "memory_mb": peak_memory() - memory,
    }


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(arguments: argparse.Namespace) -> None:
    if arguments.loop == "uvloop":
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    else:
        factory = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        found = measure(arguments.child, arguments.targets, arguments.every, arguments.window)
        print(json.dumps(runner.run(found)))


def run_child(contender: str, loop: str, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.dispatch", "--child", contender, "--loop", loop]
    for name in ("targets", "every", "window"):
        command += [f"--{name}", str(getattr(arguments, name))]
    project = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=project)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def report(arguments: argparse.Namespace) -> None:
    contenders = list(CONTENDERS)
    if importlib.util.find_spec("apscheduler") is None:
        contenders.remove("apscheduler")
        print("apscheduler is not installed: its rows are left out")
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(arguments.rounds):
        for loop in LOOPS:
            for contender in contenders:
                rows.setdefault((contender, loop), []).append(run_child(contender, loop, arguments))
    rate = arguments.targets / arguments.every
    print(f"{arguments.targets} targets every {arguments.every:g} s: {rate:g} probes/s, median of {arguments.rounds}")
    print(f"{'':24}{'start ms':>10}{'ms/1000':>10}{'ratio':>8}{'fired/due':>11}{'p50 ms':>8}{'p99 ms':>8}{'MB':>7}")
    for (contender, loop), found in rows.items():
        median = {key: statistics.median(each[key] for each in found) for key in found[0]}
        own = statistics.median(each["cpu_ms_per_1000"] for each in rows["slawatch", loop])
        print(
            f"{contender + ', ' + loop:24}{median['start_ms']:10.1f}{median['cpu_ms_per_1000']:10.1f}"
            f"{median['cpu_ms_per_1000'] / own:8.2f}{median['fired_of_due']:11.3f}"
            f"{median['p50_ms']:8.2f}{median['p99_ms']:8.2f}{median['memory_mb']:7.1f}"
        )


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=10.0, help="seconds")
    parser.add_argument("--window", type=float, default=6.0, help="seconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.child:
        child(arguments)
    else:
        report(arguments)


if __name__ == "__main__":
    main()
