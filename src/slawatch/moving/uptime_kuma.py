"""Uptime Kuma's SQLite file, versions 2.x: monitors as endpoints, heartbeats as history.

Its tables are made by ``db/knex_init_db.js`` and ``db/knex_migrations/`` and filled by ``server/model/monitor.js`` in
the repository louislam/uptime-kuma (MIT). A heartbeat is one look: its ``time`` (UTC) is the look's beginning, its
``status`` 0 down, 1 up, 2 failed and to be retried, 3 within maintenance. Beats go after ``keepDataPeriodDays``; its
hourly and daily sums know counts and no positions, so nothing is told of them.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from slawatch.domain.interval import MILLISECOND, SECOND, Instant
from slawatch.domain.observation import Verdict
from slawatch.domain.retold import Sample
from slawatch.domain.state_machine import Cadence
from slawatch.moving.carried import Carried, endpoint_names, harmless, pace, without_login
from slawatch.moving.series import Series, Tally, sampled
from slawatch.runtime.errors import InputError

SOURCE = "uptime-kuma"
_NEEDED = {
    "monitor": {"id", "name", "type", "interval", "maxretries", "retry_interval", "active"},
    "heartbeat": {"monitor_id", "status", "time", "msg"},
}
_DOWN, _UP, _PENDING, _MAINTENANCE = range(4)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


def read_series(path: Path) -> list[Series]:
    """The history of each monitor that has one."""
    monitors = _monitors(path)
    names = endpoint_names([str(each["name"]) for each in monitors])
    return [_series(path, each, name) for each, name in zip(monitors, names, strict=True)]


def read_configuration(path: Path) -> list[Carried]:
    """Each monitor as an endpoint."""
    return [_carried(each) for each in _monitors(path)]


def open_read_only(path: Path) -> sqlite3.Connection:
    """A SQLite file that is not changed, not even by recovering it."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.Error as error:
        raise InputError(f"{path}: cannot be read as a SQLite database: {error}") from None
    return connection


def refuse_other_tables(connection: sqlite3.Connection, path: Path, needed: Mapping[str, set[str]], what: str) -> None:
    """:class:`InputError` where a table or column that is read is not there."""
    for table, columns in needed.items():
        found = {row["name"] for row in connection.execute("SELECT name FROM pragma_table_info(?)", [table])}
        if not columns <= found:
            missing = ", ".join(sorted(columns - found)) if found else "the whole table"
            raise InputError(f"{path}: is no database of {what}: table {table} lacks {missing}")


def _monitors(path: Path) -> list[Row]:
    with closing(open_read_only(path)) as connection:
        try:
            refuse_other_tables(connection, path, _NEEDED, "Uptime Kuma 2.x")
            return [dict(row) for row in connection.execute("SELECT * FROM monitor ORDER BY id")]
        except sqlite3.Error as error:
            raise InputError(f"{path}: {error}") from None


# --- History ---------------------------------------------------------------------------------------------------------


def _series(path: Path, monitor: Row, endpoint: str) -> Series:
    every = max(int(monitor["interval"]), 1) * SECOND
    timeout = min(_timeout(monitor), every)
    retry = min(max(int(monitor["retry_interval"] or 0), 1) * SECOND, every)
    cadence = Cadence(every=every, timeout=timeout, retry_every=retry, confirm=int(monitor["maxretries"]) + 1)
    notes = ("its failures had no alibi: nobody vouched for the way",)
    samples = partial(_samples, path, int(monitor["id"]))
    return sampled(
        SOURCE, str(monitor["name"]), endpoint, samples, cadence=cadence, resolution=MILLISECOND, notes=notes
    )


def _timeout(monitor: Row) -> int:
    """Since 2.0 each monitor has one, in seconds and fractions; else it is four fifths of the interval."""
    given = monitor.get("timeout") or 0
    return (
        max(round(float(given) * 1_000), 1_000) * MILLISECOND if given else int(monitor["interval"]) * 4 * SECOND // 5
    )


def _samples(path: Path, monitor: int, tally: Tally) -> Iterator[Sample]:
    query = "SELECT time, status, msg FROM heartbeat WHERE monitor_id = ? ORDER BY time, id"
    now, previous = micros(datetime.now(UTC)), None
    with closing(open_read_only(path)) as connection:
        try:
            for row in connection.execute(query, [monitor]):
                at = _instant(row["time"])
                if at is None or at > now or row["status"] not in range(4):
                    tally.pass_over("heartbeats with a time or a status that cannot be")
                elif (at, row["status"]) == previous:
                    tally.pass_over("heartbeats that stand there twice")
                else:
                    previous = at, row["status"]
                    yield _sample(at, row["status"], str(row["msg"] or ""))
        except sqlite3.Error as error:
            raise InputError(f"{path}: {error}") from None


