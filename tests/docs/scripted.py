"""The ledger on which the worked queries of the documents run: a quarter of two clients, written down fact by fact."""

from __future__ import annotations

from collections.abc import Iterator

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant, parse_instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.storage.entries import EndpointKey, Entry, Kind
from slawatch.storage.facts import contract_entry, entry_of
from slawatch.storage.ledger import Ledger
from support.clock import FakeClock

ROUTER, WEBSITE, MAIL = (EndpointKey("acme", name) for name in ("router", "website", "mail"))
SHOP = EndpointKey("zeta", "shop")
BEGAN, MARK = parse_instant("2026-01-05T00:00:00Z"), parse_instant("2026-04-01T00:00:00Z")

OUTAGES = [
    (ROUTER, "2026-01-12T03:10:20Z", "2026-01-12T03:16:50Z", "timeout", "no answer in 5 s"),
    (WEBSITE, "2026-01-12T03:10:32.25Z", "2026-01-12T03:17:02.5Z", "timeout", "no answer in 5 s"),
    (ROUTER, "2026-02-03T14:02:00Z", "2026-02-03T14:31:30Z", "no_route", "the network is unreachable"),
    *(
        (WEBSITE, f"2026-02-20T10:{minute:02}:00Z", f"2026-02-20T10:{minute + 2:02}:30Z", "refused", "nobody listens")
        for minute in (3, 11, 26, 48)
    ),
    (WEBSITE, "2026-03-14T22:47:10Z", "2026-03-15T01:12:40Z", "status", "503, expected 200"),
    (SHOP, "2026-02-03T14:10:00Z", "2026-02-03T14:25:00Z", "timeout", "no answer in 5 s"),
    (MAIL, "2026-03-31T23:50:00Z", None, "refused", "nobody listens"),
]
UNSEEN = [
    (MAIL, "2026-01-20T08:00:00Z", "2026-01-20T08:42:00Z", Cause.MONITOR_STOPPED),
    (SHOP, "2026-01-20T08:00:00Z", "2026-01-20T08:42:00Z", Cause.MONITOR_STOPPED),
    (ROUTER, "2026-01-20T08:00:00Z", "2026-01-20T08:42:00Z", Cause.MONITOR_STOPPED),
    (WEBSITE, "2026-01-20T08:00:00Z", "2026-01-20T08:42:00Z", Cause.MONITOR_STOPPED),
    (MAIL, "2026-02-10T11:00:00Z", "2026-02-10T11:05:30Z", Cause.PATH_LOST),
]


def _changes() -> Iterator[tuple[EndpointKey, Change]]:
    for key in (ROUTER, WEBSITE, MAIL, SHOP):
        yield key, Change(BEGAN, State.UP, BEGAN, BEGAN)
    for key, began, ended, reason, detail in OUTAGES:
        at = parse_instant(began)
        yield key, Change(at, State.DOWN, at - 30 * SECOND, at, None, at + 10 * SECOND, reason, detail)
        if ended is not None:
            good = parse_instant(ended)
            yield key, Change(good, State.UP, good - 10 * SECOND, good, None, good)
    for key, began, ended, cause in UNSEEN:
        start, end = parse_instant(began), parse_instant(ended)
        yield key, Change(start, State.UNKNOWN, start - 20 * SECOND, start, cause)
        yield key, Change(end, State.UP, end, end, None, end)


def _observations() -> Iterator[tuple[EndpointKey, Observation]]:
    """Three hours of the website, a minute apart, and what the certificates of two endpoints say."""
    start, expiry = parse_instant("2026-03-31T06:00:00Z"), parse_instant("2026-04-19T12:00:00Z")
    for number in range(180):
        slow = (number * 37) % 60 + (200 if number % 60 > 55 and number < 120 else 0)
        length = (40 + slow) * MILLISECOND
        yield WEBSITE, Observation(start + number * MINUTE, length, Verdict.UP, "ok", certificate_expiry=expiry)
    yield MAIL, Observation(MARK - HOUR, 90 * MILLISECOND, Verdict.UP, "ok", certificate_expiry=expiry + 300 * DAY)


async def write(url: str) -> None:
    """Fill the empty database at ``url``."""
    clock = FakeClock(BEGAN)
    async with await Ledger.open(url, site="hq", boot="b1", clock=clock) as ledger:
        terms = {"service": "shop", "kind": "applications", "standard": "99%", "period": "month"}
        await ledger.append([contract_entry("acme", "shop", terms, BEGAN)])
        for key, change in sorted(_changes(), key=lambda each: each[1].at):
            _at(clock, change.at)
            await ledger.append([entry_of(key, change)])
        at = parse_instant("2026-01-12T03:12:05Z")
        stall = {"event": "stall", "start": at, "end": at + 2 * SECOND, "cause": "prober_fault"}
        lone = Blip(at + MINUTE, State.DOWN, at + 50 * SECOND, at + 70 * SECOND, 1, "timeout", "no answer in 5 s")
        await ledger.append([Entry(Kind.EVENT, at + 2 * SECOND, stall), entry_of(MAIL, lone)])
        for key, observation in _observations():
            ledger.observe(key, observation)
        _at(clock, MARK)
        ledger.mark_alive(MARK)


def _at(clock: FakeClock, instant: Instant) -> None:
    clock.advance(max(0, instant - clock.now()))
