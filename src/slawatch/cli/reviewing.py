"""``review``: sign that somebody looked."""

from __future__ import annotations

import asyncio
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from slawatch.cli.control import session_to
from slawatch.cli.options import configured
from slawatch.cli.output import Format, json_line, print_rows
from slawatch.config.paths import control_socket
from slawatch.domain.compliance import display_ratio
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import SECOND
from slawatch.runtime.errors import InputError, StorageError

_COLUMNS = ("contract", "figure", "target", "budget_left", "verdict")


def sign(config: Path, what: str, by: str, note: str, form: Format) -> None:
    """Have the running daemon put a signature on record, and print what was signed."""
    client, slash, contract = what.partition("/")
    asked = {"client": client, "by": by, "note": note} | ({"contract": contract} if slash else {})
    signed = asyncio.run(_post(control_socket(configured(config)), asked))
    if form in (Format.TABLE, Format.CSV):
        print_rows([_row(item) for item in signed], form, _COLUMNS)
    else:
        whole = json.dumps(signed, ensure_ascii=False, indent=2) + "\n"
        sys.stdout.write(whole if form is Format.JSON else "".join(map(json_line, signed)))


async def _post(socket: Path, asked: dict[str, str]) -> list[dict[str, Any]]:
    async with session_to(socket) as session, session.post("/api/v1/reviews", json=asked) as response:
        if response.status == 400:
            raise InputError((await response.text()).strip())
        if response.status == 503:
            raise StorageError((await response.text()).strip())
        response.raise_for_status()
        signed: list[dict[str, Any]] = (await response.json())["signed"]
        return signed


def _row(item: dict[str, Any]) -> dict[str, Any]:
    point, target = item["availability"]["point"], Fraction(item["target"])
    return {
        "contract": f"{item['client']}/{item['contract']}",
        "figure": "no data" if point is None else f"{display_ratio(Fraction(point), target)} %",
        "target": f"{display_ratio(target, target)} %",
        "budget_left": spell_duration(item["budget_us"]["left"] // SECOND * SECOND),
        "verdict": item["verdict"],
    }
