"""The recorder: what becomes of observations, and that nothing it does waits for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from slawatch.domain.facts import Change, State, Suspicion
from slawatch.domain.interval import HOUR, MINUTE, SECOND
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence
from slawatch.domain.timeline import POINT, state_in
from slawatch.evaluation.recorder import Past, Recorder
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.facts import fact_of
from support.clock import START, FakeClock

KEY = EndpointKey("acme", "router")
CADENCE = Cadence(every=10 * SECOND, timeout=SECOND, retry_every=5 * SECOND)


class AwayLedger:
    """A ledger whose database never answers: it keeps what it is handed, and no write is ever done."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.observed: list[Observation] = []

    def append(self, entries: Sequence[Entry]) -> asyncio.Future[None]:
        self.entries += entries
        return asyncio.get_running_loop().create_future()

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None:
        self.observed.append(observation)

    def facts(self) -> list[Any]:
        return [fact_of(entry) for entry in self.entries]


def seen(at: int, verdict: Verdict) -> Observation:
    return Observation(START + at * SECOND, 1_000, verdict, "reason", cause=None)


class Case:
    """A recorder over one endpoint."""

    def __init__(self, past: Past | None = None, alive_until: int | None = None) -> None:
        self.clock = FakeClock()
        self.ledger = AwayLedger()
        self.changed: list[EndpointKey] = []
        self.recorder = Recorder(self.ledger, self.clock, self.changed.append)
        self.recorder.adopt(KEY, CADENCE, past or Past(), alive_until)

    def record(self, *observations: Observation) -> list[bool]:
        return [self.recorder.record("acme/router", observation) for observation in observations]

    @property
    def track(self) -> Any:
        return self.recorder.tracks["acme/router"]


async def test_a_database_that_is_away_holds_nothing_up() -> None:
    """S12: facts are made and remembered although no write is ever acknowledged; suspicion asks for a retry."""
    case = Case()
    suspect = case.record(seen(0, Verdict.UP), seen(10, Verdict.DOWN), seen(15, Verdict.DOWN), seen(20, Verdict.UP))
    assert suspect == [False, True, True, False]
    changes = [fact for fact in case.ledger.facts() if isinstance(fact, Change)]
    assert [(change.at - START, change.state) for change in changes] == [
        (0, State.UP),
        (10 * SECOND, State.DOWN),
        (20 * SECOND, State.UP),
    ]
    assert len(case.ledger.observed) == 4
    assert case.changed == [KEY] * 4  # up, the suspicion, down, up


async def test_an_unknown_identity_is_nobodys() -> None:
    """A probe that answers after its endpoint was removed changes nothing."""
    case = Case()
    assert case.recorder.record("acme/other", seen(0, Verdict.DOWN)) is False
    assert case.ledger.entries == []


async def test_s13_the_time_away_is_unknown() -> None:
    """An earlier run was alive until 100 s and its endpoint was up: from there on it is UNKNOWN, monitor stopped."""
    up = Change(START, State.UP, START, START)
    past = Past((up,), (), None, START + 95 * SECOND, None)
    case = Case(past, START + 100 * SECOND)
    (change,) = case.ledger.facts()
    assert (change.at - START, change.state, change.cause) == (100 * SECOND, State.UNKNOWN, Cause.MONITOR_STOPPED)
    assert change.earliest == START + 95 * SECOND


@pytest.mark.parametrize(
    ("changes", "alive_until"),
    [
        pytest.param((), 105, id="nothing but a suspicion was ever recorded"),
        pytest.param((Change(START, State.UP, START, START),), 100, id="recorded after the last mark of life"),
    ],
)
async def test_s13_a_run_of_failures_does_not_span_the_time_away(changes: Sequence[Change], alive_until: int) -> None:
    """Suspect at 104 s when the earlier run ended, down when this one begins: between them nothing was seen, although
    both failures confirm one outage (S12)."""
    past = Past(changes, (), Suspicion(START + 104 * SECOND, None), None, START + 104 * SECOND)
    case = Case(past, START + alive_until * SECOND)
    case.record(seen(110, Verdict.DOWN))
    timeline = case.track.timeline_until(START + 111 * SECOND)
    states = {at: state_in(timeline.at(START + at * SECOND), POINT) for at in (104, 107, 110)}
    assert states == {104: State.DOWN, 107: State.UNKNOWN, 110: State.DOWN}


