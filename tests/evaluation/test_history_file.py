"""Reading history files: JSON, JSON Lines, CSV, any order, any size, every mistake with its line (S5, S17)."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from slawatch.domain.facts import State
from slawatch.domain.history import History, blip_row, state_row
from slawatch.domain.interval import parse_instant
from slawatch.evaluation.history_file import csv_lines, read_history
from slawatch.runtime.errors import InputError

ROWS: list[dict[str, Any]] = [
    {"type": "state", "client": "acme", "endpoint": "router", "at": "2026-01-05T10:00:00Z", "state": "up"},
    {
        "type": "state",
        "client": "acme",
        "endpoint": "router",
        "at": "2026-01-05T11:00:00Z",
        "state": "down",
        "edges": {"low": "2026-01-05T10:59:00Z", "high": "2026-01-05T11:00:00Z"},
    },
    {
        "type": "blip",
        "client": "acme",
        "endpoint": "router",
        "at": "2026-01-05T10:30:00Z",
        "state": "down",
        "count": 2,
        "edges": {"low": "2026-01-05T10:29:00Z", "high": "2026-01-05T10:31:00Z"},
    },
    {
        "type": "exclusion",
        "client": "acme",
        "start": "2026-01-05T12:00:00Z",
        "end": "2026-01-05T13:00:00Z",
        "services": ["network", "mail"],
    },
    {"type": "until", "at": "2026-01-06T00:00:00Z"},
]


async def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as CSV."""

    async def one_by_one() -> AsyncIterator[dict[str, Any]]:
        for row in rows:
            yield row

    return "".join([line async for line in csv_lines(one_by_one())])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def same(one: History, other: History) -> None:
    assert one.changes == other.changes
    assert one.blips == other.blips
    assert one.announcements == other.announcements
    assert (one.first, one.last, one.until) == (other.first, other.last, other.until)


async def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    """A JSON list, JSON Lines and CSV say the same."""
    listed = read_history(written(tmp_path, "h.json", json.dumps(ROWS, indent=2)))
    lines = read_history(written(tmp_path, "h.jsonl", "\n".join(json.dumps(row) for row in ROWS)))
    cells = read_history(written(tmp_path, "h.csv", await table(ROWS)))
    same(listed, lines)
    same(listed, cells)
    assert [change.state for change in listed.changes["router"]] == [State.UP, State.DOWN]
    assert listed.blips["router"][0].seen == 2
    assert listed.announcements[0].services == {"network", "mail"}
    assert listed.until == parse_instant("2026-01-06T00:00:00Z")


@pytest.mark.parametrize("name", ["h.jsonl", "h.txt", "h"])
def test_the_format_is_seen_in_the_file(tmp_path: Path, name: str) -> None:
    """Blank lines, a byte order mark, carriage returns and a JSON list on one line do not matter."""
    text = "\ufeff" + "\r\n\r\n".join(json.dumps(row) for row in ROWS) + "\r\n"
    one = read_history(written(tmp_path, name, text))
    same(one, read_history(written(tmp_path, "list.json", "\n \n  " + json.dumps(ROWS))))


def test_csv_without_a_header_has_three_columns(tmp_path: Path) -> None:
    """endpoint, at, state."""
    path = written(tmp_path, "h.csv", 'router,2026-01-05T10:00:00Z,up\n\n"router",2026-01-05T11:00:00Z,down\n')
    assert [change.state for change in read_history(path).changes["router"]] == [State.UP, State.DOWN]


def test_csv_is_recognised_without_its_suffix(tmp_path: Path) -> None:
    path = written(tmp_path, "history", "router,2026-01-05T10:00:00Z,up\n")
    assert read_history(path).changes["router"][0].state is State.UP


def test_rows_of_other_clients_are_passed_over(tmp_path: Path) -> None:
    """A row without a client is everybody's."""
    rows = [{**ROWS[0], "client": "other"}, {key: value for key, value in ROWS[1].items() if key != "client"}]
    history = read_history(written(tmp_path, "h.json", json.dumps(rows)), "acme")
    assert [change.state for change in history.changes["router"]] == [State.DOWN]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name - is standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(ROWS[0])))
    assert read_history(Path("-")).changes["router"][0].state is State.UP


