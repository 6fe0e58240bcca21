"""Names to addresses on the event loop: hosts file, cache, DNS servers. Never ``getaddrinfo``, never a thread.

The system's own resolver call blocks a thread for up to half a minute and cannot be cancelled; and it cannot say
whether a name does not exist (the service's fault) or nobody answered (ours). This one can.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from slawatch.domain.interval import SECOND, Duration, Instant
from slawatch.probes.answer import Failure
from slawatch.probes.dns_exchange import Server
from slawatch.probes.lookup import Lookup, Panel
from slawatch.probes.name_answer import Known, Missing, Reply, Useless
from slawatch.probes.options import Family
from slawatch.probes.server_health import ServerBook, ServerHealth
from slawatch.probes.system_names import System, Watched, parse_hosts, parse_resolv_conf, parse_server, spell_server
from slawatch.runtime.clock import Clock

log = logging.getLogger(__name__)

LONGEST_TRUST: Duration = 300 * SECOND
"""An answer is kept as long as its own time to live says, but not longer than this."""
MOST_CACHED = 10_000

Key = tuple[str, Family]


def resolver_for(servers: Sequence[str], clock: Clock) -> Resolver:
    """A resolver that asks ``servers``, as the configuration writes them; those of the system where it names none."""
    return Resolver(clock, list(dict.fromkeys(map(parse_server, servers))) or None)


class Resolver:
    """Addresses of names. ``servers`` ``None`` means those of ``resolv_conf``.

    Only answers that hold addresses are cached: a name that is missing is asked for again by the next probe.
    """

    def __init__(
        self,
        clock: Clock,
        servers: Sequence[Server] | None = None,
        hosts_file: Path = Path("/etc/hosts"),
        resolv_conf: Path = Path("/etc/resolv.conf"),
    ) -> None:
        self._clock, self._servers = clock, servers
        self._hosts: dict[str, list[str]] = {}
        self._system = System((), ())
        self._hosts_watch, self._conf_watch = Watched(hosts_file, clock), Watched(resolv_conf, clock)
        self._cache: dict[Key, tuple[Instant, list[str]]] = {}
        self._flights: dict[Key, _Flight] = {}
        self._book = ServerBook()
        self._panel = Panel(self._book, clock, self._tell_of_loss)
        self._lost = False

    async def addresses(self, name: str, family: Family, deadline: float) -> list[str]:
        """Addresses of ``name`` in the order of the answer; empty where it exists without one of ``family``.

        ``deadline`` is in the loop's time; half of what is left until then is ours to use. Raises
        ``Failure``: ``name_unknown``, ``resolver_lost``, or ``prober_fault`` where this machine could not ask.
        """
        known = self._known_here(name, family)
        if known is not None:
            return known
        search = self._take_up_configuration()
        cached = self._cache.get((name, family))
        if cached is not None and cached[0] > self._clock.monotonic():
            return cached[1]
        names = [*(f"{name}.{suffix}" for suffix in search), name] if "." not in name else [name]
        now = asyncio.get_running_loop().time()
        reply = await self._shared((name, family), names, now + (deadline - now) / 2)
        if isinstance(reply, Known):
            return reply.addresses
        if isinstance(reply, Missing):
            raise Failure("name_unknown", reply.words if len(names) == 1 else f"{name} does not exist")
        raise Failure("prober_fault" if reply.ours else "resolver_lost", f"{name}: {reply.words}")

    def health(self) -> tuple[ServerHealth, ...]:
        """How each server fares, in the configured order."""
        self._take_up_configuration()
        return self._book.rows()

    async def check(self, within: float) -> list[tuple[ServerHealth, Reply]]:
        """Ask each server for the root of all names: how it fares, and what it said ``within`` so many seconds."""
        self._take_up_configuration()
        asked = [(row.server, self._panel.ask(row.server, "", 4)) for row in self._book.rows()]
        if asked:
            await asyncio.wait([task for _, task in asked], timeout=within)
        replies = [(server, task.result() if task.done() else Useless("no answer")) for server, task in asked]
        for _, task in asked:
            task.cancel()
        return [(self._book.of(server), reply) for server, reply in replies]

    def close(self) -> None:
        """Listen to no server any more."""
        self._panel.close()

    def _known_here(self, name: str, family: Family) -> list[str] | None:
        """What needs no server: the hosts file, and ``localhost`` with all below it (RFC 6761)."""
        if self._hosts_watch.refresh():
            self._hosts = parse_hosts(self._hosts_watch.text)
        entries = [entry for entry in self._hosts.get(name, ()) if (":" in entry) == (family == 6)]
        if not entries and name.rpartition(".")[2] == "localhost":
            entries = ["::1" if family == 6 else "127.0.0.1"]
        return entries or None

    def _take_up_configuration(self) -> Sequence[str]:
        """The suffixes to search; the servers go into the book."""
        servers, search = self._configuration()
        self._book.configure(servers)
        return search

    def _configuration(self) -> tuple[Sequence[Server], Sequence[str]]:
        if self._servers is not None:
            return self._servers, ()
        if self._conf_watch.refresh():
            self._system = parse_resolv_conf(self._conf_watch.text)
            self._cache.clear()
        return self._system.servers, self._system.search

    async def _shared(self, key: Key, names: Sequence[str], until: float) -> Reply:
        """The reply to one lookup that all who ask at the same time share; each waits no longer than its own time."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(Lookup(self._panel, key[1], until), names)
        try:
            reply = await flight.reply(until)
        finally:
            if flight.over and self._flights.get(key) is flight:
                del self._flights[key]
        self._remember(key, reply)
        return reply

    def _remember(self, key: Key, reply: Reply) -> None:
        if not isinstance(reply, Known) or not reply.addresses or reply.lifetime <= 0:
            return
        if len(self._cache) >= MOST_CACHED and key not in self._cache:
            del self._cache[next(iter(self._cache))]
        expires = self._clock.monotonic() + min(reply.lifetime * SECOND, LONGEST_TRUST)
        self._cache[key] = (expires, reply.addresses)

    def _tell_of_loss(self) -> None:
        """One line when the last server is lost, one when the first is back."""
        if self._book.lost == self._lost:
            return
        self._lost = not self._lost
        servers = ", ".join(spell_server(row.server) for row in self._book.rows())
        if self._lost:
            log.warning("names cannot be resolved: none of our resolvers can be counted on (%s)", servers)
        else:
            log.warning("names can be resolved again: one of our resolvers answers (%s)", servers)


class _Flight:
    """A lookup on its way, and how many wait for it. It ends with its own answer, or with the last who waits."""

    def __init__(self, lookup: Lookup, names: Sequence[str]) -> None:
        self._lookup, self._waiting = lookup, 0
        self._task = asyncio.create_task(lookup.first_of(names))

    @property
    def over(self) -> bool:
        """Whether nobody can join it any more."""
        return self._task.done() or not self._waiting

    async def reply(self, until: float) -> Reply:
        """What it brings, or ``Useless`` at ``until``, in the loop's time. Who is cancelled ends nobody else's wait."""
        self._lookup.until = max(self._lookup.until, until)
        self._waiting += 1
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(self._task)
        except TimeoutError:
            return self._lookup.doubt()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._task.cancel()
