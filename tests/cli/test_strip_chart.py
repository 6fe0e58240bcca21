"""The strip in a terminal: the worst of each cell, and nothing that was not measured drawn as up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from slawatch.cli.strip_chart import drawn, print_strips
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import HOUR, Interval
from slawatch.domain.timeline import endpoint_timeline
from slawatch.evaluation.history_export import Selection

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "ask-the-history.md"

ROWS: list[dict[str, Any]] = [
    {"type": "contract", "client": "acme", "contract": "network"},
    {"type": "state", "client": "acme", "endpoint": "router", "at": "2026-11-25T02:00:00Z", "state": "up"},
    {"type": "state", "client": "acme", "endpoint": "website", "at": "2026-11-25T00:00:00Z", "state": "up"},
    {"type": "state", "client": "acme", "endpoint": "website", "at": "2026-11-25T09:10:00Z", "state": "down"},
    {"type": "state", "client": "acme", "endpoint": "website", "at": "2026-11-25T09:10:02Z", "state": "degraded"},
    {"type": "state", "client": "acme", "endpoint": "website", "at": "2026-11-25T14:00:00Z", "state": "up"},
    {"type": "until", "at": "2026-11-26T00:00:00Z"},
]


async def stream(rows: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for row in rows:
        yield row


def printed(rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
    asyncio.run(print_strips(stream(rows), Selection(["acme"]), {"acme": ZoneInfo("Europe/Paris")}))
    return capsys.readouterr().out


def test_the_document_shows_what_it_prints(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """61 cells of a day in 74 columns; two seconds of downtime take a whole cell. Paris is an hour ahead."""
    monkeypatch.setenv("COLUMNS", "74")
    text = printed(ROWS, capsys)
    assert text in HOW_TO.read_text(encoding="utf-8")
    router, website, scale, _ = text.splitlines()
    assert router.split()[1] == "░" * 6 + "▁" * 55  # 2 of 24 h are 5.08 cells
    assert website.split()[1] == "▁" * 23 + "█" + "▄" * 12 + "▁" * 25  # 9 h 10 m in cell 23, 14 h in cell 35
    assert scale.split() == ["2026-11-25", "01:00", "2026-11-26", "01:00"]


def test_nothing_is_drawn_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed([], capsys) == "nothing is on record\n"


@pytest.mark.parametrize("width", [1, 7, 24, 100])
def test_a_short_outage_is_never_hidden(width: int) -> None:
    """One second of a day, however few the cells."""
    at = 5 * HOUR + 7
    changes = [Change(at, State.of(word), at, at) for at, word in ((0, "up"), (at, "down"), (at + 1_000_000, "up"))]
    text = drawn(endpoint_timeline(changes), Interval(0, 24 * HOUR), width).plain
    assert len(text) == width
    assert text.count("█") == 1
