"""Small facts and observations to record."""

from __future__ import annotations

from slawatch.domain.facts import Blip, Change, State, Suspicion
from slawatch.domain.interval import SECOND, Instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.storage.entries import EndpointKey, Entry, Recorded
from slawatch.storage.ledger import Ledger
from support.clock import START

ROUTER = EndpointKey("acme", "router")
WEBSITE = EndpointKey("acme", "website")


def at(seconds: int) -> Instant:
    """So many seconds after the fake clock's start."""
    return START + seconds * SECOND


def up(seconds: int) -> Change:
    return Change(at(seconds), State.UP, at(seconds), at(seconds))


def down(seconds: int, earliest: int | None = None) -> Change:
    opens = at(seconds if earliest is None else earliest)
    return Change(at(seconds), State.DOWN, opens, at(seconds), None, at(seconds + 10), "timeout")


def unknown(seconds: int, cause: Cause = Cause.MONITOR_STOPPED) -> Change:
    return Change(at(seconds), State.UNKNOWN, at(seconds), at(seconds), cause)


def blip(seconds: int, earliest: int, latest: int) -> Blip:
    return Blip(at(seconds), State.DOWN, at(earliest), at(latest), 1, "timeout")


def suspicion(seconds: int) -> Suspicion:
    return Suspicion(at(seconds), at(seconds - 10), "timeout")


def seen(seconds: int, verdict: Verdict = Verdict.UP) -> Observation:
    cause = Cause.PATH_LOST if verdict is Verdict.VOID else None
    return Observation(at(seconds), 1_500, verdict, "ok" if verdict is Verdict.UP else "timeout", cause=cause)


def event(seconds: int, name: str = "reloaded") -> Entry:
    return Entry("event", at(seconds), {"event": name})


async def recorded(ledger: Ledger) -> list[Recorded]:
    """Everything that the ledger holds, once all so far is durable."""
    if ledger.boot:
        await ledger.flushed()
    return [entry async for entry in ledger.entries()]
