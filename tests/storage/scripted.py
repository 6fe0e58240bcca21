"""Two weeks of an estate, lived on any database: seeded observations, a crash, a clock step, a rename, new terms.

The parts are the daemon's own, in its order: books, recorder, ledger. Only the probes and the clock are the script's,
so whatever differs between two databases comes from the databases.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from slawatch.config.configuration import Configuration
from slawatch.config.loader import load
from slawatch.domain.account_json import account_object
from slawatch.domain.interval import HOUR, MINUTE, SECOND, Duration
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.evaluation.history_export import Selection, history_rows
from slawatch.evaluation.history_file import read_history
from slawatch.evaluation.leftover import cut_of_ended_run
from slawatch.evaluation.offline import Offline
from slawatch.evaluation.recorder import Past, Recorder
from slawatch.main.books import news, read_books, read_pasts
from slawatch.storage.entries import EndpointKey, Entry, Kind
from slawatch.storage.ledger import Ledger
from storage.conftest import IMPATIENT
from support.clock import START, FakeClock

EVERY = 5 * MINUTE

BOX = "site: hq\ndatabase: sqlite:////nowhere/a.db\nresolvers: [127.0.0.1]\nwitnesses: {}\n"

CLIENT = """\
client: acme
timezone: Europe/Berlin
calendars:
  office: {{mon-fri: "08:00-18:00", holidays: DE-HH}}
endpoints:
  router:  {{probe: icmp, target: 192.0.2.1, every: 5m, path: lan}}
  {isp}: {{probe: icmp, target: 198.51.100.1, every: 5m, behind: router}}
  isp_b:   {{probe: icmp, target: 203.0.113.1, every: 5m, behind: router}}
  website: {{probe: tcp, target: "203.0.113.7:443", every: 5m, confirm: 1}}
services:
  network: {{kind: network, definition: Ensure network up-time., up_when: router and ({name} or isp_b)}}
  site:    {{kind: applications, definition: The site answers., up_when: website}}
contracts:
  network: {{service: network, measurement: availability, standard: 97%, period: every 1 weeks from 2026-01-05,
             penalty: 10% of charges, charges: 1200.00 EUR per month, degraded: 0.5, owner: owner@msp.example}}
  site:    {{service: site, measurement: availability, standard: {standard}, hours: office,
             period: every 3 days from 2026-01-05, charges: 99.95 EUR per period, owner: owner@msp.example,
             penalty: {{tiers: [{{below: 99.9%, credit: 10%}}, {{below: 95%, credit: 30%}}]}}}}
maintenance:
  - {{services: [network], from: "2026-01-06 02:00", rrule: "FREQ=DAILY;INTERVAL=2", duration: 90m, reason: firmware}}
