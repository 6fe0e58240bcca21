"""The history is asked as people and programs ask it: beside the real daemon, and without it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from urllib.error import HTTPError

import pytest

from daemon.conftest import MakeSlawatch
from daemon.test_real_input import client, state_of
from support.servers import MakeNginx
from support.waiting import eventually

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "ask-the-history.md"
COMMANDS = re.findall(r"^slawatch (history .*)$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.server("nginx")
def test_an_outage_is_told_with_and_without_the_daemon(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    """The same outage in the command, over HTTP, and out of the database; every command of the how-to runs."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port))
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    web.stop()
    eventually(lambda: state_of(daemon, "website") == "down")
    (running,) = daemon.history("--show", "outages", "--ongoing", "yes")
    assert (running["endpoint"], running["end"], running["reason"]) == ("website", None, "refused")
    (cost,) = running["cost"]
    assert cost["contract"] == "shop"
    assert cost["credit"]["amount"] is None  # the period runs
    (asked,) = map(json.loads, daemon.get("/api/v1/history?show=outages&client=acme&contract=shop").splitlines())
    assert (asked["id"], asked["start"]) == (running["id"], running["start"])
    for wrong in ("show=nothing", "show=outages&cursor=e30", "show=days&client=acme&contract=none"):
        with pytest.raises(HTTPError, match="400"):
            daemon.get(f"/api/v1/history?{wrong}")
    daemon.configured("history", "--show", "outages", "--limit", "0", status=2)
    assert {row["endpoint"] for row in daemon.history("--show", "latency")} == {"router", "website", "orders"}
    assert any(row["address"] == "127.0.0.1" for row in daemon.history("--show", "observations"))
    assert "started" in {row["event"] for row in daemon.history("--show", "events")}
    strip = daemon.configured("history", "--show", "strip")
    assert [line.split()[0] for line in strip.splitlines()[:3]] == ["acme/orders", "acme/router", "acme/website"]
    assert "█" in next(line for line in strip.splitlines() if line.startswith("acme/website"))
    assert "\x1b" not in strip
    assert COMMANDS
    for command in COMMANDS:
        daemon.configured(*shlex.split(command))
    daemon.stop()
    (later,) = daemon.history("--show", "outages", "--client", "acme", "--endpoint", "website")
    assert (later["id"], later["start"], later["ongoing"]) == (running["id"], running["start"], True)
    assert later["length_us"]["point"] >= running["length_us"]["point"]
    table = daemon.configured("history", "--show", "outages", "--format", "table")
    assert "goes on" in table
    lines = daemon.configured("history", "--show", "days", "--format", "csv").splitlines()
    assert lines[0].startswith("client,endpoint,contract,start,end,availability_low")
    assert len(lines) >= 4
