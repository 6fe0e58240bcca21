"""Configured endpoints → what the dispatcher probes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.main.paths import Paths
from slawatch.operations.probe_door import Book, Known, ProbeDoor
from slawatch.operations.probe_modules import built_in
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver, resolver_for
from slawatch.runtime.clock import Clock
from slawatch.scheduling.dispatch import Target


def resolver_of(configuration: Configuration, clock: Clock) -> Resolver:
    """Our own resolver, asking the configured servers or the system's."""
    return resolver_for(configuration.resolvers, clock)


def door_of(configuration: Callable[[], Configuration], resources: Resources) -> ProbeDoor:
    """The door for probes on request, by the configuration that is in force."""
    pages: list[tuple[Configuration, Book]] = []

    async def book() -> Book:
        current = configuration()
        if not pages or pages[0][0] is not current:
            # Thousands of targets are parsed: in a thread, as nothing may hold scheduled probes up.
            pages[:] = [(current, await asyncio.to_thread(_book, current))]
        return pages[0][1]

    return ProbeDoor(book, resources)


def _book(configuration: Configuration) -> Book:
    endpoints = {
        each.key: Known(each.kind, each.target, each.options, each.cadence.timeout)
        for each in configuration.endpoints
        if each.options is not None
    }
    modules = {**built_in(), **configuration.modules}
    return Book(endpoints, modules, any_target=configuration.box.probe_door.open)


def targets_of(configuration: Configuration, resources: Resources, paths: Paths) -> dict[str, Target]:
    """Every endpoint's target, by ``client/endpoint``."""
    return {endpoint.key: _target(endpoint, resources, paths) for endpoint in configuration.endpoints}


def _target(endpoint: EndpointConfig, resources: Resources, paths: Paths) -> Target:
    kind = kinds()[endpoint.kind]
    assert endpoint.options is not None, "the daemon's configuration has options for every endpoint"
    address = kind.target(endpoint.target)
    return Target(
        identity=endpoint.key,
        cadence=endpoint.cadence,
        probe=partial(observe, kind, address, endpoint.options, resources, endpoint.cadence.timeout),
        key=(endpoint.kind, endpoint.target, endpoint.options),
        vouch=paths.vouch(endpoint),
    )
