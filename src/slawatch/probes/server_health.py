"""How our own DNS servers fare: which one is asked first, which one is lost. Pure: whoever asks says what time it is.

Instants are microseconds of the monotonic clock. Nothing here decides a verdict: a server that is lost is asked last
and shown as lost, and what it says is weighed like anybody's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slawatch.domain.interval import MILLISECOND, SECOND, Duration, Instant
from slawatch.probes.dns_exchange import Server

LOST_AFTER = 2
"""So many questions in a row without an answer, and a server counts as lost. One datagram can go astray."""
UNHELPED_NAMES = 3
"""So many different names in a row that it could not help with, and it counts as lost: one zone may be broken."""
UNHELPED_FOR: Duration = 60 * SECOND
"""Names count for that only so long after its last useful answer: some are missing here, and it is well."""
TRY_AGAIN: Duration = 10 * SECOND
"""How often a server that stands back is asked beside the others, while names are needed."""
SLOW: Duration = 500 * MILLISECOND
"""A server that takes longer than this stands behind quicker ones, and nobody waits longer before asking the next."""
_LEAST_PATIENCE: Duration = 100 * MILLISECOND
_SMOOTHING = 4


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What is known of one server. Counts are since it was first asked."""

    server: Server
    failures: int = 0
    """Questions in a row that brought no answer: silence, refusal of the port, what is no DNS."""
    unhelped: frozenset[str] = frozenset()
    """Names, a minute or more after its last useful answer, that it had none for: SERVFAIL, REFUSED, nothing proven."""
    last_asked: Instant | None = None
    last_answer: Instant | None = None
    last_help: Instant | None = None
    answer_time: Duration | None = None
    """How long its answers take, smoothed; the latest counts a quarter."""
    answered: int = 0
    unhelpful: int = 0
    silent: int = 0

    @property
    def up(self) -> bool | None:
        """Whether it can be counted on; ``None`` before anything is known."""
        if self.failures >= LOST_AFTER or len(self.unhelped) >= UNHELPED_NAMES:
            return False
        return None if self.last_answer is None else True

    @property
    def patience(self) -> Duration:
        """How long it is waited for before the next server is asked too."""
        if self.answer_time is None:
            return SLOW
        return min(SLOW, max(_LEAST_PATIENCE, 3 * self.answer_time))

    @property
    def rank(self) -> int:
        """0: asked first; 1: behind those, for it failed or is slow; 2: asked last, for it is lost."""
        if self.up is False:
            return 2
        return int(self.failures > 0 or (self.answer_time is not None and self.answer_time > SLOW))

    def asked(self, now: Instant) -> ServerHealth:
        """A question went out."""
        return replace(self, last_asked=now)

    def helped(self, now: Instant, took: Duration) -> ServerHealth:
        """A useful answer came."""
        heard = self._heard(now, took)
        return replace(heard, unhelped=frozenset(), last_help=now, answered=self.answered + 1)

    def could_not_help(self, now: Instant, took: Duration, name: str) -> ServerHealth:
        """An answer came, and it was of no use for ``name``."""
        unhelped = self.unhelped
        if len(unhelped) < UNHELPED_NAMES and (self.last_help is None or now - self.last_help >= UNHELPED_FOR):
            unhelped |= {name}
        return replace(self._heard(now, took), unhelped=unhelped, unhelpful=self.unhelpful + 1)

    def failed(self) -> ServerHealth:
        """No answer came."""
        return replace(self, failures=self.failures + 1, silent=self.silent + 1)

    def _heard(self, now: Instant, took: Duration) -> ServerHealth:
        before = self.answer_time
        smoothed = took if before is None else before + (took - before) // _SMOOTHING
        return replace(self, failures=0, last_answer=now, answer_time=smoothed)


class ServerBook:
    """The health of the servers that are configured, in their order."""

    def __init__(self) -> None:
        self._rows: dict[Server, ServerHealth] = {}

    def configure(self, servers: Sequence[Server]) -> None:
        """Take these servers; what is known of those that stay is kept."""
        if tuple(self._rows) != tuple(servers):
            self._rows = {server: self._rows.get(server, ServerHealth(server)) for server in servers}

    def rows(self) -> tuple[ServerHealth, ...]:
        """All of them as they are now, in the configured order."""
        return tuple(self._rows.values())

    def of(self, server: Server) -> ServerHealth:
        """What is known of one server; nothing, where it is not configured any more."""
        return self._rows.get(server) or ServerHealth(server)

    def put(self, health: ServerHealth) -> None:
        """Note what became of a server; of no interest where it is not configured any more."""
        if health.server in self._rows:
            self._rows[health.server] = health

    def order(self) -> list[Server]:
        """Whom to ask first: those that answer, in the configured order, then doubtful ones, then lost ones."""
        return [row.server for row in sorted(self._rows.values(), key=lambda row: row.rank)]

    def trials(self, now: Instant) -> list[Server]:
        """Servers that stand behind another and have not been asked for a while: does one of them answer again?"""
        best = min((row.rank for row in self._rows.values()), default=0)
        return [
            row.server
            for row in self._rows.values()
            if row.rank > best and (row.last_asked is None or now - row.last_asked >= TRY_AGAIN)
        ]

    @property
    def lost(self) -> bool:
        """Whether there are servers and none can be counted on."""
        return bool(self._rows) and all(row.up is False for row in self._rows.values())
