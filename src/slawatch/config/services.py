"""The services of a client file: what each is made of, and that none is made of itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from slawatch.config.document import Document
from slawatch.config.models import Service
from slawatch.config.sentences import report_errors, suggestion
from slawatch.config.values import parse_name
from slawatch.domain.composite import Expression, names_in, parse_expression


def read_services(document: Document, endpoints: Collection[str]) -> tuple[dict[str, Service], dict[str, Expression]]:
    """The services that are right, and the expressions as written (nested services not expanded)."""
    section = document.root.child("services")
    if section is None or section.fields is None:
        return {}, {}
    services, written = {}, {}
    for name, node in section.fields.items():
        service = _read(document, name, node.plain(), endpoints)
        if service is None:
            continue
        try:
            written[name] = parse_expression(service.up_when)
        except ValueError as problem:
            document.report(("services", name, "up_when"), str(problem))
            continue
        services[name] = service
    for name, expression in written.items():
        _check_names(document, name, expression, {*endpoints, *section.fields})
    for name in _in_circles(document, written):
        services.pop(name, None)
    return services, written


def _read(document: Document, name: str, value: Any, endpoints: Collection[str]) -> Service | None:
    path = ("services", name)
    try:
        parse_name(name)
        if name in endpoints:
            raise ValueError(f"{name!r} is an endpoint as well: expected another name, since up_when names both")
    except ValueError as problem:
        document.report(path, str(problem), at_key=True)
    try:
        return Service.model_validate(value)
    except ValidationError as error:
        report_errors(document, path, Service, error)
        return None


def _check_names(document: Document, name: str, expression: Expression, known: set[str]) -> None:
    for member in names_in(expression):
        if member not in known:
            hint = suggestion(member, known, without=name)
            document.report(("services", name, "up_when"), f"{member!r} is no endpoint or service: {hint}")


def _in_circles(document: Document, written: dict[str, Expression]) -> set[str]:
    """The services that contain themselves; each circle is reported once."""
    inside: set[str] = set()
    for name in written:
        circle = _circle(name, written)
        if circle and not inside.intersection(circle):
            words = " -> ".join((*circle, circle[0]))
            document.report(("services", name, "up_when"), f"services contain one another: {words}")
        inside.update(circle)
    return inside


def _circle(start: str, written: dict[str, Expression]) -> list[str]:
    """The way from a service back to itself; empty when there is none."""
    came_from: dict[str, str] = {}
    waiting = [start]
    while waiting:
        current = waiting.pop()
        for member in names_in(written[current]):
            if member == start:
                way = [current]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if member in written and member not in came_from:
                came_from[member] = current
                waiting.append(member)
    return []


def reachable(name: str, written: dict[str, Expression]) -> tuple[list[str], list[str]]:
    """The services that one names, itself left out, and the endpoints, directly or through others."""
    services: dict[str, None] = {}
    endpoints: dict[str, None] = {}
    waiting = [name]
    while waiting:
        for member in names_in(written[waiting.pop()]):
            if member not in written:
                endpoints[member] = None
            elif member not in services:
                services[member] = None
                waiting.append(member)
    return list(services), list(endpoints)
