"""The owner's view: what is at stake, what is due, who comes first."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.common import (
    CHOSEN_CLIENTS,
    CONTRACT_KEYS,
    LEFT_STEPS,
    OF_CONTRACT,
    REVIEW_STEPS,
    TO_CONTRACTS,
    TO_ENDPOINTS,
    client_variable,
    left_share,
    level,
    of_contract,
    to_contract,
)
from slawatch.exposition.grafana.dashboard import Dashboard
from slawatch.exposition.grafana.look import (
    COUNT,
    DEGRADED,
    DOWN,
    FAINT,
    LOST,
    QUIET,
    SECONDS,
    SHARE,
    UNKNOWN,
    UP,
    VERDICTS,
    level_words,
    spoken,
    verdict_words,
    words,
)
from slawatch.exposition.grafana.panels import Panel, Prom, coloured, curves, override
from slawatch.exposition.grafana.selectors import coded, cut, largest
from slawatch.exposition.grafana.tables import Column, figures, in_colour
from slawatch.exposition.metrics import Metric
from slawatch.exposition.promql import series

_MONEY = {"decimals": 2}
_LEVEL_COLOURS = {
    "guaranteed": UP,
    "on_track": FAINT,
    "undetermined": UNKNOWN,
    "at_risk": DEGRADED,
    "breaching": DOWN,
    "lost": LOST,
}


def business() -> Dashboard:
    """Variable client."""
    return Dashboard(
        "business",
        "slawatch / Business",
        "What does it cost us, and who comes first? Money by client and currency; currencies are never added up.",
        [
            ("Money", [_by_client(), _stake()]),
            ("Contracts", [_levels(), _worst(), _verdicts(), _reviews()]),
        ],
        links=[TO_CONTRACTS, TO_ENDPOINTS],
        variables=[client_variable(m.SLA_TARGET)],
        since="now-30d",
        refresh="5m",
    )


def _summed(metric: Metric) -> str:
    """By client and currency; two that scrape the same count once."""
    each = largest((*OF_CONTRACT, "currency"), series(metric, CHOSEN_CLIENTS))
    return f"sum by (client, currency) ({each})"


def _by_client() -> Panel:
    return figures(
        "Money by client and currency",
        "At stake: credit of the running periods by their worst possible final figures. Due: for the last periods "
        "that ended, without what a person has to settle. In units of the currency beside it.",
        {"client": "Client", "currency": "Currency"},
        [
            Column("At stake", _summed(m.SLA_CREDIT_AT_STAKE), "none", _MONEY),
            Column("Due", _summed(m.SLA_CREDIT_DUE), "none", _MONEY),
        ],
        sort="At stake",
        width=12,
    )


def _stake() -> Panel:
    return curves(
        "At stake over time",
        "Credit of the running periods by their worst possible final figures, in units of each currency.",
        "none",
        [Prom(_summed(m.SLA_CREDIT_AT_STAKE), "{{client}} {{currency}}")],
        height=10,
        defaults={"min": 0, **_MONEY},
        calcs=["lastNotNull", "max"],
    )


def _levels() -> Panel:
    standing = largest((*OF_CONTRACT, "level"), series(m.SLA_RISK, CHOSEN_CLIENTS))
    return curves(
        "Contracts by level",
        "How many contracts stand at each level of risk.",
        COUNT,
        [Prom(f"sum by (level) ({standing})", "{{level}}")],
        width=24,
        stacked=True,
        defaults={"min": 0, "decimals": 0},
        overrides=[coloured(name, colour, displayName=spoken(name)) for name, colour in _LEVEL_COLOURS.items()],
        calcs=["lastNotNull", "max"],
    )


def _worst() -> Panel:
    return figures(
        "Contracts, the worst first",
        "How each contract stands, what is left of its budget, and what its worst end would cost.",
        CONTRACT_KEYS,
        [
            Column("State", level(CHOSEN_CLIENTS), "none", in_colour(mappings=level_words())),
            Column("Of budget", left_share(CHOSEN_CLIENTS), SHARE, in_colour(thresholds=LEFT_STEPS, decimals=1)),
            Column("At stake", largest(OF_CONTRACT, series(m.SLA_CREDIT_AT_STAKE, CHOSEN_CLIENTS)), "none", _MONEY),
        ],
        sort="State",
        width=12,
        overrides=[override("Contract", links=to_contract())],
    )


def _verdicts() -> Panel:
    codes = {verdict.value: code for verdict, code in VERDICTS.items()}
    verdict = largest(OF_CONTRACT, coded(codes, m.SLA_LAST_VERDICT, "verdict", CHOSEN_CLIENTS))
    last = cut(largest(OF_CONTRACT, series(m.SLA_LAST_AVAILABILITY, CHOSEN_CLIENTS)))
    return figures(
        "Verdicts on the periods before",
        "How the last period that ended went, and the credit that is due for it, in the contract's currency.",
        CONTRACT_KEYS,
        [
            Column("Verdict", verdict, "none", in_colour(mappings=verdict_words())),
            Column("Availability", last, SHARE, {"decimals": 4}),
            Column("Due", largest(OF_CONTRACT, series(m.SLA_CREDIT_DUE, CHOSEN_CLIENTS)), "none", _MONEY),
        ],
        sort="Verdict",
        width=12,
        overrides=[override("Contract", links=to_contract())],
    )


def _reviews() -> Panel:
    return figures(
        "Reviews overdue",
        "How long ago the first review came due that nobody has signed, for every contract with agreed times for it.",
        CONTRACT_KEYS,
        [
            Column(
                "Overdue",
                of_contract(m.REVIEW_OVERDUE, CHOSEN_CLIENTS),
                SECONDS,
                in_colour(thresholds=REVIEW_STEPS, mappings=words({"0": ("none due", QUIET)})),
            )
        ],
        sort="Overdue",
        height=7,
        overrides=[override("Contract", links=to_contract())],
    )
