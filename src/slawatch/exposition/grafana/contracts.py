"""All contracts: whom must I worry about?"""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.common import (
    BURN_STEPS,
    CHOSEN_CLIENTS,
    CONTRACT_KEYS,
    COVERAGE_STEPS,
    LEFT_STEPS,
    OF_CONTRACT,
    TO_BUSINESS,
    TO_ENDPOINTS,
    TO_MONITOR,
    client_variable,
    date_of,
    left_share,
    level,
    of_contract,
    to_contract,
    to_endpoints,
)
from slawatch.exposition.grafana.dashboard import Dashboard
from slawatch.exposition.grafana.look import COUNT, DATE, DEGRADED, DOWN, QUIET, SECONDS, SHARE, level_words, steps
from slawatch.exposition.grafana.panels import Panel, Prom, curves, figure, override, thresholds_shown
from slawatch.exposition.grafana.selectors import cut, largest
from slawatch.exposition.grafana.tables import Column, figures, in_colour
from slawatch.exposition.metrics import Metric
from slawatch.exposition.promql import series

_AVAILABILITY = {"decimals": 4}


def contracts() -> Dashboard:
    """The overview that every other dashboard is reached from."""
    return Dashboard(
        "contracts",
        "slawatch / Contracts",
        "Whom must I worry about? Every contract's current period, the worst first.",
        [
            ("", [*_counts(), _table()]),
            ("How budgets are used", [_left(), _burn()]),
        ],
        links=[TO_ENDPOINTS, TO_BUSINESS, TO_MONITOR],
        variables=[client_variable(m.SLA_TARGET)],
    )


def _counts() -> list[Panel]:
    risky = series(m.SLA_RISK, {**CHOSEN_CLIENTS, "level": "=~breaching|lost"})
    at_risk = series(m.SLA_RISK, {**CHOSEN_CLIENTS, "level": "at_risk"})
    return [
        figure(
            "Contracts",
            "How many contracts are judged.",
            COUNT,
            f"count({of_contract(m.SLA_TARGET, CHOSEN_CLIENTS)})",
            width=8,
        ),
        _contracts_that("Breaching or lost", "An outage runs that breaches, or the standard is missed.", risky, DOWN),
        _contracts_that("At risk", "What is left of the budget goes faster than the period.", at_risk, DEGRADED),
        _endpoints_that("Endpoints down", "Confirmed down at this moment.", m.ENDPOINT_UP, DOWN),
        _endpoints_that(
            "Endpoints unknown",
            "Nothing is known of them: nobody looks, or the way to them is blind. Not down.",
            m.ENDPOINT_KNOWN,
            DEGRADED,
        ),
    ]


def _contracts_that(title: str, text: str, selected: str, colour: str) -> Panel:
    every = of_contract(m.SLA_TARGET, CHOSEN_CLIENTS)
    return _count(title, text, largest(OF_CONTRACT, f"{selected} == 1"), every, colour)


def _endpoints_that(title: str, text: str, metric: Metric, colour: str) -> Panel:
    each = ("client", "endpoint")
    every = largest(each, series(m.ENDPOINT_KNOWN, CHOSEN_CLIENTS))
    return _count(title, text, largest(each, f"{series(metric, CHOSEN_CLIENTS)} == 0"), every, colour)


def _count(title: str, text: str, counted: str, every: str, colour: str) -> Panel:
    """How many; 0 where there is none, as long as there is any at all: slawatch lists whatever it has."""
    expression = f"count({counted}) or 0 * count({every})"
    return figure(title, text, COUNT, expression, defaults={"thresholds": steps(QUIET, (1, colour))})


def _table() -> Panel:
    chosen = CHOSEN_CLIENTS

    def bound(name: str) -> str:
        return cut(largest(OF_CONTRACT, series(m.SLA_AVAILABILITY, {**chosen, "bound": name})))

    columns = [
        Column("State", level(chosen), "none", in_colour(mappings=level_words())),
        Column("Low", bound("low"), SHARE, _AVAILABILITY),
        Column("Point", bound("point"), SHARE, _AVAILABILITY),
        Column("High", bound("high"), SHARE, _AVAILABILITY),
        Column("Target", of_contract(m.SLA_TARGET, chosen), SHARE, _AVAILABILITY),
        Column(
            "Budget left",
            of_contract(m.SLA_BUDGET_REMAINING, chosen),
            SECONDS,
            in_colour(thresholds=steps(DOWN, (0, QUIET))),
        ),
        Column("Of budget", left_share(chosen), SHARE, in_colour(thresholds=LEFT_STEPS, decimals=1)),
        Column("Breaches at", date_of(m.SLA_BREACH, OF_CONTRACT, chosen), DATE),
        Column("At stake", of_contract(m.SLA_CREDIT_AT_STAKE, chosen), "none", {"decimals": 2}),
        Column(
            "Coverage", of_contract(m.SLA_COVERAGE, chosen), SHARE, in_colour(thresholds=COVERAGE_STEPS, decimals=1)
        ),
        Column("Period ends", date_of(m.SLA_PERIOD_END, OF_CONTRACT, chosen), DATE),
    ]
    return figures(
        "Contracts, the worst first",
        "Each contract's current period to date. Low, point and high say how sure the figure is; all three are cut, "
        "never rounded up. An empty breach time: no outage is running. Money is in the contract's currency. Click a "
        "contract to see why.",
        CONTRACT_KEYS,
        columns,
        sort="State",
        height=14,
        overrides=[override("Contract", links=to_contract()), override("Client", links=to_endpoints())],
    )


def _left() -> Panel:
    return curves(
        "Budget left",
        "What is left of each contract's downtime budget, as a share of it. Below 0 the standard is missed.",
        SHARE,
        [Prom(left_share(CHOSEN_CLIENTS), "{{client}} {{contract}}")],
        custom=thresholds_shown(),
        defaults={"thresholds": LEFT_STEPS, "max": 1},
    )


def _burn() -> Panel:
    rate = largest((*OF_CONTRACT, "window"), series(m.SLA_BURN_RATE, CHOSEN_CLIENTS))
    return curves(
        "Burn rate",
        "How many times as fast as the whole period allows the budget was used within the window; 1 uses it up "
        "exactly.",
        "none",
        [Prom(rate, "{{client}} {{contract}} in {{window}}")],
        custom=thresholds_shown(),
        defaults={"thresholds": BURN_STEPS, "min": 0},
    )
