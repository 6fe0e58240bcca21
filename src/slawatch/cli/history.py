"""``history``: what is on record, from the running daemon or, without one, from its database."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from slawatch.cli.control import session_to
from slawatch.cli.options import configured
from slawatch.cli.output import Format, json_line, messages, print_rows
from slawatch.cli.strip_chart import print_strips
from slawatch.config.configuration import Configuration
from slawatch.config.faces import faces
from slawatch.config.paths import control_socket
from slawatch.domain.grammar import spell_duration
from slawatch.evaluation.asking import Question, Show, question
from slawatch.evaluation.history_answers import answer
from slawatch.evaluation.history_file import csv_lines
from slawatch.evaluation.leftover import cut_of_ended_run
from slawatch.runtime.errors import Unavailable, UsageError
from slawatch.storage.entries import EndpointKey
from slawatch.storage.ledger import Ledger

Row = dict[str, Any]
Parameters = list[tuple[str, str]]

STRIP = "strip"
"""What is shown by drawing it: no rows."""

_FACTS = ("at", "type", "client", "endpoint", "state", "cause", "reason", "detail")
_FIGURES = (
    "client", "endpoint", "contract", "start", "end", "availability_low", "availability_point", "availability_high",
    "coverage", "time_us_down", "time_us_unknown", "outages",
)  # fmt: skip
_COLUMNS: dict[Show, tuple[str, ...]] = {
    Show.EVENTS: ("at", "site", "event", "client", "endpoint", "reason", "id"),
    Show.OBSERVATIONS: ("at", "client", "endpoint", "verdict", "reason", "detail", "duration_us", "address", "cause"),
    Show.OUTAGES: (
        "start", "end", "client", "endpoint", "length_us_low", "length_us_point", "length_us_high", "unknown_us",
        "confirmed_at", "ongoing", "cause", "reason", "detail", "last_reason", "last_detail", "behind", "cost", "id",
    ),
    Show.DAYS: _FIGURES,
    Show.WEEKS: _FIGURES,
    Show.MONTHS: _FIGURES,
    Show.LATENCY: (
        "client", "endpoint", "start", "probes_up", "probes_degraded", "probes_down", "probes_void", "min_us",
        "mean_us", "p50_us", "p90_us", "p95_us", "p99_us", "max_us",
    ),
}  # fmt: skip
_IN_TABLE: dict[Show, tuple[str, ...]] = {
    Show.OUTAGES: ("start", "end", "client", "endpoint", "low", "length", "high", "reason", "detail", "cost"),
}


def print_history(config: Path, parameters: Parameters, form: Format) -> None:
    """Print the rows that are wanted, or draw them."""
    configuration = configured(config)
    drawn = ("show", STRIP) in parameters
    asked = _asked(configuration, [pair for pair in parameters if pair != ("show", STRIP)])
    rows = _rows(configuration, asked, [pair for pair in parameters if pair != ("show", STRIP)])
    if drawn:
        asyncio.run(print_strips(rows, asked.selection, {key: face.zone for key, face in faces(configuration).items()}))
    else:
        asyncio.run(_print(rows, asked.show, form))


def _asked(configuration: Configuration, parameters: Parameters) -> Question:
    known = faces(configuration)
    for key, client in parameters:
        if key == "client" and client not in known:
            raise UsageError(f"--client: there is no client {client!r}")
    try:
        return question(parameters, known)
    except ValueError as error:
        key, _, text = str(error).partition(":")
        raise UsageError(f"--{key.replace('_', '-')}:{text}") from None


async def client_rows(configuration: Configuration, client: str) -> AsyncIterator[Row]:
    """Everything that is on record of one client, for a command that judges it."""
    wanted = [("client", client)]
    async for row in _rows(configuration, _asked(configuration, wanted), wanted):
        yield row


async def _rows(configuration: Configuration, asked: Question, parameters: Parameters) -> AsyncIterator[Row]:
    try:
        async for row in _from_daemon(configuration, parameters):
            yield row
    except Unavailable:
        messages.print("no daemon is running: what its database holds, up to its last sign of life")
        async for row in _from_database(configuration, asked):
            yield row


async def _from_daemon(configuration: Configuration, parameters: Parameters) -> AsyncIterator[Row]:
    async with (
        session_to(control_socket(configuration), patience=None) as session,
        session.get("/api/v1/history", params=parameters) as response,
    ):
        if response.status == 400:
            raise UsageError((await response.text()).strip())
        response.raise_for_status()
        async for line in response.content:
            yield json.loads(line)


async def _from_database(configuration: Configuration, asked: Question) -> AsyncIterator[Row]:
    async with await Ledger.open(configuration.database, read_only=True) as ledger:
        cadences = {EndpointKey(item.client, item.name): item.cadence for item in configuration.endpoints}
        cut = await cut_of_ended_run(ledger, configuration.site, cadences)
        if cut is None:
            return
        async for row in answer(ledger, asked, cut, faces(configuration)):
            yield row


async def _print(rows: AsyncIterator[Row], show: Show, form: Format) -> None:
    write: Callable[[str], object] = sys.stdout.write
    columns = _COLUMNS.get(show, _FACTS)
    if form is Format.JSONL:
        async for row in rows:
            write(json_line(row))
    elif form is Format.CSV and show in _COLUMNS:
        table = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        async for row in _page(rows):
            table.writerow(flat(row))
    elif form is Format.CSV:
        async for line in csv_lines(_page(rows)):
            write(line)
    elif form is Format.TABLE:
        shown = [_readable(flat(row), show) async for row in _page(rows)]
        print_rows(shown, form, _IN_TABLE.get(show, columns))
    else:
        print_rows([row async for row in rows], form, columns)


async def _page(rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    """The rows of a page; where it goes on is for people, on standard error."""
    async for row in rows:
        if row["type"] == "next":
            messages.print(f"there is more: --cursor {row['cursor']}")
        else:
            yield row


def flat(row: Row) -> Row:
    """A row with one level: figures within figures get names of two parts, a list becomes a text."""
    cells: Row = {}
    for key, value in row.items():
        if key in ("availability", "length_us", "time_us", "probes"):
            cells |= {f"{key}_{name}": figure for name, figure in value.items()}
        elif isinstance(value, dict | list):
            cells[key] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        else:
            cells[key] = value
    return cells


def _readable(row: Row, show: Show) -> Row:
    """Rows that span time have a start instead of an instant; a person reads lengths, not microseconds."""
    if show is Show.OUTAGES:
        lengths = {name: spell_duration(row[f"length_us_{key}"]) for name, key in _LENGTHS}
        return row | lengths | {"end": row["end"] or "goes on", "cost": _spoken_cost(json.loads(row.get("cost", "[]")))}
    return {"at": row.get("start"), **row, "state": row.get("state") or row.get("kind")}


_LENGTHS = (("low", "low"), ("length", "point"), ("high", "high"))


def _spoken_cost(costs: Iterable[Row]) -> str:
    """``network: 4 h 00 m of 3 h 21 m, 120.00 EUR``."""
    parts = []
    for cost in costs:
        credit, text = cost["credit"], f"{cost['contract']}: {spell_duration(max(0, cost['used_us']))}"
        text += f" of {spell_duration(cost['allowed_us'])}"
        if credit is not None and credit["amount"] is not None:
            text += f", {credit['amount']} {credit['currency']}"
        parts.append(text)
    return "; ".join(parts)
