"""What a reload changes: between the configuration that runs and the one that was just read."""

from __future__ import annotations

from dataclasses import dataclass

from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.config.models import Box

AT_START_ONLY = ("site", "database", "listen", "metrics_token", "resolvers", "spool")
"""Keys of the box that a running daemon cannot change; they wait for a restart."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Endpoints and contracts by key (``client/name``), each list in the order of the newer configuration.

    A renamed endpoint (old key, new key) is in none of the lists of endpoints unless something else changed too.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    contracts_added: tuple[str, ...]
    contracts_removed: tuple[str, ...]
    contracts_changed: tuple[str, ...]
    needs_restart: tuple[str, ...]
    """Changed keys of ``slawatch.yaml`` that take effect with the next start only."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing that this difference knows of changed."""
        endpoints = self.added or self.removed or self.changed or self.renamed
        contracts = self.contracts_added or self.contracts_removed or self.contracts_changed
        return not (endpoints or contracts or self.needs_restart)


def difference(old: Configuration, new: Configuration) -> Difference:
    """What must happen to get from ``old`` to ``new``."""
    before = {endpoint.key: endpoint for endpoint in old.endpoints}
    after = {endpoint.key: endpoint for endpoint in new.endpoints}
    renamed = {
        key: f"{endpoint.client}/{endpoint.formerly}"
        for key, endpoint in after.items()
        if key not in before and endpoint.formerly and f"{endpoint.client}/{endpoint.formerly}" in before
    }
    same = {key for key in after if key in before and _probed_alike(before[key], after[key])}
    moved = {key for key, former in renamed.items() if not _probed_alike(before[former], after[key])}
    terms_before = {contract.key: contract.digest for contract in old.contracts}
    terms_after = {contract.key: contract.digest for contract in new.contracts}
    return Difference(
        added=tuple(key for key in after if key not in before and key not in renamed),
        removed=tuple(key for key in before if key not in after and key not in renamed.values()),
        changed=tuple(key for key in after if (key in before and key not in same) or key in moved),
        unchanged=tuple(key for key in after if key in same),
        renamed=tuple((former, key) for key, former in renamed.items()),
        contracts_added=tuple(key for key in terms_after if key not in terms_before),
        contracts_removed=tuple(key for key in terms_before if key not in terms_after),
        contracts_changed=tuple(key for key, digest in terms_after.items() if terms_before.get(key, digest) != digest),
        needs_restart=_needs_restart(old.box, new.box),
    )


def _probed_alike(before: EndpointConfig, after: EndpointConfig) -> bool:
    """Whether the two ask the same thing in the same rhythm, whatever they are called and formerly were."""
    return _question(before) == _question(after)


def _question(endpoint: EndpointConfig) -> tuple[object, ...]:
    return (endpoint.kind, endpoint.target, endpoint.options, endpoint.cadence, endpoint.path, endpoint.behind)


def _needs_restart(before: Box, after: Box) -> tuple[str, ...]:
    return tuple(key for key in AT_START_ONLY if getattr(before, key) != getattr(after, key))
