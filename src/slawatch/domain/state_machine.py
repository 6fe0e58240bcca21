"""Confirmation: (state, observation) → (state, facts), for one endpoint (S8, S11–S13).

The machine holds what was last *confirmed* and, apart from it, whether the time that runs now is
*known*. After anything that was not seen (a void probe, silence, a stop) time stays UNKNOWN until an
observation agrees with the confirmed state or a run of them confirms the other one: neither the last
state nor a lone contradiction speaks for time that nobody measured (S5).

Every function is pure. Instants are probe starts in UTC microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Cause, Observation, Verdict

_LEVELS = {Verdict.UP: State.UP, Verdict.DEGRADED: State.DEGRADED, Verdict.DOWN: State.DOWN}


@dataclass(frozen=True, slots=True)
class Cadence:
    """How an endpoint is probed. Durations in microseconds; ``confirm`` and ``recover`` count probes."""

    every: Duration
    timeout: Duration
    retry_every: Duration
    confirm: int = 2
    recover: int = 1

    @property
    def speaks_for(self) -> Duration:
        """How long one observation stands for its endpoint (S13): 2·every + timeout."""
        return 2 * self.every + self.timeout

    @property
    def confirmation_span(self) -> Duration:
        """How long after an instant its state may still be revised by confirmation (S23)."""
        return self.every + self.confirm * self.retry_every + self.timeout


class Pending(NamedTuple):
    """One observation of a run that may yet be confirmed."""

    at: Instant
    state: State
    after_unknown: bool
    """Whether time that nobody measured came just before it."""
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class EndpointState:
    """Where one endpoint stands.

    ``state`` is the last confirmed state (UNKNOWN while there was none) and ``known`` whether it holds
    now. ``since`` is the instant of the latest change in the ledger. ``run`` are the observations that
    contradict the state and are not confirmed yet. ``fresh_until`` ends the span for which the latest
    valid observation speaks; None when it has ended.
    """

    state: State = State.UNKNOWN
    known: bool = False
    since: Instant | None = None
    cause: Cause | None = Cause.NEVER_OBSERVED
    last_good: Instant | None = None
    last_failed: Instant | None = None
    run: tuple[Pending, ...] = ()
    fresh_until: Instant | None = None

    @property
    def suspect(self) -> bool:
        """Whether it is down or may be: probed again after ``retry_every`` instead of ``every``."""
        return self.state is State.DOWN or bool(self.run)

    @property
    def visible(self) -> State:
        """The state as far as it is known now."""
        return self.state if self.known else State.UNKNOWN

    def last_agreeing(self) -> Instant | None:
        """Start of the latest observation that agreed with the confirmed state."""
        return self.last_failed if self.state is State.DOWN else self.last_good

    def closing_edge(self, now: Instant) -> Change | None:
        """How the ledger would go on if nothing more were ever observed: the change to UNKNOWN, at
        ``now`` or where freshness ends, that bounds the open span (S8, S13). None when time is not known.
        """
        if not self.known or self.fresh_until is None:
            return None
        at = min(now, self.fresh_until)
        return self.unknown_from(at, Cause.NO_FURTHER_DATA if at == now else Cause.STALE)

    def unknown_from(self, at: Instant, cause: Cause) -> Change:
        """The change to UNKNOWN at ``at``; its bracket opens at the last observation that agreed, or, in time that
        only a run may yet make known, at the latest of that run."""
        at = self.not_before_since(at)
        seen = self.last_agreeing() if self.known else self.run[-1].at if self.unbroken else None
        earliest = at if seen is None else self.not_before_since(min(seen, at))
        return Change(at, State.UNKNOWN, earliest, at, cause)

    def not_before_since(self, at: Instant) -> Instant:
        """``at``, or the latest change where that is later: facts of one endpoint never run backwards."""
        return at if self.since is None else max(at, self.since)

    @property
    def unbroken(self) -> bool:
        """Whether nothing was void or silent since the latest observation of the run."""
        return bool(self.run) and (self.since is None or self.since <= self.run[-1].at)


Outcome = tuple[EndpointState, list[Fact]]


def step(state: EndpointState, observation: Observation, cadence: Cadence) -> Outcome:
    """The state after one more observation of the endpoint, and the facts that it makes.

    Observations come in order of their starts. One that is dated before the latest change (a probe that
    answered late) counts from that change on.
    """
    state, facts = expire(state, observation.started)
    if observation.verdict is Verdict.VOID:
        cause = observation.cause or Cause.PROBER_FAULT
        state, more = blind(state, observation.started, cause, observation.reason, observation.detail)
        return state, facts + more
    at = state.not_before_since(observation.started)
    good: Instant | None
    failed: Instant | None
    unseen = not state.known and (state.since is None or state.since < observation.started)
    item = Pending(at, _LEVELS[observation.verdict], unseen, observation.reason, observation.detail)
    if item.state is State.DOWN:
        state, more = _failed(state, item, cadence)
        good, failed = state.last_good, at
    else:
        state, more = _good(state, item, cadence)
        good, failed = at, state.last_failed
    # Built by hand: every observation comes by here, and `replace` costs three times as much.
    fresh_until = observation.started + cadence.speaks_for
    state = EndpointState(state.state, state.known, state.since, state.cause, good, failed, state.run, fresh_until)
    return state, facts + more


def expire(state: EndpointState, now: Instant, cause: Cause = Cause.STALE) -> Outcome:
    """What silence makes: UNKNOWN from the end of the freshness span, and the end of an unconfirmed run."""
    if state.fresh_until is None or now <= state.fresh_until:
        return state, []
    return _ended(state, state.fresh_until, cause)


def pass_over(
    state: EndpointState, start: Instant, end: Instant, cause: Cause, reason: str = "", detail: str = ""
) -> Outcome:
    """Nobody could look in ``[start, end)``, and what no longer spoke at its end is UNKNOWN from its start (S13).

    What spoke no longer at its start fell silent by itself, and what still speaks at its end stays known.
    """
    if state.fresh_until is None or not start <= state.fresh_until < end:
        return state, []
    return _ended(state, start, cause, reason, detail)


def _ended(state: EndpointState, at: Instant, cause: Cause, reason: str = "", detail: str = "") -> Outcome:
    """The latest observation speaks no longer from ``at`` on; a run ends unconfirmed (S12)."""
    facts: list[Fact] = []
    if state.run:
        facts.append(_blip(state, max(at, state.run[-1].at)))
    state = replace(state, run=(), fresh_until=None)
    if not state.known:
        return state, facts
    state, more = blind(state, at, cause, reason, detail)
    return state, facts + more


def blind(state: EndpointState, at: Instant, cause: Cause, reason: str = "", detail: str = "") -> Outcome:
    """From ``at`` on nothing is known, for ``cause``; ``reason`` and ``detail`` are those of the probe that showed it.
    A run that waits for confirmation goes on (S12), and time that it may yet make known ends here. What was unknown
    already, at ``at`` and ever since, stays what it is."""
    already = state.cause is cause or (state.since is not None and at <= state.since)
    if not state.known and already and not state.unbroken:
        return state, []
    change = state.unknown_from(at, cause)._replace(reason=reason, detail=detail)
    return replace(state, known=False, since=change.at, cause=cause), [change]


def disown(
    state: EndpointState,
    changes: Sequence[Change],
    start: Instant,
    end: Instant,
    cadence: Cadence,
    cause: Cause,
    reason: str = "",
    detail: str = "",
) -> Outcome:
    """Make all of ``[start, end)`` UNKNOWN after the wall clock stepped (S3), what was recorded in it included.

    ``changes`` are those of the endpoint so far. Each one inside the span is answered by a later entry at the same
    instant, which wins (S17). The caller lets no observation of the span through.
    """
    facts: list[Fact] = [_blip(state, max(start, state.run[0].at))] if state.run else []
    first = Change(
        start, State.UNKNOWN, _seen_before(state, changes, start, cadence), start, cause, None, reason, detail
    )
    facts.append(first)
    facts += [
        first._replace(at=change.at, earliest=change.at, latest=change.at)
        for change in changes
        if start < change.at < end
    ]
    since = max([start, *(change.at for change in changes)])
    return replace(state, known=False, since=since, cause=cause, run=(), fresh_until=None), facts


def _seen_before(state: EndpointState, changes: Sequence[Change], at: Instant, cadence: Cadence) -> Instant:
    """The earliest that the latest observation of what held at ``at`` can have been, for an ``at`` that may lie far
    back: what came after it no longer counts, and which observation was the last before it nobody remembers."""
    index = bisect_right(changes, at, key=attrgetter("at")) - 1
    latest = max((seen for seen in (state.last_good, state.last_failed) if seen is not None), default=None)
    if latest is not None and latest <= at and index == len(changes) - 1:
        return min(state.unknown_from(at, Cause.CLOCK_STEP).earliest, at)
    if index < 0 or changes[index].state is State.UNKNOWN:
        return at
    return max(changes[index].at, at - cadence.speaks_for)


def resume(
    changes: Sequence[Change],
    suspicion: Suspicion | None,
    last_good: Instant | None,
    last_failed: Instant | None,
    cadence: Cadence,
) -> EndpointState:
    """The state that the ledger of an earlier run left behind.

    ``changes`` are the latest ones, oldest first, reaching back at least to the last known state;
    ``suspicion`` the latest one that no later fact resolved. The caller then says with :func:`expire` and
    :func:`blind` until when the earlier run is known to have been alive.
    """
    if not changes:
        state = EndpointState()
    else:
        confirmed = next(
            (change.state for change in reversed(changes) if change.state is not State.UNKNOWN), State.UNKNOWN
        )
        last = changes[-1]
        state = EndpointState(confirmed, last.state is not State.UNKNOWN, last.at, last.cause)
    run = () if suspicion is None else (_pending_again(suspicion, changes),)
    seen = [at for at in (last_good, last_failed, suspicion and suspicion.at) if at is not None]
    fresh_until = max(seen) + cadence.speaks_for if seen else None
    return replace(state, last_good=last_good, last_failed=last_failed, run=run, fresh_until=fresh_until)


def _pending_again(suspicion: Suspicion, changes: Sequence[Change]) -> Pending:
    """A stored suspicion as it stood when it arose, whatever was void or silent after it."""
    before = [change.state for change in changes if change.at <= suspicion.at]
    after_unknown = not before or before[-1] is State.UNKNOWN
    return Pending(suspicion.at, State.DOWN, after_unknown, suspicion.reason, suspicion.detail)


def _good(state: EndpointState, item: Pending, cadence: Cadence) -> Outcome:
    if state.state is State.DOWN:
        return _contradicting(state, item, cadence.recover)
    facts: list[Fact] = []
    at, level = item.at, item.state
    if state.run:
        facts.append(_blip(state, at))
        state = replace(state, run=())
    if not state.known or level is not state.state:
        state, change = _enter(state, item, at, state.last_good)
        facts.append(change)
    return state, facts


def _failed(state: EndpointState, item: Pending, cadence: Cadence) -> Outcome:
    if state.state is not State.DOWN:
        first = not state.run
        last_good = state.last_good
        state, facts = _contradicting(state, item, cadence.confirm)
        if first and state.run:
            facts.append(Suspicion(item.at, last_good, item.reason, item.detail))
        return state, facts
    facts = []
    if state.run:
        facts.append(_blip(state, item.at))
        state = replace(state, run=())
    if not state.known:
        state, change = _enter(state, item, item.at, item.at)
        facts.append(change)
    return state, facts


def _contradicting(state: EndpointState, item: Pending, needed: int) -> Outcome:
    run = (*state.run, item._replace(after_unknown=item.after_unknown and not state.unbroken))
    if len(run) < needed:
        return replace(state, run=run), []
    edge = state.last_agreeing()
    facts: list[Fact] = []
    state = replace(state, run=())
    for pending in run:
        if pending is run[0] or pending.after_unknown or pending.state is not state.state:
            state, change = _enter(state, pending, item.at, edge)
            facts.append(change)
        edge = pending.at
    return state, facts


def _enter(
    state: EndpointState, item: Pending, confirmed_at: Instant, edge: Instant | None
) -> tuple[EndpointState, Change]:
    """The change into the state of ``item``; its bracket opens at ``edge`` unless unknown time lies between."""
    at = item.at
    earliest = at if item.after_unknown or edge is None else min(edge, at)
    change = Change(at, item.state, earliest, at, None, confirmed_at, item.reason, item.detail)
    since = at if state.since is None else max(at, state.since)
    return replace(state, state=item.state, known=True, since=since, cause=None), change


def _blip(state: EndpointState, end: Instant) -> Blip:
    first = state.run[0]
    seen = state.last_agreeing()
    earliest = first.at if first.after_unknown or seen is None else seen
    return Blip(first.at, first.state, earliest, end, len(state.run), first.reason, first.detail)
