"""``import``: bring configuration or history along from another monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from slawatch.cli.import_door import Door, door_to
from slawatch.cli.options import configured
from slawatch.cli.output import Format, messages, print_rows
from slawatch.config.configuration import Configuration
from slawatch.config.values import parse_identifier
from slawatch.domain.grammar import parse_duration, spell_duration
from slawatch.domain.interval import Duration, format_instant
from slawatch.domain.state_machine import Cadence
from slawatch.moving.carried import Carried, client_file
from slawatch.moving.series import Series, Tally, past_of, summary_of
from slawatch.runtime.errors import UsageError
from slawatch.storage.entries import EndpointKey

_TABLE = ("name", "endpoint", "result", "from", "to", "known", "outages", "samples", "note")


class Wish(NamedTuple):
    """What was asked for, as it was written."""

    config: Path
    client: str
    interval: str | None = None
    names: Sequence[str] = ()
    """``NAME=ENDPOINT``: how things that the other monitor watched are called here."""
    dry_run: bool = False
    form: Format = Format.TABLE


Pace = Callable[[Series, str], Cadence]
"""How often a series was looked at that becomes the past of an endpoint."""


def import_history(wish: Wish, series: Sequence[Series]) -> None:
    """Hand in what a source holds, and print what became of each thing that it watched."""
    configuration = configured(wish.config)
    rows = asyncio.run(_hand_in(configuration, wish, series, _names(wish.names)))
    print_rows(rows, wish.form, _TABLE)


def write_client(folder: Path, client: str, source: str, carried: Sequence[Carried]) -> None:
    """Write a client file of what another monitor watched, and say what could not be carried over."""
    try:
        parse_identifier(client)
    except ValueError as error:
        raise UsageError(f"--client: {error}") from None
    path = folder / f"{client}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(client_file(client, source, carried))
    except FileExistsError:
        raise UsageError(f"{path} is there already: it is left alone") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    left = [each.name for each in carried if not each.options]
    messages.print(f"{path} has {len(carried) - len(left)} endpoints; read its comments before it counts")
    for each in carried:
        for note in each.notes:
            messages.print(f"  {each.name}: {note}", markup=False)


def _paces(configuration: Configuration, wish: Wish) -> Pace:
    """How often a series was looked at: as ``--interval`` says, else the source, else as the endpoint is."""
    client = next((each for each in configuration.clients if each.id == wish.client), None)
    if client is None:
        raise UsageError(f"--client: there is no client {wish.client!r} in the configuration")
    every, own = _interval(wish.interval), {each.name: each.cadence for each in client.endpoints}

    def pace(series: Series, endpoint: str) -> Cadence:
        cadence = series.cadence or own[endpoint]
        return cadence if every is None else _at_interval(cadence, every)

    return pace


def _interval(text: str | None) -> Duration | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--interval: {error}") from None


def _at_interval(cadence: Cadence, every: Duration) -> Cadence:
    return replace(
        cadence, every=every, timeout=min(cadence.timeout, every), retry_every=min(cadence.retry_every, every)
    )


def _names(texts: Sequence[str]) -> Mapping[str, str]:
    pairs = [text.rpartition("=") for text in texts]
    if any(not (name and mark and endpoint) for name, mark, endpoint in pairs):
        raise UsageError("--name: expected NAME=ENDPOINT, as 'My shop=website'")
    return {name: endpoint for name, _, endpoint in pairs}


async def _hand_in(
    configuration: Configuration, wish: Wish, series: Sequence[Series], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    unknown = sorted(names.keys() - {each.name for each in series})
    if unknown:
        raise UsageError(f"--name: nothing is called {unknown[0]!r} there")
    pace = _paces(configuration, wish)
    targets = [names.get(each.name, each.endpoint) for each in series]
    async with door_to(configuration, dry_run=wish.dry_run) as door:
        windows = await door.windows(wish.client)
        twice = sorted({name for name in targets if targets.count(name) > 1 and name in windows})
        if twice:
            raise UsageError(f"two things would be the endpoint {twice[0]!r}: give each its own with --name")
        return [
            await _one(door, wish, each, EndpointKey(wish.client, name), windows, pace)
            for each, name in zip(series, targets, strict=True)
        ]


async def _one(
    door: Door, wish: Wish, series: Series, key: EndpointKey, windows: Mapping[str, int], pace: Pace
) -> dict[str, Any]:
    row: dict[str, Any] = {"name": series.name, "endpoint": key.name}
    if key.name not in windows:
        note = f"{wish.client} has no endpoint {key.name!r}: add one, or give --name '{series.name}=ENDPOINT'"
        return row | {"result": "skipped", "note": note}
    tally = Tally()
    found = past_of(series, key, pace(series, key.name), windows[key.name], tally)
    notes = [*tally.notes(), *series.notes]
    row["samples"] = tally.samples
    if not found.facts:
        before = format_instant(windows[key.name])
        notes.insert(0, f"it holds nothing from before {before}, from when on slawatch knows the endpoint itself")
        return row | {"result": "nothing", "note": "; ".join(notes)}
    summary = summary_of(found)
    row |= {"from": format_instant(summary.start), "to": format_instant(summary.end)}
    row |= {"known": spell_duration(summary.known), "outages": summary.outages, "note": "; ".join(notes)}
    if wish.dry_run:
        return row | {"result": "would be imported"}
    return row | {"result": "imported" if await door.take(found) else "imported before"}
