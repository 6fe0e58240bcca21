"""A client's own terms over the accounts of its contracts: same incident, and the cap over all credits (S34).

They bind the credits of closed periods that are the same span of time: contracts with other periods have no common
period in which their credits could add up. Forecasts of running periods are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from slawatch.domain.account import Account
from slawatch.domain.client_credits import ClientCredit, client_caps
from slawatch.domain.interval import Interval


def with_client_terms(accounts: Iterable[Account]) -> list[Account]:
    """The accounts of one client, in the same order, with what the client's terms make of their credits.

    The terms are those of the first contract of each group: they belong to the client, so all contracts carry
    the same. ``ValueError`` when the credits are not in one currency.
    """
    settled = list(accounts)
    groups: dict[Interval, list[int]] = {}
    for index, account in enumerate(settled):
        if account.settlement is not None and not account.compliance.open:
            groups.setdefault(account.compliance.period.interval, []).append(index)
    for members in groups.values():
        bound = _bound([settled[index] for index in members])
        for index, account in zip(members, bound, strict=True):
            settled[index] = account
    return settled


def _bound(accounts: Sequence[Account]) -> list[Account]:
    contract = accounts[0].contract
    if contract.credit_cap is None and not contract.same_incident_highest:
        return list(accounts)
    credits_of_client = [_credit(account) for account in accounts]
    capped = client_caps(credits_of_client, contract.credit_cap, same_incident_highest=contract.same_incident_highest)
    return [_with(account, credit) for account, credit in zip(accounts, capped, strict=True)]


def _credit(account: Account) -> ClientCredit:
    assert account.settlement is not None
    point = account.compliance.outages[1]
    return ClientCredit(account.contract.name, account.settlement.amount, tuple(outage.span for outage in point))


def _with(account: Account, credit: ClientCredit) -> Account:
    if not credit.note:
        return account
    assert account.settlement is not None
    rule = f"{account.settlement.rule}; {credit.note}"
    return replace(account, settlement=replace(account.settlement, amount=credit.amount, rule=rule))
