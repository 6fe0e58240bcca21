"""Gatus: its YAML becomes endpoints, its results a past; and modules of blackbox_exporter become endpoints."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moving.acme import box, rows_of, slawatch
from moving.worlds import Monitor, as_premised, check_bounds, check_coverage, some_absences, some_world, timeline_of
from slawatch.config.loader import load_client_text
from slawatch.domain.interval import DISTANT_FUTURE, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from slawatch.domain.state_machine import Cadence
from slawatch.moving import gatus
from slawatch.moving.series import Tally
from slawatch.runtime.errors import InputError
from support.clock import START

YAML = """
storage: {type: sqlite, path: /data/data.db}
endpoints:
  - name: front-end
    group: core
    url: "https://acme.example/health"
    interval: 30s
    client: {timeout: 5s}
    alerts: [{type: slack, failure-threshold: 3, success-threshold: 2}]
    conditions: ["[STATUS] == 200", "[BODY] == pat(*Welcome*)", "[BODY].status == UP", "[RESPONSE_TIME] < 300"]
  - {name: gateway, url: "icmp://192.0.2.1", conditions: ["[CONNECTED] == true"]}
  - {name: mail, url: "starttls://mail.example:587", conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]}
  - {name: certificate, url: "tls://acme.example:443", conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]}
  - name: zone
    url: 192.0.2.53
    dns: {query-name: acme.example., query-type: MX}
    conditions: ["[DNS_RCODE] == NOERROR"]
  - {name: any, url: "http://a.example/", conditions: ["[STATUS] == any(200, 301)"], headers: {Authorization: canary}}
  - {name: shell, url: "ssh://a.example:22", ssh: {username: me, password: canary}}
"""


def test_its_yaml_becomes_a_client_file_that_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gatus.yaml").write_text(YAML, encoding="utf-8")
    arguments = ("import", "gatus", tmp_path / "gatus.yaml", "--client", "acme", "--write-to", tmp_path)
    assert slawatch(*arguments) == 0
    text = (tmp_path / "acme.yaml").read_text(encoding="utf-8")
    found = {each.name: each for each in load_client_text(text, "acme.yaml").endpoints}
    assert {name: (each.kind, each.target) for name, each in found.items()} == {
        "core_front_end": ("http", "https://acme.example/health"),
        "gateway": ("icmp", "192.0.2.1"),
        "mail": ("tcp", "mail.example:587"),
        "certificate": ("tls", "acme.example:443"),
        "zone": ("dns", "192.0.2.53/acme.example"),
        "any": ("http", "http://a.example/"),
    }
    front = found["core_front_end"].cadence
    assert (front.every, front.timeout, front.confirm) == (30 * SECOND, 5 * SECOND, 3)
    assert '"body": "Welcome", "json": {"status": "UP"}' in text
    said = " ".join(capsys.readouterr().err.split())
    assert "canary" not in text + said
    assert "core front-end: not carried over: [RESPONSE_TIME] < 300" in said
    assert "shell: ssh address has no counterpart here" in said


SCHEMA = """
CREATE TABLE endpoints (
  endpoint_id INTEGER PRIMARY KEY, endpoint_key TEXT UNIQUE, endpoint_name TEXT, endpoint_group TEXT,
  UNIQUE (endpoint_name, endpoint_group));
CREATE TABLE endpoint_results (
  endpoint_result_id INTEGER PRIMARY KEY, endpoint_id INTEGER REFERENCES endpoints (endpoint_id) ON DELETE CASCADE,
  success INTEGER, errors TEXT, connected INTEGER, status INTEGER, dns_rcode TEXT, certificate_expiration INTEGER,
  domain_expiration INTEGER, hostname TEXT, ip TEXT, duration INTEGER, timestamp TIMESTAMP);
"""


def build(path: Path, results: list[tuple[Instant, bool, int]]) -> Path:
    """A database with one endpoint: results by when they began, whether they were good, and how long they took (us)."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO endpoints VALUES (1, '_website', 'website', '')")
        rows = [
            (1, good, "" if good else "timeout|;|second", took * 1_000, moment(at + took)) for at, good, took in results
        ]
        query = (
            "INSERT INTO endpoint_results (endpoint_id, success, errors, duration, timestamp) VALUES (?, ?, ?, ?, ?)"
        )
        connection.executemany(query, rows)
        connection.commit()
    return path


def moment(instant: Instant) -> str:
    """As Go writes one: nanoseconds and an offset."""
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    return found.strftime("%Y-%m-%d %H:%M:%S.") + f"{found.microsecond:06d}123+00:00"


