"""What the evaluator publishes is the pure account of everything recorded, whenever and by whomever it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.account import Account, account, contract_timeline, exclusions_for, hours_within, members
from slawatch.domain.burn import used_in
from slawatch.domain.compliance import scope_of
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import State
from slawatch.domain.grammar import format_duration
from slawatch.domain.history import Correction
from slawatch.domain.incremental import Plan, Tally
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND, Instant, Interval, IntervalSet, parse_instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.risk import Risk, Situation, assess, restore_percentile, running_outage
from slawatch.domain.service_hours import HoursIndex
from slawatch.domain.state_machine import Cadence
from slawatch.domain.strip import state_at, strip
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
        assert status.contract == self.contract
        assert status.account == self.account
        assert status.last == self.last
        assert (status.state, status.since) == state_at(self.timeline, self.at)
        assert status.risk == self.risk()
        assert status.burn_rates == {format_duration(burn.window): burn.rate for burn in status.risk.burn}
        period = self.account.compliance.period.interval
        hours = hours_within(self.contract, period)
        span = Interval(period.start, self.at)
        assert status.strip == strip(self.timeline, span, hours, self.account.exclusions.all)

    def risk(self) -> Risk:
        """By the plain functions over the whole timeline."""
        period, weight = self.account.compliance.period, self.contract.options.degraded
        before = Interval(period.start - period.nominal.length, period.start)
        service = IntervalSet.of([*self._service(before), *self._service(period.interval)])
        listed = [*(self.last.compliance.outages[1] if self.last else ()), *self.account.compliance.outages[1]]
        situation = Situation(
            advance=HoursIndex(self._service(period.interval)).advance,
            running=running_outage(self.timeline, self.at, weight),
            used_in=lambda length: used_in(self.timeline, service, self.at, length, weight),
            restore_p90=restore_percentile([each.span.length for each in listed if each.span.end < self.at]),
        )
        return assess(self.contract, self.account.compliance, situation)

    def _service(self, span: Interval) -> IntervalSet:
        exclusions = exclusions_for(self.contract, ANNOUNCED, span)
        return scope_of(span, self.contract, hours_within(self.contract, span), exclusions).service


def endpoints_hold(scene: Scene, snapshot: Snapshot) -> None:
    """The statuses of endpoints, and what closes their histories, read at once."""
    now = scene.clock.now()
    for status in snapshot.endpoints:
        track, line = scene.recorder.tracks[status.key], scene.plain(status.name)
        assert (status.state, status.since) == state_at(line, now)
        assert status.cause == (track.state.cause if status.state is State.UNKNOWN else None)
        assert (status.last, status.suspect, status.counts) == (track.last, track.state.suspect, dict(track.counts))
        assert status.last_transition == (track.changes[-1].at if track.changes else None)
        assert status.strip == strip(line, Interval(now - DAY, now))
    edges = {key: track.state.closing_edge(now) for key, track in scene.recorder.tracks.items()}
    assert dict(snapshot.edges) == {key: edge for key, edge in edges.items() if edge is not None}


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 100), st.sampled_from(NAMES), st.sampled_from([*Verdict, Verdict.UP, Verdict.UP, Verdict.DOWN])
    ),
    max_size=40,
)


@given(events=EVENTS, corrected=st.booleans(), reads=st.integers(1, 9), jump=st.integers(0, 60))
def test_every_publication_is_the_plain_account(
    events: list[tuple[int, str, Verdict]], corrected: bool, reads: int, jump: int
) -> None:
    """At every instant, with corrections and a clock that steps, and also when it is read only long after."""
    scene = Scene(corrections=(CORRECTION,) if corrected else ())
    earlier: list[tuple[Snapshot, list[Expected]]] = []
    for number, (pause, name, verdict) in enumerate(events):
        scene.clock.advance(pause * SECOND)
        scene.observe(name, verdict)
        if number % 7 == 3:
            scene.recorder.expire_silent()
        if number == jump:
            now = scene.clock.now()
            scene.recorder.clock_jumped(now - 3 * MINUTE, now, Cause.CLOCK_STEP)
        snapshot = scene.evaluator.publish()
        if number % (5 * reads) == 0:
            endpoints_hold(scene, snapshot)
            earlier.append((snapshot, scene.expected()))
    scene.clock.advance(17 * SECOND)
    earlier.append((scene.evaluator.publish(), scene.expected()))
    for snapshot, expected in earlier:
        for status, each in zip(snapshot.contracts, expected, strict=True):
            each.holds(status)


def observed(scene: Scene, verdicts: Sequence[Verdict], every: int = 60) -> None:
    for verdict in verdicts:
        scene.clock.advance(every * SECOND)
        for name in NAMES:
            scene.observe(name, verdict)
        scene.evaluator.publish()


UP_AND_DOWN = [Verdict.UP, Verdict.DOWN, Verdict.DOWN, Verdict.DOWN, Verdict.UP] * 12


def holds_now(scene: Scene) -> None:
    snapshot = scene.evaluator.publish()
    endpoints_hold(scene, snapshot)
    for status, each in zip(snapshot.contracts, scene.expected(), strict=True):
        each.holds(status)


def test_a_clock_that_goes_back_is_followed() -> None:
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    scene.clock.step_wall(-50 * MINUTE)
    holds_now(scene)


def test_days_without_a_fact_change_nothing_but_time() -> None:
    """Nobody answers any more: unknown, and added up as far as it has come."""
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    for _ in range(4):
        scene.clock.advance(DAY + 7 * HOUR)
        scene.recorder.expire_silent()
        holds_now(scene)


def test_what_no_contract_needs_any_more_is_forgotten() -> None:
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    for track in scene.recorder.tracks.values():
        track.forget_before(scene.clock.now() - 20 * MINUTE)
    holds_now(scene)


def test_a_correction_counts_from_the_next_publication_on() -> None:
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    scene.corrections = (CORRECTION,)
    scene.judge_by(CONTRACTS)
    holds_now(scene)


def test_an_endpoint_that_is_followed_no_longer_is_unknown() -> None:
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    scene.clock.advance(SECOND)
    scene.recorder.release(EndpointKey("acme", "a"))
    snapshot = scene.evaluator.publish()
    assert [status.state for status in snapshot.endpoints] == [State.UNKNOWN, State.UP, State.UP]
    assert snapshot.endpoints[0].last is None
    single = snapshot.contracts[0].compliance
    assert (single.classes.known, snapshot.contracts[0].state) == (0, State.UNKNOWN)
    assert set(snapshot.edges) == {"acme/b", "acme/c"}


def test_a_contract_outside_its_validity_has_no_status() -> None:
    scene = Scene()
    over = replace(CONTRACTS[0], valid=Interval(START - 9 * DAY, START + 5 * MINUTE))
    scene.judge_by([over])
    assert len(scene.evaluator.publish().contracts) == 1
    scene.clock.advance(5 * MINUTE)
    assert scene.evaluator.publish().contracts == ()


def refuse_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing may be added up from a period's start."""

    def never(plan: Plan, timeline: Timeline) -> Tally:
        raise AssertionError("the period is added up anew")

    monkeypatch.setattr(Tally, "begin", never)


