"""What one outage cost each contract: the account with it minus the account without it (S22, S34).

"Without" is the same account over the same history in which the endpoint was up whenever it may have been down in this
outage. So hours, exclusions, redundancy, tiers and caps of the contract are counted as they are everywhere else.
Terms over all of a client's contracts are not applied: they belong to no single outage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from slawatch.domain.account import Account, account, contract_timeline, members
from slawatch.domain.account_json import ratio_or_null
from slawatch.domain.contract import Contract
from slawatch.domain.facts import State
from slawatch.domain.history import History
from slawatch.domain.interval import Instant, Interval, format_instant
from slawatch.domain.period import Period
from slawatch.domain.timeline import LOW, Timeline, painted
from slawatch.evaluation.offline import Offline


class Costs:
    """The costs of a client's outages, as of ``at``."""

    def __init__(self, contracts: Sequence[Contract], history: History, at: Instant) -> None:
        self._offline = Offline(contracts, (), history)
        self._contracts = [contract for contract in contracts if contract.counting is None]
        self._at = at
        self._accounts: dict[tuple[str, Period], Account] = {}

    def of(self, endpoint: str, span: Interval) -> list[dict[str, Any]]:
        """A row for each contract and period that the endpoint's outage touches; empty where none counts it."""
        return [row for contract in self._contracts for row in self._of(contract, endpoint, span)]

    def _of(self, contract: Contract, endpoint: str, span: Interval) -> Iterator[dict[str, Any]]:
        for governing, period in self._offline.book(contract).between(span.start, max(span.end, span.start + 1)):
            if endpoint in members(governing) and period.start < self._at:
                timelines = self._offline.members(governing)
                mine = timelines[endpoint]
                healed = painted(mine, mine.where(LOW, State.DOWN, *span), State.UP)
                without = self._account(governing, period, {**timelines, endpoint: healed})
                yield _row(self._as_it_was(governing, period), without)

    def _as_it_was(self, contract: Contract, period: Period) -> Account:
        key = contract.name, period
        if key not in self._accounts:
            self._accounts[key] = self._account(contract, period, self._offline.members(contract))
        return self._accounts[key]

    def _account(self, contract: Contract, period: Period, timelines: Mapping[str, Timeline]) -> Account:
        timeline = contract_timeline(contract, timelines)
        return account(contract, period, timeline, self._offline.announcements, self._at)


def _row(with_it: Account, without: Account) -> dict[str, Any]:
    compliance, budget = with_it.compliance, with_it.compliance.budget
    used = budget.used - without.compliance.budget.used
    return {
        "contract": with_it.contract.name,
        "period": {"start": format_instant(compliance.period.start), "end": format_instant(compliance.period.end)},
        "downtime_us": compliance.classes.down - without.compliance.classes.down,
        "used_us": used,
        "allowed_us": budget.allowed,
        "budget_share": ratio_or_null(Fraction(used, budget.allowed)) if budget.allowed > 0 else None,
        "verdict": compliance.verdict.value,
        "verdict_without": without.compliance.verdict.value,
        "credit": _credit(with_it, without),
    }


def _credit(with_it: Account, without: Account) -> dict[str, Any] | None:
    """How much of the credit this outage is; ``amount`` is null while it is open, and then the bounds say more."""
    one, other = with_it.settlement, without.settlement
    if one is None or other is None:
        return None
    amount = None if one.amount is None or other.amount is None else one.amount.amount - other.amount.amount
    return {
        "amount": None if amount is None else f"{amount:f}",
        "currency": one.currency,
        "at_low": f"{one.at_low.amount - other.at_low.amount:f}",
        "at_high": f"{one.at_high.amount - other.at_high.amount:f}",
    }