@pytest.mark.parametrize("text", ["", "\n", "[]"])
@pytest.mark.parametrize("name", ["h.json", "h.txt", "h.jsonl"])
def test_an_empty_file_is_an_empty_history(tmp_path: Path, name: str, text: str) -> None:
    """S5: no rows, nothing known."""
    assert read_history(written(tmp_path, name, text)).end is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("h.json", "[{]", r"h.json:1: .*expected a JSON list of rows"),
        ("h.json", "[1]", r"h.json: row 1: expected an object"),
        ("h.json", '[{"endpoint": "a"}]', r"h.json:1: at: missing"),
        ("h.jsonl", '{"a": 1}\n{', r"h.jsonl:1: "),
        ("h.jsonl", json.dumps(ROWS[0]) + "\n\n{x}", r"h.jsonl:3:2: .*expected a JSON object"),
        ("h.jsonl", json.dumps(ROWS[0]) + "\n[1]", r"h.jsonl:2: expected a JSON object on each line"),
        (
            "h.csv",
            "router,2026-01-05T10:00:00Z,up\nrouter,up",
            r"h.csv:2: 2 columns: expected 3 \(endpoint, at, state\)",
        ),
        ("h.csv", "router,2026-01-05T10:00:00Z,up\nrouter,yesterday,up", r"h.csv:2: at: 'yesterday' is not an instant"),
        ("h.csv", "endpoint,at,state\nrouter,2026-01-05T10:00:00Z,well", r"h.csv:2: state: 'well' is no state"),
        ("h.csv", "\n\nrouter,up", r"h.csv:3: 2 columns"),
        ("h.csv", "type,endpoint,at,count\nblip,a,2026-01-05T10:00:00Z,x", r"h.csv:2: count: 'x' is no number"),
        (
            "h.csv",
            "endpoint,at,state,edges_low\na,2026-01-05T10:00:00Z,up,2026-01-05T10:00:00Z",
            r"h.csv:2: high: missing",
        ),
        (
            "h.csv",
            "type,endpoint,contract,at,terms\ncontract,,net,2026-01-05T10:00:00Z,{",
            r"h.csv:2: terms: .*expected",
        ),
        ("h.csv", 'router,2026-01-05T10:00:00Z,"up', r"h.csv:1: unexpected end of data"),
    ],
)
def test_mistakes_name_the_file_and_the_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    """Every refusal: where, what, and what is expected."""
    path = written(tmp_path, name, text)
    with pytest.raises(InputError, match=words):
        read_history(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_history(tmp_path / "none.json")
    path = tmp_path / "binary.json"
    path.write_bytes(b"[\xff\xfe]")
    with pytest.raises(InputError, match="not UTF-8"):
        read_history(path)


async def test_a_table_of_facts_reads_back(tmp_path: Path) -> None:
    """What the facts' own rows say survives CSV."""
    history = read_history(written(tmp_path, "h.json", json.dumps(ROWS)))
    rows = [state_row("acme", "router", change) for change in history.changes["router"]]
    rows += [blip_row("acme", "router", blip) for blip in history.blips["router"]]
    again = read_history(written(tmp_path, "h.csv", await table(rows)))
    assert again.changes == history.changes
    assert again.blips == history.blips


async def test_a_table_of_nothing_is_its_header() -> None:
    """One line, which reads back as no rows."""
    assert (await table([])).splitlines()[0].startswith("type,client,endpoint,at,state,")
    assert len((await table([])).splitlines()) == 1


async def test_terms_survive_a_table(tmp_path: Path) -> None:
    """S29: a table carries the versions of terms as JSON in a cell."""
    rows = [{"type": "contract", "contract": "net", "at": "2026-01-05T10:00:00Z", "terms": {"a": ["b", None]}}]
    again = read_history(written(tmp_path, "h.csv", await table(rows)))
    assert again.versions[0].terms == {"a": ["b", None]}
