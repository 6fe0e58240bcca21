"""``evaluate``: judge a history file."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from slawatch.cli.output import Format, messages, print_rows
from slawatch.config.loader import load_client
from slawatch.domain.account import Account
from slawatch.domain.account_json import account_object
from slawatch.domain.compliance import display_ratio
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import Instant, format_instant, parse_instant
from slawatch.evaluation.history_file import read_history
from slawatch.evaluation.offline import Offline
from slawatch.runtime.errors import UsageError

_TABLE = (
    "contract",
    "from",
    "to",
    "verdict",
    "low",
    "point",
    "high",
    "target",
    "coverage",
    "used",
    "allowed",
    "credit",
)
_CSV = (
    "client", "contract", "start", "end", "partial", "verdict", "low", "point", "high", "target", "coverage",
    "up_us", "degraded_us", "down_us", "unknown_us", "excluded_us", "outside_hours_us", "outside_contract_us",
    "allowed_us", "used_us", "left_us", "n", "missed", "unknown", "allowed", "credit", "currency",
)  # fmt: skip


class Wish(NamedTuple):
    """What was asked for, as it was written."""

    at: str | None
    until: str | None
    period: str
    terms_of_file: bool


def evaluate(history: Path, contract: Path, wish: Wish, form: Format) -> None:
    """Judge a history file and print one account a contract and period."""
    gc.disable()  # what is read stays until the end: the collector would only walk it, again and again
    try:
        _evaluate(history, contract, wish, form)
    finally:
        gc.enable()


def _evaluate(history: Path, contract: Path, wish: Wish, form: Format) -> None:
    client = load_client(contract)
    rows = read_history(history, client.id)
    rows.seal(_instant("--until", wish.until))
    now = _instant("--at", wish.at)
    now = rows.end if now is None else now
    if now is None:
        raise UsageError(f"{history} holds no rows, so there is no now: give --at")
    contracts = [item.contract for item in client.contracts]
    announcements = [item.announcement for item in client.announcements]
    offline = Offline(contracts, announcements, rows, terms_of_file=wish.terms_of_file)
    if any(offline.uses_terms_of_history(item) for item in contracts):
        messages.print("judged by the terms that the history holds (--terms-of-file for the file's)")
    _print(offline, offline.accounts(now, _period(wish.period)), form)


def _instant(option: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _period(text: str) -> str | Instant:
    if text in ("last", "current", "all"):
        return text
    try:
        return parse_instant(text)
    except ValueError:
        raise UsageError(f"--period: {text!r}: expected last, current, all or an instant") from None


def _print(offline: Offline, accounts: Iterable[Account], form: Format) -> None:
    if form is Format.TABLE:
        print_rows((_table_row(item) for item in accounts), form, _TABLE)
    elif form is Format.CSV:
        print_rows((_csv_row(account_object(item)) for item in accounts), form, _CSV)
    else:
        print_rows((_object(offline, item) for item in accounts), form, ())


def _object(offline: Offline, item: Account) -> dict[str, Any]:
    breach = offline.breach_at(item)
    return account_object(item) | {"breach_at": None if breach is None else format_instant(breach)}


def _table_row(item: Account) -> dict[str, Any]:
    compliance, target = item.compliance, item.compliance.target

    def percent(ratio: Any) -> str:
        return "n/a" if ratio is None else f"{display_ratio(ratio, target)} %"

    return {
        "contract": item.contract.key,
        "from": format_instant(compliance.period.start),
        "to": format_instant(compliance.period.end) + (" (partial)" if compliance.period.partial else ""),
        "verdict": compliance.verdict.value,
        "low": percent(compliance.availability.low),
        "point": percent(compliance.availability.point),
        "high": percent(compliance.availability.high),
        "target": percent(target),
        "coverage": percent(compliance.coverage),
        **_budget(item),
        "credit": _credit(item),
    }


def _budget(item: Account) -> dict[str, str]:
    counts, budget = item.counts, item.compliance.budget
    if counts is None:
        return {"used": spell_duration(budget.used), "allowed": spell_duration(budget.allowed)}
    unknown = f", {counts.unknown} unknown" if counts.unknown else ""
    return {"used": f"{counts.missed} of {counts.n} missed{unknown}", "allowed": str(counts.allowed)}


def _credit(item: Account) -> str:
    settlement = item.settlement
    if settlement is None:
        return ""
    if settlement.amount is not None:
        return str(settlement.amount)
    return f"open ({settlement.at_high} to {settlement.at_low})"


def _csv_row(found: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"client": found["client"], "contract": found["contract"], **found["period"]}
    row |= {"verdict": found["verdict"], "target": found["target"], "coverage": found["coverage"]}
    row |= {key: found["availability"][key] for key in ("low", "point", "high")}
    row |= {f"{name}_us": length for name, length in found["time_us"].items()}
    row |= {f"{name}_us": length for name, length in found["budget_us"].items()} | (found["counts"] or {})
    credit = found["credit"]
    return row | ({"credit": credit["amount"], "currency": credit["currency"]} if credit else {})
