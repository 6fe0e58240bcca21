"""``docs/reference/history-file.md`` knows every type of row, and its examples are read as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from slawatch.domain.history import _ADD, History, read_rows
from slawatch.domain.mails import MailSignal
from slawatch.domain.slots import Signal
from slawatch.domain.tickets import EventKind
from slawatch.evaluation.history_file import read_history

DOCUMENT = (Path(__file__).parents[2] / "docs" / "reference" / "history-file.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))


def rows(kind: str) -> list[dict[str, object]]:
    """The rows of a section's examples."""
    blocks = re.findall(r"```jsonl\n(.*?)```", SECTIONS[kind], re.DOTALL)
    return [json.loads(line) for block in blocks for line in block.splitlines()]


def keys(kind: str) -> set[str]:
    """The keys in the first column of a section's table."""
    first = re.findall(r"^\| (`.*?) \|", SECTIONS[kind], re.MULTILINE)
    return {key for cell in first for key in re.findall(r"`(\w+)`", cell)}


def test_every_type_has_a_section() -> None:
    assert set(SECTIONS) == {"state", *_ADD}


@pytest.mark.parametrize("kind", sorted(SECTIONS))
def test_the_examples_use_documented_keys_only(kind: str) -> None:
    mine = [row for row in rows(kind) if row.get("type", "state") == kind]
    assert mine
    for row in mine:
        assert set(row) - {"type"} <= keys(kind)


@pytest.mark.parametrize("kind", sorted(SECTIONS))
def test_the_examples_are_read(kind: str) -> None:
    history = read_rows(rows(kind))
    history.seal()
    held = {
        "state": history.changes,
        "blip": history.blips,
        "cause": history.causes,
        "correction": history.corrections,
        "exclusion": history.announcements,
        "contract": history.versions,
        "until": history.until,
    }
    assert held.get(kind, history.events)


@pytest.mark.parametrize("kind", sorted(SECTIONS))
def test_what_is_required_is_required(kind: str) -> None:
    """Each key that a table calls required, left out of an example, is asked for by its name."""
    required = re.findall(r"^\| (`.*?) \| required \|", SECTIONS[kind], re.MULTILINE)
    example = next(row for row in rows(kind) if row.get("type", "state") == kind)
    for key in (key for cell in required for key in re.findall(r"`(\w+)`", cell)):
        row = {name: value for name, value in example.items() if name not in (key, "exit_status")}
        with pytest.raises(ValueError, match=key):
            read_rows([row])


def test_the_words_of_events_are_documented() -> None:
    for kind, words in (("run", Signal), ("ticket", EventKind), ("mail", MailSignal)):
        for word in words:
            assert f"`{word.value}`" in SECTIONS[kind]


def test_the_csv_example_is_read(tmp_path: Path) -> None:
    [block] = re.findall(r"```csv\n(.*?)```", DOCUMENT, re.DOTALL)
    file = tmp_path / "history.csv"
    file.write_text(block, encoding="utf-8")
    assert [change.state.word for change in read_history(file).changes["router"]] == ["up", "down", "up"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"type": "run", "event": "done"}, "event: 'done' is unknown: expected start, success or fail"),
        ({"type": "run"}, "event: missing: expected start, success or fail, or an exit_status"),
        ({"type": "run", "event": "fail", "exit_status": "x"}, "exit_status: 'x': expected a whole number"),
        ({"type": "run", "event": "fail", "exit_status": True}, "exit_status: True: expected a whole number"),
        ({"type": "run", "event": "fail", "run": 5}, "run: 5: expected the name of the run"),
        ({"type": "ticket", "event": "created"}, "ticket: missing: expected its name"),
        ({"type": "ticket", "ticket": "1", "event": "state"}, "state: '': expected the state that the ticket entered"),
        ({"type": "ticket", "ticket": "1", "event": "spam", "desk_response": "5"}, "desk_response: '5' is no duration"),
        ({"type": "mail", "event": "sent"}, "mail: missing: expected its name"),
        ({"type": "mail", "mail": "1", "event": ["sent"]}, "event: ['sent'] is unknown: expected sent, received or l"),
    ],
)
def test_mistakes_in_events_are_told(row: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_rows([{"endpoint": "src", "at": "2026-01-05T00:00:00Z", **row}], History())


def test_an_exit_status_says_whether_a_run_succeeded() -> None:
    history = read_rows(
        {"type": "run", "endpoint": "src", "at": "2026-01-05T00:00:00Z", "exit_status": status}
        for status in (0, 1, "0", "137")
    )
    assert [event.signal for event in history.events["src"].runs] == ["success", "fail", "success", "fail"]
