"""Configured endpoints → what the dispatcher probes."""

from __future__ import annotations

from functools import partial

from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.main.paths import Paths
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver, resolver_for
from slawatch.runtime.clock import Clock
from slawatch.scheduling.dispatch import Target


def resolver_of(configuration: Configuration, clock: Clock) -> Resolver:
    """Our own resolver, asking the configured servers or the system's."""
    return resolver_for(configuration.resolvers, clock)


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
