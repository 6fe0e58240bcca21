"""What is worse says all of it: the shipped inhibitions, tried on a real Alertmanager."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from prometheus.test_alert_travels import ROUTES
from slawatch.exposition.rules.files import groups
from slawatch.exposition.rules.rule import Alert
from support.servers import Alertmanager, fetch
from support.waiting import eventually

CONTRACT = {"client": "acme", "service": "network", "contract": "network"}
OTHER = CONTRACT | {"contract": "other"}
ENDPOINT = {"client": "acme", "endpoint": "website", "probe": "http", "site": "hq"}

CASES = [
    # What fires beside it: the labels of what is silenced, and of what is not.
    ("SlaLost", CONTRACT, ["SlaBreaching", "SlaAtRisk", "SlaBurningFast", "SlaBurningSlowly"], CONTRACT, OTHER),
    ("SlaBreaching", CONTRACT, ["SlaAtRisk", "SlaBurningFast", "SlaBurningSlowly"], CONTRACT, OTHER),
    ("SlaBurningFast", CONTRACT, ["SlaBurningSlowly"], CONTRACT, OTHER),
    (
        "SlawatchCertificateExpiresSoon", ENDPOINT, ["SlawatchCertificateExpires"], ENDPOINT,
        ENDPOINT | {"endpoint": "mail"},
    ),
    ("SlawatchPathBlind", {"path": "internet"}, ["SlawatchEndpointUnknown"], ENDPOINT, None),
    ("SlawatchResolverLost", {"site": "hq"}, ["SlawatchEndpointUnknown"], ENDPOINT, None),
    ("SlawatchStale", {}, ["SlaAtRisk", "SlaBreaching", "SlaBurningFast", "SlaCoverageLow", "SlaReviewOverdue"],
     CONTRACT, None),
]  # fmt: skip

NAMES = {rule.name for group in groups() for rule in group.rules if isinstance(rule, Alert)}


def tell(manager: Alertmanager, alerts: list[dict[str, str]]) -> None:
    request = urllib.request.Request(
        f"{manager.url}/api/v2/alerts",
        json.dumps([{"labels": labels} for labels in alerts]).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200


def states(manager: Alertmanager) -> dict[str, str]:
    """By name and contract or endpoint: ``active``, or ``suppressed``."""
    found: list[dict[str, Any]] = json.loads(fetch(f"{manager.url}/api/v2/alerts"))
    return {_key(alert["labels"]): alert["status"]["state"] for alert in found}


def _key(labels: Mapping[str, str]) -> str:
    return f"{labels['alertname']} {labels.get('contract', '')}{labels.get('endpoint', '')}"


@pytest.mark.parametrize(("source", "own", "targets", "silenced", "heard"), CASES, ids=[case[0] for case in CASES])
def test_what_is_worse_silences_what_it_says_already(
    alertmanager: Callable[[str], Alertmanager],
    source: str,
    own: dict[str, str],
    targets: list[str],
    silenced: dict[str, str],
    heard: dict[str, str] | None,
) -> None:
    assert {source, *targets} <= NAMES
    manager = alertmanager(ROUTES.read_text(encoding="utf-8"))
    quiet = [{"alertname": name, **silenced} for name in targets]
    loud = [{"alertname": name, **heard} for name in targets] if heard else []
    tell(manager, [*quiet, *loud])
    expected = {_key(labels): "active" for labels in (*quiet, *loud)}
    if len(targets) == 1:  # several of one contract silence each other
        eventually(lambda: states(manager) == expected)
    tell(manager, [{"alertname": source, **own}])
    expected = {_key(labels): "suppressed" for labels in quiet}
    # Beside it, the worst of another contract.
    expected |= {_key(labels): "active" for labels in ({"alertname": source, **own}, *loud[:1])}
    eventually(lambda: expected.items() <= states(manager).items())
