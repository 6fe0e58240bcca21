"""A past that is handed to the running daemon shows without a restart, and holds after one."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from daemon.conftest import MakeSlawatch, Slawatch
from slawatch.domain.interval import DAY, HOUR, MINUTE, format_instant, parse_instant
from support.servers import fetch
from support.waiting import eventually

NOW = time.time_ns() // 1000 // MINUTE * MINUTE
FIRST = NOW - 4 * DAY
MONTH_AGO = format_instant(NOW - 7 * DAY)[:10]


def client(contract_from: str) -> str:
    return f"""
client: acme
endpoints:
  router: {{probe: icmp, target: 127.0.0.1, every: 1s, timeout: 500ms}}
services:
  network: {{kind: network, up_when: router}}
contracts:
  network: {{service: network, standard: 99%, period: every 2 weeks from {MONTH_AGO}{contract_from}}}
"""


def states(folder: Path) -> Path:
    """Four days: 23 h up, 1 h down, and so on, up to an hour ago; the last hour is in nobody's history."""
    rows = [(FIRST, "up"), *((FIRST + day * DAY + 23 * HOUR, "down") for day in range(3))]
    rows += [(FIRST + day * DAY, "up") for day in range(1, 4)] + [(NOW - HOUR, "unknown")]
    path = folder / "old.csv"
    path.write_text("".join(f"router,{format_instant(at)},{state}\n" for at, state in sorted(rows)), encoding="utf-8")
    return path


def judged(daemon: Slawatch) -> dict[str, Any]:
    found: dict[str, Any] = daemon.status()["contracts"][0]
    return found


@pytest.fixture
def daemon(slawatch: MakeSlawatch, request: pytest.FixtureRequest) -> Slawatch:
    found = slawatch(client(getattr(request, "param", f', valid: {{from: "{MONTH_AGO}"}}')))
    found.start()
    eventually(lambda: found.endpoint("router")["state"] == "up")
    return found


def bring(daemon: Slawatch, path: Path) -> dict[str, Any]:
    arguments = "import", "csv", str(path), "--client", "acme", "--format", "jsonl"
    row: dict[str, Any] = json.loads(daemon.configured(*arguments))
    return row


def test_pages_know_the_past_at_once_and_after_a_restart(daemon: Slawatch, tmp_path: Path) -> None:
    """Down 3 h, up 3 · 23 h + 23 h of the fourth day: 92/95; then what was measured since."""
    path = states(tmp_path)
    since = daemon.endpoint("router")["since"]
    row = bring(daemon, path)
    assert (row["result"], row["outages"]) == ("imported", 3)
    eventually(lambda: judged(daemon)["time_us"]["down"] == 3 * HOUR)
    assert 92 * HOUR < judged(daemon)["time_us"]["up"] < 92 * HOUR + 5 * MINUTE
    assert daemon.endpoint("router")["since"] == since
    assert "imported from csv" in daemon.get(f"/endpoints/acme/router?day={format_instant(FIRST + DAY)[:10]}")
    assert bring(daemon, path)["result"] == "nothing"
    daemon.stop()
    daemon.start()
    eventually(lambda: daemon.endpoint("router")["state"] == "up")
    assert judged(daemon)["time_us"]["down"] == 3 * HOUR


def test_what_the_history_says_evaluates_to_what_the_board_says(daemon: Slawatch, tmp_path: Path) -> None:
    bring(daemon, states(tmp_path))
    eventually(lambda: judged(daemon)["time_us"]["down"] == 3 * HOUR)
    rows = daemon.history()
    own = min(parse_instant(row["at"]) for row in rows if row["type"] == "state" and "source" not in row)
    assert all(parse_instant(row["at"]) < own for row in rows if row.get("source") == "csv")
    [account] = daemon.evaluate(rows, "--period", "current")
    assert account["time_us"]["down"] == 3 * HOUR


@pytest.mark.parametrize("daemon", [""], indirect=True)
def test_a_contract_begins_when_the_ledger_first_saw_it_all_the_same(daemon: Slawatch, tmp_path: Path) -> None:
    """S21: without ``valid.from`` what was imported lies before the contract."""
    bring(daemon, states(tmp_path))
    eventually(lambda: len([row for row in daemon.history() if row.get("source") == "csv"]) == 8)
    eventually(lambda: judged(daemon)["time_us"]["up"] > 0)
    assert judged(daemon)["time_us"]["down"] == 0


def test_nobody_but_the_control_socket_hands_in_a_past(daemon: Slawatch) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(f"{daemon.url}/api/v1/import?client=acme")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}\n", "line 1: expected a row of type state or blip"),
        (b"nonsense", "line 1: "),
        (
            b'{"type": "state", "endpoint": "router", "at": "2026-01-05T00:00:00Z", "state": "up", "source": "other"}',
            "has no end",
        ),
        (
            b'{"type": "state", "endpoint": "router", "at": "2099-01-05T00:00:00Z", "state": "unknown"}',
            "another source",
        ),
        (b"x" * 100_000, "too long"),
    ],
    ids=["no row", "no JSON", "open", "unmarked", "long"],
)
def test_rows_that_are_no_past_are_refused(daemon: Slawatch, body: bytes, words: str) -> None:
    async def post() -> tuple[int, str]:
        connector = aiohttp.UnixConnector(f"{daemon.folder}/slawatch.db.sock")
        wanted = {"client": "acme", "endpoint": "router", "source": "other", "digest": "d"}
        async with (
            aiohttp.ClientSession("http://localhost", connector=connector) as session,
            session.post("/api/v1/import", params=wanted, data=body) as response,
        ):
            return response.status, await response.text()

    status, text = asyncio.run(post())
    assert status == 400
    assert words in text