async def test_s13_silence_is_judged_once_a_late_answer_cannot_come_any_more() -> None:
    """Last answer at 0 s speaks until 21 s; a probe that began by then may answer until 22 s, and its failure waits for
    witnesses a little longer. At 21.5 s readers see UNKNOWN already, and the ledger says so after 25 s."""
    case = Case()
    case.record(seen(0, Verdict.UP))
    case.clock.advance(21_500_000)
    case.recorder.expire_silent()
    assert len(case.ledger.facts()) == 1
    assert state_in(case.track.timeline_until(case.clock.now()).at(case.clock.now() - 1), POINT) is State.UNKNOWN
    case.clock.advance(3_500_000)
    case.recorder.expire_silent()
    assert len(case.ledger.facts()) == 1
    case.clock.advance(1)
    case.recorder.expire_silent()
    assert case.ledger.facts()[-1].at == START + 21 * SECOND


async def test_s3_a_step_back_makes_what_is_lived_twice_unknown() -> None:
    """The clock goes back by an hour at 01:00: what was recorded since 00:00 is ambiguous, and so is what is still
    observed up to 01:00; from 01:00 on it counts again."""
    case = Case()
    case.record(seen(0, Verdict.UP), seen(1800, Verdict.DOWN), seen(1805, Verdict.DOWN), seen(3590, Verdict.DOWN))
    case.recorder.clock_jumped(START + SECOND, START + HOUR, Cause.CLOCK_STEP)
    case.record(seen(60, Verdict.DOWN), seen(3599, Verdict.DOWN))
    timeline = case.track.settled_timeline()
    for second in (2, 1801, 1810, 3599):
        assert state_in(timeline.at(START + second * SECOND), POINT) is State.UNKNOWN
    case.record(seen(3600, Verdict.UP), seen(3610, Verdict.UP))
    assert state_in(case.track.settled_timeline().at(START + 3601 * SECOND), POINT) is State.UP


async def test_a_renamed_endpoint_goes_on() -> None:
    """The state and the past go along; what follows is recorded under the new name."""
    case = Case()
    case.record(seen(0, Verdict.UP))
    fresh = EndpointKey("acme", "gateway")
    case.recorder.rename(KEY, fresh)
    case.recorder.record("acme/gateway", seen(10, Verdict.DOWN))
    case.recorder.record("acme/gateway", seen(15, Verdict.DOWN))
    assert [entry.endpoint for entry in case.ledger.entries if entry.kind == "state"] == [KEY, fresh]


async def test_what_is_no_longer_followed_is_unknown() -> None:
    """Released from the configuration: paused from now on, and forgotten here."""
    case = Case()
    case.record(seen(0, Verdict.UP))
    case.clock.advance(12 * SECOND)
    case.recorder.release(KEY)
    assert case.ledger.facts()[-1].cause is Cause.PAUSED
    assert case.recorder.tracks == {}


def spelled(case: Case) -> list[tuple[float, str, str | None]]:
    """The changes on record: second, state, cause."""
    changes = [fact for fact in case.ledger.facts() if isinstance(fact, Change)]
    return [((c.at - START) / SECOND, c.state.word, c.cause and c.cause.value) for c in changes]


def stall(case: Case, start: int, end: int, cause: Cause = Cause.PROBER_FAULT) -> None:
    case.recorder.stalled(START + start * SECOND, START + end * SECOND, cause)


