"""Prometheus's own tools read what we ship, and every rule fires and clears."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from prometheus.cases import CASES, Case
from prometheus.page import PATH, page
from slawatch.cli.rules import burning
from slawatch.config.loader import load
from slawatch.domain.interval import parse_instant
from slawatch.exposition.rules.files import RUNBOOK, groups, rules_text
from slawatch.exposition.rules.rule import NONE, PAGE, TICKET, Alert, Recording
from support.servers import Run

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config" / "prometheus"
ALERTS = {rule.name: rule for group in groups() for rule in group.rules if isinstance(rule, Alert)}
RECORDED = [rule for group in groups() for rule in group.rules if isinstance(rule, Recording)]
NOW = parse_instant("2026-01-14T11:00:00Z")


def clean(done: Any) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The folder that we ship, where a program of the tree sees it."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "prometheus"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The rules of the example configuration's contracts."""
    path = tmp_path / "own.yml"
    path.write_text(rules_text(burning(load(ROOT / "config"), NOW)), encoding="utf-8")
    return path


def test_the_file_is_what_the_command_prints() -> None:
    """``slawatch rules --common`` writes it anew."""
    assert (SHIPPED / "slawatch.rules.yml").read_text(encoding="utf-8") == rules_text()


def test_promtool_takes_the_configuration(promtool: Run, shipped: Path) -> None:
    done = promtool("check", "config", "--lint=all", shipped / "prometheus.yml")
    clean(done)
    assert f"{sum(len(group.rules) for group in groups())} rules found" in done.stdout


def test_promtool_lints_the_rules(promtool: Run, shipped: Path, own: Path) -> None:
    for path in (shipped / "slawatch.rules.yml", own):
        clean(promtool("check", "rules", "--lint=all", "--lint-fatal", path))


def test_amtool_takes_the_routes(amtool: Run, tmp_path: Path) -> None:
    path = Path(shutil.copy(ROOT / "config" / "alertmanager" / "alertmanager.yml", tmp_path))
    clean(amtool("check-config", path))


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=SlaAtRisk", "client=acme", "severity=ticket"], "acme,operators"),
        (["alertname=SlaBreaching", "client=acme", "severity=page"], "acme,operators-page"),
        (["alertname=SlaBreaching", "client=beta", "severity=page"], "operators-page"),
        (["alertname=SlawatchEndpointDown", "client=acme", "severity=ticket"], "operators"),
        (["alertname=SlawatchPathBlind", "severity=page"], "operators-page"),
        (["alertname=Watchdog", "severity=none"], "deadman"),
    ],
)
def test_alerts_go_to_the_right_people(amtool: Run, tmp_path: Path, labels: list[str], receivers: str) -> None:
    path = Path(shutil.copy(ROOT / "config" / "alertmanager" / "alertmanager.yml", tmp_path))
    done = amtool("config", "routes", "test", f"--config.file={path}", *labels)
    # amtool says which route was taken last; a route that continues is named before it.
    assert done.stdout.strip() == receivers, done.stderr


def test_every_alert_has_its_story() -> None:
    assert sorted(case.alert for case in CASES) == sorted(ALERTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_it_fires_and_clears(promtool: Run, shipped: Path, case: Case) -> None:
    clean(promtool("test", "rules", story(shipped, case)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_a_story_that_is_told_wrongly_is_noticed(promtool: Run, shipped: Path, case: Case) -> None:
    """A test that could not fail would prove nothing: the instants of firing and of quiet are exchanged."""
    turned = Case(case.alert, case.series, case.fires, case.before or 0, None, case.summary, case.labels)
    done = promtool("test", "rules", story(shipped, turned))
    assert (done.returncode, "FAILED" in done.stdout + done.stderr) == (1, True)


def story(shipped: Path, case: Case) -> Path:
    """A case as promtool reads it."""
    expected = {
        "exp_labels": {"severity": ALERTS[case.alert].severity, **case.labels},
        "exp_annotations": {
            "summary": case.summary,
            "description": case.description or ALERTS[case.alert].description,
            "runbook_url": f"{RUNBOOK}#{case.alert.lower()}",
        },
    }
    asked = [(case.before, []), (case.fires, [expected]), (case.clears, [])]
    document = {
        "rule_files": ["slawatch.rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": alerts}
                    for minute, alerts in asked
                    if minute is not None
                ],
            }
        ],
    }
    path = shipped / "story.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


