"""The contracts of a client file: their terms, complete and alone, and the contracts that these describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from slawatch.config.configuration import ContractConfig, EndpointConfig
from slawatch.config.document import Document
from slawatch.config.models import Calendar, Client, Contract, Job, Service
from slawatch.config.sentences import report_errors, suggestion
from slawatch.config.services import reachable
from slawatch.config.values import parse_calendar_name, parse_identifier
from slawatch.domain.composite import Expression
from slawatch.domain.contract import Measurement
from slawatch.domain.grammar import format_duration, parse_duration
from slawatch.domain.local_time import zone_names
from slawatch.domain.penalty import PenaltyError, parse_penalty
from slawatch.domain.service_hours import parse_weekdays
from slawatch.domain.terms import FORMAT, OPTIONS, calendar_of, contract_of, digest
from slawatch.domain.terms_grammar import parse_moment, parse_period_rule
from slawatch.domain.terms_reading import Path, TermsError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a contract refers to. ``endpoints``, ``services`` and ``calendars`` hold those that are right."""

    head: Client
    endpoints: Mapping[str, EndpointConfig]
    services: Mapping[str, Service]
    written: dict[str, Expression]
    calendars: Mapping[str, Mapping[str, object]]


def read_calendars(document: Document, head: Client) -> dict[str, Mapping[str, object]]:
    """Every calendar that is right, as terms hold it."""
    section = document.root.child("calendars")
    found: dict[str, Mapping[str, object]] = {}
    for name, node in (section.fields or {}).items() if section else ():
        path = ("calendars", name)
        try:
            parse_calendar_name(name)
            model = Calendar.model_validate(node.plain())
            if not _days_are_named(document, path, model):
                continue
            calendar = _calendar_terms(name, model, head.timezone)
            calendar_of(calendar)
        except ValidationError as error:
            report_errors(document, path, Calendar, error)
        except TermsError as error:
            document.report((*path, *(step for step in error.path if step != "days")), error.problem)
        except ValueError as problem:
            document.report(path, str(problem), at_key=True)
        else:
            found[name] = calendar
    return found


def _days_are_named(document: Document, path: Path, model: Calendar) -> bool:
    for key in model.__pydantic_extra__ or {}:
        try:
            parse_weekdays(key)
        except ValueError:
            expected = f"weekdays like mon, mon-fri or sat,sun, or {', '.join(Calendar.model_fields)}"
            document.report((*path, key), f"unknown key: expected {expected}", at_key=True)
    return not document.has_findings(path)


def _calendar_terms(name: str, model: Calendar, timezone: str) -> Mapping[str, object]:
    return {
        "name": name,
        "timezone": model.timezone or timezone,
        "days": dict(model.__pydantic_extra__ or {}),
        "holidays": model.holidays,
        "closed": list(model.closed),
        "open": dict(model.open),
    }


def read_contracts(document: Document, around: Surroundings, *, for_daemon: bool) -> dict[str, ContractConfig]:
    """Every contract that is right and whose service is."""
    section = document.root.child("contracts")
    found = {}
    for name, node in (section.fields or {}).items() if section else ():
        contract = _read(document, name, node.plain(), around, for_daemon=for_daemon)
        if contract is not None:
            found[name] = contract
    return found


def _read(
    document: Document, name: str, value: Any, around: Surroundings, *, for_daemon: bool
) -> ContractConfig | None:
    path = ("contracts", name)
    try:
        parse_identifier(name)
    except ValueError as problem:
        document.report(path, str(problem), at_key=True)
    model = _model(document, path, value)
    if isinstance(value, dict):
        _check_references(document, path, value)
        _check_texts(document, path, value, around.head)
    if model is None or document.has_findings(path):
        return None
    if for_daemon and model.measurement != "availability":
        reason = "this version measures it only in `slawatch evaluate`, from a history file: expected availability"
        document.report((*path, "measurement"), f"{model.measurement!r}: {reason}")
    if document.has_findings(path) or not _is_whole(model, around):
        return None
    if not _says_limits(document, path, model, around):
        return None
    terms = terms_of(name, model, around)
    try:
        return ContractConfig(terms, digest(terms), contract_of(terms))
    except TermsError as error:
        document.report(_in_file(path, error.path), error.problem)
        return None


