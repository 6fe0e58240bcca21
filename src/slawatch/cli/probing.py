"""One probe, now: by kind and target, or as the configuration has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slawatch.cli.options import configured
from slawatch.cli.output import Format, print_rows
from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.config.outbound import policy_of, typed
from slawatch.domain.grammar import format_duration, parse_duration
from slawatch.domain.interval import Duration, format_instant
from slawatch.domain.observation import Observation
from slawatch.probes.options import ProbeOptions
from slawatch.probes.policy import LOOPBACK, AddressPolicy
from slawatch.probes.probe import Kind, Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import resolver_for
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import UsageError

Row = dict[str, Any]


def print_probe(
    what: str, target: str | None, options: Sequence[str], timeout: str, config: Path, form: Format
) -> bool:
    """Probe once and print what was seen; whether it was up or degraded."""
    row = probe_once(what, target, options, timeout, lambda: configured(config))
    print_rows([row], form, tuple(row))
    return row["verdict"] in ("up", "degraded")


def probe_once(
    what: str, target: str | None, options: Sequence[str], timeout: str, configuration: Callable[[], Configuration]
) -> Row:
    """The row of one observation. ``configuration`` is asked only for a ``client/endpoint``."""
    policy: AddressPolicy | None = None
    servers: Sequence[str] = ()
    if target is None and "/" in what:
        found = configuration()
        policy, servers, endpoint = policy_of(found.box), found.resolvers, _configured(what, found)
        assert endpoint.options is not None
        kind, text, chosen, limit = kinds()[endpoint.kind], endpoint.target, endpoint.options, endpoint.cadence.timeout
    else:
        kind, text = _kind(what), target or ""
        chosen, limit = _options(kind, options), _duration(timeout)
        if chosen.least() > limit:
            raise UsageError(f"--timeout: expected at least {format_duration(chosen.least())} for these options")
    try:
        address = kind.target(text)
    except ValueError as error:
        raise UsageError(f"target: {error}") from None
    if policy is None:
        places = (address.destination, *chosen.on_the_way().values())
        policy = AddressPolicy(LOOPBACK if any(map(typed, places)) else ())
    return _row(kind, text, asyncio.run(_observe(kind, address, chosen, _resources(policy, servers), limit)))


def _resources(policy: AddressPolicy, servers: Sequence[str]) -> Resources:
    clock = SystemClock()
    return Resources(clock, resolver=resolver_for(servers, clock), policy=policy)


async def _observe(kind: Kind, address: object, options: ProbeOptions, own: Resources, limit: Duration) -> Observation:
    async with own as resources:
        return await observe(kind, address, options, resources, limit)


def _configured(key: str, configuration: Configuration) -> EndpointConfig:
    found = next((endpoint for endpoint in configuration.endpoints if endpoint.key == key), None)
    if found is None:
        raise UsageError(f"there is no endpoint {key!r} in the configuration")
    return found


def _kind(name: str) -> Kind:
    try:
        return kinds()[name]
    except KeyError:
        raise UsageError(f"{name!r} is no kind of probe: expected one of {', '.join(kinds())}") from None


def _options(kind: Kind, pairs: Sequence[str]) -> ProbeOptions:
    """Options as the configuration has them; ``expect.status=200`` reaches inside one."""
    document: dict[str, Any] = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark:
            raise UsageError(f"--option {pair!r}: expected key=value")
        *path, last = key.split(".")
        inside = document
        for step in path:
            inside = inside.setdefault(step, {})
        inside[last] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
    try:
        return kind.options.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise UsageError(f"--option {place}: {first['msg']}") from None


def _duration(text: str) -> Duration:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None


def _row(kind: Kind, target: str, seen: Observation) -> Row:
    row: Row = {
        "probe": kind.name,
        "target": target,
        "address": seen.address,
        "verdict": seen.verdict.value,
        "reason": seen.reason,
        "detail": seen.detail,
        "started": format_instant(seen.started),
        "took": format_duration(seen.duration),
        "phases": " ".join(f"{name}={format_duration(length)}" for name, length in seen.phases),
    }
    if seen.certificate_expiry is not None:
        row["certificate_expiry"] = format_instant(seen.certificate_expiry)
    return row
