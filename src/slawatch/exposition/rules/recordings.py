"""Figures that are kept ready: for panels, and for alerts that would work them out again and again."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.promql import buckets, series
from slawatch.exposition.rules.rule import Recording

LATENESS = "site:slawatch_probe_lateness_seconds:p99_5m"


def _bound(bound: str) -> str:
    return series(m.SLA_AVAILABILITY, {"bound": bound})


RECORDINGS = (
    Recording(
        "contract:slawatch_sla_budget_used:ratio",
        f"{series(m.SLA_BUDGET_USED)} / ({series(m.SLA_BUDGET)} > 0)",
        "Share of the period's downtime that is used; above 1 it is overdrawn. Absent where nothing is allowed.",
    ),
    Recording(
        "contract:slawatch_sla_availability:width",
        f"{_bound('high')} - ignoring (bound) {_bound('low')}",
        "How far apart the highest and the lowest figure are that the measurements allow, as a ratio.",
    ),
    Recording(
        "level:slawatch_sla_risk:sum",
        f"sum by (level) ({series(m.SLA_RISK)})",
        "How many contracts are at each level of risk.",
    ),
    Recording(
        "client_currency:slawatch_sla_credit_at_stake:sum",
        f"sum by (client, currency) ({series(m.SLA_CREDIT_AT_STAKE)})",
        "What each client's running periods would cost at worst, in units of the currency.",
    ),
    Recording(
        LATENESS,
        f"histogram_quantile(0.99, sum by (site, le) (rate({buckets(m.PROBE_LATENESS)}[5m])))",
        "How late the latest of a hundred probes begins, in seconds, over five minutes.",
    ),
)
