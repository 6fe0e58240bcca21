"""Gatus: its YAML as endpoints, its SQLite file as history.

The database's tables are made by ``storage/store/sql/specific_sqlite.go`` in the repository TwiN/gatus (Apache-2.0). A
result is dated at the look's end and says how long it took (nanoseconds); it keeps the latest hundred or so of each
endpoint. Its hourly sums know counts and no positions, and its events no looks, so nothing is told of them. A database
in PostgreSQL is not read.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import MINUTE, SECOND, Duration
from slawatch.domain.observation import Verdict
from slawatch.domain.retold import Sample
from slawatch.moving.carried import Carried, endpoint_names, harmless, length, pace, without_login
from slawatch.moving.series import Series, Tally, sampled
from slawatch.moving.uptime_kuma import micros, open_read_only, refuse_other_tables
from slawatch.runtime.errors import InputError

SOURCE = "gatus"
_NEEDED = {
    "endpoints": {"endpoint_id", "endpoint_name", "endpoint_group"},
    "endpoint_results": {"endpoint_id", "success", "errors", "duration", "timestamp"},
}

Row = Mapping[str, Any]


# --- History ---------------------------------------------------------------------------------------------------------


def read_series(path: Path) -> list[Series]:
    """The results of each endpoint. The file does not say how often it looked."""
    with closing(open_read_only(path)) as connection:
        try:
            refuse_other_tables(connection, path, _NEEDED, "Gatus")
            rows = connection.execute("SELECT * FROM endpoints ORDER BY endpoint_id").fetchall()
        except sqlite3.Error as error:
            raise InputError(f"{path}: {error}") from None
    titles = [_title(row["endpoint_group"], row["endpoint_name"]) for row in rows]
    notes = ("its failures had no alibi: nobody vouched for the way",)
    return [
        sampled(SOURCE, title, name, partial(_samples, path, row["endpoint_id"]), notes=notes)
        for row, title, name in zip(rows, titles, endpoint_names(titles), strict=True)
    ]


def _title(group: object, name: object) -> str:
    return f"{group} {name}" if group else str(name)


def _samples(path: Path, endpoint: int, tally: Tally) -> Iterator[Sample]:
    query = "SELECT * FROM endpoint_results WHERE endpoint_id = ?"
    now, seen = micros(datetime.now(UTC)), set()
    with closing(open_read_only(path)) as connection:
        try:
            rows = connection.execute(query, [endpoint]).fetchall()
        except sqlite3.Error as error:
            raise InputError(f"{path}: {error}") from None
    for row in rows:  # the latest hundred
        ended = _moment(row["timestamp"])
        at = None if ended is None else micros(ended) - max(0, int(row["duration"] or 0)) // 1_000
        if at is None or at > now:
            tally.pass_over("results with a time that cannot be")
        else:
            seen.add((at, bool(row["success"]), str(row["errors"] or "")))
    for at, good, errors in sorted(seen):
        detail = "" if good else f"{harmless(errors.replace('|;|', '; '))} (no alibi)".strip()
        yield Sample(at, Verdict.UP if good else Verdict.DOWN, None, "reported", detail)


def _moment(value: object) -> datetime | None:
    """As Go's driver writes it: nanoseconds, and an offset."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", str(value).replace(" UTC", "")).replace("Z", "+00:00")
    text = re.sub(r" ([+-]\d{2}):?(\d{2})$", r"\1:\2", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- Configuration ---------------------------------------------------------------------------------------------------


def read_configuration(path: Path) -> list[Carried]:
    """Each endpoint of its YAML."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    endpoints = document.get("endpoints") if isinstance(document, dict) else None
    if not isinstance(endpoints, list):
        raise InputError(f"{path}: has no list of endpoints: expected a configuration of Gatus")
    return [_carried(each) for each in endpoints if isinstance(each, dict)]


def _carried(endpoint: Row) -> Carried:
    title = _title(endpoint.get("group"), endpoint.get("name", "endpoint"))
    options, notes = _target(endpoint)
    if not options:
        return Carried(
            title, {}, (*notes, f"{urlsplit(str(endpoint.get('url'))).scheme or 'its'} address has no counterpart here")
        )
    for condition in endpoint.get("conditions") or ():
        note = _take_condition(options, str(condition))
        notes += (note,) if note else ()
    if options["probe"] == "http" and endpoint.get("method", "GET") != "GET":
        options["method"] = str(endpoint["method"])
    notes += tuple(
        f"{key} is not copied, since it may hold secrets" for key in ("headers", "body", "ssh") if endpoint.get(key)
    )
    if endpoint.get("enabled") is False:
        notes += ("it is switched off there",)
    every = _duration(endpoint.get("interval"), MINUTE)
    timeout = _duration((endpoint.get("client") or {}).get("timeout"), 10 * SECOND)
    failures = [
        int(each.get("failure-threshold", 3)) for each in endpoint.get("alerts") or () if isinstance(each, dict)
    ]
    return Carried(title, {**options, **pace(every, timeout, max(min(failures, default=2) - 1, 0), every)}, notes)


def _duration(text: object, otherwise: Duration) -> Duration:
    try:
        return parse_duration(str(text)) if text else otherwise
    except ValueError:
        return otherwise


def _target(endpoint: Row) -> tuple[dict[str, Any], tuple[str, ...]]:
    url = str(endpoint.get("url") or "")
    parts = urlsplit(url)
    dns = endpoint.get("dns")
    if isinstance(dns, dict):
        server = parts.netloc or url
        found = {"probe": "dns", "target": f"{server}/{dns.get('query-name', '')}".rstrip(".")}
        return found | {"type": str(dns.get("query-type", "A"))}, ()
    match parts.scheme:
        case "http" | "https":
            url, notes = without_login(url)
            return {"probe": "http", "target": url, "expect": {}}, notes
        case "icmp":
            return {"probe": "icmp", "target": parts.netloc}, ()
        case "tcp":
            return {"probe": "tcp", "target": parts.netloc}, ()
        case "tls":
            return {"probe": "tls", "target": parts.netloc}, ()
        case "starttls":
            return {"probe": "tcp", "target": parts.netloc, "starttls": "smtp"}, ()
    return {}, ()


def _take_condition(options: dict[str, Any], condition: str) -> str:
    """Add what a condition asks for to an endpoint's options; what is left to say of it."""
    match = re.fullmatch(r"\[(\w+)\](\.\S+)?\s*(==|!=|<|<=|>|>=)\s*(.+)", condition.strip())
    if match is None:
        return f"not carried over: {condition}"
    place, path, sign, value = match.groups()
    web = options["probe"] == "http"
    if place == "CONNECTED" and (sign, value) == ("==", "true"):
        return ""
    if place == "STATUS" and web and not path:
        status = _status(sign, value)
        if status is not None:
            options["expect"]["status"] = status
            return ""
    pattern = re.fullmatch(r"pat\(\*([^*]+)\*\)", value)
    if place == "BODY" and web and sign == "==" and not path and pattern:
        options["expect"]["body"] = pattern[1]
        return ""
    if place == "BODY" and web and sign == "==" and path and re.fullmatch(r"(\.\w+)+", path) and "(" not in value:
        options["expect"].setdefault("json", {})[path[1:]] = value
        return ""
    if place == "CERTIFICATE_EXPIRATION" and sign in (">", ">=") and options["probe"] == "tls":
        options["expires_within"] = length(_duration(value, 2 * 86_400 * SECOND))
        return ""
    if place == "DNS_RCODE" and options["probe"] == "dns" and sign == "==":
        options["expect"] = {"rcode": value}
        return ""
    return f"not carried over: {condition}"


def _status(sign: str, value: str) -> list[int | str] | None:
    one = re.fullmatch(r"[1-5]\d\d", value)
    several = re.fullmatch(r"any\(([\d, ]+)\)", value)
    if sign == "==" and one:
        return [int(value)]
    if sign == "==" and several:
        return [int(each) for each in several[1].split(",")]
    if sign in ("<", "<=") and one:
        return [f"100-{int(value) - (sign == '<')}"]
    return None
