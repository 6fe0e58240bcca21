"""``explain``: a contract in plain words and numbers, and what other clauses would make of the same events."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from slawatch.cli.history import client_rows
from slawatch.cli.output import Format, messages, print_rows
from slawatch.config.configuration import ClientConfig, Configuration
from slawatch.config.loader import load, load_client
from slawatch.domain.account_json import counts_object, credit_object, ratio_or_null
from slawatch.domain.allowance import Allowance, Breach
from slawatch.domain.compliance import display_ratio
from slawatch.domain.contract import Contract
from slawatch.domain.explanation import Explanation, explain
from slawatch.domain.flattery import Scene, View, views
from slawatch.domain.grammar import spell_duration
from slawatch.domain.history import History, add_row
from slawatch.domain.interval import Instant, Interval, format_instant, parse_instant
from slawatch.domain.local_time import local_of
from slawatch.domain.other_engines import engine_views
from slawatch.domain.outlook import in_words, outlook
from slawatch.domain.penalty import percent_text
from slawatch.evaluation.history_file import read_history
from slawatch.evaluation.offline import Offline
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import SlawatchError, UsageError

Row = dict[str, Any]

_VIEWS = ("group", "clause", "from", "to", "figure", "verdict", "credit", "assumed_up", "flatters")
_VIEWS_CSV = ("group", "clause", "start", "end", "figure", "verdict", "credit", "currency", "assumed_up_us", "flatters")


class Wish(NamedTuple):
    """What was asked for, as it was written."""

    contract: str
    config: Path
    client_file: Path | None
    history: Path | None
    at: str | None
    period: str


def explain_contract(wish: Wish, form: Format) -> None:
    """Print the explanation of one contract and, where there is a history, the views of its events."""
    configuration, client = _client(wish)
    contract = next((item.contract for item in client.contracts if item.key == wish.contract), None)
    if contract is None:
        known = ", ".join(item.key for item in client.contracts) or "none"
        raise UsageError(f"there is no contract {wish.contract!r}: {client.id} has {known}")
    history = _history(wish, configuration, client.id)
    now = _now(wish.at, history)
    if history is not None and history.end is not None:
        history.seal(min(now, history.end))
    announcements = [item.announcement for item in client.announcements]
    scene = None
    if history is not None and history.end is not None:
        offline = Offline([contract], announcements, history)
        announcements = list(offline.announcements)
        contract = offline.book(contract).in_force(now)
        scene = _scene(offline, contract, history, now, wish.period)
    found = [*views(scene), *engine_views(scene)] if scene else []
    ahead = in_words(outlook(contract, scene.timeline(), announcements, now)) if scene else ""
    _print(explain(contract, announcements, now), found, ahead, now, form)


def _client(wish: Wish) -> tuple[Configuration | None, ClientConfig]:
    name, slash, _ = wish.contract.partition("/")
    if not slash:
        raise UsageError(f"{wish.contract!r}: expected CLIENT/CONTRACT, as acme/network")
    if wish.client_file is not None:
        client = load_client(wish.client_file)
        if client.id != name:
            raise UsageError(f"{wish.client_file} is the file of {client.id}, not of {name}")
        return None, client
    configuration = load(wish.config, for_daemon=False)
    found = next((client for client in configuration.clients if client.id == name), None)
    if found is None:
        known = ", ".join(client.id for client in configuration.clients)
        raise UsageError(f"there is no client {name!r}: expected one of {known}")
    return configuration, found


def _history(wish: Wish, configuration: Configuration | None, client: str) -> History | None:
    """From the file, else from the daemon or its database, not sealed; None, with a word why, where there is none."""
    if wish.history is not None:
        history = read_history(wish.history, client)
    elif configuration is None:
        return None
    else:
        try:
            history = asyncio.run(_from_ledger(configuration, client))
        except SlawatchError as error:
            messages.print(f"no history, so no comparison: {error}", markup=False)
            return None
    return history


async def _from_ledger(configuration: Configuration, client: str) -> History:
    history = History()
    async for row in client_rows(configuration, client):
        add_row(history, row)
    return history


def _now(text: str | None, history: History | None) -> Instant:
    if text is not None:
        try:
            return parse_instant(text)
        except ValueError as error:
            raise UsageError(f"--at: {error}") from None
    if history is not None and history.end is not None:
        return history.end
    return SystemClock().now()


def _scene(offline: Offline, contract: Contract, history: History, now: Instant, wanted: str) -> Scene | None:
    """The judged period: the one asked for; by default the last that is over, if anything is known of it."""
    book = offline.book(contract)
    governed = book.current(now)
    if wanted not in ("last", "current"):
        try:
            governed = book.current(parse_instant(wanted))
        except ValueError:
            raise UsageError(f"--period: {wanted!r}: expected last, current or an instant") from None
    elif wanted == "last":
        before = book.before(governed[1]) if governed else book.latest_before(now)
        known_from = history.first
        if before is not None and known_from is not None and known_from < before[1].end:
            governed = before
    if governed is None:
        messages.print("the contract has no such period, so there is nothing to compare")
        return None
    return Scene(governed[0], governed[1], history, offline.announcements, now)


def _print(found: Explanation, compared: Sequence[View], ahead: str, now: Instant, form: Format) -> None:
    if form is Format.CSV:
        print_rows((_view_row(view, compared[0]) for view in compared), form, _VIEWS_CSV)
    elif form is Format.TABLE:
        _print_table(found, compared, ahead, now)
    else:
        document = _document(found, compared, now) | {"outlook": ahead or None}
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2 if form is Format.JSON else None) + "\n")


def _document(found: Explanation, compared: Sequence[View], now: Instant) -> Row:
    contract = found.contract
    return {
        "client": contract.client,
        "contract": contract.name,
        "at": format_instant(now),
        "clauses": {clause.title: clause.text for clause in found.clauses},
        "allows": [_allowance_row(item) for item in found.allowances],
        "views": [_view_row(view, compared[0]) for view in compared],
    }


def _allowance_row(item: Allowance) -> Row:
    return {
        "start": format_instant(item.period.start),
        "end": format_instant(item.period.end),
        "partial": item.period.partial,
        "service_us": item.service_time,
        "excluded_us": item.excluded,
        "allowed_us": item.allowed,
        "charges": None if item.charges is None else str(item.charges),
        "events": item.events,
        "misses": item.misses,
        "breach": _breach_row(item.breach),
    }


def _breach_row(breach: Breach | None) -> Row | None:
    if breach is None:
        return None
    cost = breach.credit
    return {
        "outage_us": breach.length,
        "outage": breach.text,
        "credit": None if cost is None else str(cost.amount),
        "rule": None if cost is None else cost.rule,
    }


def _view_row(view: View, agreed: View) -> Row:
    credit = credit_object(view.settlement)
    return {
        "group": view.group,
        "clause": view.name,
        "start": format_instant(view.span.start),
        "end": format_instant(view.span.end),
        "figure": ratio_or_null(view.figure),
        "low": ratio_or_null(view.account.compliance.availability.low),
        "high": ratio_or_null(view.account.compliance.availability.high),
        "coverage": ratio_or_null(view.account.compliance.coverage),
        "counts": counts_object(view.account.counts),
        "verdict": view.verdict.value,
        "credit": credit["amount"] if credit else None,
        "currency": credit["currency"] if credit else None,
        "assumed_up_us": view.assumed_up,
        "flatters": view.flatters(agreed),
    }


def _print_table(found: Explanation, compared: Sequence[View], ahead: str, now: Instant) -> None:
    contract = found.contract
    write = sys.stdout.write
    write(f"{contract.key}\n\n")
    for clause in found.clauses:
        write(f"{clause.title.capitalize()}\n{fill(clause.text, 110, initial_indent='  ', subsequent_indent='  ')}\n\n")
    write("Allows\n")
    for item in found.allowances:
        write(f"  {_allowance_line(contract, item, now)}\n")
    for line in _breach_lines(found):
        write(f"  {line}\n")
    if ahead:
        write(f"\nOutlook\n{fill(ahead, 110, initial_indent='  ', subsequent_indent='  ')}\n")
    if compared:
        agreed = compared[0]
        running = " (still running: what is to come is taken as up)" if now < agreed.span.end else ""
        write(f"\nThe events of {_span(contract, agreed.span)}{running} under other clauses and engines\n")
        print_rows([_shown(contract, view, agreed) for view in compared], Format.TABLE, _VIEWS)


def _allowance_line(contract: Contract, item: Allowance, now: Instant) -> str:
    span = f"{_span(contract, item.period.interval)}{' (partial)' if item.period.partial else ''}"
    current = " (now)" if now in item.period.interval else ""
    if contract.counting is not None:
        if item.events is None:
            return f"{span}{current}: how many events it will have, nobody knows"
        return f"{span}{current}: {item.misses} of {item.events} runs may be missed"
    less = f" after {spell_duration(item.excluded)} of announced exclusions" if item.excluded else ""
    hours = spell_hours(item.service_time)
    return f"{span}{current}: {spell_duration(item.allowed)} of downtime in {hours} of service time{less}"


def spell_hours(length: int) -> str:
    """A length of service time in hours, as fortnights are compared: ``335 h``, ``90 h 30 m``."""
    hours, rest = divmod(length, 3_600_000_000)
    return f"{hours} h {spell_duration(rest)}" if rest else f"{hours} h"


def _breach_lines(found: Explanation) -> list[str]:
    contract = found.contract
    if contract.counting is not None:
        rest = 1 - contract.target
        first = "no miss is ever allowed" if not rest else f"one may be missed from {-(-1 // rest)} events on"
        return [f"{percent_text(contract.target)} of 10 events allows {int(10 * rest) or 'none'}; {first}"]
    breach = found.allowances[0].breach if found.allowances else None
    if breach is None:
        return []
    if not found.allowances[0].period.judged:
        return [f"One outage {breach.text} would miss the standard in the first, which is shown and not judged"]
    cost = "" if breach.credit is None else f", and costs {breach.credit.amount} ({breach.credit.rule})"
    return [f"One outage {breach.text} breaches the first of these periods{cost}"]


def _span(contract: Contract, span: Interval) -> str:
    start, end = (local_of(instant, contract.zone).isoformat(" ", "minutes") for instant in span)
    return f"{start.removesuffix(' 00:00')} to {end.removesuffix(' 00:00')}"


def _shown(contract: Contract, view: View, agreed: View) -> Row:
    figure, settlement = view.figure, view.settlement
    start, _, end = _span(contract, view.span).partition(" to ")
    credit = ""
    if settlement is not None:
        credit = str(settlement.amount or f"open ({settlement.at_high} to {settlement.at_low})")
    return {
        "group": view.group,
        "clause": view.name,
        "from": start,
        "to": end,
        "figure": "n/a" if figure is None else f"{display_ratio(figure, contract.target)} %",
        "verdict": view.verdict.value + ("" if view.verdict is agreed.verdict else " (!)"),
        "credit": credit,
        "assumed_up": spell_duration(view.assumed_up) if view.assumed_up else "",
        "flatters": "yes" if view.flatters(agreed) else "",
    }
