"""The file of rules, as Prometheus reads it.

One set serves every configuration: thresholds that differ from contract to contract are metrics. Where contracts are
given, their own numbers are written out instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from slawatch.exposition.rules.burning import BURN_ALERTS, Contract, burn_alerts
from slawatch.exposition.rules.contracts import CONTRACT_ALERTS
from slawatch.exposition.rules.endpoints import ENDPOINT_ALERTS
from slawatch.exposition.rules.monitor import MONITOR_ALERTS
from slawatch.exposition.rules.recordings import RECORDINGS
from slawatch.exposition.rules.rule import Alert, Group, Recording

RUNBOOK = "docs/how-to/act-on-an-alert.md"


def groups(contracts: Iterable[Contract] = ()) -> tuple[Group, ...]:
    """All rules. With ``contracts`` their burn rates are alerted on by their own numbers, else by the metric."""
    own = tuple(rule for contract in contracts for rule in burn_alerts(contract))
    return (
        Group("slawatch-recordings", RECORDINGS),
        Group("slawatch-contracts", CONTRACT_ALERTS),
        Group("slawatch-burn-rates", own or BURN_ALERTS),
        Group("slawatch-endpoints", ENDPOINT_ALERTS),
        Group("slawatch-monitor", MONITOR_ALERTS),
    )


def rules_text(contracts: Iterable[Contract] = (), runbooks: str = "") -> str:
    """The file. ``runbooks`` is an address before the path of the runbook, where that is published."""
    document = {
        "groups": [
            {"name": group.name, "rules": [_rule(rule, runbooks) for rule in group.rules]}
            for group in groups(contracts)
        ]
    }
    text: str = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, width=120, allow_unicode=True)
    return f"# Made by `slawatch rules`.\n{text}"


def _rule(rule: Recording | Alert, runbooks: str) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return {"record": rule.name, "expr": rule.expression}
    return {
        "alert": rule.name,
        "expr": rule.expression,
        **({"for": rule.hold} if rule.hold else {}),
        "labels": {"severity": rule.severity, **rule.labels},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"{runbooks}{RUNBOOK}#{rule.name.lower()}",
        },
    }
