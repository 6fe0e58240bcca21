"""A client and a history with something of everything, the same on every machine, and what slawatch prints of them.

``python -m determinism.sample`` (with ``tests`` on the path) prints the accounts as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

CLIENT = """\
client: acme
name: Acmé Logistik für Übersee
timezone: Europe/Berlin
calendars:
  office: {mon-fri: ["08:00-12:00", "13:00-18:00"], sat: "22:00-06:00", holidays: DE-HH, closed: ["2026-04-07"]}
  island: {timezone: Pacific/Apia, mon-sun: "20:00-04:30", holidays: US-NY}
endpoints:
  router: {probe: icmp, target: 192.0.2.1}
  isp_a: {probe: icmp, target: 198.51.100.1, behind: router}
  isp_b: {probe: icmp, target: 203.0.113.1, behind: router}
services:
  uplink: {kind: network, definition: Größe zählt., up_when: router and (isp_a or isp_b)}
  lines: {kind: network, up_when: "weighted(router: 3, isp_a: 2, isp_b: 1) >= 60%"}
contracts:
  fortnight:
    {service: uplink, standard: 99%, period: every 2 weeks from 2026-01-05, penalty: 10% of charges,
     charges: 1200.00 EUR per month, unreachable: unknown, owner: o@acme.example, review_at: ["09:00", "15:00"]}
  office:
    {service: uplink, standard: 97.3%, period: month, hours: office, degraded: 0.37, unknown: down,
     penalty: {tiers: [{below: 99%, credit: 3%}, {below: 90%, credit: 7%}], cap: 50%}, settle_on: low,
     charges: 777.77 EUR per month, granularity: per started block of 7m, owner: o@acme.example,
     review_at: ["09:00", "15:00"]}
  island:
    {service: lines, standard: 99.95%, period: quarter, hours: island, timezone: America/New_York,
     penalty: {prorata: {beyond: budget, factor: 10}}, charges: 100000 JPY per month,
     merge_gaps_shorter_than: 90s, ignore_outages_shorter_than: 30s, owner: o@acme.example,
     review_at: ["09:00", "15:00"]}
maintenance:
  - {services: [uplink], from: "2026-01-04 02:00", rrule: "FREQ=MONTHLY;BYDAY=1SU", duration: 2h, reason: Säuberung}
"""

START = datetime(2025, 12, 20, tzinfo=UTC)
STATES = ("up", "down", "up", "degraded", "up", "unknown", "up", "down")


def numbers(seed: int) -> Iterator[int]:
    """Numbers below 2**31 that no library decides (the constants are those of ANSI C's example)."""
    value = seed
    while True:
        value = (value * 1_103_515_245 + 12_345) % 2**31
        yield value


def instant(microseconds: int) -> str:
    """So many microseconds after ``START``."""
    return (START + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


def rows() -> Iterator[dict[str, Any]]:
    """The history, no two rows of one endpoint at one instant."""
    for seed, endpoint in enumerate(("router", "isp_a", "isp_b"), start=1):
        drawn, at = numbers(seed), 0
        for index in range(700):
            gap, before, after = islice(drawn, 3)
            at += 2_000_000 + gap * 30 if index % 2 else 2_000_000 + gap // 6
            edges = {"low": instant(at - before % 1_000_000), "high": instant(at + after % 1_000_000)}
            yield {"endpoint": endpoint, "at": instant(at), "state": STATES[index % len(STATES)], "edges": edges}
            if index % 50 == 0:
                seen = {"type": "blip", "endpoint": endpoint, "at": instant(at + 2_000_000), "state": "down"}
                yield seen | {"edges": {"low": edges["low"], "high": instant(at + 9_000_000)}}
    yield exclusion("2026-01-20T10:00:00Z", "2026-01-20T14:30:00Z", "maintenance")
    yield exclusion("2026-01-20T13:00:00Z", "2026-01-20T19:00:00.000001Z", "force_majeure")
    yield {
        "type": "correction",
        "endpoint": "router",
        "start": "2026-02-10T00:00:00Z",
        "end": "2026-02-10T00:07:00.5Z",
        "state": "up",
        "reason": "die Sonde war schuld, nicht der Müller",
        "approved_by": "chef@acme.example",
    }


def exclusion(start: str, end: str, kind: str) -> dict[str, Any]:
    """One that both contracts of the uplink know."""
    return {
        "type": "exclusion",
        "kind": kind,
        "start": start,
        "end": end,
        "services": ["uplink"],
        "reason": "Überschwemmung",
        "approved_by": "chef@acme.example",
    }


def write(folder: Path, *, backwards: bool = False) -> list[str]:
    """Write both files; the command line that judges them, in folder."""
    listed = list(rows())
    if backwards:
        listed.reverse()
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in listed)
    (folder / "history.jsonl").write_text(lines, encoding="utf-8")
    (folder / "acme.yaml").write_text(CLIENT, encoding="utf-8")
    options = ["--period", "all", "--at", "2026-05-01T12:00:00Z", "--format", "json"]
    return [sys.executable, "-m", "slawatch", "evaluate", "history.jsonl", "--contract", "acme.yaml", *options]


def main() -> None:
    """Print the accounts."""
    with tempfile.TemporaryDirectory(prefix="slawatch-determinism-") as folder:
        subprocess.run(write(Path(folder)), cwd=folder, check=True)


if __name__ == "__main__":
    main()
