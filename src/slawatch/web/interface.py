"""What programs read and call: health, reload, and the state as JSON."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from slawatch.domain.account_json import account_object, ratio_or_null
from slawatch.domain.interval import format_instant
from slawatch.evaluation.board import Board, ContractStatus, EndpointStatus, PathStatus, Snapshot, Vouched
from slawatch.web.cards import standing_of
from slawatch.web.openapi import document
from slawatch.web.services import Services


class Interface:
    """Answers programs."""

    def __init__(self, board: Board, services: Services) -> None:
        self._board = board
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Every address."""
        return [
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.post("/-/reload", self.reload),
            web.get("/api/v1/status", self.status),
            web.get("/api/v1/openapi.json", self.openapi),
        ]

    async def healthy(self, _: web.Request) -> web.Response:
        """200 while the process lives."""
        return web.Response(text="slawatch is alive.\n")

    async def ready(self, _: web.Request) -> web.Response:
        """200 once the first judgement is published and the ledger is open, else 503 with what is missing."""
        if not self._services.ledger_open():
            return web.Response(status=503, text="The ledger is not open.\n")
        if not self._board.snapshot.generation:
            return web.Response(status=503, text="Nothing has been judged yet.\n")
        return web.Response(text="slawatch is ready.\n")

    async def reload(self, _: web.Request) -> web.Response:
        """Read the configuration again: 200 when it is in force, 500 when the one before it stays."""
        taken_up, text = await self._services.reload()
        return web.Response(status=200 if taken_up else 500, text=text.rstrip("\n") + "\n")

    async def status(self, _: web.Request) -> web.Response:
        """The latest judgement: whole microseconds, exact decimals."""
        return _json(status_object(self._board.snapshot))

    async def openapi(self, _: web.Request) -> web.Response:
        """What this interface offers."""
        return _json(document())


def _json(value: object) -> web.Response:
    response = web.Response(text=json.dumps(value, separators=(",", ":")) + "\n", content_type="application/json")
    response.enable_compression()
    return response


def status_object(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON. Contracts carry the object that ``slawatch evaluate`` prints, and what is known of now."""
    return {
        "at": format_instant(snapshot.at),
        "generation": snapshot.generation,
        "configuration": {
            "generation": snapshot.configuration_generation,
            "error": snapshot.configuration_error or None,
        },
        "paths": [_path(status) for status in snapshot.paths],
        "contracts": [_contract(status) for status in snapshot.contracts],
        "endpoints": [_endpoint(status) for status in snapshot.endpoints],
    }


def _contract(status: ContractStatus) -> dict[str, Any]:
    risk = status.risk
    return {
        **account_object(status.account),
        "breach_at": _instant(risk.breach_at),
        "standing": standing_of(status).replace("-", "_"),
        "service": {"name": status.contract.service, "state": status.state.word, "since": _instant(status.since)},
        "risk": {
            "level": risk.level.value,
            "reasons": [{"kind": reason.kind.value, "text": reason.text} for reason in risk.reasons],
            "breach_at": _instant(risk.breach_at),
            "downtime_to_breach_us": risk.downtime_to_breach,
        },
        "burn_rates": {window: ratio_or_null(rate) for window, rate in status.burn_rates.items()},
        "witnessed": status.vouched is Vouched.HOSTS,
        "witnesses": status.vouched.word,
        "version": status.contract.version,
        "review_overdue_us": status.review_overdue,
        "last_period": None if status.last is None else account_object(status.last),
    }


def _path(status: PathStatus) -> dict[str, Any]:
    return {
        "path": status.name,
        "witnesses": status.witnesses,
        "answering": status.answering,
        "blind": status.blind,
        "since": _instant(status.since),
    }


def _endpoint(status: EndpointStatus) -> dict[str, Any]:
    last = status.last
    return {
        "client": status.client,
        "endpoint": status.name,
        "probe": status.probe,
        "target": status.target,
        "path": status.path,
        "behind": status.behind,
        "witnesses": status.vouched.word,
        "state": status.state.word,
        "cause": None if status.cause is None else status.cause.value,
        "since": _instant(status.since),
        "suspect": status.suspect,
        "every_us": status.every,
        "probes": dict(status.counts),
        "last": None
        if last is None
        else {
            "started": format_instant(last.started),
            "duration_us": last.duration,
            "verdict": last.verdict.value,
            "reason": last.reason,
            "detail": last.detail,
            "phases_us": dict(last.phases),
            "certificate_expiry": _instant(last.certificate_expiry),
            "address": last.address or None,
        },
    }


def _instant(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
