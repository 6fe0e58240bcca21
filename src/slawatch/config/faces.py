"""What questions about the history may name, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from slawatch.config.configuration import Configuration
from slawatch.domain.composite import names_in
from slawatch.domain.local_time import zone
from slawatch.evaluation.asking import ClientFace


def faces(configuration: Configuration) -> Mapping[str, ClientFace]:
    """The clients by their ids."""
    return {
        client.id: ClientFace(
            zone=zone(client.zone),
            services={service.name: names_in(service.expression) for service in client.services},
            contracts=tuple(item.contract for item in client.contracts),
            behind={endpoint.name: endpoint.behind for endpoint in client.endpoints if endpoint.behind},
        )
        for client in configuration.clients
    }
