"""What this machine itself says of names: resolv.conf, the hosts file, and the files' changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from slawatch.domain.interval import SECOND, Duration
from slawatch.probes.dns_exchange import Server
from slawatch.probes.options import parse_port, split_port
from slawatch.runtime.clock import Clock

RECHECK: Duration = 5 * SECOND
"""How often the hosts file and resolv.conf are looked at for changes."""


def parse_server(text: str) -> Server:
    """A DNS server: an address, with ``:port`` where it is not 53; ``ValueError`` else."""
    try:
        return str(ip_address(text)), 53
    except ValueError:
        pass
    host, port = split_port(text)
    try:
        return str(ip_address(host.strip("[]"))), parse_port(port)
    except ValueError:
        raise ValueError(f"{text!r} is no DNS server: expected an address like 192.0.2.53") from None


def spell_server(server: Server) -> str:
    """As :func:`parse_server` reads it: the port only where it is not 53."""
    host, port = server
    if port == 53:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class System:
    """What resolv.conf says: servers in order, and suffixes for names without a dot. Its options are not read."""

    servers: tuple[Server, ...]
    search: tuple[str, ...]


def parse_resolv_conf(text: str) -> System:
    """The lines that matter here; without a ``nameserver`` it is this machine, as resolv.conf(5) says."""
    servers: list[Server] = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.extend(server for server in _servers_in(words[1]) if server not in servers)
        elif words[0] in ("search", "domain"):
            search = tuple(word.strip(".") for word in words[1:] if word.strip("."))
    return System(tuple(servers) or (("127.0.0.1", 53),), search)


def _servers_in(word: str) -> Iterable[Server]:
    try:
        yield str(ip_address(word)), 53
    except ValueError:
        return


def parse_hosts(text: str) -> dict[str, list[str]]:
    """Name → addresses of a hosts(5) file; lines that are none are passed over."""
    table: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.split("#")[0].split() or [""]
        try:
            address = str(ip_address(address))
        except ValueError:
            continue
        for name in names:
            table.setdefault(name.lower().removesuffix("."), []).append(address)
    return table


class Watched:
    """A small text file, read again when it changed, looked at no more often than ``RECHECK``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._checked: int | None = None
        self._stamp: tuple[int, int] | None = None
        self.text = ""

    def refresh(self) -> bool:
        """Whether ``text`` is new since the last call."""
        now = self._clock.monotonic()
        if self._checked is not None and now - self._checked < RECHECK:
            return False
        first, self._checked = self._checked is None, now
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp == self._stamp:
                return False
            self.text, self._stamp = self._path.read_text(errors="replace"), stamp
        except OSError:
            changed = first or self._stamp is not None
            self.text, self._stamp = "", None
            return changed
        return True
