"""The worked queries of the documents print what stands below them: in psql, and in the sqlite3 shell."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from docs.reading import ROOT, blocks
from docs.scripted import write
from slawatch.domain.interval import DAY, MILLISECOND, parse_instant
from support.servers import TREE, Postgres

DOCUMENT = ROOT / "docs" / "how-to" / "query-the-ledger-with-sql.md"

_SECTION = re.compile(r"^### (.*?)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
_QUERY = re.compile(r"^```sql\n(.*?)^```$.*?^```text\n(.*?)^```$(?:.*?^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


class Worked(NamedTuple):
    """A question, its query, what psql prints, and what the sqlite3 shell does where that is shown too."""

    question: str
    query: str
    psql: str
    sqlite3: str


def worked() -> list[Worked]:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = []
    for question, section in _SECTION.findall(text):
        match = _QUERY.search(section)
        assert match is not None, question
        found.append(Worked(question, match[1], match[2], match[3] or ""))
    return found


WORKED = worked()
GRAFANA = [block.text for block in blocks(DOCUMENT, "sql") if "$__from" in block.text]


def test_there_are_ten_and_more() -> None:
    assert len(WORKED) >= 10
    assert len(GRAFANA) == 3


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scripted") / "ledger.db"
    asyncio.run(write(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="module")
def scripted_postgres(_postgres: Postgres) -> Iterator[str]:
    with _postgres.database() as url:
        asyncio.run(write(url))
        yield url


@pytest.fixture(scope="module")
def scripted_newer_postgres(_newer_postgres: Postgres) -> Iterator[str]:
    with _newer_postgres.database() as url:
        asyncio.run(write(url))
        yield url


def psql(url: str, query: str, *options: str) -> str:
    program = max((TREE.root / "usr/lib/postgresql").iterdir()).relative_to(TREE.root) / "bin" / "psql"
    command: list[str | Path] = [Path("/", program), "-X", "-v", "ON_ERROR_STOP=1", *options, "-c", query, url]
    done = TREE.run(command, user="postgres", environment={"PGTZ": "UTC"})
    assert done.returncode == 0, done.stderr
    return trimmed(done.stdout)


def shell(path: Path, query: str, *options: str) -> str:
    command = ["sqlite3", *options, f"file:{path}?mode=ro", query]
    done = TREE.run(command, bind=[path.parent])
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return trimmed(done.stdout)


def trimmed(printed: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in printed.splitlines() if line.strip())


@pytest.mark.server("postgres")
@pytest.mark.parametrize("example", WORKED, ids=[each.question for each in WORKED])
def test_psql_prints_what_the_document_shows(example: Worked, scripted_postgres: str) -> None:
    assert psql(scripted_postgres, example.query) == example.psql


@pytest.mark.server("newer_postgres")
@pytest.mark.parametrize("example", WORKED, ids=[each.question for each in WORKED])
def test_psql_prints_the_same_of_a_newer_server(example: Worked, scripted_newer_postgres: str) -> None:
    assert psql(scripted_newer_postgres, example.query) == example.psql


@pytest.mark.server("sqlite3")
@pytest.mark.parametrize("example", WORKED, ids=[each.question for each in WORKED])
def test_sqlite3_prints_the_same_rows(example: Worked, sqlite_file: Path) -> None:
    rows = json.loads(shell(sqlite_file, example.query, "-json"))
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in example.psql.splitlines() if "|" in line]
    assert [list(row) for row in rows] == [header] * len(rows)
    assert [[plain(cell) for cell in row.values()] for row in rows] == [[plain(cell) for cell in row] for row in lines]
    if example.sqlite3:
        assert shell(sqlite_file, example.query, "-box") == example.sqlite3


def plain(cell: object) -> object:
    """A cell without what the two programs write differently: NULL, numbers, instants."""
    text = "" if cell is None else str(cell)
    if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00)", text):
        return parse_instant(text.replace(" ", "T").replace("+00", "Z"))
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


# --- Grafana ---------------------------------------------------------------------------------------------------------


def filled_in(query: str) -> str:
    """As both sources fill it in: milliseconds, as digits."""
    start = parse_instant("2026-03-30T00:00:00Z")
    return query.replace("$__from", str(start // MILLISECOND)).replace("$__to", str((start + 2 * DAY) // MILLISECOND))


def lines_of(printed: str) -> Sequence[Sequence[object]]:
    return [[plain(cell) for cell in line.split("|")] for line in printed.splitlines()]


@pytest.mark.server("postgres")
@pytest.mark.server("sqlite3")
@pytest.mark.parametrize("query", GRAFANA)
def test_panels_of_grafana_have_rows_with_a_time_on_both(query: str, sqlite_file: Path, scripted_postgres: str) -> None:
    rows = json.loads(shell(sqlite_file, filled_in(query), "-json"))
    there = lines_of(psql(scripted_postgres, filled_in(query), "-At"))
    # rows of one time come in any order
    assert sorted(str((plain(row["time"]), plain(row["metric"]))) for row in rows) == sorted(
        str((row[0], row[1])) for row in there
    )
    assert rows


# --- The role that reads ---------------------------------------------------------------------------------------------


@pytest.mark.server("postgres")
def test_the_role_of_the_document_reads_and_nothing_else(request: pytest.FixtureRequest) -> None:
    server: Postgres = request.getfixturevalue("_postgres")
    granting = next(block.text for block in blocks(DOCUMENT, "sql") if "CREATE ROLE" in block.text)
    granting = granting.replace("FOR ROLE slawatch ", "FOR ROLE postgres ")
    with server.database() as url:
        asyncio.run(write(url))
        name = f"reader_{os.getpid()}"
        psql(url, granting.replace("slawatch_reader", name))
        try:
            as_reader = url.replace("postgres@", f"{name}@")
            assert psql(as_reader, "SELECT count(*) FROM v_outages", "-At") == "10\n"
            psql(url, "CREATE VIEW v_later AS SELECT 1 AS one")
            assert psql(as_reader, "SELECT one FROM v_later", "-At") == "1\n"
            with pytest.raises(AssertionError, match="permission denied for table boots"):
                psql(as_reader, "UPDATE boots SET site = 'x'")
        finally:
            psql(url, f"DROP OWNED BY {name}; DROP ROLE {name}")
