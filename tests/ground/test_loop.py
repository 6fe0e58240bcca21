"""The tests' own time: the fake clock and the loop that jumps."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from slawatch.runtime.clock import Clock, SystemClock
from support import loop as virtual
from support.clock import START, FakeClock
from support.loop import SECOND, Stuck, VirtualLoop, held, run_virtual

DAY = 86_400 * SECOND


def test_the_fake_clock_stands_still_until_it_is_moved() -> None:
    clock: Clock = FakeClock(now=100, monotonic=7)
    assert (clock.now(), clock.monotonic()) == (100, 7)
    assert (clock.now(), clock.monotonic()) == (100, 7)


def test_advancing_moves_both_clocks_and_stepping_the_wall_only() -> None:
    clock = FakeClock(now=100, monotonic=7)
    clock.advance(5)
    assert (clock.now(), clock.monotonic()) == (105, 12)
    clock.step_wall(-50)
    assert (clock.now(), clock.monotonic()) == (55, 12)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_the_fake_clock_starts_on_the_first_monday_of_2026() -> None:
    assert datetime.fromtimestamp(START / SECOND, UTC) == datetime(2026, 1, 5, tzinfo=UTC)


def test_a_day_of_ten_second_sleeps_passes_at_once_and_exactly() -> None:
    before = SystemClock().monotonic()

    async def main(clock: FakeClock) -> list[int]:
        woken = []
        for _ in range(8640):
            await asyncio.sleep(10)
            woken.append(clock.now() - START)
        return woken

    assert run_virtual(main) == list(range(10 * SECOND, DAY + 1, 10 * SECOND))
    assert SystemClock().monotonic() - before < 30 * SECOND


def test_timers_fire_in_order_of_time_not_of_creation() -> None:
    async def main(clock: FakeClock) -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []

        async def wake(name: str, after: float) -> None:
            await asyncio.sleep(after)
            seen.append((name, clock.monotonic()))

        await asyncio.gather(wake("late", 3.5), wake("early", 0.000_001), wake("middle", 1 / 3))
        return seen

    assert run_virtual(main) == [("early", 1), ("middle", 333_333), ("late", 3_500_000)]


def test_a_sleep_longer_than_the_selector_allows_is_exact() -> None:
    async def main(clock: FakeClock) -> int:
        await asyncio.sleep(40 * 86_400)
        return clock.monotonic()

    assert run_virtual(main) == 40 * DAY


def test_a_timeout_is_virtual_too() -> None:
    async def main(clock: FakeClock) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_virtual(main) == 3600 * SECOND


def test_the_wall_may_step_while_timers_run_on_the_monotonic_clock() -> None:
    async def main(clock: FakeClock) -> tuple[int, int]:
        clock.step_wall(-3600 * SECOND)
        await asyncio.sleep(60)
        return clock.now(), clock.monotonic()

    assert run_virtual(main) == (START - 3540 * SECOND, 60 * SECOND)


def test_advancing_the_clock_by_hand_makes_timers_due() -> None:
    async def main(clock: FakeClock) -> int:
        sleeper = asyncio.create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        clock.advance(25 * SECOND)
        await sleeper
        return clock.monotonic()

    assert run_virtual(main) == 25 * SECOND


def test_work_in_an_executor_holds_time() -> None:
    async def main(clock: FakeClock) -> int:
        go = threading.Event()
        asyncio.get_running_loop().call_later(3600, go.set)
        job = asyncio.get_running_loop().run_in_executor(None, go.wait, 0.05)
        assert await job is False
        return clock.monotonic()

    assert run_virtual(main) == 0


def test_commands_to_sqlite_hold_time(tmp_path: Path) -> None:
    async def main(clock: FakeClock) -> int:
        ticking = asyncio.create_task(_tick_for_ever())
        async with aiosqlite.connect(tmp_path / "a.db") as database:
            await database.execute("CREATE TABLE t (n)")
            for n in range(20):
                await database.execute("INSERT INTO t VALUES (?)", (n,))
                await database.commit()
        ticking.cancel()
        return clock.monotonic()

    assert run_virtual(main) == 0


def test_commands_through_sqlalchemy_hold_time(tmp_path: Path) -> None:
    async def main(clock: FakeClock) -> tuple[int, int]:
        ticking = asyncio.create_task(_tick_for_ever())
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE t (n)"))
        async with engine.connect() as connection:
            count = await connection.scalar(text("SELECT count(*) FROM t"))
        await engine.dispose()
        ticking.cancel()
        return count or 0, clock.monotonic()

    assert run_virtual(main) == (0, 0)


def test_an_exchange_over_a_socket_holds_time_when_it_is_told_to() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main(clock: FakeClock) -> tuple[bytes, int]:
        ticking = asyncio.create_task(_tick_for_ever())
        with held():
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"ping\n")
            said = await reader.readline()
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
        ticking.cancel()
        return said, clock.monotonic()

    assert run_virtual(main) == (b"ping\n", 0)


def test_waiting_for_nothing_is_reported_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "PATIENCE", 0.01)

    async def main(clock: FakeClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="no timer is set"):
        run_virtual(main)


async def test_held_does_nothing_on_a_loop_of_real_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualLoop)
    with held():
        await asyncio.sleep(0)


async def _tick_for_ever() -> None:
    while True:
        await asyncio.sleep(1)
