"""Terms as the ledger stores them, complete, with what a test wants different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPTIONS: Mapping[str, str] = {
    "settle_on": "point",
    "unknown": "exclude",
    "degraded": "1",
    "coverage_floor": "95%",
    "granularity": "exact",
    "ignore_outages_shorter_than": "0s",
    "merge_gaps_shorter_than": "0s",
    "partial": "judge",
    "unreachable": "down",
    "grace": "3d",
    "maintenance_notice": "0s",
    "maintenance_limit": "unlimited",
    "release": "owner",
}


def calendar(days: Mapping[str, list[str]], zone: str = "UTC", **more: Any) -> dict[str, Any]:
    """Service hours: ``{"mon-fri": ["08:00-18:00"]}``."""
    plain: dict[str, Any] = {"name": "office", "timezone": zone, "holidays": None, "closed": [], "open": {}}
    return plain | {"days": dict(days)} | more


def terms(options: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The founding contract over the endpoint ``a``, around the clock, in UTC, every day, 100.00 EUR a period."""
    plain: dict[str, Any] = {
        "format": "1",
        "client": "acme",
        "contract": "network",
        "timezone": "UTC",
        "service": "network",
        "kind": "network",
        "definition": "Ensure network up-time.",
        "measurement": "availability",
        "standard": "99%",
        "period": "every 1 days from 2026-01-05",
        "valid": {"from": None, "to": None},
        "hours": None,
        "up_when": "a",
        "services": {},
        "parents": {},
        "confirmation_span": "75s",
        "penalty": "10% of charges",
        "charges": [{"from": None, "amount": "100.00 EUR per period"}],
        "owner": "owner@msp.example",
        "review_at": ["09:00", "15:00"],
        "credit_cap": None,
        "same_incident": "sum",
    }
    return plain | more | {"options": {**OPTIONS, **(options or {})}}
