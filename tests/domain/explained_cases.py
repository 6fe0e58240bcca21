"""Contracts and histories for what explains and compares: over one endpoint, in Berlin, from plain terms."""

from __future__ import annotations

from typing import Any

from domain.counted_cases import OPTIONS, terms
from slawatch.domain.contract import Contract
from slawatch.domain.flattery import Scene
from slawatch.domain.history import History, read_rows
from slawatch.domain.interval import parse_instant
from slawatch.domain.terms import contract_of

FLAT = {"penalty": "10% of charges", "charges": [{"from": None, "amount": "1200.00 EUR per period"}]}


def agreed(options: dict[str, str] | None = None, **changes: Any) -> Contract:
    """99 % around the clock of every two weeks from 2026-01-05 in Berlin, 10 % of 1200 EUR per period."""
    defaults: dict[str, Any] = {
        "timezone": "Europe/Berlin",
        "kind": "network",
        "standard": "99%",
        "period": "every 2 weeks from 2026-01-05",
        "valid": {"from": "2026-01-05", "to": None},
        "up_when": "router",
        "options": OPTIONS | (options or {}),
    }
    return contract_of(terms("availability", None, **(defaults | FLAT | changes)))


def row(when: str, state: str, **more: Any) -> dict[str, Any]:
    """``01-06 10:00`` is an instant of 2026 in UTC."""
    return {"endpoint": "router", "at": instant(when), "state": state, **more}


def instant(when: str) -> str:
    day, _, clock = when.partition(" ")
    clock = clock or "00:00"
    date = day if len(day) > 5 else f"2026-{day}"
    return f"{date}T{clock}{':00' if len(clock) == 5 else ''}Z"


def maintenance(start: str, end: str, kind: str = "maintenance") -> dict[str, Any]:
    why = {"reason": "agreed", "approved_by": "client@acme.example"}
    return {"type": "exclusion", "kind": kind, "start": instant(start), "end": instant(end), **why}


def recorded(*rows: dict[str, Any], until: str = "01-20") -> History:
    history = read_rows([*rows, {"type": "until", "at": instant(until)}])
    history.seal()
    return history


def scene_of(contract: Contract, history: History, judged: str = "01-10") -> Scene:
    """The period that holds ``judged``, as of the history's end."""
    period = contract.periods.containing(parse_instant(instant(judged)))
    assert period is not None
    assert history.end is not None
    return Scene(contract, period, history, history.announcements, history.end)