async def test_s13_a_stall_in_which_freshness_ends_is_unknown_from_its_start() -> None:
    """Seen at 0 and 10 s, which speaks until 31 s; the loop stood still from 12 to 40 s; seen again at 41 s."""
    case = Case()
    case.record(seen(0, Verdict.UP), seen(10, Verdict.UP))
    stall(case, 12, 40, Cause.MONITOR_STOPPED)
    case.record(seen(41, Verdict.UP))
    assert spelled(case) == [(0, "up", None), (12, "unknown", "monitor_stopped"), (41, "up", None)]


async def test_the_history_says_what_stood_still_and_how_the_clock_was_set() -> None:
    case = Case()
    case.record(seen(0, Verdict.UP))
    words = "halted", "the process stood still for 28 s"
    case.recorder.stalled(START + 12 * SECOND, START + 40 * SECOND, Cause.MONITOR_STOPPED, *words)
    assert case.ledger.facts()[-1][-3:-1] == words
    words = "clock_step", "the wall clock was set back by 1 h"
    case.recorder.clock_jumped(START, START + MINUTE, Cause.CLOCK_STEP, *words)
    assert [fact[-3:-1] for fact in case.ledger.facts()[-2:]] == [words, words]


async def test_s13_what_still_speaks_after_a_stall_stays_known() -> None:
    case = Case()
    case.record(seen(0, Verdict.UP), seen(10, Verdict.UP))
    stall(case, 12, 31)
    case.record(seen(31, Verdict.UP))
    assert spelled(case) == [(0, "up", None)]


@pytest.mark.parametrize("told_first", [True, False])
async def test_s13_an_answer_that_lay_ready_during_a_stall(told_first: bool) -> None:
    """Asked at 11 s, read after the stall: it speaks until 32 s and no longer. Whether it or the stall comes first,
    time is unknown from the stall's start at the latest, and up again when it was asked again."""
    case = Case()
    case.record(seen(0, Verdict.UP))
    if told_first:
        stall(case, 12, 40)
    case.record(seen(11, Verdict.UP))
    if not told_first:
        stall(case, 12, 40)
    case.record(seen(41, Verdict.UP))
    assert spelled(case) == [(0, "up", None), (12, "unknown", "prober_fault"), (41, "up", None)]
    assert len(case.ledger.observed) == 3


async def test_s13_an_answer_that_lay_ready_and_outlives_the_stall_speaks() -> None:
    """Asked at 11 s, it speaks until 32 s; the stall from 12 to 30 s was told first, when only what was asked at 0 s
    (until 21 s) was known."""
    case = Case()
    case.record(seen(0, Verdict.UP))
    stall(case, 12, 30)
    case.record(seen(11, Verdict.UP), seen(31, Verdict.UP))
    assert spelled(case) == [(0, "up", None), (12, "unknown", "prober_fault"), (12, "up", None)]


async def test_s13_silence_that_a_stall_explains_is_not_stale() -> None:
    """The stall ended at 30 s, freshness at 31 s, and the endpoint, asked anew as after a start, answers at 39 s."""
    case = Case()
    case.record(seen(0, Verdict.UP), seen(10, Verdict.UP))
    stall(case, 12, 30)
    case.record(seen(39, Verdict.UP))
    assert spelled(case)[1:] == [(31, "unknown", "prober_fault"), (39, "up", None)]


async def test_s13_silence_long_after_a_stall_is_stale() -> None:
    """Seen at 35 s, after the stall: what falls silent then has itself to blame. So has what outlives it by far."""
    case = Case()
    case.record(seen(0, Verdict.UP), seen(10, Verdict.UP))
    stall(case, 12, 30)
    case.record(seen(35, Verdict.UP))
    case.clock.advance(MINUTE + SECOND)
    case.recorder.expire_silent()
    assert spelled(case)[-1] == (56, "unknown", "stale")
    other = Case()
    other.record(seen(0, Verdict.UP), seen(10, Verdict.UP))
    stall(other, 12, 15)
    other.clock.advance(MINUTE)
    other.recorder.expire_silent()
    assert spelled(other)[-1] == (31, "unknown", "stale")
