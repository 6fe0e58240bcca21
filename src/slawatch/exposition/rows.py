"""One snapshot → every sample, as a metric, the values of its labels and a number. Pure, plain, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from slawatch.domain.compliance import Verdict
from slawatch.domain.facts import State
from slawatch.domain.grammar import format_duration
from slawatch.domain.observation import Verdict as ProbeVerdict
from slawatch.domain.risk import Level
from slawatch.evaluation.board import ContractStatus, EndpointStatus, Snapshot
from slawatch.exposition import metrics
from slawatch.exposition.metrics import Metric
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.storage.reserve import Standing

Row = tuple[Metric, tuple[str, ...], float]
"""A metric, the values of its labels in their order, and the sample."""

VERSION_DIGITS = 12
"""So many of a version's hexadecimal digits tell the versions of one contract apart."""

_JUDGED = tuple(verdict for verdict in Verdict if verdict is not Verdict.OPEN)


def endpoint_rows(status: EndpointStatus, site: str) -> Iterator[Row]:
    """What one vantage point measures at one endpoint."""
    labels = (status.client, status.name, status.probe, site)
    known = status.state is not State.UNKNOWN
    if known:
        yield metrics.ENDPOINT_UP, labels, float(status.state is not State.DOWN)
        yield metrics.ENDPOINT_DEGRADED, labels, float(status.state is State.DEGRADED)
    yield metrics.ENDPOINT_KNOWN, labels, float(known)
    if status.cause is not None:
        yield metrics.ENDPOINT_UNKNOWN, (*labels, status.cause.value), 1.0
    if status.last_transition is not None:
        yield metrics.ENDPOINT_LAST_TRANSITION, labels, _seconds(status.last_transition)
    for verdict in ProbeVerdict:
        yield metrics.PROBES, (*labels, verdict.value), float(status.counts.get(verdict.value, 0))
    if status.last is None:
        return
    yield metrics.PROBE_DURATION, (*labels, "total"), _seconds(status.last.duration)
    for phase, length in status.last.phases[: metrics.PHASES_PER_ENDPOINT]:
        yield metrics.PROBE_DURATION, (*labels, phase), _seconds(length)
    if status.last.certificate_expiry is not None:
        yield metrics.TLS_EXPIRY, labels, _seconds(status.last.certificate_expiry)


def contract_rows(status: ContractStatus) -> Iterator[Row]:
    """What one contract's account says."""
    contract = status.contract
    labels = (contract.client, contract.service, contract.name)
    yield from _account(status, labels)
    yield from _ahead(status, labels)
    yield from _review(status, labels)
    yield from _last_period(status, labels)


def _account(status: ContractStatus, labels: tuple[str, ...]) -> Iterator[Row]:
    """The period to date: figures, coverage, budget, classes of time."""
    account = status.compliance
    yield metrics.SLA_CONTRACT_INFO, (*labels, status.contract.version[:VERSION_DIGITS]), 1.0
    yield metrics.SLA_TARGET, labels, float(account.target)
    for bound in ("low", "point", "high"):
        ratio: Fraction | None = getattr(account.availability, bound)
        if ratio is not None:
            yield metrics.SLA_AVAILABILITY, (*labels, bound), float(ratio)
    if account.coverage is not None:
        yield metrics.SLA_COVERAGE, labels, float(account.coverage)
    yield metrics.SLA_COVERAGE_FLOOR, labels, float(status.contract.options.coverage_floor)
    yield metrics.SLA_BUDGET, labels, _seconds(account.budget.allowed)
    yield metrics.SLA_BUDGET_USED, labels, _seconds(account.budget.used)
    yield metrics.SLA_BUDGET_REMAINING, labels, _seconds(account.budget.left)
    for name, length in (
        ("up", account.classes.up),
        ("degraded", account.classes.degraded),
        ("down", account.classes.down),
        ("unknown", account.classes.unknown),
        ("excluded", account.excluded),
        ("outside_hours", account.outside_hours),
        ("outside_contract", account.outside_contract),
    ):
        yield metrics.SLA_CLASS, (*labels, name), _seconds(length)
    yield metrics.SLA_PERIOD_START, labels, _seconds(account.period.start)
    yield metrics.SLA_PERIOD_END, labels, _seconds(account.period.end)


