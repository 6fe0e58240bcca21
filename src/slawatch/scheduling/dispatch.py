"""When: every endpoint's probes on one heap and one timer; a task exists only while its probe runs.

Times are microseconds of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.domain.observation import Observation, Verdict
from slawatch.runtime.clock import Clock
from slawatch.scheduling.grid import Grid, spread
from slawatch.scheduling.lateness import Tally
from slawatch.scheduling.runner import OVERRUN, Alibi, ask, judged, overrun
from slawatch.scheduling.target import Entry, Target

__all__ = ["Dispatcher", "Sink", "Target"]

TICK: Duration = 5 * MILLISECOND
"""Probes that are due within one tick begin together, at its end: a cold wake costs more than a probe."""

CONCURRENCY = 1_000
"""How many probes run at once at most, where descriptors allow it."""

CUT_OFF_EVERY: Duration = 500 * MILLISECOND
"""How often running probes are looked at for one that outlived its timeout. Probes keep their own deadlines; this is
for those that do not, and a timer for each of them would cost a quarter of the whole dispatch."""

STOP_WITHIN: Duration = 5 * SECOND
"""How long running probes may still take when the dispatcher stops."""

CANCEL_WITHIN: Duration = SECOND
"""How long a cancelled probe may take to clean up before it is left behind."""

Sink = Callable[[str, Observation], bool]
"""Takes an endpoint's observation; answers whether the endpoint is suspect now (see ``EndpointState.suspect``)."""


