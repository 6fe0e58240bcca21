"""An Uptime Kuma 2.x database, built from its published schema: the tables that matter, as migrations leave them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from moving.worlds import Monitor, World
from slawatch.domain.interval import MILLISECOND, SECOND, Instant

SCHEMA = """
CREATE TABLE monitor (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(150), active BOOLEAN NOT NULL DEFAULT 1, user_id INTEGER,
  interval INTEGER NOT NULL DEFAULT 20, url TEXT, type VARCHAR(20), weight INTEGER DEFAULT 2000, hostname VARCHAR(255),
  port INTEGER, created_date DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, keyword VARCHAR(255),
  maxretries INTEGER NOT NULL DEFAULT 0, ignore_tls BOOLEAN NOT NULL DEFAULT 0, upside_down BOOLEAN NOT NULL DEFAULT 0,
  maxredirects INTEGER NOT NULL DEFAULT 10, accepted_statuscodes_json TEXT NOT NULL DEFAULT '["200-299"]',
  dns_resolve_type VARCHAR(5), dns_resolve_server VARCHAR(255), retry_interval INTEGER NOT NULL DEFAULT 0,
  push_token VARCHAR(20), method TEXT NOT NULL DEFAULT 'GET', body TEXT, headers TEXT, basic_auth_user TEXT,
  basic_auth_pass TEXT, proxy_id INTEGER, auth_method VARCHAR(250), packet_size INTEGER NOT NULL DEFAULT 56,
  http_body_encoding VARCHAR(25), description TEXT, invert_keyword BOOLEAN NOT NULL DEFAULT 0, json_path TEXT,
  expected_value VARCHAR(255), timeout DOUBLE NOT NULL DEFAULT 0, parent INTEGER
);
CREATE TABLE heartbeat (
  id INTEGER PRIMARY KEY AUTOINCREMENT, important BOOLEAN NOT NULL DEFAULT 0, monitor_id INTEGER NOT NULL,
  status SMALLINT NOT NULL, msg TEXT, time DATETIME NOT NULL, ping INTEGER, duration INTEGER NOT NULL DEFAULT 0,
  down_count INTEGER NOT NULL DEFAULT 0, end_time DATETIME, retries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX monitor_time_index ON heartbeat (monitor_id, time);
CREATE TABLE stat_hourly (
  id INTEGER PRIMARY KEY, monitor_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, ping FLOAT NOT NULL,
  up SMALLINT NOT NULL, down SMALLINT NOT NULL, UNIQUE (monitor_id, timestamp)
);
CREATE TABLE setting (id INTEGER PRIMARY KEY, key VARCHAR(200) NOT NULL UNIQUE, value TEXT, type VARCHAR(20));
"""
DOWN, UP, PENDING, MAINTENANCE = range(4)


def build(path: Path, monitors: Iterable[dict[str, Any]] = (), beats: Iterable[Sequence[Any]] = ()) -> Path:
    """A file with such monitors and heartbeats (monitor, status, time, msg)."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        for monitor in monitors:
            names = ", ".join(monitor)
            marks = ", ".join("?" * len(monitor))
            connection.execute(f"INSERT INTO monitor ({names}) VALUES ({marks})", list(monitor.values()))
        connection.executemany("INSERT INTO heartbeat (monitor_id, status, time, msg) VALUES (?, ?, ?, ?)", beats)
        connection.commit()
    return path


def text_of(instant: Instant) -> str:
    """As knex writes a time: UTC, milliseconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant // MILLISECOND * MILLISECOND)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def beats_of(world: World, monitor: Monitor, start: Instant, end: Instant, chance: random.Random) -> list[list[Any]]:
    """What it would have stored of a world: pending while it retries, down once it is sure."""
    looks = monitor.looks(world, start, end, chance)
    return [[1, UP if look.up else DOWN if look.down else PENDING, text_of(look.at), "m"] for look in looks]


def row(monitor: Monitor) -> dict[str, Any]:
    """Its own row, one that asks a port."""
    pauses = {"retry_interval": monitor.retry_interval // SECOND, "maxretries": monitor.retries}
    return {"name": "Shop", "type": "port", "hostname": "shop.example", "port": 443} | pauses | {
        "interval": monitor.interval // SECOND, "timeout": 10,
    }  # fmt: skip
