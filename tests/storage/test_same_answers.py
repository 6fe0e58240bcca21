"""The same life gives the same bytes on SQLite and on both PostgreSQL, whatever is asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from slawatch.domain.interval import SECOND
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from storage.conftest import IMPATIENT, OpenLedger
from storage.history import ROUTER, at, down, up
from storage.scripted import Life, answers, configuration
from support.servers import Postgres


@pytest.mark.server("postgres", "newer_postgres")
@pytest.mark.parametrize("seed", [1, 2])
async def test_history_and_judgement_are_the_same_bytes(
    seed: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    suite: Postgres = request.getfixturevalue("_postgres")
    newer: Postgres = request.getfixturevalue("_newer_postgres")
    with suite.database() as one, newer.database() as other:
        found = [await _lived(url, tmp_path, seed) for url in (f"sqlite:///{tmp_path}/a.db", one, other)]
    assert found[0] == found[1] == found[2]
    judgement = [json.loads(text) for text in found[0]["judgement"].decode().replace("}{", "}\n{").splitlines()]
    # 14 days and 37 minutes: two weeks and the beginning of a third, four spans of three days and the fifth's beginning
    assert [item["contract"] for item in judgement] == ["network"] * 3 + ["site"] * 5
    classes = {name for item in judgement for name, length in item["time_us"].items() if length}
    assert classes == {"up", "degraded", "down", "unknown", "excluded", "outside_hours"}
    assert "breached" in {item["verdict"] for item in judgement}
    assert len(found[0]["entries"].splitlines()) == 1
    assert found[0]["history"].count(b"\n") > 500


async def _lived(url: str, folder: Path, seed: int) -> dict[str, bytes]:
    await Life(url, folder, seed).live()
    return dict(await answers(url, configuration(folder, renamed=True, standard="99.5%"), folder))


async def test_readers_see_a_growing_whole_while_the_writer_writes(open_ledger: OpenLedger, database_url: str) -> None:
    """Three readers ask again and again: each answer is the run's first so many entries, no gap, no torn commit."""
    writing = await open_ledger()
    done = asyncio.Event()
    answered: list[list[int]] = [[], [], []]

    async def read(lengths: list[int]) -> None:
        async with await Ledger.open(database_url, read_only=True, tuning=IMPATIENT) as reader:
            while not lengths or not done.is_set() or lengths[-1] < 2 * 200:
                entries = [entry async for entry in reader.entries()]
                assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
                # one commit holds both entries of a pair
                assert len(entries) % 2 == 0
                seconds = len(entries) // 2
                times = await reader.time_in_states(ROUTER, at(0), at(10_000))
                # asked later than the entries; up and down by turns, a second each, and the last state lasts
                assert times.unknown == 0 or not entries
                assert times.up + times.down + times.unknown == 10_000 * SECOND
                assert times.up >= seconds * SECOND
                lengths.append(len(entries))

    async def write() -> None:
        for number in range(200):
            await writing.append([entry_of(ROUTER, up(2 * number)), entry_of(ROUTER, down(2 * number + 1))])
        done.set()

    await asyncio.gather(write(), *(read(lengths) for lengths in answered))
    for lengths in answered:
        assert lengths == sorted(lengths)
        assert lengths[-1] == 400
        assert len(set(lengths)) > 2
