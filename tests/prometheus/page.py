"""The runbook, made from the rules: ``PYTHONPATH=tests python -m prometheus.page`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slawatch.exposition.rules.files import RUNBOOK, groups
from slawatch.exposition.rules.rule import Alert, Recording

PATH = Path(__file__).parents[2] / RUNBOOK

HEAD = """\
# Act on an alert

Every alert of `config/prometheus/slawatch.rules.yml` links to its place here. This page is made from the rules and
not written by hand; a test holds it equal. Severities: **page**, somebody gets up now; **ticket**, somebody looks in
working hours; **none**, nobody need know.
"""

_TITLES = {
    "slawatch-contracts": "Contracts",
    "slawatch-burn-rates": "Budgets that burn",
    "slawatch-endpoints": "Endpoints and ways",
    "slawatch-monitor": "slawatch itself",
}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_parts())


def _parts() -> Iterator[str]:
    recordings: list[Recording] = []
    for group in groups():
        if group.name in _TITLES:
            yield f"\n## {_TITLES[group.name]}\n"
        for rule in group.rules:
            if isinstance(rule, Alert):
                yield _alert(rule)
            else:
                recordings.append(rule)
    yield "\n## Recorded figures\n\n| Name | Is | From |\n|---|---|---|\n"
    for rule in recordings:
        expression = rule.expression.replace("|", "\\|")
        yield f"| `{rule.name}` | {rule.meaning} | `{expression}` |\n"


def _alert(alert: Alert) -> str:
    held = f", for {alert.hold}" if alert.hold else ", at once"
    return (
        f"\n### {alert.name}\n\n**{alert.severity}**{held}, when\n\n```\n{alert.expression}\n```\n\n"
        f"{alert.meaning} {alert.description if '{{' not in alert.description else ''}".rstrip()
        + f"\n\n**Do:** {alert.act}\n"
    )


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
