"""Commands that look: ``status``, ``probe``, ``doctor``."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from typing import Annotated, Any

import typer

from slawatch.cli.control import ask
from slawatch.cli.doctor import examine
from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath, FormatOption, configured
from slawatch.cli.output import Format, print_rows
from slawatch.cli.probing import probe_once
from slawatch.config.paths import control_socket
from slawatch.domain.compliance import display_ratio
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import SECOND

_STATUS_COLUMNS = ("what", "name", "state", "since", "figure", "budget_left", "note")


def add_commands(app: typer.Typer) -> None:
    """Add ``status``, ``probe`` and ``doctor``."""

    @app.command()
    def status(
        config: ConfigPath = DEFAULT_CONFIG,
        fail: Annotated[bool, typer.Option("--fail", help="Exit 1 if something is down, breaching or lost.")] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """What is up, at risk, breached, by the running daemon's latest judgement."""
        found = ask(control_socket(configured(config)), "/api/v1/status")
        if form is Format.TABLE or form is Format.CSV:
            print_rows(_status_rows(found), form, _STATUS_COLUMNS)
        else:
            sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2 if form is Format.JSON else None) + "\n")
        if fail and _is_bad(found):
            raise typer.Exit(1)

    @app.command()
    def probe(
        what: Annotated[str, typer.Argument(metavar="KIND|CLIENT/ENDPOINT")],
        target: Annotated[str | None, typer.Argument(help="What to ask, with a kind.")] = None,
        option: Annotated[list[str] | None, typer.Option(help="An option of the kind, as key=value.")] = None,
        timeout: Annotated[str, typer.Option(help="When it counts as failed.")] = "5s",
        config: ConfigPath = DEFAULT_CONFIG,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """One probe now: the verdict, its named reason, and how long each phase took. Exit 1 unless it is up."""
        row = probe_once(what, target, option or (), timeout, lambda: configured(config))
        print_rows([row], form, tuple(row))
        if row["verdict"] not in ("up", "degraded"):
            raise typer.Exit(1)

    @app.command()
    def doctor(config: ConfigPath = DEFAULT_CONFIG, form: FormatOption = Format.TABLE) -> None:
        """What this box can and cannot do: ICMP rights, clock, resolver, file descriptors, disk, database."""
        rows = examine(lambda: configured(config) if config.exists() else None)
        print_rows(rows, form, ("check", "result", "detail"))
        if any(row["result"] == "fails" for row in rows):
            raise typer.Exit(1)


def _status_rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [_contract_row(item) for item in found["contracts"]] + [_endpoint_row(item) for item in found["endpoints"]]


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
