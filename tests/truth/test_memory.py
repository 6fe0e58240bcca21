"""The ledger in memory against the real one: a restart is told the same by both."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from slawatch.domain.interval import DISTANT_PAST
from slawatch.domain.observation import Observation
from slawatch.main.books import read_pasts
from slawatch.storage.entries import Entry
from slawatch.storage.ledger import Ledger
from support.clock import FakeClock
from support.loop import run_virtual
from truth.history import Play, Sort
from truth.memory import MemoryLedger


def lived(seed: int) -> MemoryLedger:
    """What a rough history leaves in memory."""

    async def scene(clock: FakeClock) -> MemoryLedger:
        play = Play(seed, Sort.ROUGH, clock)
        await play.run()
        return play.ledger

    return run_virtual(scene)


@pytest.mark.parametrize("seed", [3, 5, 17, 23])
def test_both_tell_a_restart_the_same(seed: int, tmp_path: Path) -> None:
    """Changes, blips, the suspicion that is open, the latest observations, the last mark of life: cut at five places
    of a history, as a crash may cut it."""
    asyncio.run(compare(lived(seed), tmp_path))


async def compare(memory: MemoryLedger, tmp_path: Path) -> None:
    whole = memory.written
    keys = list(dict.fromkeys(each.endpoint for each in whole if each.endpoint is not None))
    for part in range(1, 6):
        memory.written = whole[: len(whole) * part // 5]
        ledger = await Ledger.open(f"sqlite:///{tmp_path}/{part}.db", site="hq", clock=FakeClock())
        await ledger.ensure_endpoints(dict.fromkeys(keys))
        for _, key, what in memory.written:
            if isinstance(what, Entry):
                ledger.append([what])
            elif isinstance(what, Observation):
                assert key is not None
                ledger.observe(key, what)
            else:
                ledger.mark_alive(what)
        await ledger.flushed()
        pasts = await read_pasts(ledger, keys, DISTANT_PAST)
        boot = await ledger.latest_boot("hq")
        assert boot is not None
        assert boot.alive_until == memory.alive_until()
        for key in keys:
            ours = memory.past(key)
            theirs = pasts[key]
            assert (*theirs.changes,) == (*ours.changes,)
            assert sorted(theirs.blips) == sorted(ours.blips)
            assert theirs.suspicion == ours.suspicion
            assert (theirs.last_good, theirs.last_failed) == (ours.last_good, ours.last_failed)
        await ledger.release()
