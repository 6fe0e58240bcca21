"""``slawatch demo``: the whole daemon against an estate of its own, with a past that is marked as demonstration data.

The past is chosen so that the shop's contract stands just below half of its budget: the first outage that the
demonstration makes takes it over that mark, and the card goes from on track over breaching to at risk.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slawatch.cli.running import DemoRequest
from slawatch.config.configuration import ClientConfig, Configuration
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box, Outbound
from slawatch.domain.contract import Contract
from slawatch.domain.facts import Blip, Change, Fact, State
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND, Duration, Instant
from slawatch.main.daemon import Daemon
from slawatch.main.demo_estate import BreakableServer, Estate
from slawatch.main.running import run_loop, until_stopped
from slawatch.operations.reviewing import REVIEWED
from slawatch.probes.echo_socket import icmp_rights
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import Unavailable
from slawatch.runtime.logs import set_up_logging
from slawatch.storage.entries import EndpointKey, Entry, Kind
from slawatch.storage.facts import contract_entry, entry_of
from slawatch.storage.ledger import Ledger

SITE = "demo"
MARK = "demonstration data, never measured"
FIRST_BREAK_AFTER = 12
"""Seconds."""
BREAKS_FOR = 25
HEALTHY_FOR = 60
NEXT_PORTS = 10


def demo(request: DemoRequest) -> int:
    """Serve the demonstration until stopped."""
    set_up_logging("warning")
    if request.keep is None:
        with tempfile.TemporaryDirectory(prefix="slawatch-demo-") as folder:
            return run_loop(_demonstrate(request, Path(folder)))
    request.keep.mkdir(parents=True, exist_ok=True)
    return run_loop(_demonstrate(request, request.keep.absolute()))


async def _demonstrate(request: DemoRequest, folder: Path) -> int:
    async with Estate() as estate:
        client = load_client_text(_client_text(estate, datetime.now(UTC)), "demonstration")
        database = folder / "slawatch.db"
        if not database.exists():
            await _write_past(f"sqlite:///{database}", client)
        box = Box(
            site=SITE,
            database=f"sqlite:///{database}",
            listen=_free(request.listen),
            outbound=Outbound(allow=["127.0.0.0/8"]),
        )
        configuration = Configuration(box, (client,))

        async def beside(daemon: Daemon) -> None:
            await _break_and_heal(daemon, estate)

        return await until_stopped(lambda: configuration, beside=beside)


def _free(listen: str) -> str:
    """The address asked for, or the next free port after it: a demonstration should not fail over a port."""
    host, _, port = listen.rpartition(":")
    for number in range(int(port), int(port) + NEXT_PORTS):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), number))
            except OSError:
                continue
            return f"{host}:{number}"
    raise Unavailable(
        f"no port from {port} to {int(port) + NEXT_PORTS - 1} is free on {host}: choose one with --listen"
    )


def _client_text(estate: Estate, now: datetime) -> str:
    pings = "not" not in icmp_rights()
    if not pings:
        sys.stderr.write("this user may not ping, so the network's hosts are probed by TCP instead\n")
    hosts = {"router": "127.0.0.1", "isp_a": "127.0.0.2", "isp_b": "127.0.0.3"}

    def host(name: str, extra: str = "") -> str:
        if pings:
            return f"  {name}: {{probe: icmp, target: {hosts[name]}, every: 2s, timeout: 1s, retry_every: 1s{extra}}}"
        target = f'"127.0.0.1:{estate.orders.port}"'
        return f"  {name}: {{probe: tcp, target: {target}, every: 2s, timeout: 1s, retry_every: 1s{extra}}}"

    anchor = (now - timedelta(days=9)).date()
    return _CLIENT.format(
        router=host("router"),
        isp_a=host("isp_a", ", behind: router"),
        isp_b=host("isp_b", ", behind: router"),
        web=estate.website.port,
        orders=estate.orders.port,
        anchor=anchor.isoformat(),
        before=(anchor - timedelta(days=14)).isoformat(),
        valid=(anchor - timedelta(days=14)).isoformat(),
    )


_CLIENT = """
client: acme
name: Acme Logistics (demonstration)
timezone: Europe/Berlin

calendars:
  office: {{mon-fri: "08:00-18:00", holidays: DE-HH}}

endpoints:
{router}
{isp_a}
{isp_b}
  website:
    probe: http
    target: "http://127.0.0.1:{web}/"
    every: 2s
    timeout: 1s
    retry_every: 1s
    expect: {{status: 200, body: Welcome}}
  orders:
    probe: tcp
    target: "127.0.0.1:{orders}"
    every: 2s
    timeout: 1s
    retry_every: 1s
    expect: ready

services:
  shop: {{kind: applications, definition: The web shop can be seen and takes orders., up_when: website and orders}}
  network: {{kind: network, definition: Ensure network up-time., up_when: router and (isp_a or isp_b)}}
  ordering: {{kind: applications, definition: Orders are taken during office hours., up_when: orders}}

