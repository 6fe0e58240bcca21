"""Commands that judge: ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from slawatch.cli.options import FormatOption
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
    "allowed_us", "used_us", "left_us", "credit", "currency",
)  # fmt: skip


def add_commands(app: typer.Typer) -> None:
    """Add ``evaluate``."""

    @app.command()
    def evaluate(
        history: Annotated[Path, typer.Argument(help="JSON, JSON Lines or CSV; - is standard input.")],
        contract: Annotated[Path, typer.Option("--contract", help="A client file, as in clients/*.yaml.")],
        at: Annotated[str | None, typer.Option(help='"Now": an instant; the end of the history when left out.')] = None,
        until: Annotated[str | None, typer.Option(help="Where the history ends, whatever it says itself.")] = None,
        period: Annotated[str, typer.Option(help="last, current, all, or an instant in the period.")] = "all",
        terms_of_file: Annotated[
            bool,
            typer.Option("--terms-of-file", help="Judge by the file even where the history says what was agreed."),
        ] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Judge a history file, with no daemon and no database."""
        client = load_client(contract)
        rows = read_history(history, client.id)
        rows.seal(_instant("--until", until))
        now = _instant("--at", at)
        now = rows.end if now is None else now
        if now is None:
            raise UsageError(f"{history} holds no rows, so there is no now: give --at")
        contracts = [item.contract for item in client.contracts]
        announcements = [item.announcement for item in client.announcements]
        offline = Offline(contracts, announcements, rows, terms_of_file=terms_of_file)
        for item in contracts:
            if offline.uses_terms_of_history(item):
                messages.print(f"{item.key}: judged by the terms in the history (--terms-of-file for the file's)")
        _print(offline.accounts(now, _period(period)), form)


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


def _print(accounts: Iterable[Account], form: Format) -> None:
    if form is Format.TABLE:
        print_rows((_table_row(item) for item in accounts), form, _TABLE)
    elif form is Format.CSV:
        print_rows((_csv_row(account_object(item)) for item in accounts), form, _CSV)
    else:
        print_rows((account_object(item) for item in accounts), form, ())


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
        "used": spell_duration(compliance.budget.used),
        "allowed": spell_duration(compliance.budget.allowed),
        "credit": _credit(item),
    }


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
    row |= {f"{name}_us": length for name, length in found["budget_us"].items()}
    credit = found["credit"]
    return row | ({"credit": credit["amount"], "currency": credit["currency"]} if credit else {})
