"""What Prometheus reads equals the snapshot, and says nothing of what is not known."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exposition.page import page, tables
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE
from slawatch.domain.observation import Cause
from slawatch.domain.risk import BurnRate, Level
from slawatch.evaluation.board import PathStatus, Snapshot
from slawatch.exposition.metrics import METRICS, Kind
from slawatch.exposition.renderer import by_the_library, render
from slawatch.exposition.self_metrics import Histogram, ResolverFigures, SelfMetrics
from slawatch.storage.reserve import Standing
from support.servers import Run
from web import samples

OWN = SelfMetrics(
    site="hq",
    version="0.1.0",
    database="sqlite 3.45.1",
    python="3.11.9",
    lateness=Histogram((MILLISECOND, 5 * MILLISECOND), (3, 2, 1), 123_456),
    slots_missed=4,
    loop_lag=2_500,
    ledger_queue=7,
    ledger_commits=42,
    last_commit_age=1_500_000,
    ledger=Standing(True, 5, 40_960, 3, 2_000, False),
    resolvers=(
        ResolverFigures("192.0.2.53", True, 2_500, 7, 2, 1),
        ResolverFigures("192.0.2.54", False, None, 0, 0, 3),
        ResolverFigures("[2001:db8::53]:5353", None, None, 0, 0, 0),
    ),
)
BURN = (BurnRate(HOUR, Fraction(7), Fraction("6.72")), BurnRate(5 * MINUTE, Fraction(8), Fraction("6.72")))
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(snapshot: Snapshot, accept: str = "") -> Samples:
    text, _ = render(snapshot, OWN, accept)
    parse = parse_openmetrics if accept else parse_text
    found: Samples = {}
    for family in parse(text.decode()):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    """The one sample whose labels include these; None when there is none."""
    values = [v for (n, have), v in found.items() if n == f"slawatch_{name}" and labels.items() <= have]
    assert len(values) <= 1, f"{name} {labels} is not unique"
    return values[0] if values else None


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_every_figure_of_a_contract_is_the_snapshots(accept: str) -> None:
    snapshot = samples.estate()
    found = read(snapshot, accept)
    for status in snapshot.contracts:
        account, of = status.compliance, {"client": status.contract.client, "contract": status.contract.name}
        assert account.availability.point is not None
        assert account.coverage is not None
        assert account.best is not None
        assert account.worst is not None
        assert value(found, "sla_target_ratio", **of) == float(account.target)
        for bound in ("low", "point", "high"):
            assert value(found, "sla_availability_ratio", bound=bound, **of) == float(
                getattr(account.availability, bound)
            )
        assert value(found, "sla_coverage_ratio", **of) == float(account.coverage)
        assert value(found, "sla_budget_seconds", **of) == account.budget.allowed / 1e6
        assert value(found, "sla_budget_used_seconds", **of) == account.budget.used / 1e6
        assert value(found, "sla_budget_remaining_seconds", **of) == account.budget.left / 1e6
        assert value(found, "sla_best_possible_ratio", **of) == float(account.best)
        assert value(found, "sla_worst_possible_ratio", **of) == float(account.worst)
        assert value(found, "sla_period_start_timestamp_seconds", **of) == account.period.start / 1e6
        assert value(found, "sla_period_end_timestamp_seconds", **of) == account.period.end / 1e6
        breach = status.risk.breach_at
        assert value(found, "sla_breach_timestamp_seconds", **of) == (None if breach is None else breach / 1e6)
        for level in Level:
            assert value(found, "sla_risk", level=level.value, **of) == (status.risk.level is level)
        assert status.settlement is not None
        at_stake = float(status.settlement.at_low.amount)
        assert value(found, "sla_credit_at_stake", currency="EUR", **of) == at_stake


def test_the_seven_classes_add_up_to_what_has_passed() -> None:
    for status in samples.estate().contracts:
        found = read(samples.snapshot([status]))
        seconds = [v for (name, _), v in found.items() if name == "slawatch_sla_class_seconds"]
        assert len(seconds) == 7
        assert sum(seconds) == (samples.NOON - status.compliance.period.start) / 1e6


def test_burn_rates_by_window() -> None:
    status = samples.contract_status(burn_rates={"6h": Fraction(27, 4)})
    found = read(samples.snapshot([status]))
    assert value(found, "sla_burn_rate", window="6h") == 6.75
    assert value(found, "sla_burn_rate", window="1h") is None


def test_the_thresholds_of_burn_rates() -> None:
    status = samples.contract_status()
    found = read(samples.snapshot([replace(status, risk=replace(status.risk, burn=BURN))]))
    assert value(found, "sla_burn_threshold", window="1h", short="5m") == 6.72
    assert value(found, "sla_burn_threshold", window="5m") is None


def test_the_floor_of_coverage() -> None:
    assert value(read(samples.quiet()), "sla_coverage_floor_ratio") == 0.95


def test_the_last_period_with_its_credit() -> None:
    down = samples.timeline((0, 4 * HOUR, State.DOWN), until=samples.NOON + 14 * DAY)
    status = samples.contract_status(endpoints={"router": down}, now=samples.NOON + 14 * DAY)
    found = read(samples.snapshot([status], at=samples.NOON + 14 * DAY))
    assert value(found, "sla_last_period_verdict", verdict="breached") == 1
    assert value(found, "sla_last_period_verdict", verdict="met") == 0
    assert value(found, "sla_last_period_verdict", verdict="open") is None
    assert value(found, "sla_last_period_availability_ratio") == float(Fraction(83, 84))
    assert value(found, "sla_credit_due", currency="EUR") == 54.19  # 10 % of 1200 * 14 / 31


def test_without_a_period_before_nothing_is_said_of_it() -> None:
    found = read(samples.quiet())
    assert not [name for name, _ in found if "last_period" in name or "credit_due" in name]


def test_a_contract_without_penalty_has_no_credit() -> None:
    status = samples.contract_status(samples.terms(penalty="none"))
    assert value(read(samples.snapshot([status])), "sla_credit_at_stake") is None


@pytest.mark.parametrize(
    ("state", "up", "degraded", "known"),
    [
        (State.UP, 1, 0, 1),
        (State.DEGRADED, 1, 1, 1),
        (State.DOWN, 0, 0, 1),
        (State.UNKNOWN, None, None, 0),
    ],
)
def test_an_unknown_state_is_absent(state: State, up: int | None, degraded: int | None, known: int) -> None:
    line = samples.timeline((9 * DAY, DAY, state))
    found = read(samples.snapshot(endpoints=[samples.endpoint_status(line=line)]))
    assert value(found, "endpoint_up") == up
    assert value(found, "endpoint_degraded") == degraded
    assert value(found, "endpoint_known") == known


def test_nothing_measured_is_no_figure() -> None:
    nothing = samples.timeline((0, 20 * DAY, State.UNKNOWN))
    found = read(samples.snapshot([samples.contract_status(endpoints={"router": nothing})]))
    assert value(found, "sla_availability_ratio", bound="point") is None
    assert value(found, "sla_coverage_ratio") == 0
    assert value(found, "sla_target_ratio") == 0.99


def test_the_latest_probe_and_the_counts() -> None:
    status = samples.endpoint_status()
    assert status.last is not None
    last = replace(status.last, certificate_expiry=samples.NOON + 30 * DAY)
    found = read(samples.snapshot(endpoints=[replace(status, last=last)]))
    assert value(found, "probe_duration_seconds", phase="total") == 0.002345
    assert value(found, "probe_duration_seconds", phase="wait") == 0.00218
    assert value(found, "tls_certificate_expiry_timestamp_seconds") == (samples.NOON + 30 * DAY) / 1e6
    of = {"site": "hq", "client": "acme", "endpoint": "router", "probe": "icmp"}
    assert value(found, "probes_total", result="up", **of) == 77_760
    assert value(found, "probes_total", result="void") == 0


def test_an_endpoint_that_was_never_probed() -> None:
    found = read(samples.snapshot(endpoints=[samples.endpoint_status(last=None, last_transition=None, counts={})]))
    assert value(found, "probe_duration_seconds", phase="total") is None
    assert value(found, "endpoint_last_transition_timestamp_seconds") is None
    assert value(found, "probes_total", result="up") == 0


def test_the_histogram_is_cumulative() -> None:
    found = read(samples.quiet())
    buckets = {bound: value(found, "probe_lateness_seconds_bucket", le=bound) for bound in ("0.001", "0.005", "+Inf")}
    assert buckets == {"0.001": 3, "0.005": 5, "+Inf": 6}
    assert value(found, "probe_lateness_seconds_count", site="hq") == 6
    assert value(found, "probe_lateness_seconds_sum") == 0.123456


def test_the_daemon_itself() -> None:
    found = read(samples.snapshot(configuration_error="clients/acme.yaml:3:1: nonsense"))
    assert value(found, "evaluation_timestamp_seconds") == samples.NOON / 1e6
    assert value(found, "event_loop_lag_seconds") == 0.0025
    assert value(found, "ledger_queue_length") == 7
    assert value(found, "ledger_spooling") == 1
    assert value(found, "ledger_spooled_entries") == 5
    assert value(found, "ledger_spool_bytes") == 40_960
    assert value(found, "ledger_write_failures_total") == 3
    assert value(found, "observations_dropped_total") == 2_000
    assert value(found, "ballast_present") == 0
    assert value(found, "ledger_commits_total") == 42
    assert value(found, "ledger_last_commit_age_seconds") == 1.5
    assert value(found, "probe_slots_missed_total") == 4
    assert value(found, "configuration_generation") == 1
    assert value(found, "configuration_last_reload_successful") == 0
    assert value(found, "build_info", version="0.1.0", python="3.11.9", database="sqlite 3.45.1", site="hq") == 1


def test_our_own_resolvers() -> None:
    """What is not known of one is absent, neither 0 nor 1."""
    found = read(samples.quiet())
    first, second, third = "192.0.2.53", "192.0.2.54", "[2001:db8::53]:5353"
    assert [value(found, "resolver_up", server=each, site="hq") for each in (first, second, third)] == [1, 0, None]
    assert [value(found, "resolver_answer_seconds", server=each) for each in (first, second)] == [0.0025, None]
    results = {
        result: value(found, "resolver_questions_total", server=first, result=result)
        for result in ("answered", "unhelpful", "silent")
    }
    assert results == {"answered": 7, "unhelpful": 2, "silent": 1}
    assert value(found, "resolver_questions_total", server=third, result="silent") == 0


def test_before_the_first_judgement() -> None:
    found = read(Snapshot(at=0, generation=0))
    assert value(found, "evaluation_timestamp_seconds") is None
    assert value(found, "build_info") == 1


def test_hostile_labels_come_back_whole() -> None:
    name = 'a"b\\c\nd{e="f"} 1 é'
    found = read(samples.snapshot(endpoints=[samples.endpoint_status(name)]))
    assert value(found, "endpoint_up", endpoint=name) == 1
    assert value(read(samples.snapshot(endpoints=[samples.endpoint_status(name)]), OPENMETRICS), "endpoint_up") == 1


def test_the_accept_header_decides_the_format() -> None:
    text, kind = render(samples.quiet(), OWN, "")
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"# EOF" not in text
    text, kind = render(samples.quiet(), OWN, OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")


def test_the_same_snapshot_gives_the_same_bytes() -> None:
    assert render(samples.estate(), OWN) == render(samples.estate(), OWN)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        OPENMETRICS,
        "text/plain; version=1.0.0; escaping=allow-utf-8",
        "text/plain; version=1.0.0; escaping=dots",
        "application/openmetrics-text; version=1.0.0; escaping=values",
        "application/openmetrics-text; version=1.0.0; escaping=dots",
    ],
)
def test_the_text_is_the_librarys_byte_for_byte(accept: str) -> None:
    """Heads, order of labels, escapes, exponents: whatever the format, we write what prometheus_client writes."""
    later = samples.NOON + 14 * DAY
    hostile = samples.endpoint_status('a"b\\c\nd{e="f"} 1 é')
    estate = samples.estate()
    for snapshot in (
        Snapshot(at=0, generation=0),
        replace(estate, endpoints=(*estate.endpoints, hostile), paths=(PathStatus("lan", 2, 2, False, later),)),
        samples.snapshot([samples.contract_status()], at=later),
    ):
        encode, kind = choose_encoder(accept)
        for client in (None, "acme", "nobody"):
            by_library = by_the_library(snapshot, OWN, encode, client)
            assert render(snapshot, OWN, accept, client) == (by_library, kind)


@pytest.mark.server("promtool")
def test_promtool_finds_nothing(promtool: Run) -> None:
    later = samples.NOON + 14 * DAY
    down = samples.timeline((14 * DAY, 10 * MINUTE, State.DOWN), until=later)
    status = samples.contract_status(endpoints={"router": down}, now=later)
    estate = samples.estate()
    text, _ = render(replace(estate, contracts=(*estate.contracts, status)), OWN)
    checked = promtool("check", "metrics", stdin=text.decode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_metric_is_fed_by_something() -> None:
    """All names appear in the text of a snapshot that has everything."""
    later = samples.NOON + 14 * DAY
    outage = (23 * DAY + 11 * HOUR, 2 * HOUR, State.DOWN)
    line = samples.timeline(outage, until=later)
    status = replace(samples.contract_status(endpoints={"router": line}, now=later), review_overdue=HOUR)
    status = replace(status, risk=replace(status.risk, burn=BURN))
    seen = samples.endpoint_status()
    assert seen.last is not None
    endpoint = replace(seen, last=replace(seen.last, certificate_expiry=later))
    unknown = replace(seen, state=State.UNKNOWN, cause=Cause.PATH_LOST)
    blind = PathStatus("internet", 2, 0, True, later)
    seen_all = replace(samples.snapshot([status], [endpoint, unknown], at=later), paths=(blind,))
    text = render(seen_all, OWN)[0].decode()
    declared = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert declared == [(metric.name, metric.kind.value) for metric in METRICS]


def test_every_metric_has_its_line_in_the_reference() -> None:
    rows = re.findall(r"^\| `(slawatch_\w+)` \| (\w+) \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((metric.name, metric.kind.value) for metric in METRICS)


def test_labels_are_documented() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    labels = {label for metric in METRICS for label in metric.labels}
    assert [label for label in sorted(labels) if f"`{label}`" not in text] == []


def test_help_names_the_unit() -> None:
    for metric in METRICS:
        assert metric.help.endswith("."), metric.name
        if metric.unit == "seconds":
            assert "econds" in metric.help, metric.name
        if metric.unit == "ratio":
            assert "ratio" in metric.help, metric.name
        if metric.kind is Kind.COUNTER:
            assert metric.name.endswith("_total")


def test_a_blind_path_is_one_and_what_was_never_asked_is_absent() -> None:
    paths = (
        PathStatus("lan", 2, 2, False, samples.NOON),
        PathStatus("internet", 2, 0, True, samples.NOON),
        PathStatus("vpn", 2, 0, None, None),
    )
    text = render(replace(samples.snapshot([], []), paths=paths), OWN)[0].decode()
    assert re.findall(r"^slawatch_path_blind(.*)$", text, re.MULTILINE) == [
        '{path="lan"} 0.0',
        '{path="internet"} 1.0',
    ]


def test_unknown_has_its_cause_and_is_absent_while_known() -> None:
    known = samples.endpoint_status(name="a")
    lost = replace(samples.endpoint_status(name="b"), state=State.UNKNOWN, cause=Cause.PATH_LOST)
    text = render(samples.snapshot([], [known, lost]), OWN)[0].decode()
    rows = re.findall(r"^slawatch_endpoint_unknown.*$", text, re.MULTILINE)
    assert len(rows) == 1
    assert 'endpoint="b"' in rows[0]
    assert 'cause="path_lost"' in rows[0]


def test_a_review_that_is_overdue_and_one_that_was_never_agreed() -> None:
    status = samples.contract_status()
    for overdue, expected in ((None, None), (0, 0), (90 * MINUTE, 5_400)):
        found = read(samples.snapshot([replace(status, review_overdue=overdue)]))
        assert value(found, "review_overdue_seconds") == expected


def test_a_contract_says_which_version_of_its_terms_governs() -> None:
    status = samples.contract_status()
    contract = replace(status.contract, version="0123456789abcdef" * 4)
    found = read(samples.snapshot([replace(status, account=replace(status.account, contract=contract))]))
    assert value(found, "sla_contract_info", version="0123456789ab", contract="network") == 1


def test_the_reference_is_made_from_the_metrics() -> None:
    """``PYTHONPATH=tests python -m exposition.page`` writes it anew."""
    text = REFERENCE.read_text(encoding="utf-8")
    assert text.count("<!-- metrics: ") == len(tables())
    assert text == page(text)
