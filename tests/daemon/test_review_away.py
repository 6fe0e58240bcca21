"""Signing while the database is away: said in words, kept, and on record once it is back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slawatch.evaluation.board import Board
from slawatch.operations import reviewing
from slawatch.operations.reviewing import REVIEWED, Reviewing
from slawatch.runtime.errors import StorageError
from slawatch.storage.entries import Entry
from slawatch.storage.ledger import Ledger
from support.clock import FakeClock
from web import samples


async def test_a_signature_waits_for_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, clock, learnt = Board(), FakeClock(samples.NOON), list[Entry]()
    board.publish(samples.estate())
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/slawatch.db", site="hq", clock=clock)
    try:
        await ledger.flushed()
        with closing(sqlite3.connect(tmp_path / "slawatch.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            monkeypatch.setattr(reviewing, "STORED_WITHIN", 0.05)
            with pytest.raises(StorageError, match="need not be signed again"):
                await Reviewing(board, ledger, clock, learnt.append).sign("acme", "network", "owner@msp.example")
            other.execute("ROLLBACK")
        assert [entry.contract for entry in learnt] == ["network"]
        await ledger.flushed()
        events = [item.entry async for item in ledger.entries(kinds=("event",))]
        assert [event.contract for event in events if event.body["event"] == REVIEWED] == ["network"]
    finally:
        await ledger.close()