def _sample(at: Instant, status: int, message: str) -> Sample:
    if status == _MAINTENANCE:
        return Sample(at, Verdict.VOID)
    if status == _UP:
        return Sample(at, Verdict.UP, None, "reported")
    return Sample(at, Verdict.DOWN, status == _DOWN, "reported", f"{harmless(message)} (no alibi)".strip())


def _instant(value: object) -> Instant | None:
    """A text in UTC, as knex writes it, or milliseconds since 1970."""
    if isinstance(value, int):
        return value * MILLISECOND
    try:
        return micros(datetime.fromisoformat(str(value)).replace(tzinfo=UTC))
    except ValueError:
        return None


def micros(moment: datetime) -> Instant:
    """Microseconds since 1970 of an aware moment."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds


# --- Configuration ---------------------------------------------------------------------------------------------------


def _carried(monitor: Row) -> Carried:
    name, kind = str(monitor["name"]), str(monitor["type"])
    target, notes = _target(monitor, kind)
    if not target:
        return Carried(name, {}, (*notes, f"a monitor of type {kind} has no counterpart here"))
    notes += _left_behind(monitor, kind)
    retry = int(monitor["retry_interval"] or 0) * SECOND
    every = int(monitor["interval"]) * SECOND
    return Carried(name, {**target, **pace(every, _timeout(monitor), int(monitor["maxretries"]), retry)}, notes)


def _target(monitor: Row, kind: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    host, port = monitor.get("hostname"), monitor.get("port")
    match kind:
        case "http" | "keyword" | "json-query" if monitor.get("url"):
            return _web(monitor, kind)
        case "port" if host and port:
            return {"probe": "tcp", "target": f"{_bracketed(host)}:{port}"}, ()
        case "ping" if host:
            return {"probe": "icmp", "target": str(host)}, ()
        case "smtp" if host:
            steps = {"expect": "220"}
            return {"probe": "tcp", "target": f"{_bracketed(host)}:{port or 25}", **steps}, ()
        case "dns" if host:
            server = str(monitor.get("dns_resolve_server") or "").split(",")[0].strip()
            if not server:
                return {}, ("it names no server to ask",)
            found = {"probe": "dns", "target": f"{_bracketed(server)}:{port or 53}/{host}"}
            return found | {"type": str(monitor.get("dns_resolve_type") or "A")}, ()
    return {}, ()


def _bracketed(host: object) -> str:
    return f"[{host}]" if ":" in str(host) else str(host)


def _web(monitor: Row, kind: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    expect: dict[str, Any] = {"status": _statuses(monitor.get("accepted_statuscodes_json"))}
    notes: tuple[str, ...] = ()
    if kind == "keyword" and monitor.get("keyword"):
        if monitor.get("invert_keyword"):
            notes += ("it must not hold a keyword: that cannot be said here",)
        else:
            expect["body"] = str(monitor["keyword"])
    if kind == "json-query":
        notes += ("its JSON query is not carried over: see expect.json",)
    url, hidden = without_login(str(monitor["url"]))
    notes += hidden
    options: dict[str, Any] = {"probe": "http", "target": url, "expect": expect}
    if str(monitor.get("method") or "GET") != "GET":
        options["method"] = str(monitor["method"])
    if int(monitor.get("maxredirects") or 0) and "body" in expect:
        options["redirects"] = "same_host"
    elif int(monitor.get("maxredirects") or 0):
        notes += ("it followed redirects: here they count as they are until expect says what the page holds",)
    if monitor.get("ignore_tls"):
        notes += ("it took any certificate: here it must be valid",)
    return options, notes


def _statuses(text: object) -> list[int | str]:
    try:
        given = json.loads(str(text)) if text else []
    except ValueError:
        given = []
    found = [str(each) for each in given if re.fullmatch(r"[1-5]\d\d(-[1-5]\d\d)?", str(each))]
    return [int(each) if each.isdigit() else each for each in found] or ["200-299"]


def _left_behind(monitor: Row, kind: str) -> tuple[str, ...]:
    """What of a monitor that is carried over is not."""
    said = {
        "it is paused there": not monitor["active"],
        "it is upside down there: up means that nothing answers": bool(monitor.get("upside_down")),
        "its credentials are not copied: name them as secrets, under auth": bool(monitor.get("auth_method")),
        "its headers are not copied, since they may hold secrets": kind != "port" and bool(monitor.get("headers")),
        "its body is not copied, since it may hold secrets": bool(monitor.get("body")),
        "it asks through a proxy": bool(monitor.get("proxy_id")),
    }
    return tuple(note for note, applies in said.items() if applies)
