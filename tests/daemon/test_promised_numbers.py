"""A promised number is a checked number: what Prometheus scrapes is what ``evaluate`` says of the exported history."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.conftest import MakeSlawatch, Slawatch
from daemon.test_real_input import client, one_judgement, state_of
from slawatch.domain.interval import DAY, HOUR, Instant, format_instant, parse_instant
from support.servers import MakeNginx
from support.waiting import eventually

Gauges = dict[tuple[str, frozenset[tuple[str, str]]], float]


def by_the_day(web: int, tcp: int, today: Instant) -> str:
    """The usual client, whose shop is judged day by day since three days ago."""
    usual, present = client(web, tcp), format_instant(today)[:10]
    began = format_instant(today - 3 * DAY)[:10]
    changed = usual.replace(f"every 2 weeks from {present}", f"every 1 days from {began}")
    return changed.replace(f'from: "{present}"', f'from: "{began}"')


def past(folder: Path, today: Instant) -> Path:
    """Yesterday the shop was down for an hour; until midnight everything else was up."""
    began, down = today - 3 * DAY, today - 10 * HOUR
    rows = [
        ("orders", began, "up"),
        ("website", began, "up"),
        ("website", down, "down"),
        ("website", down + HOUR, "up"),
    ]
    rows += [(name, today, "unknown") for name in ("orders", "website")]
    path = folder / "past.csv"
    path.write_text("".join(f"{name},{format_instant(at)},{state}\n" for name, at, state in rows), encoding="utf-8")
    return path


def gauges_of(text: str) -> Gauges:
    return {
        (sample.name.removeprefix("slawatch_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of_contract(gauges: Gauges, contract: str) -> dict[tuple[str, ...], float]:
    """The series of one contract, by name and the values of what other labels they have."""
    own = {"client", "service", "contract"}
    return {
        (name, *sorted(value for label, value in labels if label not in own)): figure
        for (name, labels), figure in gauges.items()
        if ("contract", contract) in labels
    }


def promised(judged: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    """What ``evaluate`` says of a running period, as series."""
    found: dict[tuple[str, ...], float] = {
        ("sla_target_ratio",): float(judged["target"]),
        ("sla_coverage_ratio",): float(judged["coverage"]),
        ("sla_best_possible_ratio",): float(judged["final"]["best"]),
        ("sla_worst_possible_ratio",): float(judged["final"]["worst"]),
        ("sla_period_start_timestamp_seconds",): parse_instant(judged["period"]["start"]) / 1e6,
        ("sla_period_end_timestamp_seconds",): parse_instant(judged["period"]["end"]) / 1e6,
    }
    for bound in ("low", "point", "high"):
        found["sla_availability_ratio", bound] = float(judged["availability"][bound])
    for name, word in (("allowed", ""), ("used", "_used"), ("left", "_remaining")):
        found[(f"sla_budget{word}_seconds",)] = judged["budget_us"][name] / 1e6
    for name, length in judged["time_us"].items():
        found["sla_class_seconds", name] = length / 1e6
    if judged["breach_at"] is not None:
        found[("sla_breach_timestamp_seconds",)] = parse_instant(judged["breach_at"]) / 1e6
    if judged["credit"] is not None:
        found["sla_credit_at_stake", judged["credit"]["currency"]] = float(judged["credit"]["at_low"])
    return found


def decided(judged: Mapping[str, Any]) -> dict[tuple[str, ...], float]:
    """What ``evaluate`` says of the period before, as series."""
    found: dict[tuple[str, ...], float] = {
        ("sla_last_period_availability_ratio",): float(judged["availability"]["point"])
    }
    for verdict in ("met", "breached", "disputable", "not_applicable"):
        found["sla_last_period_verdict", verdict] = float(judged["verdict"] == verdict)
    if judged["credit"] is not None and judged["credit"]["amount"] is not None:
        found["sla_credit_due", judged["credit"]["currency"]] = float(judged["credit"]["amount"])
    return found


def check(daemon: Slawatch) -> dict[str, dict[tuple[str, ...], float]]:
    """Compare everything as of one judgement; the series by contract."""
    _, text, _, rows = one_judgement(daemon)
    gauges = gauges_of(text)
    assert gauges["evaluation_timestamp_seconds", frozenset()] == parse_instant(rows[-1]["at"]) / 1e6
    shown = {name: of_contract(gauges, name) for name in ("shop", "network")}
    for judged in daemon.evaluate(rows, "--period", "current"):
        series = shown[judged["contract"]]
        for key, value in promised(judged).items():
            assert series[key] == pytest.approx(value, rel=1e-12), (judged["contract"], key)
        assert (("sla_breach_timestamp_seconds",) in series) == (judged["breach_at"] is not None)
        assert any(key[0] == "sla_credit_at_stake" for key in series) == (judged["credit"] is not None)
    last = daemon.evaluate(rows, "--period", "last")
    for judged in last:
        for key, value in decided(judged).items():
            assert shown[judged["contract"]][key] == pytest.approx(value, rel=1e-12), (judged["contract"], key)
    assert {judged["contract"] for judged in last} == {
        name for name, series in shown.items() if any("last_period" in key[0] for key in series)
    }
    return shown


@pytest.mark.server("nginx")
def test_what_is_scraped_is_what_evaluate_says(
    database: str | None, slawatch: MakeSlawatch, nginx: MakeNginx, tmp_path: Path
) -> None:
    """Before, during and after an outage, with a period before that was breached: figures, budget, breach, money."""
    web, tcp = nginx(), nginx()
    today = time.time_ns() // 1000 // DAY * DAY
    daemon = slawatch(by_the_day(web.port, tcp.port, today), database=database)
    daemon.start()
    eventually(lambda: all(state_of(daemon, name) == "up" for name in ("website", "orders")))
    daemon.configured("import", "csv", str(past(tmp_path, today)), "--client", "acme")
    eventually(lambda: daemon.status()["contracts"][0]["last_period"]["verdict"] == "breached")
    quiet = check(daemon)["shop"]
    assert quiet["sla_last_period_verdict", "breached"] == 1
    assert quiet["sla_credit_due", "EUR"] > 0
    assert ("sla_breach_timestamp_seconds",) not in quiet
    web.stop()
    eventually(lambda: state_of(daemon, "website") == "down")
    down = check(daemon)["shop"]
    assert down[("sla_breach_timestamp_seconds",)] > time.time()
    assert down["sla_class_seconds", "down"] > 0
    web.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    assert ("sla_breach_timestamp_seconds",) not in check(daemon)["shop"]