def _model(document: Document, path: Path, value: Any) -> Contract | None:
    try:
        return Contract.model_validate(value)
    except ValidationError as error:
        report_errors(document, path, Contract, error)
        return None


_LIMITS = {
    "response_within": Measurement.RESPONSE_IN_TIME,
    "restore_within": Measurement.RESTORE_IN_TIME,
    "delivered_within": Measurement.DELIVERY_IN_TIME,
}


def _says_limits(document: Document, path: Path, model: Contract, around: Surroundings) -> bool:
    """Whether a counted measurement has its limit and no other has one, and every job its schedule."""
    for key, measurement in _LIMITS.items():
        limit = getattr(model, key)
        if limit is None and model.measurement == measurement:
            document.report((*path, key), f"missing: expected the limit of {measurement}, as 4h")
        elif limit is not None and model.measurement != measurement:
            document.report((*path, key), f"only for {measurement}: expected no such key with {model.measurement}")
        elif limit is not None and not parse_duration(limit):
            document.report((*path, key), "no time at all: expected a duration like 4h")
    if model.measurement == Measurement.ON_TIME:
        for name in reachable(model.service, around.written)[1]:
            if around.endpoints[name].job is None:
                problem = f"{name!r} has no schedule: expected schedule and deadline at endpoints.{name}"
                document.report((*path, "service"), problem)
    return not document.has_findings(path)


def _is_whole(model: Contract, around: Surroundings) -> bool:
    """Whether everything that the contract refers to is right; what is not has a finding of its own."""
    if model.service not in around.services or (model.hours != "always" and model.hours not in around.calendars):
        return False
    services, endpoints = reachable(model.service, around.written)
    return all(name in around.services for name in services) and all(name in around.endpoints for name in endpoints)


def _check_references(document: Document, path: Path, value: Mapping[str, Any]) -> None:
    service, hours = value.get("service"), value.get("hours", "always")
    services = document.names("services")
    if isinstance(service, str) and service not in services:
        document.report((*path, "service"), f"{service!r} is no service: {suggestion(service, services)}")
    calendars = [*document.names("calendars"), "always"]
    if isinstance(hours, str) and hours not in calendars:
        document.report((*path, "hours"), f"{hours!r} is no calendar: {suggestion(hours, calendars)}")


def _check_texts(document: Document, path: Path, value: Mapping[str, Any], head: Client) -> None:
    """The texts that need the zone, and the penalty: each alone, so that all mistakes are told at once."""
    zone_name = _zone_name(value, head)

    def check(where: Path, text: object, parse: Callable[[str], object]) -> None:
        try:
            if isinstance(text, str):
                parse(text)
        except ValueError as problem:
            document.report((*path, *where), str(problem))

    def check_time(where: Path, text: object) -> None:
        check(where, text, lambda local: parse_moment(local, zone_name))

    check(("period",), value.get("period"), lambda text: parse_period_rule(text, zone_name))
    valid, charges = value.get("valid"), value.get("charges")
    for key in ("from", "to"):
        check_time(("valid", key), valid.get(key) if isinstance(valid, dict) else None)
    for index, version in enumerate(charges if isinstance(charges, list) else ()):
        check_time(("charges", index, "from"), version.get("from") if isinstance(version, dict) else None)
    _check_penalty(document, path, value.get("penalty", "none"), has_charges="charges" in value)


def _zone_name(value: Mapping[str, Any], head: Client) -> str:
    """The contract's zone; the client's where it has none or a wrong one."""
    own = value.get("timezone")
    return own if isinstance(own, str) and own in zone_names() else head.timezone


