"""``slawatch evaluate`` on counted measurements: from a client file and rows to numbers, verdict and credit."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from slawatch.cli.app import application
from slawatch.cli.running import Hooks

CLIENT = """
client: acme
timezone: Europe/Berlin
calendars:
  office: {mon-fri: "08:00-18:00"}
endpoints:
  backup:    {probe: heartbeat, target: backup, schedule: "0 2 * * *", deadline: "06:00"}
  desk:      {probe: helpdesk, target: "https://desk.example"}
  roundtrip: {probe: mail_roundtrip, target: "probe@acme.example"}
services:
  nightly:  {kind: batch, up_when: backup}
  help:     {kind: help_desk, up_when: desk}
  delivery: {kind: email, up_when: roundtrip}
contracts:
  nightly:
    {service: nightly, measurement: on_time, standard: 99%, period: every 2 weeks from 2026-01-05,
     valid: {from: "2026-01-05"}, penalty: {per_miss: {credit: 25.00 EUR}}}
  answers:
    {service: help, measurement: response_in_time, response_within: 1h, hours: office, pausing_states: [pending],
     standard: 95%, period: month, valid: {from: "2026-01-01"}, penalty: 5.00 EUR}
  repairs:
    {service: help, measurement: restore_in_time, restore_within: 8h, hours: office, restored_states: [fixed],
     standard: 90%, period: month, valid: {from: "2026-01-01"}}
  delivery:
    {service: delivery, measurement: delivery_in_time, delivered_within: 5m, standard: 99%, period: month,
     valid: {from: "2026-01-01"}}
"""


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"endpoint": name, "at": "2025-12-31T23:00:00Z", "state": "up"} for name in ("backup", "desk", "roundtrip")
    ]
    # 14 nights from 5 January, 02:00 in Berlin is 01:00 UTC; the last run fails
    found += [
        {"type": "run", "endpoint": "backup", "at": f"2026-01-{day:02}T01:30:00Z", "exit_status": int(day == 18)}
        for day in range(5, 19)
    ]
    # created on Friday at 17:30: of 1 h, 30 min are left for Monday until 08:30 (07:30 UTC); of 8 h, until 15:30
    ticket = {"type": "ticket", "endpoint": "desk", "ticket": "7"}
    found += [
        {**ticket, "at": "2026-01-09T16:30:00Z", "event": "created", "state": "new"},
        {**ticket, "at": "2026-01-12T07:30:00Z", "event": "agent_reply"},
        {**ticket, "at": "2026-01-12T14:30:00Z", "event": "state", "state": "fixed"},
    ]
    mail = {"type": "mail", "endpoint": "roundtrip"}
    found += [
        {**mail, "mail": "a", "at": "2026-01-10T10:00:00Z", "event": "sent"},
        {**mail, "mail": "a", "at": "2026-01-10T10:00:30Z", "event": "received"},
    ]
    return [*found, {"type": "until", "at": "2026-02-01T00:00:00Z"}]


def evaluate(folder: Path, *arguments: str, client: str = CLIENT) -> Result:
    (folder / "acme.yaml").write_text(client, encoding="utf-8")
    (folder / "history.jsonl").write_text("\n".join(map(json.dumps, rows())), encoding="utf-8")
    hooks = Hooks(run=lambda *_: 0, watch=lambda _: 0, demo=lambda _: 0)
    command = ["evaluate", str(folder / "history.jsonl"), "--contract", str(folder / "acme.yaml"), *arguments]
    return CliRunner().invoke(application(hooks), command)


def test_numbers_verdicts_and_credits(tmp_path: Path) -> None:
    found = json.loads(evaluate(tmp_path, "--period", "2026-01-10T00:00:00Z", "--format", "json").stdout)
    by_name = {item["contract"]: item for item in found}
    nightly = by_name["nightly"]
    assert nightly["counts"] == {"n": 14, "missed": 1, "unknown": 0, "allowed": 0}
    assert nightly["verdict"] == "breached"
    assert nightly["credit"]["amount"] == "25.00"
    assert nightly["credit"]["rule"] == "1 x 25.00 EUR per missed event"
    assert nightly["events"]["listed"][0]["at"] == "2026-01-18T05:00:00Z"
    for name, at_low in (("answers", "0.00"), ("repairs", None), ("delivery", None)):
        assert by_name[name]["counts"] == {"n": 1, "missed": 0, "unknown": 0, "allowed": 0}
        assert by_name[name]["verdict"] == "met"
        assert by_name[name]["availability"]["point"] == "1"
        assert (by_name[name]["credit"] or {"at_low": None})["at_low"] == at_low


def test_the_table_speaks_of_events(tmp_path: Path) -> None:
    shown = evaluate(tmp_path, "--period", "2026-01-10T00:00:00Z").stdout
    [line] = [line for line in shown.splitlines() if line.startswith("acme/nightly")]
    assert "1 of 14 missed" in line
    assert "92.85 %" in line  # 13/14 = 0.928571…


def test_csv_has_the_numbers(tmp_path: Path) -> None:
    text = evaluate(tmp_path, "--period", "2026-01-10T00:00:00Z", "--format", "csv").stdout
    [row] = [row for row in csv.DictReader(io.StringIO(text)) if row["contract"] == "nightly"]
    assert [row[name] for name in ("n", "missed", "unknown", "allowed", "credit")] == ["14", "1", "0", "0", "25.00"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            " response_within: 1h,",
            "",
            "contracts.answers.response_within: missing: expected the limit",
        ),
        ("restore_within: 8h", "restore_within: 8h, delivered_within: 5m", "repairs.delivered_within: only for delive"),
        (', deadline: "06:00"', "", "endpoints.backup.deadline: missing: expected by when a run must have succeeded"),
        (', schedule: "0 2 * * *", deadline: "06:00"', "", "contracts.nightly.service: 'backup' has no schedule"),
        ("0 2 * * *", "0 25 * * *", "endpoints.backup.schedule: '0 25 * * *' is no schedule"),
        ("restored_states: [fixed]", "restored_states: [x], pausing_states: [x]", "repairs.pausing_states: x: also a"),
        ("up_when: desk", "up_when: desk or roundtrip", "contracts.answers.service: 'desk or roundtrip': all events"),
        ("{per_miss: {credit: 25.00 EUR}}", "{prorata: {}}", "contracts.nightly.penalty"),
        ("restore_within: 8h", "restore_within: 0s", "contracts.repairs.restore_within: no time at all"),
    ],
)
def test_mistakes_in_the_client_file(tmp_path: Path, old: str, new: str, told: str) -> None:
    from slawatch.runtime.errors import ConfigurationError

    assert old in CLIENT
    result = evaluate(tmp_path, client=CLIENT.replace(old, new, 1))
    assert isinstance(result.exception, ConfigurationError)
    assert told in "\n".join(map(str, result.exception.findings))