KEPT = {
    "contract:slawatch_sla_budget_used:ratio": (
        # Another contract allows nothing, and has no share: 0 / 0 is not said.
        {
            'slawatch_sla_budget_used_seconds{contract="a"}': "3024",
            'slawatch_sla_budget_seconds{contract="a"}': "12096",
            'slawatch_sla_budget_used_seconds{contract="b"}': "0",
            'slawatch_sla_budget_seconds{contract="b"}': "0",
        },
        '{contract="a"}',
        0.25,
    ),
    "contract:slawatch_sla_availability:width": (
        {
            'slawatch_sla_availability_ratio{contract="a",bound="high"}': "1",
            'slawatch_sla_availability_ratio{contract="a",bound="point"}': "0.9",
            'slawatch_sla_availability_ratio{contract="a",bound="low"}': "0.75",
        },
        '{contract="a"}',
        0.25,
    ),
    "level:slawatch_sla_risk:sum": (
        {
            'slawatch_sla_risk{contract="a",level="lost"}': "1",
            'slawatch_sla_risk{contract="b",level="lost"}': "1",
            'slawatch_sla_risk{contract="c",level="lost"}': "0",
        },
        '{level="lost"}',
        2,
    ),
    "client_currency:slawatch_sla_credit_at_stake:sum": (
        {
            'slawatch_sla_credit_at_stake{client="acme",contract="a",currency="EUR"}': "54.19",
            'slawatch_sla_credit_at_stake{client="acme",contract="b",currency="EUR"}': "120",
        },
        '{client="acme", currency="EUR"}',
        174.19,
    ),
    "site:slawatch_probe_lateness_seconds:p99_5m": (
        # All begin within a second, none within half of one: the 99th of a hundred at 0.5 + 0.5 x 0.99.
        {
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="0.5"}': "0x20",
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="1"}': "0+100x20",
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="+Inf"}': "0+100x20",
        },
        '{site="hq"}',
        0.995,
    ),
}


"""By name: the series that go in, and the labels and the value that come out."""


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule.name)
def test_what_is_recorded(promtool: Run, shipped: Path, rule: Recording) -> None:
    series, labels, value = KEPT[rule.name]
    at = "10m" if any("bucket" in name for name in series) else "0m"
    expected = [{"labels": f"{rule.name}{labels}", "value": value}]
    document = {
        "rule_files": ["slawatch.rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [{"expr": rule.name, "eval_time": at, "exp_samples": expected}],
            }
        ],
    }
    path = shipped / "kept.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    clean(promtool("test", "rules", path))


def test_a_fortnight_around_the_clock_has_its_own_thresholds() -> None:
    """14 days are 14/30 of the reference: 14.4, 6, 3 become 6.72, 2.8, 1.4, and 1 becomes 0.47, which is left out."""
    text = rules_text(contract for contract in burning(load(ROOT / "config"), NOW) if contract.name == "network")
    assert re.findall(r'window="(\w+)"\} > ([\d.]+)', text) == [
        ("1h", "6.72"), ("5m", "6.72"), ("6h", "2.8"), ("30m", "2.8"), ("1d", "1.4"), ("2h", "1.4")
    ]  # fmt: skip


def test_office_hours_scale_by_service_time() -> None:
    """January 2026 in Hamburg: 21 working days of 10 h, five Saturdays of 4 h, 230 h; 14.4 x 230 / 720 = 4.6."""
    (shop,) = [contract for contract in burning(load(ROOT / "config"), NOW) if contract.name == "shop"]
    assert [float(window.threshold) for window in shop.windows] == [4.6, pytest.approx(6 * 230 / 720)]


@pytest.mark.parametrize("windows", [("1h", "5m", 6.72), ("6h", "30m", 2.8), ("1d", "2h", 1.4)])
def test_a_contracts_own_rule_fires_and_clears(
    promtool: Run, own: Path, tmp_path: Path, windows: tuple[str, str, float]
) -> None:
    long, short, threshold = windows
    whose = 'client="acme",service="network",contract="network"'
    name = "SlaBurningSlowly" if long == "1d" else "SlaBurningFast"
    rates = {
        f'slawatch_sla_burn_rate{{{whose},window="{long}"}}': f"{threshold}x4 {threshold + 0.01}x20",
        f'slawatch_sla_burn_rate{{{whose},window="{short}"}}': f"0x4 {threshold + 0.01}x4 0x20",
    }
    tests = [
        {"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": f"{minute}m", **expected}
        for minute, expected in ((4, {}), (5, {"exp_samples": [{"labels": "{}", "value": 1}]}), (10, {}))
    ]
    document = {
        "rule_files": ["own.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in rates.items()],
                "promql_expr_test": tests,
            }
        ],
    }
    path = tmp_path / "own_test.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    clean(promtool("test", "rules", path))


def anchors(path: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alert_has_its_page_in_the_runbook() -> None:
    assert [name for name in ALERTS if name.lower() not in set(anchors(ROOT / RUNBOOK))] == []


def test_severities_and_texts() -> None:
    for alert in ALERTS.values():
        assert alert.severity in (PAGE, TICKET, NONE)
        for text in (alert.summary, alert.description, alert.meaning, alert.act):
            assert text, alert.name
        assert not alert.summary.endswith("."), alert.name


def test_the_runbook_is_made_from_the_rules() -> None:
    """``PYTHONPATH=tests python -m prometheus.page`` writes it anew."""
    assert PATH.read_text(encoding="utf-8") == page()
