"""Alerts about contracts: a period that is at risk, breaching or lost, not seen well enough, or not looked at."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.promql import series
from slawatch.exposition.rules.rule import CONTRACT, PAGE, TICKET, WHOSE, Alert

CONTRACT_ALERTS = (
    Alert(
        "SlaAtRisk",
        f"{series(m.SLA_RISK, {'level': 'at_risk'})} == 1",
        "5m",
        TICKET,
        f"{WHOSE} is at risk",
        "Half of the budget is gone, or it burns too fast, or one more outage of the usual length would breach. "
        "The contract's page says which.",
        "The period can still be met, and nothing runs that breaches it by itself.",
        "Read the reasons on the contract's page. Put off planned work that is not announced; look at the "
        "endpoint that lost "
        "most.",
    ),
    Alert(
        "SlaBreaching",
        f"{series(m.SLA_BREACH)} - time() and on ({CONTRACT}) ({series(m.SLA_RISK, {'level': 'breaching'})} == 1)",
        "",
        PAGE,
        f"{WHOSE} breaches in {{{{ $value | humanizeDuration }}}} if its outage goes on",
        "An outage is running. By its end or by then, whatever comes first, the period is decided.",
        "An outage runs that uses up the rest of the budget. The value is the seconds that are left, "
        "walked along service "
        "hours.",
        "Restore the service before that instant: the contract's page names it, and what is down. Nothing "
        "else helps now.",
    ),
    Alert(
        "SlaLost",
        f"{series(m.SLA_RISK, {'level': 'lost'})} == 1",
        "",
        TICKET,
        f"{WHOSE} is lost for this period",
        "Even without any more downtime the period ends below its standard.",
        "The standard cannot be met any more in this period. What it costs so far is `slawatch_sla_credit_at_stake`.",
        "Tell the account's owner before the client finds out. Check with `slawatch history --show "
        "outages` that the outages "
        "are real; a wrong one is corrected with a reason and an approver, never deleted. More downtime can still cost "
        "more: many penalties have tiers.",
    ),
    Alert(
        "SlaCoverageLow",
        f"{series(m.SLA_COVERAGE)} < on ({CONTRACT}) {series(m.SLA_COVERAGE_FLOOR)}",
        "15m",
        TICKET,
        f"{WHOSE}: only {{{{ $value | humanizePercentage }}}} of its time is measured",
        "Below its floor the period is settled by a person, whatever the figure.",
        "So much of the period is unknown that nothing is settled by itself. Unknown is neither up nor down.",
        "`slawatch_endpoint_unknown` names the cause. Mend our side of it (a path without witnesses, a "
        "resolver, a stopped "
        "daemon), for the time that was not seen does not come back.",
    ),
    Alert(
        "SlaReviewOverdue",
        f"{series(m.REVIEW_OVERDUE)} > 900",
        "",
        TICKET,
        f"{WHOSE}: a review is overdue by {{{{ $value | humanizeDuration }}}}",
        "Nobody has signed that they looked at it since the review came due.",
        "Somebody looks at every agreement at the times that it names, and signs.",
        "Look at the contract's page, then `slawatch review CLIENT/CONTRACT --by NAME`.",
    ),
)
