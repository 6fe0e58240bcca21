"""The same input gives the same bytes, whatever the machine's zone, language, encoding and hash seed (S1, S2, S27)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from differential.random_cases import random_rows, text_of
from slawatch.domain.interval import SECOND, parse_instant

CLIENT = """\
client: groesse
name: Größe & Söhne, İstanbul
timezone: Europe/Berlin
calendars:
  office: {mon-fri: ["08:00-12:00", "13:00-18:00"], sat: "22:00-06:00", holidays: DE-HH, closed: ["2026-03-31"]}
  shops: {mon-sat: "09:00-20:00", holidays: TR, timezone: Europe/Istanbul}
endpoints:
  a: {probe: icmp, target: 192.0.2.1}
  b: {probe: icmp, target: 192.0.2.2, behind: a}
  c: {probe: icmp, target: 192.0.2.3, behind: a}
  router: {probe: icmp, target: 192.0.2.4}
services:
  network: {kind: network, definition: Verfügbarkeit, up_when: a and (b or c)}
  shop: {kind: applications, definition: Ödeme, up_when: "2 of (a, b, c)"}
contracts:
  fortnight:
    service: network
    measurement: availability
    standard: 99%
    period: every 2 weeks from 2026-03-16
    hours: always
    penalty: 10% of charges
    charges: 1200.00 EUR per month
    unreachable: unknown
    valid: {from: "2026-03-16"}
  hours:
    service: shop
    measurement: availability
    standard: 95%
    period: week
    hours: office
    penalty: {tiers: [{below: 99%, credit: 5%}, {below: 95%, credit: 15%}], cap: 50%}
    charges: 800.00 EUR per period
    valid: {from: "2026-03-16"}
  days:
    service: shop
    measurement: availability
    standard: 90%
    period: every 1 days from 2026-03-27
    hours: shops
    penalty: 3.333% of charges
    charges: 99.99 EUR per period
    valid: {from: "2026-03-27"}
maintenance:
  - {services: [network], from: "2026-03-17 02:00", rrule: "FREQ=WEEKLY;BYDAY=TU,SU", duration: 2h, reason: Wartungsmaß}
"""

PLACES: list[dict[str, str]] = [
    {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
    {"TZ": "Pacific/Apia", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/New_York", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2"},
    {"TZ": "Europe/Berlin", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "3"},
    {"TZ": ":/nowhere", "LC_ALL": "de_DE.ISO-8859-1", "LANGUAGE": "de", "PYTHONIOENCODING": "latin-1"},
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A client and three weeks of history over a change of clocks."""
    folder = tmp_path_factory.mktemp("same")
    client, history = folder / "groesse.yaml", folder / "history.jsonl"
    client.write_text(CLIENT, "utf-8")
    start = parse_instant("2026-03-16T00:00:00Z") // SECOND
    rows: list[dict[str, Any]] = []
    for number in range(20):
        rows += random_rows(Random(number), start + number * 86400, start + (number + 1) * 86400)
    rows.append({"type": "until", "at": text_of(start + 21 * 86400)})
    history.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return client, history


def printed(command: list[str], place: dict[str, str]) -> bytes:
    """What the command writes to standard output there."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    run = subprocess.run(
        [sys.executable, "-m", "slawatch", *command], env=environment | place, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    return run.stdout


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_evaluate_prints_the_same_bytes_everywhere(files: tuple[Path, Path], form: str) -> None:
    """Five places: zones on both sides of the date line, none at all, languages with a dotless i, and encodings that
    do not know the letters."""
    client, history = files
    command = ["evaluate", str(history), "--contract", str(client), "--period", "all", "--format", form]
    first, *others = [printed(command, place) for place in PLACES]
    assert len(first) > 1000
    for place, other in zip(PLACES[1:], others, strict=True):
        assert other == first, place


@pytest.mark.parametrize("form", ["json", "table"])
def test_explain_prints_the_same_bytes_everywhere(files: tuple[Path, Path], form: str) -> None:
    """Words for people too, the client's own letters among them, wherever Python writes UTF-8."""
    client, history = files
    command = ["explain", "groesse/fortnight", "--contract", str(client), "--history", str(history), "--format", form]
    first, *others = [printed(command, place) for place in PLACES]
    assert "Verfügbarkeit".encode() in first
    for place, other in zip(PLACES[1:], others, strict=False):
        assert other == first, place
