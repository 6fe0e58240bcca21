"""The box's address policy: what its file allows, and which ports are slawatch's own."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from slawatch.config.models import Box
from slawatch.probes.options import Host, HostPort, parse_host, split_port
from slawatch.probes.policy import AddressPolicy, Service, parse_allowance, sorted_out
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import Unavailable
from slawatch.runtime.secrets import Secret

OWN_PORT = "slawatch's own port"
OWN_DATABASE = "slawatch's own database"


def policy_of(box: Box, clock: Clock | None = None) -> AddressPolicy:
    """What the probes of a box may talk to."""
    return AddressPolicy(map(parse_allowance, box.outbound.allow), services_of(box), clock)


def idle_entries(box: Box) -> Iterator[int]:
    """Places of entries that open nothing: their address is open as it is, and their port is none of ours."""
    ports = {service.port for service in services_of(box)}
    for index, entry in enumerate(map(parse_allowance, box.outbound.allow)):
        if entry.port not in ports and not any(sort for _, sort in sorted_out(str(entry.network.network_address))):
            yield index


def services_of(box: Box) -> Iterator[Service]:
    """Its page and its database. A database URL that cannot be read yet guards nothing: nothing runs without it."""
    yield Service(OWN_PORT, None, int(split_port(box.listen)[1]))
    try:
        database = box.database.reveal() if isinstance(box.database, Secret) else box.database
    except Unavailable:
        return
    if database.startswith("postgresql"):
        from slawatch.storage.engine import servers_of

        try:
            servers = servers_of(database)
            yield from [Service(OWN_DATABASE, parse_host(host) if host else None, port) for host, port in servers]
        except ValueError:
            return  # the ledger says what is wrong with it


def denied(where: HostPort, policy: AddressPolicy, what: str = "target") -> str | None:
    """What is wrong with a host that would be denied for ever: a literal address, or this machine by name."""
    whys = [(address, policy.denial(address, where.port)) for address in literal_addresses(where.host)]
    if not whys or not all(why for _, why in whys):
        return None
    address, why = whys[0]
    return f"{where.host} is denied ({why}): {_way_out(address, where.port, why or '', what)}"


def _way_out(address: str, port: int, why: str, what: str) -> str:
    """What to write."""
    inner = str(next((each for each, sort in sorted_out(address) if sort), address))
    entry = entry_of(inner, port) if why in (OWN_PORT, OWN_DATABASE) else inner
    try:
        parse_allowance(entry)
    except ValueError:
        return f"expected another {what}, since this one can never be allowed"
    return f'expected another {what}, or outbound: {{allow: ["{entry}"]}} in slawatch.yaml'


def entry_of(address: str, port: int) -> str:
    """An entry of ``allow`` for one address and port; port 0 is every port."""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def literal_addresses(host: Host) -> tuple[str, ...]:
    """What a host stands for without asking anybody: itself, or loopback for ``localhost`` and what lies below it."""
    if host.family is not None:
        return (host.text,)
    return ("127.0.0.1", "::1") if host.text.rpartition(".")[2] == "localhost" else ()


def typed(where: HostPort) -> list[str]:
    """Entries that let a target on loopback through which a person on this machine typed: it and nothing else."""
    addresses = literal_addresses(where.host)
    return [entry_of(each, where.port) for each in addresses if ip_address(each).is_loopback]
