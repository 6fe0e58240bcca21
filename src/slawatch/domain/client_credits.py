"""One client's credits together: the same incident counted once, and the client's cap (S34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from slawatch.domain.grammar import Money
from slawatch.domain.interval import Interval


@dataclass(frozen=True, slots=True)
class ClientCredit:
    """One contract's credit and the outages (wall-clock, in the period) that lie behind it.

    ``amount`` is in minor units of its currency, None while the credit is open. ``note`` says what
    :func:`client_caps` did to it, empty where it did nothing.
    """

    contract: str
    amount: Money | None
    outages: tuple[Interval, ...] = ()
    note: str = ""


def client_caps(
    credits_of_client: Sequence[ClientCredit], credit_cap: Money | None, *, same_incident_highest: bool
) -> tuple[ClientCredit, ...]:
    """The credits of one client's contracts after what the client's own terms make of them, in the same order.

    With ``same_incident_highest``, contracts that credit something and whose outages overlap, directly or through
    a third one, are one incident: the highest credit counts (of equal ones the first by name) and the others
    are nothing. Then the cap: if the credits exceed it, each gets the same share of its own, cut to the
    minor unit, and the units left over go one each to the largest remainders (of equal ones the first by
    name), so that the sum is exactly the cap and no credit grows. Open credits are left alone.
    ``ValueError`` when the amounts and the cap are not in one currency, for nothing here converts.
    """
    currencies = {item.amount.currency for item in credits_of_client if item.amount is not None}
    if credit_cap is not None:
        currencies.add(credit_cap.currency)
    if len(currencies) > 1:
        raise ValueError(f"credits of one client in {' and '.join(sorted(currencies))}: expected one currency")
    items = list(credits_of_client)
    if same_incident_highest:
        items = _one_per_incident(items)
    return tuple(items if credit_cap is None else _within(items, credit_cap))


def _one_per_incident(items: list[ClientCredit]) -> list[ClientCredit]:
    kept = list(items)
    for group in _incidents(items):
        ranked = sorted(group, key=lambda index: (-_units(items[index]), items[index].contract))
        counted = items[ranked[0]]
        for index in ranked[1:]:
            amount = counted.amount
            assert amount is not None
            note = f"same incident as {counted.contract}, which counts with {amount}"
            nothing = Money(Decimal(0).scaleb(-amount.exponent), amount.currency)
            kept[index] = replace(items[index], amount=nothing, note=note)
    return kept


def _incidents(items: Sequence[ClientCredit]) -> list[list[int]]:
    """The positions of credits that belong to one incident: swept along time, joined where outages overlap."""
    group = {index: [index] for index, item in enumerate(items) if _units(item) > 0}
    outages = sorted((outage, index) for index in group for outage in items[index].outages if outage.length)
    end, last = None, -1
    for outage, index in outages:
        if end is not None and outage.start < end:
            _join(group, last, index)
        if end is None or outage.end > end:
            end, last = outage.end, index
    return list({id(members): members for members in group.values()}.values())


def _join(group: dict[int, list[int]], left: int, right: int) -> None:
    if group[left] is not group[right]:
        moved = group[right]
        group[left].extend(moved)
        for index in moved:
            group[index] = group[left]


def _within(items: list[ClientCredit], cap: Money) -> list[ClientCredit]:
    units = [_units(item) for item in items]
    total, limit = sum(units), _minor(cap)
    if total <= limit:
        return items
    shares = [Fraction(unit * limit, total) for unit in units]
    paid = [int(share) for share in shares]
    by_remainder = sorted(range(len(items)), key=lambda i: (paid[i] - shares[i], items[i].contract))
    for index in by_remainder[: limit - sum(paid)]:
        paid[index] += 1
    return [_capped(item, amount, cap) if unit else item for item, amount, unit in zip(items, paid, units, strict=True)]


def _capped(item: ClientCredit, units: int, cap: Money) -> ClientCredit:
    amount = Money(Decimal(units).scaleb(-cap.exponent), cap.currency)
    return replace(item, amount=amount, note=f"{item.amount} cut to its share of the client's cap of {cap}")


def _units(item: ClientCredit) -> int:
    return 0 if item.amount is None else _minor(item.amount)


def _minor(money: Money) -> int:
    return int(money.amount.scaleb(money.exponent))