contracts:
  shop:
    service: shop
    standard: 99%
    period: every 2 weeks from {before}
    valid: {{from: "{valid}"}}
    penalty: 10% of charges
    charges: 1200.00 EUR per month
    owner: owner@msp.example
    review_at: ["09:00", "15:00"]
  network:
    service: network
    standard: 99.9%
    period: month
    valid: {{from: "{valid}"}}
    penalty:
      tiers: [{{below: 99.9%, credit: 10%}}, {{below: 99%, credit: 30%}}, {{at_most: 95%, credit: 100%}}]
    charges: 900.00 EUR per month
    owner: owner@msp.example
    review_at: ["09:00", "15:00"]
  ordering:
    service: ordering
    standard: 99.5%
    period: every 2 weeks from {anchor}
    valid: {{from: "{valid}"}}
    hours: office
    penalty: 5% of charges
    charges: 400.00 EUR per month
    owner: owner@msp.example
    review_at: ["09:00", "15:00"]
"""


# --- The past ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PastOutage:
    """``start`` counts back from now."""

    start: Duration
    length: Duration
    reason: str


_ALLOWED = DAY * 14 // 100
"""Of a fortnight at 99 %: 3 h 21 m 36 s."""
_WEBSITE = (
    _PastOutage(19 * DAY + 5 * HOUR, 95 * MINUTE, "refused"),
    _PastOutage(7 * DAY + 3 * HOUR, 41 * MINUTE, "timeout"),
    _PastOutage(4 * DAY + 11 * HOUR, _ALLOWED // 2 - 41 * MINUTE - 12 * MINUTE - 15 * SECOND, "status"),
    _PastOutage(1 * DAY + 6 * HOUR, 12 * MINUTE, "refused"),
)
_OF_ENDPOINT = {
    "website": _WEBSITE,
    "isp_a": (_PastOutage(11 * DAY + 2 * HOUR, 4 * HOUR, "timeout"), _PastOutage(2 * DAY, 50 * MINUTE, "timeout")),
    "isp_b": (_PastOutage(6 * DAY + 20 * HOUR, 3 * HOUR, "timeout"),),
}
_BACK: Duration = 24 * DAY
_EVERY, _RETRY = 2 * SECOND, SECOND


async def _write_past(database: str, client: ClientConfig) -> None:
    """Weeks that never were, written like any other facts and marked as what they are."""
    clock = SystemClock()
    now = clock.now()
    ledger = await Ledger.open(database, site=SITE, clock=clock, boot="demonstration")
    try:
        await ledger.ensure_endpoints({EndpointKey(item.client, item.name): None for item in client.endpoints})
        ledger.append([Entry(Kind.EVENT, now - _BACK, {"event": "demonstration", "note": MARK})])
        ledger.append(
            [contract_entry(client.id, item.contract.name, item.terms, now - _BACK) for item in client.contracts]
        )
        ledger.append([_reviewed(item.contract, now) for item in client.contracts])
        for endpoint in client.endpoints:
            key = EndpointKey(endpoint.client, endpoint.name)
            facts = _facts(now, _OF_ENDPOINT.get(endpoint.name, ()))
            ledger.append([entry_of(key, fact) for fact in facts])
        ledger.mark_alive(now)
    finally:
        await ledger.close()


def _reviewed(contract: Contract, now: Instant) -> Entry:
    """Somebody looked just now, or the demonstration would begin with weeks of reviews that nobody held."""
    body = {"event": REVIEWED, "by": "demonstration", "note": MARK, "seen": {}}
    return Entry(Kind.EVENT, now, body, client=contract.client, contract=contract.name)


def _facts(now: Instant, outages: Sequence[_PastOutage]) -> Iterator[Fact]:
    begin = now - _BACK
    yield Change(begin, State.UP, begin, begin, None, begin, "answered", MARK)
    blip = now - 3 * DAY - 7 * HOUR
    yield Blip(blip, State.DOWN, blip - _EVERY, blip + _RETRY, 1, "timeout", MARK)
    for outage in outages:
        start = now - outage.start
        end = start + outage.length
        yield Change(start, State.DOWN, start - _EVERY, start, None, start + _RETRY, outage.reason, MARK)
        yield Change(end, State.UP, end - _RETRY, end, None, end, "answered", MARK)


# --- The present ------------------------------------------------------------------------------------------------


async def _break_and_heal(daemon: Daemon, estate: Estate) -> None:
    host, port = daemon.address
    sys.stdout.write(
        f"\n  slawatch demonstration\n\n"
        f"  page      http://{host}:{port}/\n"
        f"  metrics   http://{host}:{port}/metrics\n\n"
        f"  The web site breaks in {FIRST_BREAK_AFTER} s and heals {BREAKS_FOR} s later: watch the shop's card.\n"
        f"  All history before now is {MARK}. Ctrl-C ends it.\n\n"
    )
    sys.stdout.flush()
    await asyncio.sleep(FIRST_BREAK_AFTER)
    while True:
        for name, server in (("web site", estate.website), ("order service", estate.orders)):
            await _break(name, server)
            await asyncio.sleep(HEALTHY_FOR)


async def _break(name: str, server: BreakableServer) -> None:
    await server.stop()
    _say(f"the {name} is taken away")
    await asyncio.sleep(BREAKS_FOR)
    await server.start()
    _say(f"the {name} is back")


def _say(what: str) -> None:
    sys.stdout.write(f"  {datetime.now().astimezone():%H:%M:%S}  {what}\n")
    sys.stdout.flush()
