"""Was the way open? Witnesses vouch for a path, and the link for the first step of it (S15).

A failure on a path counts only while one of its witnesses answers. Each path asks all of its witnesses once a second,
so that an interruption during a probe is seen, and once more right after a failure, so that one which began at its end
is seen too. What still answers needs no witness: a success proves itself.
Instants are microseconds of the monotonic clock unless a name says ``wall``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.observation import Cause
from slawatch.runtime.clock import Clock
from slawatch.runtime.link import Way
from slawatch.scheduling.alibi import Fault

ASK_EVERY: Duration = SECOND
"""How often a path's witnesses are asked when nothing fails. A probe's own deadline is longer, as a rule."""

APART: Duration = 100 * MILLISECOND
"""Failures that come thick share a round: rounds begin no closer than this, however many ask for one."""


Excuse = Callable[[int], Fault | None]
"""Why the prober was not fit to ask anybody between an instant and now; None when it was."""


class Voucher(NamedTuple):
    """One witness: its address, and the question whether it answers now, which takes at most about a second."""

    address: str
    answers: Callable[[], Awaitable[bool]]


@dataclass(eq=False, slots=True)
class _Round:
    """One question to every witness of a path. ``answered`` holds the addresses that did."""

    begun: int
    answered: set[str] = field(default_factory=set)
    first: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def vouched(self, without: str) -> bool:
        """Whether a witness answered that is not ``without``: nobody vouches for itself."""
        await self.first.wait()
        if not self.answered - {without}:
            await self.done.wait()
        return bool(self.answered - {without})


class PathWatch:
    """One path and its witnesses.

    ``on_change`` is told when the path goes blind and when it is seen again, after ``blind`` has changed. ``excuse``
    says why the prober itself was not fit since an instant: then it heard nobody through its own fault, and a silent
    round says nothing of the path.
    """

    def __init__(
        self,
        name: str,
        vouchers: Sequence[Voucher],
        clock: Clock,
        on_change: Callable[[PathWatch], None],
        excuse: Excuse = lambda since: None,
    ) -> None:
        self.name = name
        self.blind: bool | None = None
        """Whether no witness answered in the latest round; None before the first has ended."""
        self.since: Instant | None = None
        """The wall-clock instant at which the first round of the present state began."""
        self.answering = 0
        """How many answered in the latest round that has ended."""
        self._vouchers = tuple(vouchers)
        self._clock, self._on_change, self._excuse = clock, on_change, excuse
        self._latest: _Round | None = None
        self._soon: asyncio.Task[_Round] | None = None
        self._silent_until: int | None = None
        self._judged: int | None = None
        """When the round began that ``blind`` rests on."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None

    @property
    def witnesses(self) -> int:
        """How many there are."""
        return len(self._vouchers)

    def start(self) -> None:
        """Begin to ask, on the running loop."""
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name=f"path {self.name}")

    async def stop(self) -> None:
        """Ask no more. Whoever waits for a round is cancelled."""
        tasks = [task for task in (self._watching, self._soon, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def fault(self, since: int, address: str) -> Fault | None:
        """Why a failure of a probe of ``address`` that began at ``since`` and ends now says nothing; None if it counts.

        ``address`` is the literal address that was probed, empty where it is not known.
        """
        if self._silent_until is not None and self._silent_until >= since:
            return self._lost()
        asked = await self._round_from(self._clock.monotonic())
        return None if await asked.vouched(address) else self._lost()

    def _lost(self) -> Fault:
        return Fault(Cause.PATH_LOST, "path_blind", f"no witness of the path {self.name} answered")

    async def _watch(self) -> None:
        while True:
            self._begin()
            await asyncio.sleep(ASK_EVERY / SECOND)

    async def _round_from(self, instant: int) -> _Round:
        """A round that began at ``instant`` or later, shared by all who ask meanwhile."""
        if self._latest is not None and self._latest.begun >= instant:
            return self._latest
        if self._soon is None:
            self._soon = asyncio.get_running_loop().create_task(self._begin_soon())
        return await asyncio.shield(self._soon)

    async def _begin_soon(self) -> _Round:
        if self._latest is not None:
            wait = self._latest.begun + APART - self._clock.monotonic()
            if wait > 0:
                await asyncio.sleep(wait / SECOND)
        self._soon = None
        return self._begin()

    def _begin(self) -> _Round:
        begun = self._latest = _Round(self._clock.monotonic())
        wall = self._clock.now()
        task = asyncio.get_running_loop().create_task(self._ask(begun, wall))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return begun

    async def _ask(self, begun: _Round, wall: Instant) -> None:
        try:
            await asyncio.gather(*(self._ask_one(begun, voucher) for voucher in self._vouchers))
            self._take(begun, wall)
        finally:
            begun.first.set()
            begun.done.set()

    async def _ask_one(self, begun: _Round, voucher: Voucher) -> None:
        if await voucher.answers():
            begun.answered.add(voucher.address)
            begun.first.set()

    def _take(self, ended: _Round, wall: Instant) -> None:
        blind = not ended.answered
        if blind and self._excuse(ended.begun) is not None:
            return
        if blind:
            self._silent_until = self._clock.monotonic()
        if self._judged is not None and ended.begun < self._judged:
            return  # a silent round takes longer than an answered one, and may end after a later one
        self._judged, self.answering = ended.begun, len(ended.answered)
        if blind is self.blind:
            return
        self.blind, self.since = blind, wall
        self._on_change(self)


Look = Callable[[str], Way]


def link_fault(address: str, look: Look) -> Fault | None:
    """Why nothing can have reached a literal address from here: no route, or a link that is down. None otherwise,
    and where the kernel does not say."""
    if not address:
        return None
    with suppress(OSError):
        way = look(address)
        if not way.interface:
            return Fault(Cause.PATH_LOST, "no_route", f"this machine has no route to {address}")
        if not way.linked:
            return Fault(Cause.PATH_LOST, "link_down", f"the link of {way.interface} is down")
    return None
