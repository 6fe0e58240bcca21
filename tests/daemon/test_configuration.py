"""Configuration as a person meets it: every mistake at once, and a reload that cannot do harm."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from daemon.conftest import MakeSlawatch
from daemon.test_real_input import client, state_of
from support.servers import MakeNginx, fetch
from support.waiting import eventually

pytestmark = pytest.mark.server("nginx")


def test_a_bad_reload_leaves_the_old_configuration_in_force(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    """SIGHUP with a mistake in a file: the daemon goes on, says so, and takes the mended file up afterwards."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port))
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    good = daemon.client_file.read_text(encoding="utf-8")

    daemon.client_file.write_text(good.replace("standard: 99%", "standard: 199%"), encoding="utf-8")
    daemon.hang_up()
    eventually(lambda: daemon.status()["configuration"]["error"])
    status = daemon.status()
    assert "199%" in status["configuration"]["error"]
    assert status["configuration"]["generation"] == 1
    assert {item["target"] for item in status["contracts"]} == {"0.99", "0.999"}
    assert state_of(daemon, "website") == "up"
    assert "199%" in daemon.log.read_text(encoding="utf-8")

    added = good.replace(
        "  orders: {probe: tcp", "  second: {probe: icmp, target: 127.0.0.2, every: 1s}\n  orders: {probe: tcp"
    )
    daemon.client_file.write_text(added, encoding="utf-8")
    website = daemon.endpoint("website")
    daemon.hang_up()
    eventually(lambda: daemon.status()["configuration"]["generation"] == 2)
    eventually(lambda: state_of(daemon, "second") == "up")
    assert daemon.status()["configuration"]["error"] is None
    assert daemon.endpoint("website")["since"] == website["since"]
    assert [
        row["state"] for row in daemon.history("--client", "acme", "--endpoint", "website") if row["type"] == "state"
    ] == [
        "up",
        "unknown",
    ]


def test_a_renamed_endpoint_keeps_its_history(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    """``formerly`` carries the past along: the state is known from before the rename."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port))
    daemon.start()
    eventually(lambda: state_of(daemon, "router") == "up")
    first = next(row for row in daemon.history() if row.get("endpoint") == "router" and row["state"] == "up")
    text = daemon.client_file.read_text(encoding="utf-8")
    renamed = text.replace("  router: {", "  gateway: {formerly: router, ").replace(
        "up_when: router", "up_when: gateway"
    )
    daemon.client_file.write_text(renamed, encoding="utf-8")
    daemon.hang_up()
    eventually(lambda: daemon.status()["configuration"]["generation"] == 2)
    eventually(lambda: state_of(daemon, "gateway") == "up")
    rows = [row for row in daemon.history() if row.get("endpoint") == "gateway"]
    assert rows[0] == {**first, "endpoint": "gateway"}
    assert [row["state"] for row in rows if row["type"] == "state"] == ["up", "unknown"]
    assert rows[-1]["cause"] == "no_further_data"
    # the terms of the running period name the old one; its account goes on all the same, here and in an export
    network = next(item for item in daemon.status()["contracts"] if item["contract"] == "network")
    assert network["availability"]["point"] == "1"
    judged = daemon.evaluate(daemon.history(), "--period", "current")
    again = next(item for item in judged if item["contract"] == "network")
    assert again["availability"]["point"] == "1"
    assert again["time_us"]["up"] >= network["time_us"]["up"] > 0


def test_reload_by_http_and_the_sockets_permissions(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    """POST /-/reload does what SIGHUP does; the control socket is its owner's alone and goes with the daemon."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port))
    daemon.start()
    socket = Path(daemon.database.removeprefix("sqlite:///") + ".sock")
    assert socket.stat().st_mode & 0o077 == 0
    request = urllib.request.Request(f"{daemon.url}/-/reload", method="POST")
    with urllib.request.urlopen(request, timeout=30) as response:
        said = response.read().decode()
    assert said.startswith("reloaded: 3 endpoints, 2 contracts")
    assert fetch(f"{daemon.url}/-/healthy")
    daemon.stop()
    assert not socket.exists()
