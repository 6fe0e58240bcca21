"""The database does not take facts for a minute and more, beside the real daemon: nothing is lost, nothing invented.

Three daemons are in trouble at the same time, since each row takes its time in earnest.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from daemon.conftest import LOOPBACK, Slawatch
from daemon.faults import soon
from slawatch.domain.interval import SECOND, parse_instant
from storage.test_faults import fill, small_disk
from support.servers import MakeNginx, Postgres

__all__ = ["small_disk"]

AWAY, FULL = 65, 15
"""Seconds. A full disk is looked at again once a minute, which this has to wait for as well."""
SLACK = 4 * SECOND
"""How far two probes of one second may lie apart on a box that three daemons and a suite keep busy."""


def client(port: int) -> str:
    return f"""
client: acme
endpoints:
  orders: {{probe: tcp, target: "127.0.0.1:{port}", every: 1s, timeout: 900ms}}
services:
  shop: {{kind: applications, up_when: orders}}
contracts:
  shop: {{service: shop, standard: 99%, period: month}}
"""


class Story(NamedTuple):
    """What was seen: whether it spooled meanwhile and after, the bytes that waited, the rest of what is on record."""

    spooling: tuple[float, float]
    waiting: float
    states: list[str]
    started: list[int]
    events: list[str]


def metric(daemon: Slawatch, name: str) -> float:
    return next(float(line.split()[1]) for line in daemon.get("/metrics").splitlines() if line.startswith(f"{name} "))


def through(
    daemon: Slawatch, begin: Callable[[], None], end: Callable[[], None], seconds: int = AWAY, until: str = "started"
) -> Story:
    """The daemon lives through a fault of its database, and beyond it until it has noted an event."""
    try:
        daemon.start()
        soon(lambda: daemon.endpoint("orders")["state"] == "up")
        begin()
        time.sleep(seconds)
        meanwhile, waiting = (metric(daemon, f"slawatch_{name}") for name in ("ledger_spooling", "ledger_spool_bytes"))
        assert daemon.endpoint("orders")["state"] == "up"
        end()
        soon(lambda: metric(daemon, "slawatch_ledger_spooling") == 0)
        soon(lambda: metric(daemon, "slawatch_ledger_spooled_entries") == 0)
        soon(lambda: f'"event":"{until}"' in daemon.get("/api/v1/history?show=events"))
        time.sleep(3)
        after = metric(daemon, "slawatch_ledger_spooling")
    finally:
        daemon.stop()
    rows = daemon.history()
    seen = daemon.history("--show", "observations")
    return Story(
        spooling=(meanwhile, after),
        waiting=waiting,
        states=[row["state"] for row in rows if row["type"] == "state"],
        started=[parse_instant(row["at"]) for row in seen],
        events=[row["event"] for row in daemon.history("--show", "events")],
    )


def locked(folder: Path, port: int) -> Story:
    daemon = Slawatch(folder, client(port))
    with closing(sqlite3.connect(folder / "slawatch.db", isolation_level=None, check_same_thread=False)) as other:
        return through(daemon, lambda: _run(other, "BEGIN IMMEDIATE"), lambda: _run(other, "ROLLBACK"))


def _run(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement)


def stopped(folder: Path, port: int, postgres: Postgres) -> Story:
    with postgres.database() as url:
        return through(Slawatch(folder, client(port), database=url), postgres.stop, postgres.start)


def filled(folder: Path, port: int, disk: Path) -> Story:
    daemon = Slawatch(folder, client(port), database=f"sqlite:///{disk}/slawatch.db", box=LOOPBACK)
    settings = folder / "slawatch.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace(f"folder: {folder}", f"folder: {disk}"), "utf-8")
    return through(daemon, lambda: _filled(disk), (disk / "filler").unlink, FULL, "disk_has_room")


def _filled(disk: Path) -> None:
    fill(disk)


@pytest.mark.server("nginx", "postgres")
def test_the_database_is_away_for_a_minute(
    nginx: MakeNginx, postgres: Postgres, tmp_path: Path, small_disk: Path
) -> None:
    """0 us of false downtime, 0 us unknown, every probe there at its own time, and the metrics say what happens."""
    port = nginx().port
    with ThreadPoolExecutor(3) as pool:
        waiting = {
            "locked": pool.submit(locked, tmp_path / "locked", port),
            "stopped": pool.submit(stopped, tmp_path / "stopped", port, postgres),
            "full": pool.submit(filled, tmp_path / "full", port, small_disk),
        }
        stories = {name: story.result() for name, story in waiting.items()}
    for name, story in stories.items():
        assert story.states == ["up", "unknown"], name  # from the first probe to the end of what is known
        assert max(later - one for one, later in pairwise(story.started)) < SLACK, name
        assert story.started[-1] - story.started[0] > FULL * SECOND, name
        assert "observations_dropped" not in story.events, name
        assert story.spooling[1] == 0, name
    assert [stories[name].spooling[0] for name in ("locked", "stopped")] == [1, 1]
    assert min(stories[name].waiting for name in ("locked", "stopped")) > 0
    assert {"disk_full", "disk_has_room"} <= set(stories["full"].events)
    assert not {"disk_full", "disk_has_room"} & {*stories["locked"].events, *stories["stopped"].events}
