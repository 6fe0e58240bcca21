"""Reading a history file of any size: JSON (a list), JSON Lines or CSV (S5, S17).

Errors name the file, the line and what is expected. Only what judging needs is kept in memory.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import orjson

from slawatch.domain.history import History, add_row
from slawatch.runtime.errors import InputError

_CSV_COLUMNS = ("endpoint", "at", "state")
_LINES_AT_ONCE = 500


def read_history(path: Path, client: str | None = None) -> History:
    """The history in a file (``-`` is standard input), not sealed yet.

    Rows that name another client are passed over when ``client`` is given.
    """
    if str(path) == "-":
        return _read(sys.stdin, "standard input", path.suffix, client)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read(stream, str(path), path.suffix, client)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}): expected JSON, JSON Lines or CSV") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _read(stream: IO[str], name: str, suffix: str, client: str | None) -> History:
    blank, first = _first_line(stream)
    rest = iter(stream)
    start = first.lstrip()
    if suffix == ".csv" or (start and start[0] not in "[{"):
        rows = _csv_rows([first], rest, name, blank)
    elif start.startswith("["):
        rows = _json_rows("\n" * blank + first + stream.read(), name)
    else:
        rows = _json_lines(first, rest, name, blank)
    history = History()
    for line, row in rows:
        if client is not None and row.get("client", client) != client:
            continue
        try:
            add_row(history, row)
        except ValueError as error:
            raise InputError(f"{name}:{line}: {error}") from None
    return history


def _first_line(stream: IO[str]) -> tuple[int, str]:
    """How many blank lines the stream begins with, and the line after them (empty at the end)."""
    blank, line = 0, stream.readline().removeprefix("\ufeff")
    while line and not line.strip():
        blank, line = blank + 1, stream.readline()
    return blank, line


def _json_rows(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}: {error.msg}: expected a JSON list of rows") from None
    for index, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise InputError(f"{name}: row {index}: expected an object")
        yield index, row


def _json_lines(first: str, rest: Iterable[str], name: str, blank: int) -> Iterator[tuple[int, dict[str, Any]]]:
    lines, number = chain((first,), rest), blank
    while some := list(islice(lines, _LINES_AT_ONCE)):
        rows = _at_once(some)
        yield from _one_by_one(some, name, number) if rows is None else enumerate(rows, number + 1)
        number += len(some)


def _at_once(lines: list[str]) -> list[dict[str, Any]] | None:
    """The rows of many lines, read together, which is more than twice as fast; None when one of them is no row."""
    try:
        rows: list[dict[str, Any]] = orjson.loads(f"[{','.join(lines)}]")
    except orjson.JSONDecodeError:
        return None
    return rows if len(rows) == len(lines) and set(map(type, rows)) == {dict} else None


def _one_by_one(lines: list[str], name: str, before: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of lines of which some are blank, or no rows: the standard reader says in its words what is wrong."""
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{name}:{number}:{error.colno}: {error.msg}: expected a JSON object") from None
        if not isinstance(row, dict):
            raise InputError(f"{name}:{number}: expected a JSON object on each line")
        yield number, row


def _csv_rows(first: Iterable[str], rest: Iterable[str], name: str, blank: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """CSV with a header names its columns; without one they are endpoint, at, state. Empty cells are left out."""
    reader = csv.reader(chain(first, rest), strict=True)
    columns: tuple[str, ...] = _CSV_COLUMNS
    try:
        for cells in reader:
            if not cells:
                continue
            if reader.line_num == 1 and "endpoint" in cells:
                columns = tuple(cells)
                continue
            if len(cells) != len(columns):
                raise ValueError(f"{len(cells)} columns: expected {len(columns)} ({', '.join(columns)})")
            yield blank + reader.line_num, _csv_row(dict(zip(columns, cells, strict=True)))
    except (csv.Error, ValueError) as error:
        raise InputError(f"{name}:{blank + reader.line_num}: {error}") from None


def _csv_row(cells: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {key: value for key, value in cells.items() if value != ""}
    edges = {side: row.pop(f"edges_{side}") for side in ("low", "high") if f"edges_{side}" in row}
    if edges:
        row["edges"] = edges
    for key in ("services", "contracts"):
        if key in row:
            row[key] = row[key].split()
    if "terms" in row:
        row["terms"] = _terms(row["terms"])
    if "count" in row and row["count"].isascii() and row["count"].isdigit():
        row["count"] = int(row["count"])
    return row


def _terms(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"terms: {error.msg}: expected the JSON object that the ledger stored") from None


_COLUMNS = (
    "type", "client", "endpoint", "at", "state", "edges_low", "edges_high", "cause", "confirmed_at", "reason", "detail",
    "count", "id", "kind", "start", "end", "services", "contracts", "announced_at", "approved_by", "by", "evidence",
    "contract", "sha256", "terms", "source",
)  # fmt: skip


async def csv_lines(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Rows as CSV lines that :func:`read_history` reads, beginning with the header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    yield _taken(buffer)
    async for row in rows:
        writer.writerow(_flat(row))
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = dict(row)
    edges = flat.pop("edges", None)
    if edges:
        flat |= {"edges_low": edges["low"], "edges_high": edges["high"]}
    flat |= {key: " ".join(flat[key]) for key in ("services", "contracts") if key in flat}
    if "terms" in flat:
        flat["terms"] = json.dumps(flat["terms"], separators=(",", ":"))
    return flat
