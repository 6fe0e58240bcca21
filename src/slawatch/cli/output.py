"""How commands print: data on standard output in the format asked for, messages on standard error."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.table import Table

messages = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: what happened, what to do. Never data."""


class Format(StrEnum):
    """The formats that data comes in."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


Row = Mapping[str, Any]


def print_rows(rows: Iterable[Row], form: Format, columns: Sequence[str], *, title: str = "") -> None:
    """Print rows. ``columns`` are those of a table and of CSV; JSON and JSON Lines carry everything.

    JSON Lines and CSV are written row by row, whatever their number.
    """
    match form:
        case Format.JSON:
            sys.stdout.write(json.dumps([dict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")
        case Format.JSONL:
            for row in rows:
                sys.stdout.write(json_line(row))
        case Format.CSV:
            writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for row in rows:
                writer.writerow({column: _cell(row.get(column)) for column in columns})
        case Format.TABLE:
            _print_table(rows, columns, title)


def json_line(row: Row) -> str:
    """One row as a line of JSON."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _print_table(rows: Iterable[Row], columns: Sequence[str], title: str) -> None:
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