def test_results_become_a_past(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dated at their beginning: the failure of minute 1 took five seconds."""
    results = [(START, True, 500), (START + MINUTE, False, 5 * SECOND), (START + 2 * MINUTE, False, 400)]
    path = build(tmp_path / "data.db", [*results, (START + 3 * MINUTE, True, 300)])
    config = box(tmp_path / "box")
    assert slawatch("import", "gatus", path, "--client", "acme", "--config", config, "--format", "jsonl") == 0
    [result] = rows_of(capsys.readouterr().out)
    assert (result["result"], result["outages"], result["samples"]) == ("imported", 1, 4)
    assert slawatch("history", "--config", config, "--format", "jsonl") == 0
    rows = [each for each in rows_of(capsys.readouterr().out) if each["type"] == "state"]
    assert [(each["state"], each["at"][11:19]) for each in rows][:3] == [
        ("up", "00:00:00"), ("down", "00:01:00"), ("up", "00:03:00"),
    ]  # fmt: skip
    assert rows[1]["detail"] == "timeout; second (no alibi)"
    assert {each["source"] for each in rows} == {"gatus"}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_bounds_hold_the_truth_that_made_the_results(seed: int, tmp_path: Path) -> None:
    """S8, through the file itself; it keeps the latest hundred."""
    chance = random.Random(seed)
    length = chance.choice([HOUR, 6 * HOUR])
    world = some_world(chance, length, chance.choice([2 * MINUTE, HOUR]))
    monitor = Monitor(MINUTE, 0, MINUTE, 5 * SECOND, some_absences(chance, length))
    looks = monitor.looks(world, START, START + length, chance)
    results = [(look.at, look.up, chance.randrange(2_000) * MILLISECOND) for look in looks[-100:]]
    [series] = gatus.read_series(build(tmp_path / "data.db", results))
    cadence = Cadence(MINUTE, 10 * SECOND, MINUTE, 2)
    timeline = timeline_of(series.facts(cadence, DISTANT_FUTURE, Tally()))
    check_coverage(timeline, looks[-100:], cadence.speaks_for)
    premised = as_premised(world, looks)
    for _ in range(10):
        start, end = sorted(START - HOUR + chance.randrange(length + 2 * HOUR) for _ in range(2))
        check_bounds(timeline, premised, start, end + 1)


@pytest.mark.parametrize("text", ["[]", "endpoints: 3", "a: [", "\x00"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gatus.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"gatus\.yaml: "):
        gatus.read_configuration(path)


# --- blackbox_exporter -----------------------------------------------------------------------------------------------

MODULES: Any = """
modules:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      valid_status_codes: [200, 301]
      fail_if_body_not_matches_regexp: [Welcome]
      fail_if_not_ssl: true
      headers: {Authorization: canary}
  ssh_banner: {prober: tcp, tcp: {query_response: [{expect: "^SSH-2.0-"}, {send: SSH-2.0-blackbox}]}}
  icmp: {prober: icmp, icmp: {payload_size: 100, ttl: 10}}
  dns_mx:
    prober: dns
    dns: {query_name: acme.example, query_type: MX, valid_rcodes: [NOERROR], recursion_desired: false}
  grpc: {prober: grpc}
"""


def test_modules_become_a_client_file_that_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "blackbox.yml"
    path.write_text(MODULES, encoding="utf-8")
    targets = ["http_2xx=https://acme.example/", "ssh_banner=192.0.2.7:22", "icmp=192.0.2.1", "dns_mx=192.0.2.53:5353"]
    options = [word for target in [*targets, "grpc=a:1"] for word in ("--target", target)]
    assert slawatch("import", "blackbox", path, "--client", "acme", "--write-to", tmp_path, *options) == 0
    text = (tmp_path / "acme.yaml").read_text(encoding="utf-8")
    found = [(each.kind, each.target) for each in load_client_text(text, "acme.yaml").endpoints]
    assert found == [
        ("http", "https://acme.example/"), ("tcp", "192.0.2.7:22"), ("icmp", "192.0.2.1"),
        ("dns", "192.0.2.53:5353/acme.example"),
    ]  # fmt: skip
    said = " ".join(capsys.readouterr().err.split())
    assert "canary" not in text + said
    assert "http.headers is not carried over" in said
    assert "the prober grpc has no counterpart here" in said
    assert slawatch("import", "blackbox", path, "--client", "b", "--write-to", tmp_path, "--target", "no=x") == 2
    assert "there is no module 'no'" in " ".join(capsys.readouterr().err.split())
