"""An event loop whose time is a FakeClock: when nothing is ready, it jumps to the next timer.

A day of a daemon passes in milliseconds, in the order in which it would have happened. The idea is trio's MockClock
with ``autojump_threshold=0``.

**Where it lies.** The loop cannot see work that happens outside of it. What it knows of holds time still: jobs given to
an executor, commands of an aiosqlite connection (a thread of its own), and whatever runs inside ``held()``. Traffic on
sockets it does not know of: wrap the exchange in ``held()``, or give ``settle``, the real seconds that every jump first
waits for sockets.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import aiosqlite

from support.clock import FakeClock

T = TypeVar("T")

PATIENCE = 10.0
"""Real seconds that the loop waits for the outside world when no timer is set or time is held."""

SECOND = 1_000_000


class Stuck(RuntimeError):
    """Nothing is ready, no timer is set (or time is held), and nothing came from outside."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop on virtual time. ``clock`` and ``time()`` are always in step."""

    def __init__(self, clock: FakeClock, *, settle: float = 0.0) -> None:
        self.clock = clock
        self._held = 0
        self._settle = settle
        self._origin = clock.monotonic()
        super().__init__(_JumpingSelector(self))
        # Timers are floats of seconds; half a microsecond of rounding must not make one late.
        self._clock_resolution = 1 / SECOND

    def time(self) -> float:
        """Seconds of the fake monotonic clock since the loop was made."""
        return (self.clock.monotonic() - self._origin) / SECOND

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time stands still inside: for exchanges with threads, processes and sockets."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def run_in_executor(  # type: ignore[override]  # typeshed's signature uses variadic type variables
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As asyncio's; time stands still until the job is done."""
        future = cast("asyncio.Future[T]", super().run_in_executor(executor, func, *args))
        self._held += 1
        future.add_done_callback(lambda _: self._release())
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As asyncio's; time stands still until the threads are gone."""
        with self.held():
            await super().shutdown_default_executor()

    def _release(self) -> None:
        self._held -= 1

    def jump(self, timeout: float | None) -> float:
        """How long, in real seconds, the selector may wait before time moves instead."""
        if timeout is None or self._held:
            return PATIENCE
        return self._settle

    def arrive(self, timeout: float | None) -> None:
        """Nothing came from outside: move time by ``timeout`` seconds, to the next timer."""
        if timeout is None or self._held:
            what = "time is held" if self._held else "no timer is set"
            raise Stuck(f"nothing is ready, {what}, and nothing came from outside in {PATIENCE:.0f} s")
        self.clock.advance(round(timeout * SECOND))


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the loop how long to wait, and tells it when the wait was in vain."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        wait = self._loop.jump(timeout)
        ready = super().select(wait) if wait else []
        if not ready:
            self._loop.arrive(timeout)
        return ready


def run_virtual(main: Callable[[FakeClock], Awaitable[T]], *, clock: FakeClock | None = None, settle: float = 0.0) -> T:
    """Run ``main(clock)`` to its end on a virtual loop of its own and return its result.

    Tasks that are left over are cancelled and asynchronous generators closed, as ``asyncio.run`` does.
    """
    clock = clock or FakeClock()

    async def entry() -> T:
        return await main(clock)

    with _sqlite_holds_time(), asyncio.Runner(loop_factory=lambda: VirtualLoop(clock, settle=settle)) as runner:
        return runner.run(entry())


@contextmanager
def held() -> Iterator[None]:
    """Hold the running loop's virtual time; does nothing on a loop of real time."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        with loop.held():
            yield
    else:
        yield


@contextmanager
def _sqlite_holds_time() -> Iterator[None]:
    """Let commands of aiosqlite, which run in a thread that the loop cannot see, hold time."""
    connection = cast("Any", aiosqlite.Connection)
    names: Sequence[str] = ("_execute", "_connect", "close")
    originals = {name: getattr(connection, name) for name in names}
    for name, original in originals.items():
        setattr(connection, name, _holding(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(connection, name, original)


def _holding(original: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    async def call(*args: Any, **kwargs: Any) -> T:
        with held():
            return await original(*args, **kwargs)

    return call
