"""The daemon on real input: nginx, a TCP service and ICMP on loopback, on both databases."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.conftest import MakeSlawatch, Slawatch
from slawatch.domain.compliance import display_ratio
from slawatch.domain.interval import parse_instant
from support.servers import MakeNginx, fetch
from support.waiting import eventually

pytestmark = pytest.mark.server("nginx")


def client(web: int, tcp: int) -> str:
    today = datetime.now(UTC).date().isoformat()
    return f"""
client: acme
name: Acme Logistics
endpoints:
  router: {{probe: icmp, target: 127.0.0.1, every: 1s, timeout: 500ms}}
  website:
    probe: http
    target: "http://127.0.0.1:{web}/"
    every: 1s
    timeout: 500ms
    retry_every: 1s
    expect: {{status: 200, body: Welcome}}
  orders: {{probe: tcp, target: "127.0.0.1:{tcp}", every: 1s, timeout: 500ms}}
services:
  shop: {{kind: applications, definition: The shop., up_when: website and orders}}
  network: {{kind: network, up_when: router}}
contracts:
  shop:
    service: shop
    standard: 99%
    period: every 2 weeks from {today}
    valid: {{from: "{today}"}}
    penalty: 10% of charges
    charges: 1200.00 EUR per month
  network: {{service: network, standard: 99.9%, period: month}}
"""


def now() -> int:
    return time.time_ns() // 1000


def state_of(daemon: Slawatch, endpoint: str) -> str:
    return str(daemon.endpoint(endpoint)["state"])


def one_judgement(daemon: Slawatch) -> tuple[dict[str, Any], str, str, list[dict[str, Any]]]:
    """Status, metrics, page and history that all show the same judgement."""

    def look() -> tuple[dict[str, Any], str, str, list[dict[str, Any]]] | None:
        rows = daemon_history(daemon)
        metrics, status = fetch(f"{daemon.url}/metrics"), daemon.status()
        page = fetch(f"{daemon.url}/")
        same = rows[-1]["at"] == status["at"] and daemon.status()["generation"] == status["generation"]
        return (status, metrics, page, rows) if same else None

    found = eventually(look)
    assert found is not None
    return found


def daemon_history(daemon: Slawatch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in fetch(f"{daemon.url}/api/v1/history").splitlines()]


def test_an_outage_of_known_length_is_one_outage_everywhere(
    database: str | None, slawatch: MakeSlawatch, nginx: MakeNginx
) -> None:
    """nginx goes away for a known time: exactly one outage, dated at its first failed probe, its true length
    between high and low; metrics, status, history, the page and ``evaluate`` agree to the microsecond."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port), database=database)
    daemon.start()
    eventually(lambda: all(state_of(daemon, name) == "up" for name in ("router", "website", "orders")))

    before_stop = now()
    web.stop()
    after_stop = now()
    eventually(lambda: state_of(daemon, "website") == "down")
    before_start = now()
    web.start()
    after_start = now()
    eventually(lambda: state_of(daemon, "website") == "up")

    status, metrics, page, rows = one_judgement(daemon)
    assert daemon.history()[-1]["type"] == "until"

    changes = [row for row in rows if row["type"] == "state" and row["endpoint"] == "website"]
    assert [row["state"] for row in changes] == ["up", "down", "up", "unknown"]
    down, up = changes[1], changes[2]
    began, ended = parse_instant(down["at"]), parse_instant(up["at"])
    last_good, last_failed = parse_instant(down["edges"]["low"]), parse_instant(up["edges"]["low"])
    assert last_good <= after_stop
    assert before_stop <= began
    assert last_failed <= after_start
    assert before_start <= ended + 1
    # low: from the last good to the next good probe; high: between failed probes only
    assert ended - last_good >= before_start - after_stop
    assert last_failed - began <= after_start - before_stop
    assert down["reason"] == "refused"

    judged = {item["contract"]: item for item in daemon.evaluate(rows, "--period", "current")}
    shown = {item["contract"]: item for item in status["contracts"]}
    for name, account in judged.items():
        assert {key: shown[name][key] for key in account} == account

    shop = judged["shop"]
    assert shop["time_us"]["down"] == ended - began
    classes = shop["time_us"]
    known = classes["up"] + classes["degraded"] + classes["down"]
    gauges = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    labels = (("client", "acme"), ("contract", "shop"), ("service", "shop"))
    point = Fraction(classes["up"], known)
    key = ("slawatch_sla_availability_ratio", tuple(sorted((*labels, ("bound", "point")))))
    assert gauges[key] == float(point)
    for bound in ("low", "high"):
        ratio = gauges["slawatch_sla_availability_ratio", tuple(sorted((*labels, ("bound", bound))))]
        assert ratio == pytest.approx(float(shop["availability"][bound]), abs=1e-15)
    for kind, length in classes.items():
        assert gauges["slawatch_sla_class_seconds", tuple(sorted((*labels, ("class", kind))))] == length / 1e6
    assert gauges["slawatch_sla_budget_used_seconds", labels] == shop["budget_us"]["used"] / 1e6
    assert display_ratio(point, Fraction(99, 100)) in page


def test_without_a_daemon_history_comes_from_its_database(
    database: str | None, slawatch: MakeSlawatch, nginx: MakeNginx
) -> None:
    """The history of a stopped daemon ends at its last sign of life, and evaluates there."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port), database=database)
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    daemon.stop()
    rows = daemon.history("--client", "acme")
    last = [row for row in rows if row["type"] == "state" and row["endpoint"] == "website"][-1]
    assert last["state"] == "unknown"
    assert parse_instant(last["edges"]["low"]) < parse_instant(last["at"]) == parse_instant(rows[-1]["at"])
    assert {item["verdict"] for item in daemon.evaluate(rows, "--period", "current")} == {"open"}
