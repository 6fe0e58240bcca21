"""What the evaluator publishes is the pure account of everything recorded, whenever and by whomever it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.account import Account, account, contract_timeline, members
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import State
from slawatch.domain.history import Correction
from slawatch.domain.interval import HOUR, MINUTE, SECOND, Instant, Interval, IntervalSet, parse_instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.domain.strip import state_at
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import Timeline, endpoint_timeline, painted
from slawatch.evaluation.board import Board, ContractStatus, Snapshot
from slawatch.evaluation.book import Book, Version
from slawatch.evaluation.estate import EndpointFace, Estate, Subject
from slawatch.evaluation.evaluator import Evaluator
from slawatch.evaluation.recorder import Past, Recorder, Track
from slawatch.storage.entries import EndpointKey, Entry
from support.clock import FakeClock
from web.samples import OPTIONS, terms

START = parse_instant("2026-01-05T23:40:00Z")
"""Twenty minutes before the daily period ends."""
CADENCE = Cadence(every=60 * SECOND, timeout=5 * SECOND, retry_every=10 * SECOND)
NAMES = ("a", "b", "c")


class Nowhere:
    """A ledger that keeps nothing."""

    async def _kept(self) -> None: ...

    def append(self, entries: Sequence[Entry]) -> Awaitable[None]:
        return _Done()

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None: ...


class _Done:
    def __await__(self) -> Any:
        return iter(())


def contracts() -> list[Contract]:
    """Over one endpoint, over several, by hours, by day, and with options that ask for whole outages."""
    common = {"timezone": "UTC", "valid": {"from": "2025-12-01", "to": None}}
    common["period"] = "every 2 weeks from 2025-12-22"
    days = {"mon-sun": ["00:10-00:40", "01:00-23:50"]}
    office: dict[str, Any] = {"name": "office", "timezone": "UTC", "days": days, "holidays": None}
    office |= {"closed": [], "open": {}}
    behind = {**OPTIONS, "unreachable": "unknown", "degraded": "0.5"}
    documents = [
        terms("acme", "single", up_when="a", **common),
        terms("acme", "hours", up_when="a", hours=office, **common),
        terms("acme", "daily", up_when="b", **common | {"period": "every 1 days from 2026-01-01"}),
        terms("acme", "both", up_when="a and (b or c)", parents={"b": "c"}, options=behind, **common),
        terms("acme", "merged", up_when="a", options={**OPTIONS, "merge_gaps_shorter_than": "2m"}, **common),
    ]
    return [contract_of(document) for document in documents]


CONTRACTS = contracts()
ANNOUNCED = [
    Announcement("m", ExclusionKind.MAINTENANCE, (Interval(START + 20 * MINUTE, START + 50 * MINUTE),)),
    Announcement("n", ExclusionKind.MAINTENANCE, (Interval(START - 5 * HOUR, START - 4 * HOUR),)),
]
CORRECTION = Correction("a", Interval(START + 3 * MINUTE, START + 5 * MINUTE), State.DOWN, "seen", "owner")


@dataclass
class Scene:
    """An evaluator with its recorder, in a time of its own."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    corrections: Sequence[Correction] = ()

    def __post_init__(self) -> None:
        self.recorder = Recorder(Nowhere(), self.clock, lambda _: None)
        self.evaluator = Evaluator(self.recorder, Board(), self.clock)
        for name in NAMES:
            self.recorder.adopt(EndpointKey("acme", name), CADENCE, Past(), None)
        self.judge_by(CONTRACTS)

    def judge_by(self, judged: Sequence[Contract]) -> None:
        subjects = [Subject("acme", "Acme", each.name, Book([Version(0, each)])) for each in judged]
        faces = [EndpointFace("acme", name, "icmp", "192.0.2.1", "lan", None, CADENCE.every) for name in NAMES]
        corrections = {"acme/a": list(self.corrections)}
        self.evaluator.judge_by(Estate(tuple(subjects), tuple(faces), {}, {"acme": ANNOUNCED}, corrections))

    def observe(self, name: str, verdict: Verdict) -> None:
        cause = Cause.PATH_LOST if verdict is Verdict.VOID else None
        seen = Observation(self.clock.now(), SECOND, verdict, "told", cause=cause)
        self.recorder.record(f"acme/{name}", seen)

    def expected(self) -> list[Expected]:
        """What the plain functions say of every contract now."""
        return [Expected.of(self, contract) for contract in CONTRACTS]

    def plain(self, name: str) -> Timeline:
        track: Track = self.recorder.tracks[f"acme/{name}"]
        line = endpoint_timeline(track.changes_until(self.clock.now()), track.blips)
        for correction in self.corrections if name == "a" else ():
            line = painted(line, IntervalSet.span(*correction.span), correction.state)
        return line


@dataclass
class Expected:
    """One contract by the plain functions."""

    contract: Contract
    account: Account
    last: Account | None
    timeline: Timeline
    at: Instant

    @classmethod
    def of(cls, scene: Scene, contract: Contract) -> Expected:
        contract = Book([Version(0, contract)]).latest
        now = scene.clock.now()
        line = contract_timeline(contract, {name: scene.plain(name) for name in members(contract)})
        period = contract.periods.containing(now)
        assert period is not None
        before = contract.periods.preceding(period)
        present = account(contract, period, line, ANNOUNCED, now)
        last = None if before is None else account(contract, before, line, ANNOUNCED, now)
        return cls(contract, present, last, line, now)

    def holds(self, status: ContractStatus) -> None:
        assert status.account == self.account
        assert status.last == self.last
        assert (status.state, status.since) == state_at(self.timeline, self.at)
        assert status.risk.level is not None
        span = Interval(self.account.compliance.period.start, self.at)
        assert status.strip[0].start == span.start
        assert status.strip[-1].end == span.end or span.length == 0


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 100), st.sampled_from(NAMES), st.sampled_from([*Verdict, Verdict.UP, Verdict.UP, Verdict.DOWN])
    ),
    max_size=40,
)


@given(events=EVENTS, corrected=st.booleans(), reads=st.integers(1, 9))
def test_every_publication_is_the_plain_account(
    events: list[tuple[int, str, Verdict]], corrected: bool, reads: int
) -> None:
    scene = Scene(corrections=(CORRECTION,) if corrected else ())
    earlier: list[tuple[Snapshot, list[Expected]]] = []
    for number, (pause, name, verdict) in enumerate(events):
        scene.clock.advance(pause * SECOND)
        scene.observe(name, verdict)
        if number % 7 == 3:
            scene.recorder.expire_silent()
        snapshot = scene.evaluator.publish()
        if number % (5 * reads) == 0:
            earlier.append((snapshot, scene.expected()))
    scene.clock.advance(17 * SECOND)
    earlier.append((scene.evaluator.publish(), scene.expected()))
    for snapshot, expected in earlier:  # also those of long ago, read only now
        for status, each in zip(snapshot.contracts, expected, strict=True):
            each.holds(status)
