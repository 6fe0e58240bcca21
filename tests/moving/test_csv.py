"""``slawatch import csv``: states and samples, and mistakes by line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from moving.acme import CLIENT, box, rows_of, slawatch

SAMPLES = """at,endpoint,ok
2026-01-05T00:00:00Z,website,1
2026-01-05T00:02:00Z,website,0
2026-01-05T00:01:00Z,website,up
2026-01-05T00:03:00Z,website,down
2026-01-05T00:03:00Z,website,down
2026-01-05T00:04:00Z,website,1
2026-01-05T00:00:00Z,elsewhere,1
"""
STATES = """website,2026-01-05T00:00:00Z,up
website,2026-01-05T10:00:00Z,down
website,2026-01-05T11:00:00Z,up
website,2026-01-06T00:00:00Z,unknown
"""


def bring(folder: Path, text: str, *options: object) -> int:
    (folder / "old.csv").write_text(text, encoding="utf-8")
    return slawatch("import", "csv", folder / "old.csv", "--client", "acme", "--config", folder, *options)


def test_samples_become_history_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = box(tmp_path)
    assert bring(folder, SAMPLES, "--interval", "60s", "--format", "jsonl") == 0
    elsewhere, website = rows_of(capsys.readouterr().out)
    assert elsewhere["result"] == "skipped"
    assert "add one, or give --name 'elsewhere=ENDPOINT'" in elsewhere["note"]
    assert (website["result"], website["outages"], website["samples"]) == ("imported", 1, 5)
    assert website["note"] == "1 rows that stand there twice"
    assert slawatch("history", "--config", folder) == 0
    history = [row for row in rows_of(capsys.readouterr().out) if row["type"] == "state"]
    assert [(row["state"], row["at"][11:19]) for row in history] == [
        ("up", "00:00:00"), ("down", "00:02:00"), ("up", "00:04:00"), ("unknown", "00:04:00"),
    ]  # fmt: skip
    assert {row["source"] for row in history} == {"csv"}
    assert history[1]["edges"]["low"] == "2026-01-05T00:01:00Z"


def test_what_is_imported_evaluates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """24 h known, 1 h down: 23/24; the contract is valid from before the ledger first saw it (S21)."""
    folder = box(tmp_path)
    assert bring(folder, STATES) == 0
    capsys.readouterr()
    assert slawatch("history", "--config", folder) == 0
    (folder / "history.jsonl").write_text(capsys.readouterr().out, encoding="utf-8")
    judge = "evaluate", folder / "history.jsonl", "--contract", folder / "clients" / "acme.yaml", "--format", "jsonl"
    assert slawatch(*judge, "--period", "2026-01-06T00:00:00Z") == 0
    [account] = rows_of(capsys.readouterr().out)
    assert account["time_us"]["down"] == 3_600_000_000
    assert account["time_us"]["up"] == 23 * 3_600_000_000
    assert account["availability"]["point"].startswith("0.958333")


def test_an_import_repeated_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = box(tmp_path)
    assert bring(folder, STATES) == 0
    slawatch("history", "--config", folder)
    before = capsys.readouterr().out.partition('{"type":"until"')[0]
    assert bring(folder, STATES, "--format", "jsonl") == 0
    assert rows_of(capsys.readouterr().out)[0]["result"] == "nothing"
    slawatch("history", "--config", folder)
    assert '"type":"state"' in before
    assert capsys.readouterr().out.startswith(before[before.index('{"type"') :])


def test_a_dry_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = box(tmp_path)
    assert bring(folder, STATES, "--dry-run", "--format", "jsonl") == 0
    assert rows_of(capsys.readouterr().out)[0]["result"] == "would be imported"
    assert not (folder / "slawatch.db").exists()


def test_samples_of_one_endpoint_need_no_column_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "at,latency\n2026-01-05T00:00:00Z,12.5\n2026-01-05T00:01:00Z,\n2026-01-05T00:01:10Z,\n"
    assert bring(box(tmp_path), text, "--endpoint", "shop", "--format", "jsonl") == 0
    [row] = rows_of(capsys.readouterr().out)
    assert (row["endpoint"], row["result"], row["outages"]) == ("shop", "imported", 1)


def test_a_thing_may_be_called_otherwise_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--name", "elsewhere=shop", "--interval", "60s", "--format", "jsonl"
    assert bring(box(tmp_path), SAMPLES, *options) == 0
    assert [row["endpoint"] for row in rows_of(capsys.readouterr().out)] == ["shop", "website"]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("at,endpoint,ok\nyesterday,website,1\n", (), "old.csv:2:1: at: "),
        ("at,endpoint,ok\n2026-01-05T00:00:00Z,website,maybe\n", (), "old.csv:2:3: ok: 'maybe' is neither"),
        ("at,endpoint,ok\n2026-01-05T00:00:00Z,,1\n", (), "old.csv:2:2: endpoint: empty"),
        ("at,endpoint,ok\n2026-01-05T00:00:00Z,website\n", (), "old.csv:2:1: 2 columns: expected 3"),
        ("at,endpoint,latency\n2026-01-05T00:00:00Z,website,fast\n", (), "old.csv:2:3: latency: 'fast'"),
        ("when,endpoint,ok\n", (), "old.csv:1:1: there is no column at"),
        ("at,ok\n", (), "expected a column of that name, or --endpoint"),
        ("website,yesterday,up\n", (), "old.csv:1: at:"),
        ("website,2026-01-05T00:00:00Z,fine\n", (), "old.csv:1: state:"),
        (STATES, ("--interval", "soon"), "--interval: "),
        (STATES, ("--name", "website"), "--name: expected NAME=ENDPOINT"),
        (STATES, ("--name", "nothing=shop"), "--name: nothing is called 'nothing' there"),
        (SAMPLES, ("--interval", "60s", "--name", "elsewhere=website"), "two things would be the endpoint 'website'"),
    ],
)
def test_mistakes_are_told_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, options: tuple[str, ...], words: str
) -> None:
    assert bring(box(tmp_path), text, *options) == 2
    assert words in capsys.readouterr().err.replace("\n", " ")


def test_the_client_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = box(tmp_path, CLIENT.replace("client: acme", "client: other"))
    assert bring(folder, STATES) == 2
    assert "there is no client 'acme'" in capsys.readouterr().err
