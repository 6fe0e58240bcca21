"""What judging costs: contracts once a second, and what a reader pays who wants every figure.

    python -m benchmarks.evaluation [--contracts N] [--outages N]

Every contract is over one endpoint of its own, probed every minute, with a history of outages in the running
fortnight. In a second of steady state one endpoint in sixty answers, nothing fails, and the evaluator publishes. The
peer is the plain function over the whole period, which every figure of the incremental evaluator equals.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Awaitable, Sequence
from typing import Any

from benchmarks.harness import Row, processor_seconds, table
from slawatch.domain.account import account, contract_timeline, members
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import DAY, MINUTE, SECOND, Instant, parse_instant
from slawatch.domain.observation import Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.domain.terms import contract_of
from slawatch.evaluation.board import Board, Snapshot
from slawatch.evaluation.book import Book, Version
from slawatch.evaluation.estate import EndpointFace, Estate, Subject
from slawatch.evaluation.evaluator import Evaluator
from slawatch.evaluation.recorder import Past, Recorder
from slawatch.storage.entries import EndpointKey, Entry

START = parse_instant("2026-01-05T00:00:00Z")
NOW = START + 9 * DAY
CADENCE = Cadence(every=60 * SECOND, timeout=5 * SECOND, retry_every=10 * SECOND)
TERMS: dict[str, Any] = {
    "format": "1", "client": "acme", "timezone": "UTC", "kind": "network", "definition": "It is up.",
    "measurement": "availability", "standard": "99%", "period": "every 2 weeks from 2025-12-08",
    "valid": {"from": "2025-12-08", "to": None}, "hours": None, "services": {}, "parents": {},
    "confirmation_span": "85s", "penalty": "10% of charges",
    "charges": [{"from": None, "amount": "1200.00 EUR per month"}],
    "options": {
        "settle_on": "point", "unknown": "exclude", "degraded": "1", "coverage_floor": "95%", "granularity": "exact",
        "ignore_outages_shorter_than": "0s", "merge_gaps_shorter_than": "0s", "partial": "judge",
        "unreachable": "down", "grace": "3d", "maintenance_notice": "0s", "maintenance_limit": "unlimited",
        "release": "owner",
    },
    "owner": "owner@msp.example", "review_at": ["09:00", "15:00"], "credit_cap": None, "same_incident": "sum",
}  # fmt: skip


class Clock:
    """Time as the measurement sets it."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> Instant:
        return self.at

    def monotonic(self) -> Instant:
        return self.at


class Kept:
    """What a ledger answers that has nothing to do."""

    def __await__(self) -> Any:
        return iter(())


class Nowhere:
    """A ledger that keeps nothing: storage is measured elsewhere."""

    def append(self, entries: Sequence[Entry]) -> Awaitable[None]:
        return Kept()

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None: ...


class Estates:
    """An evaluator over so many contracts, each with so many outages in its running period."""

    def __init__(self, contracts: int, outages: int) -> None:
        self.clock, self.names = Clock(), [f"e{number}" for number in range(contracts)]
        self.recorder = Recorder(Nowhere(), self.clock, lambda _: None)
        self.evaluator = Evaluator(self.recorder, Board(), self.clock)
        self.contracts = [
            contract_of({**TERMS, "contract": name, "service": name, "up_when": name}) for name in self.names
        ]
        for number, name in enumerate(self.names):
            past = Past(changes=_history(number, outages), last_good=NOW - SECOND)
            self.recorder.adopt(EndpointKey("acme", name), CADENCE, past, None)
        self.evaluator.judge_by(
            Estate(
                tuple(Subject("acme", "Acme", each.name, Book([Version(0, each)])) for each in self.contracts),
                tuple(
                    EndpointFace("acme", name, "icmp", "192.0.2.1", "lan", None, CADENCE.every) for name in self.names
                ),
            )
        )

    def second(self) -> Snapshot:
        """One second passes: what is due answers, and the evaluator publishes."""
        self.answer()
        return self.evaluator.publish()

    def answer(self) -> None:
        self.clock.at += SECOND
        turn = self.clock.at // SECOND % 60
        for name in self.names[turn::60]:
            self.recorder.record(f"acme/{name}", Observation(self.clock.at, 1_500, Verdict.UP, "answered"))

    def plain(self) -> None:
        """Every account by the plain function, over all that the period holds."""
        now = self.clock.at
        for contract in self.contracts:
            contract = contract.seen_first(0)
            tracks = {name: self.recorder.tracks[f"acme/{name}"].timeline_until(now) for name in members(contract)}
            period = contract.periods.containing(now)
            assert period is not None
            account(contract, period, contract_timeline(contract, tracks), (), now)


def _history(seed: int, outages: int) -> list[Change]:
    """Outages of a minute each, at random in the nine days before now."""
    dice = random.Random(seed)
    starts = sorted(dice.sample(range(9 * 24 * 30), outages))
    changes = [Change(START - DAY, State.UP, START - DAY, START - DAY)]
    for slot in starts:
        at = START + slot * 2 * MINUTE
        changes += [
            Change(at, State.DOWN, at - 50 * SECOND, at),
            Change(at + MINUTE, State.UP, at + 50 * SECOND, at + MINUTE),
        ]
    return [change for change in changes if change.at < NOW - MINUTE]


def read_accounts(snapshot: Snapshot) -> None:
    for status in snapshot.contracts:
        status.account  # noqa: B018 - it is judged when it is read


def read_everything(snapshot: Snapshot) -> None:
    for status in snapshot.contracts:
        status.risk, status.last, status.burn_rates, status.state  # noqa: B018


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contracts", type=int, default=10_000)
    parser.add_argument("--outages", type=int, default=20)
    arguments = parser.parse_args(words)
    estate = Estates(arguments.contracts, arguments.outages)
    first = processor_seconds(estate.second, rounds=1)
    publish = processor_seconds(estate.second) - processor_seconds(estate.answer)
    read = processor_seconds(lambda: read_accounts(estate.second()), rounds=3)
    everything = processor_seconds(lambda: read_everything(estate.second()), rounds=3)
    plain = processor_seconds(estate.plain, rounds=1)
    each = 1e6 / arguments.contracts
    print_table(arguments, first, publish, read, everything, plain, each)


def print_table(
    arguments: argparse.Namespace,
    first: float,
    publish: float,
    read: float,
    everything: float,
    plain: float,
    each: float,
) -> None:
    table(
        f"Evaluation: {arguments.contracts} contracts once a second, {arguments.outages} outages in each period",
        [
            Row("publication, as share of one core", publish * 100, "%", 5.0, f"1/{plain / publish:.0f} of the plain"),
            Row("publication, and everything of each read once a minute", (publish + everything / 60) * 100, "%"),
            Row("the account of each, every second", read * 100, "%", None, f"1/{plain / read:.1f} of the plain"),
            Row("account, risk, burn rates and last period of each", everything * 100, "%"),
            Row("the plain account of each, every second", plain * 100, "%"),
            Row("one account, read", read * each, "us"),
            Row("one account, risk, burn rates and last period, read", everything * each, "us"),
            Row("the first publication after a start", first * 1e3, "ms"),
        ],
    )


if __name__ == "__main__":
    main()
