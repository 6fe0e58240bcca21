"""The configuration as the daemon reads it: frozen, checked as a whole, equal when nothing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slawatch.config.models import Box, Job
from slawatch.domain.composite import Expression
from slawatch.domain.contract import Contract, ServiceKind
from slawatch.domain.exclusions import Announcement
from slawatch.domain.interval import Duration
from slawatch.domain.state_machine import Cadence
from slawatch.operations.probe_modules import Module
from slawatch.probes.options import ProbeOptions, split_port
from slawatch.probes.witness import Witness
from slawatch.runtime.errors import Unavailable
from slawatch.runtime.secrets import Secret


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One endpoint. ``target`` is its text, valid for ``kind``; ``options`` is what the kind declares, None for a
    kind that this version only knows from a history file; ``job`` is then its schedule, if it hears of a job.
    ``behind`` and ``formerly`` name endpoints of the same client. ``address`` is the literal address in the target,
    empty where that names a host.
    """

    client: str
    name: str
    kind: str
    target: str
    options: ProbeOptions | None
    cadence: Cadence
    path: str
    behind: str | None = None
    formerly: str | None = None
    job: Job | None = None
    address: str = ""

    @property
    def key(self) -> str:
        """``client/endpoint``."""
        return f"{self.client}/{self.name}"


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """One service; ``expression`` has nested services expanded to endpoints."""

    name: str
    kind: ServiceKind
    definition: str
    up_when: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class ContractConfig:
    """The terms that the ledger stores, their version, and the contract that they describe."""

    terms: Mapping[str, object]
    digest: str
    contract: Contract

    @property
    def key(self) -> str:
        """``client/contract``."""
        return self.contract.key


@dataclass(frozen=True, slots=True)
class AnnouncementConfig:
    """Maintenance or another exclusion: the plain texts, and what they mean. When it was announced, the ledger
    says.
    """

    document: Mapping[str, Any]
    announcement: Announcement


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One client file. ``zone`` is an IANA name; ``file`` is where it was read."""

    id: str
    name: str
    zone: str
    endpoints: tuple[EndpointConfig, ...]
    services: tuple[ServiceConfig, ...]
    contracts: tuple[ContractConfig, ...]
    announcements: tuple[AnnouncementConfig, ...]
    metrics_token: Secret | None = None
    """What ``/metrics/<client>`` asks of other hosts."""
    file: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The box and all of its clients, in the order of their files."""

    box: Box
    clients: tuple[ClientConfig, ...]
    modules: Mapping[str, Module] = field(default_factory=dict)
    """The modules of ``/probe`` that the box has, by name."""

    @property
    def site(self) -> str:
        """This vantage point's name."""
        return self.box.site

    @property
    def database(self) -> str:
        """The database URL; ``Unavailable`` if it is a secret that cannot be read or holds none."""
        secret = self.box.database
        if isinstance(secret, str):
            return secret
        from slawatch.storage.engine import parse_url

        url = secret.reveal()
        try:
            parse_url(url)
        except ValueError as problem:
            raise Unavailable(f"the secret {secret.place}: {problem}") from None
        return url

    @property
    def listen(self) -> tuple[str, int]:
        """Address and port."""
        host, port = split_port(self.box.listen)
        return host.strip("[]"), int(port)

    @property
    def access(self) -> str:
        """``open`` or ``users``."""
        return self.box.access

    @property
    def metrics_token(self) -> Secret | None:
        """What ``/metrics`` and ``/probe`` ask of other hosts."""
        return self.box.metrics_token

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Addresses of DNS servers; none for the system's own."""
        return self.box.resolvers

    @property
    def witnesses(self) -> Mapping[str, Sequence[Witness]]:
        """By path, the hosts that vouch for it."""
        return self.box.witnesses

    @property
    def retention(self) -> Duration:
        """How long raw observations are kept, in microseconds."""
        return self.box.retention

    @property
    def endpoints(self) -> tuple[EndpointConfig, ...]:
        """Every endpoint of every client."""
        return tuple(endpoint for client in self.clients for endpoint in client.endpoints)

    @property
    def contracts(self) -> tuple[ContractConfig, ...]:
        """Every contract of every client."""
        return tuple(contract for client in self.clients for contract in client.contracts)
