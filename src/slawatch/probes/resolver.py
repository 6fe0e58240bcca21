"""Names to addresses on the event loop: hosts file, cache, DNS servers. Never ``getaddrinfo``, never a thread.

The system's own resolver call blocks a thread for up to half a minute and cannot be cancelled; and it cannot say
whether a name does not exist (the service's fault) or nobody answered (ours). This one can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from slawatch.domain.interval import SECOND, Instant
from slawatch.probes.answer import Failure
from slawatch.probes.dns_exchange import PAYLOAD, Server, exchange
from slawatch.probes.options import Family, parse_port, split_port
from slawatch.runtime.clock import Clock

LONGEST_TRUST: int = 300 * SECOND
"""An answer is kept as long as its own time to live says, but not longer than this."""
MOST_CACHED = 10_000
RECHECK: int = 5 * SECOND
"""How often the hosts file and resolv.conf are looked at for changes."""
ROUNDS = 2
"""How often each server is asked before the resolver counts as lost."""
_TYPES = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}


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


@dataclass(frozen=True, slots=True)
class System:
    """What resolv.conf says: servers in order, and suffixes for names without a dot."""

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
            servers.extend(_servers_in(words[1]))
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


class _Watched:
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


@dataclass(slots=True)
class Resolver:
    """Addresses of names. ``servers`` ``None`` means those of ``resolv_conf``.

    Only answers that hold addresses are cached: a name that is missing is asked for again by the next probe.
    """

    clock: Clock
    servers: Sequence[Server] | None = None
    hosts_file: Path = Path("/etc/hosts")
    resolv_conf: Path = Path("/etc/resolv.conf")
    _hosts: dict[str, list[str]] = field(default_factory=dict, init=False)
    _system: System = field(default=System((), ()), init=False)
    _cache: dict[tuple[str, Family], tuple[Instant, list[str]]] = field(default_factory=dict, init=False)
    _hosts_watch: _Watched = field(init=False)
    _conf_watch: _Watched = field(init=False)

    def __post_init__(self) -> None:
        self._hosts_watch = _Watched(self.hosts_file, self.clock)
        self._conf_watch = _Watched(self.resolv_conf, self.clock)

    async def addresses(self, name: str, family: Family, deadline: float) -> list[str]:
        """Addresses of ``name`` in the order of the answer; empty where it exists without one of ``family``.

        ``deadline`` is in the loop's time; half of what is left until then is ours to use. Raises
        ``Failure``: ``name_unknown`` or ``resolver_lost``.
        """
        known = self._known_here(name, family)
        if known is not None:
            return known
        cached = self._cache.get((name, family))
        if cached is not None and cached[0] > self.clock.monotonic():
            return cached[1]
        servers, search = self._configuration()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (deadline - loop.time()) / 2
        suffixes = [*search, ""] if "." not in name else [""]
        for suffix in suffixes:
            found = await _ask(servers, f"{name}.{suffix}" if suffix else name, family, deadline)
            if found is not None:
                self._remember(name, family, *found)
                return found[0]
        raise Failure("name_unknown", f"{name} does not exist")

    def _known_here(self, name: str, family: Family) -> list[str] | None:
        """What needs no server: the hosts file, and ``localhost`` with all below it (RFC 6761)."""
        if self._hosts_watch.refresh():
            self._hosts = parse_hosts(self._hosts_watch.text)
        entries = [entry for entry in self._hosts.get(name, ()) if (":" in entry) == (family == 6)]
        if not entries and name.rpartition(".")[2] == "localhost":
            entries = ["::1" if family == 6 else "127.0.0.1"]
        return entries or None

    def _configuration(self) -> tuple[Sequence[Server], Sequence[str]]:
        if self.servers is not None:
            return self.servers, ()
        if self._conf_watch.refresh():
            self._system = parse_resolv_conf(self._conf_watch.text)
        return self._system.servers, self._system.search

    def _remember(self, name: str, family: Family, addresses: list[str], lifetime: int) -> None:
        if not addresses or lifetime <= 0:
            return
        if len(self._cache) >= MOST_CACHED:
            del self._cache[next(iter(self._cache))]
        expires = self.clock.monotonic() + min(lifetime * SECOND, LONGEST_TRUST)
        self._cache[(name, family)] = (expires, addresses)


async def _ask(servers: Sequence[Server], name: str, family: Family, deadline: float) -> tuple[list[str], int] | None:
    """Addresses and their time to live in seconds from the first server that knows; ``None``: no such name."""
    query = dns.message.make_query(name + ".", _TYPES[family], use_edns=0, payload=PAYLOAD)
    loop = asyncio.get_running_loop()
    attempts = [server for _ in range(ROUNDS) for server in servers]
    last = "no DNS server is configured"
    for left, server in zip(range(len(attempts), 0, -1), attempts, strict=True):
        until = loop.time() + max(0.0, deadline - loop.time()) / left
        try:
            async with asyncio.timeout_at(until):
                response = await exchange(query, server)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            last = f"{server[0]}: {_words(error)}"
            continue
        if response.rcode() == dns.rcode.NXDOMAIN:
            return None
        if response.rcode() == dns.rcode.NOERROR:
            return _answers(response)
        last = f"{server[0]}: {dns.rcode.to_text(response.rcode())}"
    raise Failure("resolver_lost", f"{name}: {last}")


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror if isinstance(error, OSError) else None) or "no usable answer"


def _answers(response: dns.message.Message) -> tuple[list[str], int]:
    if not isinstance(response, dns.message.QueryMessage):
        return [], 0
    chain = response.resolve_chaining()
    if chain.answer is None:
        return [], 0
    return [record.address for record in chain.answer], chain.minimum_ttl
