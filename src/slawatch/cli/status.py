"""``status``: what is up, at risk, breached."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from slawatch.cli.control import ask
from slawatch.cli.options import configured
from slawatch.cli.output import Format, print_rows
from slawatch.config.paths import control_socket
from slawatch.domain.compliance import display_ratio
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import SECOND

_STATUS_COLUMNS = ("what", "name", "state", "since", "figure", "budget_left", "note")


def print_status(config: Path, form: Format) -> bool:
    """Print the running daemon's latest judgement; whether something is down, breaching or lost."""
    found = ask(control_socket(configured(config)), "/api/v1/status")
    if form in (Format.TABLE, Format.CSV):
        print_rows(_status_rows(found), form, _STATUS_COLUMNS)
    else:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2 if form is Format.JSON else None) + "\n")
    return _is_bad(found)


def _status_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [_path_row(item) for item in found["paths"]]
    rows += [_contract_row(item) for item in found["contracts"]]
    return rows + [_endpoint_row(item) for item in found["endpoints"]]


def _path_row(item: dict[str, Any]) -> dict[str, Any]:
    state = {None: "not asked yet", True: "blind", False: "seen"}[item["blind"]]
    note = f"{item['answering']} of {item['witnesses']} witnesses answer"
    if item["blind"]:
        note += "; failures on it count as unknown"
    return {"what": "path", "name": item["path"], "state": state, "since": item["since"], "note": note}


def _contract_row(item: dict[str, Any]) -> dict[str, Any]:
    point, target = item["availability"]["point"], Fraction(item["target"])
    figure = "no data" if point is None else f"{display_ratio(Fraction(point), target)} %"
    return {
        "what": "contract",
        "name": f"{item['client']}/{item['contract']}",
        "state": item["standing"].replace("_", " "),
        "since": item["service"]["since"],
        "figure": f"{figure} of {display_ratio(target, target)} %",
        "budget_left": spell_duration(item["budget_us"]["left"] // SECOND * SECOND),
        "note": item["risk"]["reasons"][0]["text"] if item["risk"]["reasons"] else "",
    }


def _endpoint_row(item: dict[str, Any]) -> dict[str, Any]:
    last = item["last"]
    note = item["cause"] if last is None else f"{last['reason']} in {last['duration_us'] / 1000:.1f} ms"
    return {
        "what": "endpoint",
        "name": f"{item['client']}/{item['endpoint']}",
        "state": item["state"],
        "since": item["since"],
        "note": note,
    }


def _is_bad(found: dict[str, Any]) -> bool:
    risky = any(item["risk"]["level"] in ("breaching", "lost") for item in found["contracts"])
    return risky or any(item["state"] == "down" for item in found["endpoints"])