"""


def configuration(folder: Path, *, renamed: bool = False, standard: str = "98%") -> Configuration:
    """The estate; ``renamed``: isp_a goes by the name of carrier."""
    (folder / "clients").mkdir(parents=True, exist_ok=True)
    (folder / "slawatch.yaml").write_text(BOX, encoding="utf-8")
    text = CLIENT.format(
        isp="carrier" if renamed else "isp_a", name="carrier" if renamed else "isp_a", standard=standard
    )
    if renamed:
        text = text.replace("198.51.100.1, every: 5m,", "198.51.100.1, every: 5m, formerly: isp_a,")
    (folder / "clients" / "acme.yaml").write_text(text, encoding="utf-8")
    return load(folder)


class Life:
    """Runs of a daemon on one database, one after the other."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder = url, folder
        self.clock = FakeClock(START)
        self.dice = random.Random(seed)
        self.truth: dict[int, Verdict] = {}

    async def live(self) -> None:
        """Everything that happens."""
        before = configuration(self.folder)
        await self._run(before, "first", 5 * 24 * HOUR, crash=True)
        self.clock.advance(37 * MINUTE + 123_457)
        await self._run(before, "second", 3 * 24 * HOUR, crash=False, step=True)
        self.clock.advance(11 * SECOND + 1)
        after = configuration(self.folder, renamed=True, standard="99.5%")
        await self._run(after, "third", 6 * 24 * HOUR, crash=False)

    async def _run(
        self, wanted: Configuration, boot: str, length: Duration, *, crash: bool, step: bool = False
    ) -> None:
        ledger = await Ledger.open(self.url, site="hq", boot=boot, clock=self.clock, tuning=IMPATIENT)
        recorder = Recorder(ledger, self.clock, lambda _: None)
        books, previous = await read_books(ledger), await ledger.previous_boot()
        ledger.append(news(books, wanted, self.clock.now()))
        formerly = {EndpointKey(endpoint.client, endpoint.name): endpoint.formerly for endpoint in wanted.endpoints}
        await ledger.ensure_endpoints(formerly)
        keys = list(formerly)
        pasts = await read_pasts(ledger, keys, START)
        for key, endpoint in zip(keys, wanted.endpoints, strict=True):
            past = pasts.get(key, Past())
            recorder.adopt(key, endpoint.cadence, past, previous.alive_until if previous else None)
        rounds = length // EVERY
        for number in range(rounds):
            self._observe(recorder, keys)
            if step and number == rounds // 2:
                now = self.clock.now()
                recorder.clock_jumped(now, now + 90 * SECOND, Cause.CLOCK_STEP)
                ledger.append([correction(keys[-1], now)])
            self.clock.advance(EVERY)
            if number % 50 == 0:
                ledger.mark_alive(self.clock.now())
                await ledger.flushed()
        await ledger.flushed()
        await (ledger.release() if crash else ledger.close())

    def _observe(self, recorder: Recorder, keys: list[EndpointKey]) -> None:
        for number, key in enumerate(keys):
            verdict = self.truth.get(number, Verdict.UP)
            if self.dice.random() < (0.02 if verdict is Verdict.UP else 0.2):
                verdict = self.truth[number] = self.dice.choice([Verdict.UP, Verdict.DEGRADED, Verdict.DOWN])
            void = self.dice.random() < 0.01
            started = self.clock.now() + self.dice.randrange(20 * SECOND)
            words = (
                "ok" if verdict is Verdict.UP else "timeout",
                "" if verdict is Verdict.UP else "no answer: ü, 中, \"'",
            )
            seen = Observation(started, self.dice.randrange(SECOND), verdict, *words)
            if void:
                seen = Observation(started, 1, Verdict.VOID, "path", "", cause=Cause.PATH_LOST)
            recorder.record(str(key), seen)


def correction(key: EndpointKey, now: int) -> Entry:
    """Somebody sets two hours right."""
    body = {"endpoint": key.name, "start": now - 3 * HOUR, "end": now - HOUR, "state": "up"}
    words = {"reason": "our own firewall", "approved_by": "client@acme.example", "by": "owner@msp.example"}
    return Entry(Kind.CORRECTION, now, body | words, client=key.client)


async def answers(url: str, wanted: Configuration, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of what the ledger answers: the entries, the history, and the judgement of every period."""
    async with await Ledger.open(url, read_only=True) as ledger:
        entries = [repr(recorded) async for recorded in ledger.entries()]
        cadences = {EndpointKey(e.client, e.name): e.cadence for e in wanted.endpoints}
        cut = await cut_of_ended_run(ledger, "hq", cadences)
        assert cut is not None
        rows = [json.dumps(row) + "\n" async for row in history_rows(ledger, Selection(["acme"]), cut)]
        days = [
            repr(await ledger.time_in_states(key, START + day * 24 * HOUR, START + (day + 1) * 24 * HOUR))
            for key in cadences
            for day in range(14)
        ]
        materials = [repr(item) for item in sorted((await ledger.resume_materials(cadences)).items())]
        seen = [repr(each) for key in cadences for each in await ledger.observations(key, 0, START + 999 * 24 * HOUR)]
    path = folder / "history.jsonl"
    path.write_text("".join(rows), encoding="utf-8")
    found = {"entries": entries, "history": rows, "days": days, "resume": materials, "observations": seen}
    found["judgement"] = judged(wanted, path)
    return iter((name, "".join(lines).encode()) for name, lines in found.items())


def judged(wanted: Configuration, path: Path) -> list[str]:
    """What ``evaluate`` prints of every contract and period."""
    history = read_history(path, "acme")
    history.seal(None)
    assert history.end is not None
    contracts = [item.contract for item in wanted.clients[0].contracts]
    accounts = Offline(contracts, [], history).accounts(history.end, "all")
    return [json.dumps(account_object(account)) for account in accounts]
