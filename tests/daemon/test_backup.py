"""Backup, restore and migration as a person does them, beside a real daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import MakeSlawatch
from daemon.test_real_input import client, state_of
from support.servers import MakeNginx
from support.waiting import eventually


@pytest.mark.server("nginx", "postgres")
def test_a_ledger_is_backed_up_restored_and_moved(
    slawatch: MakeSlawatch, nginx: MakeNginx, postgres_url: str, tmp_path: Path
) -> None:
    """An outage that is open in the backup goes on after the restore; the move to PostgreSQL proves itself."""
    web, tcp = nginx(), nginx()
    daemon = slawatch(client(web.port, tcp.port))
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "up")
    web.stop()
    eventually(lambda: state_of(daemon, "website") == "down")
    began = next(row["at"] for row in daemon.history() if row.get("endpoint") == "website" and row["state"] == "down")
    tables = rows(daemon.configured("backup", str(tmp_path / "backup.db"), "--format", "jsonl"))
    assert {each["table"] for each in tables} >= {"boots", "endpoints", "entries", "observations", "transitions"}
    daemon.configured("restore", str(tmp_path / "backup.db"), status=1)  # it runs
    daemon.stop()
    daemon.configured("restore", str(tmp_path / "backup.db"), status=1)  # and there is a ledger
    daemon.configured("restore", str(tmp_path / "backup.db"), "--force")
    daemon.start()
    eventually(lambda: state_of(daemon, "website") == "down")
    website = [row for row in daemon.history() if row.get("endpoint") == "website" and row["type"] == "state"]
    assert [row["state"] for row in website][:4] == ["up", "down", "unknown", "down"]
    assert website[1]["at"] == began
    daemon.stop()
    source = daemon.database
    moved = rows(daemon.command("migrate", source, postgres_url, "--format", "jsonl"))
    assert moved == rows(daemon.command("migrate", source, postgres_url, "--verify", "--format", "jsonl"))
    daemon.command("migrate", source, postgres_url, status=1)  # it is there already


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
