"""A client of the tests', and the command line on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slawatch.cli.app import main
from slawatch.cli.running import Hooks

CLIENT = """
client: acme
endpoints:
  website: {probe: icmp, target: 192.0.2.1, every: 60s, timeout: 10s}
  shop: {probe: icmp, target: 192.0.2.2, every: 60s, timeout: 10s}
services:
  web: {kind: applications, up_when: website}
contracts:
  web: {service: web, standard: 99%, period: every 2 weeks from 2026-01-05, valid: {from: "2026-01-05"}}
"""

Rows = list[dict[str, Any]]


def box(folder: Path, client: str = CLIENT) -> Path:
    """A configuration that no daemon runs."""
    (folder / "clients").mkdir(parents=True)
    (folder / "clients" / "acme.yaml").write_text(client, encoding="utf-8")
    (folder / "slawatch.yaml").write_text(
        f"database: sqlite:///{folder}/slawatch.db\nlisten: 127.0.0.1:9797\n", encoding="utf-8"
    )
    return folder


def no_hook(*_: object) -> int:
    raise AssertionError("no daemon is started here")


def slawatch(*arguments: object) -> int:
    """One command in this process; its exit status."""
    return main(Hooks(run=no_hook, watch=no_hook, demo=no_hook), [str(argument) for argument in arguments])


def rows_of(text: str) -> Rows:
    """The rows of ``--format jsonl``."""
    return [json.loads(line) for line in text.splitlines()]
