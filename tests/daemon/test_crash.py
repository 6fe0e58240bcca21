"""kill -9 during an outage, restart: the same outage, the time away UNKNOWN, nothing lost or doubled."""

from __future__ import annotations

import pytest

from daemon.conftest import MakeSlawatch
from daemon.test_real_input import client, now, state_of
from slawatch.domain.interval import SECOND, parse_instant
from support.servers import MakeNginx
from support.waiting import eventually

pytestmark = pytest.mark.server("nginx")


def test_a_killed_daemon_goes_on_with_the_same_outage(
    database: str | None, slawatch: MakeSlawatch, nginx: MakeNginx
) -> None:
    """S13: UNKNOWN begins at the last instant at which the killed run is known to have been alive."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port), database=database)
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    web.stop()
    eventually(lambda: state_of(daemon, "website") == "down")
    before = [row for row in daemon.history() if row["type"] in ("state", "blip")]
    known = [row for row in before if row.get("cause") != "no_further_data"]

    killed = now()
    daemon.kill()
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "down")
    rows = [row for row in daemon.history() if row["type"] in ("state", "blip")]

    for row in known:
        assert rows.count(row) == 1
    website = [row for row in rows if row["endpoint"] == "website"]
    assert [row["state"] for row in website] == ["up", "down", "unknown", "down", "unknown"]
    away = website[2]
    assert away["cause"] == "monitor_stopped"
    assert killed - 11 * SECOND <= parse_instant(away["at"]) <= killed
    assert parse_instant(website[3]["at"]) > killed
    # the second "down" continues the outage of before: the endpoint never was up in between
    web.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    ended = [row for row in daemon.history() if row.get("endpoint") == "website" and row["type"] == "state"]
    assert [row["state"] for row in ended] == ["up", "down", "unknown", "down", "up", "unknown"]