def _check_penalty(document: Document, path: Path, value: object, *, has_charges: bool) -> None:
    if not isinstance(value, str | dict):
        return
    try:
        penalty = parse_penalty(_as_texts(value))
    except PenaltyError as error:
        document.report((*path, "penalty", *error.path), error.problem, at_key=error.problem.startswith("unknown key"))
        return
    if penalty.needs_charges and not has_charges:
        problem = "it is a share of the charges: expected charges as well, as 1200.00 EUR per month"
        document.report((*path, "penalty"), problem)


def terms_of(name: str, model: Contract, around: Surroundings) -> dict[str, object]:
    """The terms of a contract: what was written, every default, and everything that it refers to."""
    head, service = around.head, around.services[model.service]
    services, members = reachable(model.service, around.written)
    parents = _parents(members, around.endpoints)
    probed = [around.endpoints[member].cadence for member in (*members, *parents.values())]
    span = max((cadence.confirmation_span for cadence in probed), default=0)
    terms: dict[str, object] = {
        "format": FORMAT,
        "client": head.client,
        "contract": name,
        "timezone": model.timezone or head.timezone,
        "service": model.service,
        "kind": service.kind,
        "definition": service.definition,
        "measurement": model.measurement,
        "standard": model.standard,
        "period": model.period,
        "valid": {"from": model.valid.from_, "to": model.valid.to},
        "hours": None if model.hours == "always" else dict(around.calendars[model.hours]),
        "up_when": service.up_when,
        "services": {inner: around.services[inner].up_when for inner in services},
        "parents": parents,
        "confirmation_span": format_duration(span),
        "penalty": _as_texts(model.penalty),
        "charges": [{"from": charge.from_, "amount": charge.amount} for charge in model.charges],
        "options": {option: getattr(model, option) for option in OPTIONS},
        "owner": model.owner or "",
        "review_at": list(model.review_at),
        "credit_cap": head.credit_cap,
        "same_incident": head.same_incident,
    }
    events = _events(model, {member: around.endpoints[member].job for member in members}, head.timezone)
    return terms if events is None else terms | {"events": events}


def _events(model: Contract, jobs: Mapping[str, Job | None], timezone: str) -> dict[str, object] | None:
    """How the events of a counted measurement are decided; None for availability."""
    match model.measurement:
        case Measurement.AVAILABILITY:
            return None
        case Measurement.ON_TIME:
            return {"jobs": {name: {"timezone": timezone, **job.model_dump()} for name, job in jobs.items() if job}}
        case Measurement.DELIVERY_IN_TIME:
            return {"within": model.delivered_within}
    return {
        "within": model.response_within or model.restore_within,
        "pausing": list(model.pausing_states),
        "restored": list(model.restored_states),
        "restoring_answers": model.restoring_answers,
    }


def _parents(members: list[str], endpoints: Mapping[str, EndpointConfig]) -> dict[str, str]:
    """Who lies behind whom, from the members up."""
    parents: dict[str, str] = {}
    waiting = list(members)
    while waiting:
        child = waiting.pop()
        parent = endpoints[child].behind if child in endpoints else None
        if parent is not None and parent in endpoints and child not in parents:
            parents[child] = parent
            waiting.append(parent)
    return parents


def _as_texts(value: Any) -> Any:
    """Numbers and truth values as texts: terms hold nothing else."""
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


_EVENT_KEYS = {"pausing": "pausing_states", "restored": "restored_states"}


def _in_file(path: Path, inside: Path) -> Path:
    """Where the operator wrote what stands at a path of the terms."""
    if inside[:1] == ("credit_cap",):
        return inside
    if inside[:1] == ("options",):
        return (*path, *inside[1:])
    if inside[:1] == ("events",):
        return (*path, _EVENT_KEYS[str(inside[1])], *inside[2:])
    return (*path, *inside)
