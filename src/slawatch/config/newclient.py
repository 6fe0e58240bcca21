"""A first client file from a few answers: commented, valid, ready to be refined."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

from slawatch.config.loader import load_client_text
from slawatch.config.values import parse_identifier, parse_label
from slawatch.domain.local_time import zone
from slawatch.domain.penalty import parse_penalty
from slawatch.domain.terms_grammar import parse_charge, parse_period_rule, parse_standard
from slawatch.probes.probe import Kind
from slawatch.probes.registry import kind_of_url, kinds

FORTNIGHT = "every 2 weeks from 2026-01-05"
"""The period when the promise names none; 2026-01-05 is a Monday."""

_NAMES = {"http": ("website", "web", "applications"), "icmp": ("router", "network", "network")}
"""Endpoint, service and kind of service that a kind of probe usually stands for."""


@dataclass(frozen=True, slots=True)
class Answers:
    """``address`` is a URL, or a host to ping. ``promise`` is a percentage, with a period if it is not a fortnight:
    ``99%``, ``99.5% per month``. ``charges`` may be empty where the penalty is no share of them.
    """

    name: str
    address: str
    promise: str = "99%"
    penalty: str = "10% of charges"
    charges: str = "1000.00 EUR per month"
    timezone: str = "Europe/Berlin"


def render_client(answers: Answers) -> tuple[str, str]:
    """The client's identifier and the text of its file. ``ValueError`` says which answer cannot be."""
    name = parse_label(answers.name.strip())
    identifier = identifier_of(name)
    kind, target = _target(answers.address.strip())
    standard, period = _promise(answers.promise.strip(), answers.timezone.strip())
    penalty, charges = _money(answers.penalty.strip(), answers.charges.strip())
    endpoint, service, service_kind = _NAMES.get(kind.name, ("endpoint", "service", "applications"))
    text = _TEMPLATE.format(
        identifier=_quoted(identifier),
        name=_quoted(name),
        timezone=answers.timezone.strip(),
        endpoint=endpoint,
        kind=kind.name,
        target=_quoted(target),
        service=service,
        service_kind=service_kind,
        definition=_quoted(f"{name}: {target} answers."),
        standard=standard,
        period=period,
        penalty=penalty,
        charges=f"    charges: {charges}\n" if charges else "",
    )
    load_client_text(text, f"{identifier}.yaml")
    return identifier, text


def identifier_of(name: str) -> str:
    """A name for labels, URLs and commands: ``Müller & Söhne`` → ``muller-sohne``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    identifier = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")
    if not identifier:
        raise ValueError(f"{name!r} has no letters for a short name: expected a name with letters a-z or digits")
    return parse_identifier(identifier)


def _target(address: str) -> tuple[Kind, str]:
    """The kind of probe and its target; a bare host is pinged."""
    if "://" not in address:
        kind = kinds()["icmp"]
        kind.target(address)
        return kind, address
    kind = kind_of_url(address)
    try:
        kind.target(address)
    except ValueError:
        address = address.partition("://")[2]
        kind.target(address)
    return kind, address


def _promise(promise: str, zone_name: str) -> tuple[str, str]:
    """``99.5% per month`` → the standard and the period."""
    standard, _, period = promise.partition("%")
    standard, period = f"{standard.strip()}%", re.sub(r"^(,|per\b)\s*", "", period.strip()) or FORTNIGHT
    parse_standard(standard)
    zone(zone_name)
    parse_period_rule(period, zone_name)
    return standard, period


def _money(penalty: str, charges: str) -> tuple[str, str]:
    if charges:
        parse_charge(charges)
    if parse_penalty(penalty).needs_charges and not charges:
        raise ValueError(f"{penalty!r} is a share of the charges: expected charges, as 1200.00 EUR per month")
    return penalty, charges


def _quoted(text: str) -> str:
    """A text in double quotes, as YAML reads it."""
    return json.dumps(text, ensure_ascii=False)


_TEMPLATE = """\
# One client: what is watched for it, and what it was promised.
# `slawatch check-config` lists every mistake; durations are written 10s, 5m, 4h, 2d.

client: {identifier}
name: {name}
timezone: {timezone}          # local times in this file are in this zone

# Service hours. A contract with `hours: office` counts only what happens inside.
calendars:
  office:
    mon-fri: "08:00-18:00"

# What is probed. Others: probe: http, tcp or icmp, each with its own options.
endpoints:
  {endpoint}: {{probe: {kind}, target: {target}, every: 60s}}

# What is promised to work. up_when knows and, or, parentheses, 2 of (a, b, c).
services:
  {service}:
    kind: {service_kind}
    definition: {definition}
    up_when: {endpoint}

# Definition, measurement, standard and period, penalty.
contracts:
  {service}:
    service: {service}
    measurement: availability
    standard: {standard}
    period: {period}
    hours: always               # or office, above
    penalty: {penalty}
{charges}
# Maintenance counts neither as up nor as down, if it is announced before it begins:
# maintenance:
#   - {{services: [{service}], start: "2026-02-01 22:00", duration: 4h, reason: firmware}}
"""
