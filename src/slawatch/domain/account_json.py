"""An account as the JSON object that ``evaluate``, the API and the evidence share.

Durations are integer microseconds, instants RFC 3339 in UTC, ratios decimal strings (exact, or truncated after 18
digits), money decimal strings in minor units; ``null`` where not applicable.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from slawatch.domain.account import Account
from slawatch.domain.compliance import Compliance
from slawatch.domain.counts import Counts
from slawatch.domain.credits import Settlement
from slawatch.domain.grammar import ratio_text
from slawatch.domain.interval import format_instant


def account_object(account: Account) -> dict[str, Any]:
    """The object of one contract and period."""
    contract, compliance = account.contract, account.compliance
    return {
        "client": contract.client,
        "contract": contract.name,
        "period": {
            "start": format_instant(compliance.period.start),
            "end": format_instant(compliance.period.end),
            "partial": compliance.period.partial,
        },
        "time_us": time_object(compliance),
        "availability": {
            "low": ratio_or_null(compliance.availability.low),
            "point": ratio_or_null(compliance.availability.point),
            "high": ratio_or_null(compliance.availability.high),
            "if_unknown_down": ratio_or_null(compliance.if_unknown_down),
            "if_unknown_up": ratio_or_null(compliance.if_unknown_up),
            "without_exclusions": ratio_or_null(compliance.without_exclusions),
        },
        "target": ratio_text(compliance.target),
        "coverage": ratio_or_null(compliance.coverage),
        "budget_us": {
            "allowed": compliance.budget.allowed,
            "used": compliance.budget.used,
            "left": compliance.budget.left,
        },
        "counts": counts_object(account.counts),
        "suppressed_us": compliance.suppressed,
        "excluded_us": dict(compliance.excluded_by),
        "verdict": compliance.verdict.value,
        "credit": credit_object(account.settlement),
        "final": {"best": ratio_or_null(compliance.best), "worst": ratio_or_null(compliance.worst)},
        "unknown_us": {cause.value: length for cause, length in sorted(compliance.unknown_by.items())},
        "outages": {
            "count": compliance.outage_figures.count,
            "longest_us": compliance.outage_figures.longest,
            "mtrs_us": compliance.outage_figures.mtrs,
            "mtbf_us": compliance.outage_figures.mtbf,
            "mtbsi_us": compliance.outage_figures.mtbsi,
        },
        "events": events_object(account.counts),
    }


def counts_object(counts: Counts | None) -> dict[str, int] | None:
    """The numbers of a counted measurement; null for availability."""
    if counts is None:
        return None
    return {"n": counts.n, "missed": counts.missed, "unknown": counts.unknown, "allowed": counts.allowed}


def events_object(counts: Counts | None) -> dict[str, Any] | None:
    """Which events were missed, are unknown or are counted otherwise by the desk; null for availability.

    ``ahead`` is null where nobody can know how many are to come.
    """
    if counts is None:
        return None
    return {
        "excluded": counts.excluded,
        "ahead": counts.ahead,
        "listed": [
            {
                "source": event.source,
                "name": event.name or None,
                "at": format_instant(event.at),
                "outcome": event.fate.value,
                "reason": event.reason,
                "spent_us": event.ours,
                "desk_us": event.desk,
            }
            for event in counts.listed
        ],
    }


def time_object(compliance: Compliance) -> dict[str, int]:
    """The seven classes of time by the point figure; they add up to the part of the period that has passed."""
    return {
        "up": compliance.classes.up,
        "degraded": compliance.classes.degraded,
        "down": compliance.classes.down,
        "unknown": compliance.classes.unknown,
        "excluded": compliance.excluded,
        "outside_hours": compliance.outside_hours,
        "outside_contract": compliance.outside_contract,
    }


def credit_object(settlement: Settlement | None) -> dict[str, Any] | None:
    """What is due; ``amount`` is null while a period runs or a person has to settle it (S34)."""
    if settlement is None:
        return None
    return {
        "amount": None if settlement.amount is None else f"{settlement.amount.amount:f}",
        "currency": settlement.currency,
        "settled_on": settlement.settled_on.value,
        "rule": settlement.rule,
        "at_low": f"{settlement.at_low.amount:f}",
        "at_high": f"{settlement.at_high.amount:f}",
    }


def ratio_or_null(ratio: Fraction | None) -> str | None:
    """A ratio as a decimal string, None where there is none."""
    return None if ratio is None else ratio_text(ratio)
