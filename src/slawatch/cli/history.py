"""``history``: the raw availability history, from the running daemon or, without one, from its database."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

from slawatch.cli.control import session_to
from slawatch.cli.options import configured
from slawatch.cli.output import Format, json_line, messages, print_rows
from slawatch.config.configuration import Configuration
from slawatch.config.paths import control_socket
from slawatch.domain.composite import names_in
from slawatch.domain.interval import Instant, format_instant, parse_instant
from slawatch.evaluation.history_export import Selection, history_rows
from slawatch.evaluation.history_file import csv_lines
from slawatch.evaluation.leftover import cut_of_ended_run
from slawatch.runtime.errors import Unavailable, UsageError
from slawatch.storage.entries import EndpointKey
from slawatch.storage.ledger import Ledger

Row = dict[str, Any]

_TABLE = ("at", "type", "client", "endpoint", "state", "cause", "reason", "detail")


class Wish(NamedTuple):
    """What was asked for, as it was written."""

    client: str | None
    endpoint: str | None
    service: str | None
    start: str | None
    end: str | None


def print_history(config: Path, wish: Wish, form: Format) -> None:
    """Print the rows that are wanted."""
    configuration = configured(config)
    asyncio.run(_print(_rows(configuration, _selection(configuration, wish)), form))


def _selection(configuration: Configuration, wish: Wish) -> Selection:
    client, endpoint, service, start, end = wish
    if client is None:
        if endpoint or service:
            raise UsageError("--endpoint and --service need --client")
        return Selection(start=_instant("--from", start), end=_instant("--to", end))
    found = next((item for item in configuration.clients if item.id == client), None)
    if found is None:
        raise UsageError(f"--client: there is no client {client!r}")
    names = None if endpoint is None else [endpoint]
    if service is not None:
        wanted = next((item for item in found.services if item.name == service), None)
        if wanted is None:
            raise UsageError(f"--service: {client} has no service {service!r}")
        names = [name for name in names_in(wanted.expression) if endpoint in (None, name)]
    keys = None if names is None else [EndpointKey(client, name) for name in names]
    return Selection([client], keys, _instant("--from", start), _instant("--to", end))


def _instant(option: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


async def client_rows(configuration: Configuration, client: str) -> AsyncIterator[Row]:
    """Everything that is on record of one client, for a command that judges it."""
    async for row in _rows(configuration, Selection([client])):
        yield row


async def _rows(configuration: Configuration, selection: Selection) -> AsyncIterator[Row]:
    try:
        async for row in _from_daemon(configuration, selection):
            yield row
    except Unavailable:
        messages.print("no daemon is running: what its database holds, up to its last sign of life")
        async for row in _from_database(configuration, selection):
            yield row


async def _from_daemon(configuration: Configuration, selection: Selection) -> AsyncIterator[Row]:
    wanted = [("client", client) for client in selection.clients or ()]
    wanted += [("endpoint", key.name) for key in selection.endpoints or ()]
    wanted += [
        (name, format_instant(instant))
        for name, instant in (("from", selection.start), ("to", selection.end))
        if instant is not None
    ]
    async with (
        session_to(control_socket(configuration), patience=None) as session,
        session.get("/api/v1/history", params=wanted) as response,
    ):
        response.raise_for_status()
        async for line in response.content:
            yield json.loads(line)


async def _from_database(configuration: Configuration, selection: Selection) -> AsyncIterator[Row]:
    async with await Ledger.open(configuration.database, read_only=True) as ledger:
        cadences = {EndpointKey(item.client, item.name): item.cadence for item in configuration.endpoints}
        cut = await cut_of_ended_run(ledger, configuration.site, cadences)
        if cut is None:
            return
        async for row in history_rows(ledger, selection, cut):
            yield row


async def _print(rows: AsyncIterator[Row], form: Format) -> None:
    write: Callable[[str], object] = sys.stdout.write
    if form is Format.JSONL:
        async for row in rows:
            write(json_line(row))
    elif form is Format.CSV:
        async for line in csv_lines(rows):
            write(line)
    else:
        print_rows([_readable(row) if form is Format.TABLE else row async for row in rows], form, _TABLE)


def _readable(row: Row) -> Row:
    """Rows that span time have a start instead of an instant."""
    return {"at": row.get("start"), **row, "state": row.get("state") or row.get("kind")}
