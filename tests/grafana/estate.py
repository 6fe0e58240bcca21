"""A scripted estate behind the real web application: each scrape sees it a quarter of a minute later.

A fortnight's period ends during the script. One contract first is not seen, then is down in the new period until the
end, so that its outage, its breach, its unknown time and the period before are all there to be asked for. The new
period has terms of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

from aiohttp.test_utils import TestServer

from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from slawatch.domain.observation import Cause
from slawatch.domain.risk import BurnRate
from slawatch.domain.terms import digest
from slawatch.domain.timeline import Timeline
from slawatch.evaluation.board import ContractStatus, PathStatus, Snapshot
from slawatch.exposition.self_metrics import Histogram, ResolverFigures, SelfMetrics
from slawatch.storage.reserve import Standing
from web import samples
from web.conftest import Face

STEP = 15 * SECOND
"""How much later it is at each scrape."""
NEW_PERIOD = samples.START + 14 * DAY
BEGINS = NEW_PERIOD - 10 * STEP
ENOUGH = 30
"""Scrapes after which the whole script has been seen."""

_UNSEEN = (14 * DAY - 20 * STEP, 25 * STEP, State.UNKNOWN)
_DOWN = (14 * DAY + 5 * STEP, 10 * HOUR, State.DOWN)
_BEFORE = (3 * DAY, 4 * HOUR, State.DOWN)


def snapshot(now: Instant) -> Snapshot:
    """Everything that can be exposed, at ``now``."""
    begun = [spell for spell in (_BEFORE, _UNSEEN, _DOWN) if samples.START + spell[0] < now]
    router = samples.timeline(*begun, until=now, width=10 * SECOND)
    slow = samples.timeline((14 * DAY - HOUR, 3 * HOUR, State.DEGRADED), until=now)
    globex = samples.terms(
        "globex", "branch", up_when="vpn", charges=[{"from": None, "amount": "900.00 CHF per month"}]
    )
    word = "Ensure network up-time." if now < NEW_PERIOD else "Ensure network up-time, by night as well."
    contracts = [
        replace(_contract(samples.terms(definition=word), "router", router, now), review_overdue=now - BEGINS + HOUR),
        _contract(globex, "vpn", slow, now),
    ]
    seen = samples.endpoint_status(
        "website", samples.timeline(until=now), now, probe="http", target="https://acme.example/"
    )
    assert seen.last is not None
    phases = (("resolve", 1_200), ("connect", 4_000), ("tls", 9_100), ("wait", 31_000))
    last = replace(seen.last, certificate_expiry=now + 30 * DAY, phases=phases)
    unknown = samples.endpoint_status("store", samples.timeline((0, 30 * DAY, State.UNKNOWN), until=now), now)
    endpoints = [
        samples.endpoint_status("router", router, now),
        replace(seen, last=last),
        replace(unknown, cause=Cause.PATH_LOST),
        samples.endpoint_status("vpn", slow, now, client="globex"),
    ]
    counted = [replace(each, counts={"up": (now - BEGINS) // STEP, "down": 3}) for each in endpoints]
    paths = (PathStatus("lan", 2, 2, False, now), PathStatus("internet", 2, 0, True, now))
    return replace(samples.snapshot(contracts, counted, at=now), paths=paths)


def _contract(document: Mapping[str, Any], endpoint: str, line: Timeline, now: Instant) -> ContractStatus:
    """Judged by terms that have a version, as the ledger's have."""
    rates = {"1h": Fraction(7, 2), "6h": Fraction(3, 4)}
    burn = tuple(BurnRate(length, Fraction(7, 2), Fraction(168, 25)) for length in (HOUR, 5 * MINUTE))
    status = samples.contract_status(document, {endpoint: line}, now, burn_rates=rates)
    contract = replace(status.contract, version=digest(document))
    account, risk = replace(status.account, contract=contract), replace(status.risk, burn=burn)
    return replace(status, account=account, risk=risk)


def own(step: int) -> SelfMetrics:
    """What the daemon says of itself after so many scrapes."""
    bounds = (MILLISECOND, 5 * MILLISECOND, 25 * MILLISECOND, 100 * MILLISECOND)
    return SelfMetrics(
        site="hq",
        version="0.1.0",
        database="sqlite 3.45.1",
        python="3.11.9",
        lateness=Histogram(bounds, (90 * step, 30 * step, 4 * step, step // 5, 0), 100_000 * step),
        slots_missed=step // 10,
        loop_lag=2_500,
        ledger_queue=step % 7,
        ledger_commits=3 * step,
        last_commit_age=1_500_000,
        ledger=Standing(False, 0, 0, 0, 0, True),
        resolvers=(
            ResolverFigures("192.0.2.53", True, 2_500, 7 * step, 2, 1),
            ResolverFigures("192.0.2.54", False, 5_000, 0, 0, step),
        ),
    )


class Estate(Face):
    """The web application over the script; :attr:`step` counts its scrapes."""

    def __init__(self) -> None:
        super().__init__()
        self.step = 0
        self.own = self._scraped
        self.board.publish(snapshot(BEGINS))

    @property
    def now(self) -> Instant:
        """The estate's present."""
        return BEGINS + self.step * STEP

    def _scraped(self) -> SelfMetrics:
        if self.step < ENOUGH:
            self.step += 1
            self.board.publish(snapshot(self.now))
        return own(self.step)


@contextmanager
def served() -> Iterator[tuple[Estate, str]]:
    """The estate and its ``host:port``, from a thread with a loop of its own."""
    ready, done = threading.Event(), threading.Event()
    estate, address = Estate(), []

    async def serve() -> None:
        server = TestServer(estate.application(), host="127.0.0.1")
        await server.start_server()
        address.append(f"{server.host}:{server.port}")
        ready.set()
        await asyncio.to_thread(done.wait)
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield estate, address[0]
    finally:
        done.set()
        thread.join()