def test_a_fact_is_added_to_what_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many facts come, from however many members at once."""
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    refuse_to_begin(monkeypatch)
    observed(scene, UP_AND_DOWN)
    holds_now(scene)


def test_what_is_settled_outlives_a_reload_that_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    refuse_to_begin(monkeypatch)
    scene.judge_by(contracts())
    holds_now(scene)
    scene.judge_by([replace(CONTRACTS[0], target=CONTRACTS[0].target / 2)])
    with pytest.raises(AssertionError, match="added up anew"):
        scene.evaluator.publish()


@pytest.mark.parametrize("answering", [True, False])
def test_a_quiet_day_is_added_to_what_is_settled(monkeypatch: pytest.MonkeyPatch, answering: bool) -> None:
    """Whether nothing happens or nothing is known."""
    scene = Scene()
    observed(scene, [Verdict.UP] * 40)
    refuse_to_begin(monkeypatch)
    for _ in range(45):  # not as far as the next day, for the daily contract
        scene.clock.advance(30 * MINUTE)
        if answering:
            for name in NAMES:
                scene.observe(name, Verdict.UP)
        else:
            scene.recorder.expire_silent()
        holds_now(scene)


def test_what_nobody_observes_is_settled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """For days, and without beginning anew."""
    scene = Scene()
    observed(scene, UP_AND_DOWN)
    scene.judge_by(CONTRACTS[:2])
    scene.evaluator.publish()
    refuse_to_begin(monkeypatch)
    for _ in range(10):
        scene.clock.advance(DAY)
        scene.recorder.expire_silent()
        snapshot = scene.evaluator.publish()
        for status, each in zip(snapshot.contracts, scene.expected()[:2], strict=True):
            each.holds(status)
    tally = scene.evaluator._dockets[0].tally
    assert tally is not None
    assert tally.until >= scene.clock.now() - 2 * DAY


def test_a_review_is_overdue_from_the_first_that_came_due_after_the_latest() -> None:
    """Reviews at 09:00 and 15:00 UTC, now 11:00; START is 23:40 the day before."""
    scene = Scene()
    book = Book([Version(0, CONTRACTS[0])])
    for signed, expected in ((START, 2 * HOUR), (START + 10 * HOUR, 0), (None, 0)):
        reviews = {} if signed is None else {CONTRACTS[0].key: signed}
        scene.evaluator.judge_by(Estate((Subject("acme", "Acme", "single", book),), reviews=reviews))
        scene.clock.step_wall(parse_instant("2026-01-06T11:00:00Z") - scene.clock.now())
        (status,) = scene.evaluator.publish().contracts
        assert status.review_overdue == expected


def test_without_times_there_is_no_review() -> None:
    contract = contract_of(terms(review_at=[]))
    scene = Scene()
    scene.judge_by([contract])
    (status,) = scene.evaluator.publish().contracts
    assert status.review_overdue is None