def _ahead(status: ContractStatus, labels: tuple[str, ...]) -> Iterator[Row]:
    """What can still become of the period."""
    risk, account = status.risk, status.compliance
    for window, rate in status.burn_rates.items():
        yield metrics.SLA_BURN_RATE, (*labels, window), float(rate)
    for long, short in zip(risk.burn[::2], risk.burn[1::2], strict=True):
        windows = format_duration(long.window), format_duration(short.window)
        yield metrics.SLA_BURN_THRESHOLD, (*labels, *windows), float(long.threshold)
    if risk.breach_at is not None:
        yield metrics.SLA_BREACH, labels, _seconds(risk.breach_at)
    for level in Level:
        yield metrics.SLA_RISK, (*labels, level.value), float(risk.level is level)
    if account.best is not None:
        yield metrics.SLA_BEST, labels, float(account.best)
    if account.worst is not None:
        yield metrics.SLA_WORST, labels, float(account.worst)
    if status.settlement is not None:
        at_stake = status.settlement.at_low
        yield metrics.SLA_CREDIT_AT_STAKE, (*labels, at_stake.currency), _money(at_stake.amount)


def _review(status: ContractStatus, labels: tuple[str, ...]) -> Iterator[Row]:
    if status.review_overdue is not None:
        yield metrics.REVIEW_OVERDUE, labels, _seconds(status.review_overdue)


def _last_period(status: ContractStatus, labels: tuple[str, ...]) -> Iterator[Row]:
    if status.last is None:
        return
    account, settlement = status.last.compliance, status.last.settlement
    for verdict in _JUDGED:
        yield metrics.SLA_LAST_VERDICT, (*labels, verdict.value), float(account.verdict is verdict)
    if account.availability.point is not None:
        yield metrics.SLA_LAST_AVAILABILITY, labels, float(account.availability.point)
    if settlement is not None and settlement.amount is not None:
        yield metrics.SLA_CREDIT_DUE, (*labels, settlement.currency), _money(settlement.amount.amount)


def daemon_rows(snapshot: Snapshot, own: SelfMetrics) -> Iterator[Row]:
    """What the daemon says of itself, but for its histogram and the size of the answer."""
    yield metrics.PROBE_SLOTS_MISSED, (own.site,), float(own.slots_missed)
    for path in snapshot.paths:
        if path.blind is not None:
            yield metrics.PATH_BLIND, (path.name,), float(path.blind)
    yield from judged_rows(snapshot)
    yield metrics.LOOP_LAG, (), _seconds(own.loop_lag)
    yield from _resolvers(own)
    yield metrics.LEDGER_QUEUE, (), float(own.ledger_queue)
    yield from _ledger(own.ledger)
    yield metrics.LEDGER_COMMITS, (), float(own.ledger_commits)
    if own.last_commit_age is not None:
        yield metrics.LEDGER_COMMIT_AGE, (), _seconds(own.last_commit_age)
    yield metrics.CONFIGURATION_GENERATION, (), float(snapshot.configuration_generation)
    yield metrics.CONFIGURATION_OK, (), float(not snapshot.configuration_error)
    yield metrics.BUILD_INFO, (own.version, own.python, own.database, own.site), 1.0


def judged_rows(snapshot: Snapshot) -> Iterator[Row]:
    """When the figures were judged."""
    if snapshot.generation:
        yield metrics.EVALUATION_TIME, (), _seconds(snapshot.at)


def _ledger(standing: Standing) -> Iterator[Row]:
    yield metrics.LEDGER_SPOOLING, (), float(standing.spooling)
    yield metrics.LEDGER_SPOOLED, (), float(standing.spooled_entries)
    yield metrics.LEDGER_SPOOL_BYTES, (), float(standing.spool_bytes)
    yield metrics.LEDGER_WRITE_FAILURES, (), float(standing.failures)
    yield metrics.OBSERVATIONS_DROPPED, (), float(standing.observations_dropped)
    if standing.ballast is not None:
        yield metrics.BALLAST, (), float(standing.ballast)


def _resolvers(own: SelfMetrics) -> Iterator[Row]:
    for each in own.resolvers:
        if each.up is not None:
            yield metrics.RESOLVER_UP, (each.server, own.site), float(each.up)
        if each.answer_time is not None:
            yield metrics.RESOLVER_ANSWER, (each.server, own.site), _seconds(each.answer_time)
        for result, number in (
            ("answered", each.answered),
            ("unhelpful", each.unhelpful),
            ("silent", each.silent),
        ):
            yield metrics.RESOLVER_QUESTIONS, (each.server, result, own.site), float(number)


def _seconds(microseconds: int) -> float:
    """Prometheus knows no integers; a double holds microseconds of this millennium to within a half."""
    return microseconds / 1_000_000


def _money(amount: Decimal) -> float:
    return float(amount)
