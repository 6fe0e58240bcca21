"""Every metric that slawatch exposes: name, type, labels and help text with its unit.

Label values come from configuration identifiers only, never from what an endpoint answered. What is not known is
absent: no series stands for it, neither 0 nor 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The types of the exposition format that are used here."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A counter's ``name`` ends in ``_total``; a histogram's is without ``_bucket`` and the like."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def unit(self) -> str:
        """``seconds`` or ``ratio`` where the name ends in it, else empty."""
        ending = self.name.rpartition("_")[2]
        return ending if ending in ("seconds", "ratio") else ""


ENDPOINT = ("client", "endpoint", "probe", "site")
"""Labels of what one vantage point measures at one endpoint."""

CONTRACT = ("client", "service", "contract")
"""Labels of what a contract's account says."""

PHASES_PER_ENDPOINT = 16
"""Phases of a probe that are exposed at most: with it, an endpoint has 26 series at most, whatever its kind does."""


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(f"slawatch_{name}", Kind.GAUGE, labels, text)


def _counter(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(f"slawatch_{name}_total", Kind.COUNTER, labels, text)


# --- Endpoints -------------------------------------------------------------------------------------------------------

ENDPOINT_UP = _gauge(
    "endpoint_up", ENDPOINT, "1 while the confirmed state is up or degraded, 0 while it is down, absent while unknown."
)
ENDPOINT_DEGRADED = _gauge(
    "endpoint_degraded", ENDPOINT, "1 while the confirmed state is degraded, else 0; absent while unknown."
)
ENDPOINT_KNOWN = _gauge("endpoint_known", ENDPOINT, "1 while the state is known, 0 while it is unknown.")
ENDPOINT_UNKNOWN = _gauge(
    "endpoint_unknown",
    (*ENDPOINT, "cause"),
    "1 while the state is unknown, labelled with the cause; absent while known.",
)
ENDPOINT_LAST_TRANSITION = _gauge(
    "endpoint_last_transition_timestamp_seconds",
    ENDPOINT,
    "Unix time in seconds of the latest change of state, dated at the first probe that saw it; absent before any.",
)
PROBE_DURATION = _gauge(
    "probe_duration_seconds",
    (*ENDPOINT, "phase"),
    "Seconds that the latest probe took, by phase; phase total is the whole probe. Absent before the first probe.",
)
PROBES = _counter(
    "probes", (*ENDPOINT, "result"), "Probes since the daemon started, by result: up, degraded, down or void."
)
TLS_EXPIRY = _gauge(
    "tls_certificate_expiry_timestamp_seconds",
    ENDPOINT,
    "Unix time in seconds at which the certificate that the latest probe saw expires; absent where it saw none.",
)

# --- Contracts: the running period -----------------------------------------------------------------------------------

SLA_CONTRACT_INFO = _gauge(
    "sla_contract_info",
    (*CONTRACT, "version"),
    "Always 1; version begins the SHA-256 of the terms that govern the current period, as the ledger holds them.",
)
SLA_TARGET = _gauge("sla_target_ratio", CONTRACT, "The agreed standard as a ratio: 0.99 for 99 %.")
SLA_AVAILABILITY = _gauge(
    "sla_availability_ratio",
    (*CONTRACT, "bound"),
    "Availability of the current period to date as a ratio: bound low, point and high; absent while nothing is known.",
)
SLA_COVERAGE = _gauge(
    "sla_coverage_ratio",
    CONTRACT,
    "Share of the period's service time to date that was measured, as a ratio; absent before any service time.",
)
SLA_COVERAGE_FLOOR = _gauge(
    "sla_coverage_floor_ratio", CONTRACT, "Coverage below which nothing is settled by itself, as a ratio."
)
SLA_BUDGET = _gauge("sla_budget_seconds", CONTRACT, "Seconds of downtime that the standard allows in this period.")
SLA_BUDGET_USED = _gauge("sla_budget_used_seconds", CONTRACT, "Seconds of downtime used in this period.")
SLA_BUDGET_REMAINING = _gauge(
    "sla_budget_remaining_seconds", CONTRACT, "Seconds of downtime left in this period; negative when overdrawn."
)
SLA_BURN_RATE = _gauge(
    "sla_burn_rate",
    (*CONTRACT, "window"),
    "How many times as fast as the whole period allows the budget was used within the window; 1 uses it up exactly.",
)
SLA_BURN_THRESHOLD = _gauge(
    "sla_burn_threshold",
    (*CONTRACT, "window", "short"),
    "The burn rate that is alarming if it is exceeded over this window and over its short one, for this "
    "period's length.",
)
SLA_BREACH = _gauge(
    "sla_breach_timestamp_seconds",
    CONTRACT,
    "Unix time in seconds at which the standard is breached if the running outage goes on; absent without one.",
)
SLA_RISK = _gauge(
    "sla_risk",
    (*CONTRACT, "level"),
    "1 for the present level of risk, 0 for the others: guaranteed, on_track, at_risk, breaching, lost, undetermined.",
)
SLA_BEST = _gauge(
    "sla_best_possible_ratio", CONTRACT, "The period's final ratio if all of its remaining service time is up."
)
SLA_WORST = _gauge(
    "sla_worst_possible_ratio", CONTRACT, "The period's final ratio if all of its remaining service time is down."
)
SLA_CLASS = _gauge(
    "sla_class_seconds",
    (*CONTRACT, "class"),
    "Seconds of the period so far by class; the seven classes add up to the part of the period that has passed.",
)
SLA_PERIOD_START = _gauge(
    "sla_period_start_timestamp_seconds", CONTRACT, "Unix time in seconds at which the current period started."
)
SLA_PERIOD_END = _gauge(
    "sla_period_end_timestamp_seconds", CONTRACT, "Unix time in seconds at which the current period ends."
)
SLA_CREDIT_AT_STAKE = _gauge(
    "sla_credit_at_stake",
    (*CONTRACT, "currency"),
    "Credit of the running period by its worst possible final figure, in units of the currency; absent if no penalty.",
)

REVIEW_OVERDUE = _gauge(
    "review_overdue_seconds",
    CONTRACT,
    "Seconds since the first review that came due after the latest one was signed, 0 while none is; absent if none is "
    "agreed.",
)

# --- Contracts: the period before ------------------------------------------------------------------------------------

SLA_LAST_VERDICT = _gauge(
    "sla_last_period_verdict",
    (*CONTRACT, "verdict"),
    "1 for the verdict on the last period that ended, 0 for the others: met, breached, disputable, not_applicable.",
)
SLA_LAST_AVAILABILITY = _gauge(
    "sla_last_period_availability_ratio",
    CONTRACT,
    "Availability of the last period that ended, the point figure, as a ratio; absent where it is not applicable.",
)
SLA_CREDIT_DUE = _gauge(
    "sla_credit_due",
    (*CONTRACT, "currency"),
    "Credit for the last period that ended, in units of the currency; absent while a person has to settle it.",
)

# --- The daemon itself -----------------------------------------------------------------------------------------------

PROBE_LATENESS = Metric(
    "slawatch_probe_lateness_seconds",
    Kind.HISTOGRAM,
    ("site",),
    "Seconds between the instant at which a probe was due and the one at which it began, since the daemon started.",
)
PROBE_SLOTS_MISSED = _counter(
    "probe_slots_missed", ("site",), "Due times that passed without a probe since the daemon started."
)
PATH_BLIND = _gauge(
    "path_blind",
    ("path",),
    "1 while no witness of the path answers and failures on it say nothing, else 0; absent where it has no witness.",
)
EVALUATION_TIME = _gauge(
    "evaluation_timestamp_seconds", (), "Unix time in seconds of the judgement that these figures come from."
)
LOOP_LAG = _gauge("event_loop_lag_seconds", (), "Longest delay of the daemon's event loop in its latest ten seconds.")
RESOLVER_UP = _gauge(
    "resolver_up",
    ("server", "site"),
    "1 while this DNS server of ours can be counted on, 0 while it is lost, absent before anything is known.",
)
RESOLVER_ANSWER = _gauge(
    "resolver_answer_seconds", ("server", "site"), "Seconds that this DNS server's answers take, the latest a quarter."
)
RESOLVER_QUESTIONS = _counter(
    "resolver_questions",
    ("server", "result", "site"),
    "Questions to this DNS server by result: answered, unhelpful (SERVFAIL, REFUSED, nothing proven), silent.",
)
LEDGER_QUEUE = _gauge("ledger_queue_length", (), "Entries that wait to be written to the ledger.")
LEDGER_SPOOLING = _gauge(
    "ledger_spooling", (), "1 while the database does not take facts and they wait in the spool on disk, else 0."
)
LEDGER_SPOOLED = _gauge("ledger_spooled_entries", (), "Entries that wait in the spool on disk.")
LEDGER_SPOOL_BYTES = _gauge("ledger_spool_bytes", (), "Bytes of the spool that are in use.")
LEDGER_WRITE_FAILURES = _counter(
    "ledger_write_failures", (), "Attempts to write to the database that failed since the daemon started."
)
OBSERVATIONS_DROPPED = _counter(
    "observations_dropped",
    (),
    "Raw observations that were given up for want of room since the daemon started; facts never are.",
)
BALLAST = _gauge(
    "ballast_present",
    (),
    "1 while the ballast lies on the disk, 0 once a full disk took it; absent where none is kept.",
)
LEDGER_COMMITS = _counter("ledger_commits", (), "Commits to the ledger since the daemon started.")
LEDGER_COMMIT_AGE = _gauge(
    "ledger_last_commit_age_seconds", (), "Seconds since the latest commit to the ledger; absent before the first."
)
CONFIGURATION_GENERATION = _gauge(
    "configuration_generation", (), "How many configurations have been in force since the daemon started."
)
CONFIGURATION_OK = _gauge(
    "configuration_last_reload_successful", (), "1 if the newest configuration is in force, 0 if it was refused."
)
BUILD_INFO = _gauge("build_info", ("version", "python", "database", "site"), "Always 1; the labels say what runs here.")


# --- This very answer ------------------------------------------------------------------------------------------------

WITHHELD_SERIES = _gauge(
    "withheld_series", (), "Series that this answer leaves out, since their endpoint has more phases than are exposed."
)
EXPOSED_SERIES = _gauge("exposed_series", (), "Series in this answer, this one included.")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order in which they are written above."""
