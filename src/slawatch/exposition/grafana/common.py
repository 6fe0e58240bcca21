"""What several dashboards say alike: labels, links from one to the other, and expressions."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.dashboard import Link, Variable, uid_of
from slawatch.exposition.grafana.look import DEGRADED, DOWN, LEVELS, QUIET, Json, steps
from slawatch.exposition.grafana.panels import data_link
from slawatch.exposition.grafana.selectors import coded, largest
from slawatch.exposition.metrics import Metric
from slawatch.exposition.promql import series

OF_CONTRACT = ("client", "service", "contract")
OF_ENDPOINT = ("client", "endpoint", "probe", "site")
CONTRACT_KEYS = {"client": "Client", "service": "Service", "contract": "Contract"}

CHOSEN_CLIENTS = {"client": "=~$client"}

COVERAGE_STEPS = steps(DEGRADED, (0.95, QUIET))
"""The floor of coverage below which a period is disputable unless the contract says another."""

LEFT_STEPS = steps(DOWN, (0, DEGRADED), (0.25, QUIET))
"""Of the share of the budget that is left: overdrawn, the last quarter, more."""

BURN_STEPS = steps(QUIET, (1, DEGRADED))
"""1 uses the budget up exactly. What is alarming depends on the period's length, and is a series of its own."""

REVIEW_STEPS = steps(QUIET, (1, DEGRADED), (86_400, DOWN))
"""How long a review is overdue: at all, and for more than a day."""


def client_variable(metric: Metric, *, every: bool = True) -> Variable:
    """The clients that ``metric`` has."""
    return Variable("client", "Client", f"label_values({series(metric)}, client)", every)


def to_contract() -> list[Json]:
    """From a row with the columns Client and Contract to that contract, over the same time."""
    chosen = "var-client=${__data.fields.Client}&var-contract=${__data.fields.Contract}"
    return data_link("Open this contract", _url("contract", chosen))


def to_endpoints(client: str = "${__data.fields.Client}") -> list[Json]:
    """To the endpoints of a client."""
    return data_link("Open this client's endpoints", _url("endpoints", f"var-client={client}"))


TO_CONTRACTS = Link("Contracts", "Whom must I worry about?", "contracts", ["client"])
TO_ENDPOINTS = Link("Endpoints", "What happened, exactly?", "endpoints", ["client"])
TO_BUSINESS = Link("Business", "What does it cost us?", "business", ["client"])
TO_MONITOR = Link("Monitor", "Can slawatch's word be trusted now?", "monitor")
"""At the top of dashboards; the clients that are chosen go along."""


def _url(name: str, chosen: str) -> str:
    return f"/d/{uid_of(name)}?${{datasource:queryparam}}&{chosen}&${{__url_time_range}}"


def level(matchers: dict[str, str]) -> str:
    """The level of each contract as its code."""
    codes = {level.value: code for level, code in LEVELS.items()}
    return largest(OF_CONTRACT, coded(codes, m.SLA_RISK, "level", matchers))


def left_share(matchers: dict[str, str]) -> str:
    """What is left of each budget, as a share of it; nothing where the standard allows no downtime at all."""
    budget = series(m.SLA_BUDGET, matchers)
    return largest(OF_CONTRACT, f"{series(m.SLA_BUDGET_REMAINING, matchers)} / ({budget} > 0)")


def of_contract(metric: Metric, matchers: dict[str, str]) -> str:
    """One figure of each contract."""
    return largest(OF_CONTRACT, series(metric, matchers))


def date_of(metric: Metric, labels: tuple[str, ...], matchers: dict[str, str]) -> str:
    """A Unix time in milliseconds, as Grafana's dates are."""
    return f"1000 * {largest(labels, series(metric, matchers))}"
