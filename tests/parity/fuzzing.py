"""Probes replies by the thousand over loopback, and holds every observation against what must always be so."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from parity.prober import starved
from probes.servers import descriptors
from slawatch.domain.interval import MILLISECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.probes.echo_socket import open_socket
from slawatch.probes.probe import LONGEST_DETAIL, Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed

DEADLINE = 200 * MILLISECOND
"""Of each probe: replies that leave it waiting are to cost little."""
OVERRUN = 250 * MILLISECOND
ATTEMPTS = 3
"""How often one reply is tried before a deadline that was not kept is held against the probe."""


class Subject(Protocol):
    """A kind under fuzz. ``serve`` starts its server; ``arm`` makes that say the next reply."""

    kind: str
    options: dict[str, Any]

    async def serve(self) -> str:
        """Start; the target is returned."""

    def arm(self, random: Random) -> None:
        """Draw the next reply."""

    def is_good(self) -> bool:
        """Whether the reply that was said last is one that is good, by the oracle."""

    def spelled(self) -> str:
        """The reply, for whoever reads that the test failed."""

    async def stop(self) -> None:
        """End the server and everything it holds."""


@dataclass
class Tally:
    """What came of it: how often each reason was given."""

    reasons: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return f"{self.reasons.total()} replies: " + ", ".join(f"{n} {word}" for word, n in self.reasons.most_common())


async def fuzz(subject: Subject, numbers: range) -> Tally:
    """Put the replies of these numbers to the kind, one by one. ``AssertionError`` names the first wrong one."""
    clock, tally = SystemClock(), Tally()
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
    target = await subject.serve()
    try:
        opener = getattr(subject, "opener", open_socket)
        async with Resources(clock, resolver=resolver, policy=loopback_allowed(), icmp_opener=opener) as resources:
            await _one(subject, target, resources, 0)  # what a loop and a kind open once
            await _rest()
            before = descriptors(), len(asyncio.all_tasks())
            for number in numbers:
                seen = await _one(subject, target, resources, number)
                tally.reasons[seen.reason] += 1
                assert not complaints, (number, subject.spelled(), complaints)
            await _rest()
            assert (descriptors(), len(asyncio.all_tasks())) == before
    finally:
        await subject.stop()
    return tally


async def _rest() -> None:
    """Let what is closing close."""
    for _ in range(10):
        await asyncio.sleep(0.01)
    gc.collect()


async def _one(subject: Subject, target: str, resources: Resources, number: int) -> Observation:
    kind = kinds()[subject.kind]
    for attempt in range(1, ATTEMPTS + 1):
        subject.arm(Random(f"{subject.kind} {number}"))
        options = kind.options.model_validate(subject.options)
        begun, waited = time.monotonic_ns(), starved()
        seen = await observe(kind, kind.target(target), options, resources, DEADLINE)
        late = (time.monotonic_ns() - begun) // 1000 - (starved() - waited) - DEADLINE
        if late <= OVERRUN:
            break
        assert attempt < ATTEMPTS, (number, late, subject.spelled())
    what = number, seen.reason, seen.detail, subject.spelled()
    assert seen.reason in kind.reasons, what
    assert seen.verdict is not Verdict.VOID, what  # whatever the other side says, it is no fault of ours
    assert seen.detail.isprintable(), what
    assert len(seen.detail) <= LONGEST_DETAIL, what
    if seen.verdict in (Verdict.UP, Verdict.DEGRADED):
        assert subject.is_good(), what
    return seen


Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Stream:
    """A server over TCP that ends with its test."""

    def __init__(self, converse: Converse) -> None:
        self._converse = converse
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """The port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, EOFError, RuntimeError, asyncio.CancelledError):
            pass  # the probe went away, as it may
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def stop(self) -> None:
        """End it, and who it still talks to."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