class Dispatcher:
    """Probes every target of its plan when it is due.

    - Due times lie on the identity's own grid (see ``grid``), so load is even and phase survives restarts.
    - A suspect endpoint is due ``retry_every`` after the start of its last probe instead, and returns to the grid.
    - A void result is asked for again at once, but at most once per ``retry_every``.
    - Never are two probes of one endpoint under way. Results of one endpoint reach the sink in order.
    - No more than ``concurrency`` probes run; the others wait in the order in which they were due.
    - A slot that passes meanwhile is counted as missed and left out: probes never queue up behind each other. After
      a standstill of more than an interval, endpoints begin anew as after a start, not all at once.
    """

    def __init__(
        self,
        clock: Clock,
        sink: Sink,
        health: Alibi,
        *,
        concurrency: int = CONCURRENCY,
        loop: asyncio.AbstractEventLoop | None = None,
        on_start: Callable[[str, Duration], None] | None = None,
    ) -> None:
        """``on_start`` hears the identity and the lateness, in microseconds, of every probe that begins."""
        self.tally = Tally()
        self._clock = clock
        self._sink = sink
        self._health = health
        self._concurrency = concurrency
        self._loop = loop
        self._on_start = on_start
        self._grid = Grid.of(clock)
        self._entries: dict[str, Entry] = {}
        self._heap: list[tuple[int, int, Entry]] = []
        self._order = itertools.count()
        self._waiting: deque[Entry] = deque()
        self._under_way: set[Entry] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._cutter: asyncio.TimerHandle | None = None
        self._wakes_at = 0
        self._looks_at = 0
        self._active = False

    @property
    def running(self) -> int:
        """How many probes are under way."""
        return len(self._under_way)

    @property
    def waiting(self) -> int:
        """How many probes are due and wait for one of those to end."""
        return len(self._waiting)

    @property
    def concurrency(self) -> int:
        """How many probes may run at once: what was asked for, or less where descriptors do not suffice."""
        return self._concurrency

    def next_due(self, identity: str) -> int | None:
        """When the endpoint's next probe is due; None while one runs, and for an unknown identity."""
        entry = self._entries.get(identity)
        return None if entry is None else entry.due

    def start(self) -> None:
        """Begin to probe. What the plan holds already is due within min(``every``, 60 s) from now (S13)."""
        self._loop = self._loop or asyncio.get_running_loop()
        self._concurrency = min(self._concurrency, self._health.room())
        self._active = True
        self._looks_at = self._clock.monotonic()
        self._cut_off()
        now = self._clock.monotonic()
        for entry in self._entries.values():
            self._place(entry, now)
        self._rebuild()

    async def stop(self, within: Duration = STOP_WITHIN) -> None:
        """Begin no more probes, give the running ones ``within`` to end, then cancel them.

        Results that arrive in time still reach the sink; a cancelled probe leaves none.
        """
        self._active = False
        self._disarm()
        self._waiting.clear()
        await self._settle(within)
        for entry in self._under_way:
            entry.cancel()
        await self._settle(CANCEL_WITHIN)

    def apply(self, plan: Mapping[str, Target]) -> None:
        """Make ``plan`` the one in force. Keys are identities.

        An unchanged target keeps its due time and its running probe. A new or changed one is probed within
        min(``every``, 60 s). The running probe of a changed or removed one is cancelled and has no result.
        """
        now = self._clock.monotonic()
        for identity in [identity for identity in self._entries if identity not in plan]:
            self._remove(identity)
        for identity, target in plan.items():
            entry = self._entries.setdefault(identity, Entry(0))
            untouched = entry.target == target
            entry.target = target
            if untouched:
                continue
            entry.number = spread(identity)
            entry.suspect, entry.hurry = False, None
            entry.cancel()
            self._place(entry, now)
        self._rebuild()

    def retry_now(self, identity: str) -> None:
        """Probe this endpoint at once, whatever its grid says; at most once per ``retry_every``."""
        entry = self._entries.get(identity)
        if entry is None or entry.target is None:
            return
        at = self._clock.monotonic()
        if entry.hurried is not None:
            at = max(at, entry.hurried + entry.target.cadence.retry_every)
        if entry.task is not None:
            entry.hurry = at
        elif entry.due is not None and at < entry.due:
            entry.hurried = at
            self._schedule(entry, at)

    def _remove(self, identity: str) -> None:
        entry = self._entries[identity]
        entry.target = entry.due = entry.hurry = None
        if entry.task is None:
            del self._entries[identity]
        entry.cancel()

    def _place(self, entry: Entry, now: int) -> None:
        if entry.target is not None:
            entry.due = self._grid.first_slot(now, entry.target.cadence.every, entry.number)

    def _rebuild(self) -> None:
        self._heap = [
            (entry.due, next(self._order), entry) for entry in self._entries.values() if entry.due is not None
        ]
        heapq.heapify(self._heap)
        self._waiting.clear()
        self._arm()

    def _schedule(self, entry: Entry, due: int) -> None:
        self._push(entry, due)
        self._arm()

    def _push(self, entry: Entry, due: int) -> None:
        entry.due = due
        heapq.heappush(self._heap, (due, next(self._order), entry))

    def _arm(self) -> None:
        """Wake at the end of the tick in which the first probe is due."""
        if not self._active or not self._heap:
            return
        wakes_at = -(-self._heap[0][0] // TICK) * TICK
        if self._timer is not None:
            if self._wakes_at <= wakes_at:
                return
            self._timer.cancel()
        assert self._loop is not None
        # Whole milliseconds, rounded up: uvloop's timers know no less, and one that fires early fires in vain.
        wait = max(0, -(-(wakes_at - self._clock.monotonic()) // MILLISECOND))
        self._wakes_at = wakes_at
        self._timer = self._loop.call_later(wait / 1_000, self._tick)

    def _disarm(self) -> None:
        for timer in (self._timer, self._cutter):
            if timer is not None:
                timer.cancel()
        self._timer = self._cutter = None

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, _, entry = heapq.heappop(self._heap)
            if entry.due == due:
                self._is_due(entry, due, now)
        self._fill(now)
        self._arm()

    def _is_due(self, entry: Entry, due: int, now: int) -> None:
        target = entry.target
        assert target is not None
        if entry.task is not None:  # cancelled for a change of plan, and still cleaning up
            entry.due, entry.hurry = None, due
        elif now - due > target.cadence.every:
            self.tally.missed += self._missed(target, entry, due - 1, now)
            self._push(entry, self._grid.first_slot(now, target.cadence.every, entry.number))
        else:
            self._waiting.append(entry)

    def _fill(self, now: int) -> None:
        """Begin the probes that wait, as far as there is room."""
        while self._waiting and len(self._under_way) < self._concurrency:
            self._begin(self._waiting.popleft(), now)

    def _begin(self, entry: Entry, now: int) -> None:
        target, due = entry.target, entry.due
        assert target is not None
        assert due is not None
        assert self._loop is not None
        lateness = now - due
        if lateness > target.cadence.every:
            self.tally.missed += self._missed(target, entry, due, now)
        self._under_way.add(entry)
        self.tally.started += 1
        self.tally.lateness.add(lateness)
        if self._on_start is not None:
            self._on_start(target.identity, lateness)
        entry.begin(now, self._loop.create_task(self._probe(entry, target)))

    async def _probe(self, entry: Entry, target: Target) -> None:
        entry.entered = True
        try:
            if not entry.wants(target):  # the plan changed before this first step
                raise asyncio.CancelledError
            observation = await self._observe(entry, target)
            if entry.wants(target):
                self._take(entry, target, observation)
        except asyncio.CancelledError:
            self.tally.cancelled += 1
        except Exception as error:  # noqa: BLE001 - whatever becomes of a result, probing goes on
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the result of {target.identity} was not taken", "exception": error}
            )
        finally:
            self._ended(entry, target.identity)

    async def _observe(self, entry: Entry, target: Target) -> Observation:
        since = self._health.mark()
        try:
            observation = await ask(target.probe, self._health, self._clock)
            entry.answered = True
            return await judged(observation, self._health, since, target.cadence.timeout, target.vouch)
        except asyncio.CancelledError:
            if not entry.cut_off:
                raise
            return overrun(self._clock, entry.began)

    def _take(self, entry: Entry, target: Target, observation: Observation) -> None:
        self.tally.finished += 1
        self.tally.last_finished = self._clock.monotonic()
        if observation.verdict is Verdict.VOID:
            self.retry_now(target.identity)
        entry.suspect = self._sink(target.identity, observation)

    def _ended(self, entry: Entry, identity: str) -> None:
        entry.task = None
        self._under_way.discard(entry)
        if entry.target is None:
            del self._entries[identity]
        elif entry.due is None:
            self._plan_next(entry, entry.target)
        if self._waiting and self._active:
            self._fill(self._clock.monotonic())

    def _plan_next(self, entry: Entry, target: Target) -> None:
        now, cadence = self._clock.monotonic(), target.cadence
        if entry.suspect:
            due = max(now, entry.began + cadence.retry_every)
        else:
            self.tally.missed += self._missed(target, entry, entry.began, now)
            due = self._grid.slot_after(max(entry.began, now - 1), cadence.every, entry.number)
        if entry.hurry is not None and max(now, entry.hurry) < due:
            due = entry.hurried = max(now, entry.hurry)
        entry.hurry = None
        self._schedule(entry, due)

    def _missed(self, target: Target, entry: Entry, after: int, before: int) -> int:
        return self._grid.slots_between(after, before, target.cadence.every, entry.number)

    def _cut_off(self) -> None:
        assert self._loop is not None
        now = self._clock.monotonic()
        late, self._looks_at = now - self._looks_at, now + CUT_OFF_EVERY
        self._cutter = self._loop.call_later(CUT_OFF_EVERY / SECOND, self._cut_off)
        if late > OVERRUN // 2:  # after a stall answers may lie ready: let them be read first
            return
        for entry in self._under_way:
            if entry.outlived(now):
                entry.cut_off = True
                entry.cancel()

    async def _settle(self, within: Duration) -> None:
        """Wait until no probe runs, but no longer than ``within``."""
        tasks = [entry.task for entry in self._under_way if entry.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=within / SECOND)
