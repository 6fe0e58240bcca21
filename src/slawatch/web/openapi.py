"""The OpenAPI document of what programs may ask."""

from __future__ import annotations

from typing import Any

from slawatch import __version__
from slawatch.evaluation.asking import MOST, Show

_TEXT = {"text/plain": {"schema": {"type": "string"}}}


def _schema(kind: str | list[str], **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object of which every named property is there; further ones may come with a later version."""
    return {"type": "object", "properties": properties, "required": list(properties), **more}


_STRING, _BOOLEAN = _schema("string"), _schema("boolean")
_INSTANT = _schema("string", format="date-time", description="RFC 3339, UTC")
_MAYBE_INSTANT = _schema(["string", "null"], format="date-time", description="RFC 3339, UTC; null when there is none")
_MAYBE_RATIO = _schema(["string", "null"], pattern=r"^-?\d+(\.\d+)?$", description="A ratio as an exact decimal")
_RATIO = _schema("string", pattern=r"^-?\d+(\.\d+)?$", description="A ratio as an exact decimal")
_MICROSECONDS = _schema("integer", description="Microseconds")
_MAYBE_MICROSECONDS = _schema(["integer", "null"], description="Microseconds; null where not applicable")
_BY_NAME = _schema("object", additionalProperties=_MICROSECONDS)
_CLASSES = ("up", "degraded", "down", "unknown", "excluded", "outside_hours", "outside_contract")
_FIGURES = ("low", "point", "high", "if_unknown_down", "if_unknown_up", "without_exclusions")
_STATE = _schema("string", enum=["up", "degraded", "down", "unknown"])

_OR_NULL = {"type": ["object", "null"]}
_EVENTS = _schema(
    "array",
    items=_object(
        {
            "source": _STRING,
            "name": _schema(["string", "null"]),
            "at": _INSTANT,
            "outcome": _STRING,
            "reason": _STRING,
            "spent_us": _MAYBE_MICROSECONDS,
            "desk_us": _MAYBE_MICROSECONDS,
        }
    ),
    description="Events of a counted measurement that were missed, are unknown, or that the desk counts otherwise",
)

_ACCOUNT = {
    "client": _STRING,
    "contract": _STRING,
    "period": _object({"start": _INSTANT, "end": _INSTANT, "partial": _BOOLEAN}),
    "time_us": _object(dict.fromkeys(_CLASSES, _MICROSECONDS)),
    "availability": _object(dict.fromkeys(_FIGURES, _MAYBE_RATIO)),
    "target": _RATIO,
    "coverage": _MAYBE_RATIO,
    "budget_us": _object(dict.fromkeys(("allowed", "used", "left"), _MICROSECONDS)),
    "counts": _object(dict.fromkeys(("n", "missed", "unknown", "allowed"), _schema("integer"))) | _OR_NULL,
    "events": _object({"excluded": _schema("integer"), "ahead": _schema(["integer", "null"]), "listed": _EVENTS})
    | _OR_NULL,
    "suppressed_us": _MICROSECONDS,
    "excluded_us": _BY_NAME,
    "final": _object(dict.fromkeys(("best", "worst"), _MAYBE_RATIO)),
    "unknown_us": _BY_NAME,
    "outages": _object(
        {
            "count": _schema("integer"),
            "longest_us": _MICROSECONDS,
            **dict.fromkeys(("mtrs_us", "mtbf_us", "mtbsi_us"), _MAYBE_MICROSECONDS),
        }
    ),
    "verdict": _schema("string", enum=["met", "breached", "disputable", "not_applicable", "open"]),
    "credit": _object(
        {
            "amount": _schema(["string", "null"], description="Null while a period runs or a person has to settle it"),
            "currency": _STRING,
            "settled_on": _STRING,
            "rule": _STRING,
            "at_low": _STRING,
            "at_high": _STRING,
        }
    )
    | _OR_NULL,
}

_VOUCHED = _schema("string", enum=["nobody", "link", "hosts"])

_CONTRACT = _ACCOUNT | {
    "breach_at": _MAYBE_INSTANT,
    "standing": _schema("string", enum=["lost", "breaching", "at_risk", "disputable", "no_data", "on_track", "met"]),
    "service": _object({"name": _STRING, "state": _STATE, "since": _MAYBE_INSTANT}),
    "risk": _object(
        {
            "level": _STRING,
            "reasons": _schema("array", items=_object({"kind": _STRING, "text": _STRING})),
            "breach_at": _MAYBE_INSTANT,
            "downtime_to_breach_us": _MAYBE_MICROSECONDS,
        }
    ),
    "burn_rates": _schema("object", additionalProperties=_RATIO),
    "witnessed": _BOOLEAN,
    "witnesses": _VOUCHED,
    "version": _STRING,
    "review_overdue_us": _MAYBE_MICROSECONDS,
    "last_period": _object(_ACCOUNT) | _OR_NULL,
}

_ENDPOINT = {
    "client": _STRING,
    "endpoint": _STRING,
    "probe": _STRING,
    "target": _STRING,
    "path": _STRING,
    "behind": _schema(["string", "null"]),
    "witnesses": _VOUCHED,
    "state": _STATE,
    "cause": _schema(["string", "null"]),
    "since": _MAYBE_INSTANT,
    "suspect": _BOOLEAN,
    "every_us": _MICROSECONDS,
    "probes": _schema("object", additionalProperties=_schema("integer")),
    "last": _object(
        {
            "started": _INSTANT,
            "duration_us": _MICROSECONDS,
            "verdict": _schema("string", enum=["up", "degraded", "down", "void"]),
            "reason": _STRING,
            "detail": _STRING,
            "phases_us": _BY_NAME,
            "certificate_expiry": _MAYBE_INSTANT,
            "address": _schema(["string", "null"], description="The address that was probed"),
        }
    )
    | _OR_NULL,
}

_PATH = {
    "path": _STRING,
    "witnesses": _schema("integer"),
    "answering": _schema("integer"),
    "blind": _schema(["boolean", "null"]),
    "since": _MAYBE_INSTANT,
}

_STATUS = _object(
    {
        "at": _INSTANT,
        "generation": _schema("integer"),
        "configuration": _object({"generation": _schema("integer"), "error": _schema(["string", "null"])}),
        "paths": _schema("array", items=_object(_PATH)),
        "contracts": _schema("array", items=_object(_CONTRACT)),
        "endpoints": _schema("array", items=_object(_ENDPOINT)),
    }
)


def _get(summary: str, *answers: tuple[int, str], content: dict[str, Any] = _TEXT) -> dict[str, Any]:
    responses = {str(status): {"description": text, "content": content} for status, text in answers}
    return {"summary": summary, "responses": responses}


def _history() -> dict[str, Any]:
    """The raw history: JSON Lines, one row a line."""
    many = _schema("array", items=_STRING)
    lists = {"client": "These clients only", "endpoint": "These endpoints of the one client only"}
    texts = {
        "show": f"What the rows are about: {', '.join(Show)}",
        "service": "Endpoints of this service of the one client only",
        "contract": "Endpoints that this contract of the one client counts; its own days, weeks, months",
        "state": "Only this state",
        "cause": "Only unknown time with this cause",
        "reason": "Only failures with this reason",
        "event": "Only events of this name",
        "ongoing": "yes: outages that go on; no: those that ended",
        "longer_than": "Only outages longer than this, as 5m",
        "sort": "at, -at; outages: length, -length too",
        "limit": f"At most so many rows, up to {MOST}; a last row of type next then holds the cursor",
        "cursor": "Go on where a page of this very question ended",
        "cost": "no: outages without what they cost",
    }
    instants = {"from": "Not what ended before", "to": "Nothing from then on"}
    parameters = [
        {"name": name, "in": "query", "schema": schema, "description": text}
        for schema, named in ((many, lists), (_STRING, texts), (_INSTANT, instants))
        for name, text in named.items()
    ]
    content = {"application/jsonl": {"schema": _STRING}}
    answers = ((200, "One row a line"), (400, "What is wrong with the parameters"))
    return _get("What is on record; without show, what slawatch evaluate reads", *answers, content=content) | {
        "parameters": parameters
    }


def _import() -> dict[str, Any]:
    """On the control socket only."""

    def parameter(name: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "required": True, "schema": _STRING}

    json: dict[str, Any] = {"application/json": {}}
    asked = _get("Before which instant each endpoint may be told a past", (200, "By endpoint"), content=json)
    take = _get("One endpoint's past, as rows of a history file", (200, "Whether it is new"), (400, "What is wrong"))
    names = ("client", "endpoint", "source", "digest")
    return {
        "get": asked | {"parameters": [parameter("client")]},
        "post": take | {"parameters": [parameter(name) for name in names]},
    }


def _review() -> dict[str, Any]:
    """On the control socket only."""
    answers = ((200, "What was signed"), (400, "What is wrong"), (503, "The ledger does not take it"))
    return _get("Sign that somebody looked", *answers, content={"application/json": {}})


def _share() -> dict[str, Any]:
    """One client's part of the metrics."""
    answers = ((200, "Prometheus text or OpenMetrics"), (401, "No token"), (404, "No such client"))
    parameter = {"name": "client", "in": "path", "required": True, "schema": _STRING}
    return _get("One client's share of the metrics", *answers) | {"parameters": [parameter]}


def _probe() -> dict[str, Any]:
    """One probe on request, as blackbox_exporter answers it."""

    def parameter(name: str, text: str, place: str = "query", *, required: bool = False) -> dict[str, Any]:
        return {"name": name, "in": place, "required": required, "schema": _STRING, "description": text}

    parameters = [
        parameter("target", "A configured target, or CLIENT/ENDPOINT without a module", required=True),
        parameter("module", "How it is probed; http_2xx without it"),
        parameter("debug", "true: the verdict, its reason and the phases, for people"),
        parameter("X-Prometheus-Scrape-Timeout-Seconds", "When the scrape is given up, in seconds", "header"),
    ]
    answers = (
        (200, "Metrics, also of a probe that failed"),
        (400, "What is wrong with the parameters"),
        (401, "No token"),
        (403, "No configured target"),
        (503, "Too many at once"),
    )
    return _get("One probe, now, with the metrics of blackbox_exporter", *answers) | {"parameters": parameters}


def document() -> dict[str, Any]:
    """The whole document (OpenAPI 3.1)."""
    reload = _get("Read the configuration again", (200, "It is in force"), (500, "Refused; the one before it stays"))
    ready = _get("Whether it judges and can write", (200, "Ready"), (503, "What is missing"))
    json = {"application/json": {"schema": _STATUS}}
    text = "The OpenAPI document"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "slawatch",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/api/v1/status": {"get": _get("The latest judgement of everything", (200, "A snapshot"), content=json)},
            "/api/v1/openapi.json": {"get": _get("This document", (200, text), content={"application/json": {}})},
            "/api/v1/history": {"get": _history()},
            "/api/v1/import": _import(),
            "/api/v1/reviews": {"post": _review()},
            "/metrics": {"get": _get("Metrics", (200, "Prometheus text or OpenMetrics"), (401, "No token"))},
            "/metrics/{client}": {"get": _share()},
            "/probe": {"get": _probe()},
            "/-/healthy": {"get": _get("Whether the process lives", (200, "It does"))},
            "/-/ready": {"get": ready},
            "/-/reload": {"post": reload},
        },
    }
