"""Observations → facts: the only writer of facts that come from outside.

One :class:`Track` per endpoint holds its state machine and, for as far back as contracts need it, its facts. What
the machine makes goes to the ledger and into the track in the same step; the ledger is not awaited, since
a slow or absent database must never hold up probing nor become a verdict.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Protocol

from slawatch.domain.facts import Blip, Change, Fact, Suspicion
from slawatch.domain.interval import DISTANT_PAST, MINUTE, Duration, Instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, blind, disown, expire, pass_over, resume, step
from slawatch.domain.timeline import Timeline, closed, endpoint_timeline
from slawatch.runtime.clock import Clock
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.facts import entry_of


class LedgerWriter(Protocol):
    """The part of the ledger that takes what was seen."""

    def append(self, entries: Sequence[Entry]) -> Awaitable[None]: ...

    def observe(self, endpoint: EndpointKey, observation: Observation) -> None: ...


@dataclass(frozen=True, slots=True)
class Past:
    """What the ledger knows of one endpoint from earlier runs."""

    changes: Sequence[Change] = ()
    """In order, reaching back as far as any contract needs and at least to the last known state."""
    blips: Sequence[Blip] = ()
    suspicion: Suspicion | None = None
    last_good: Instant | None = None
    last_failed: Instant | None = None

    def latest(self) -> Instant | None:
        """The latest instant that a fact is dated to; None without one. Whoever recorded it was alive after that."""
        dated = [change.at for change in self.changes[-1:]]
        dated += [] if self.suspicion is None else [self.suspicion.at]
        return max(dated, default=None)


@dataclass(slots=True)
class Track:
    """One endpoint's present and remembered past. ``revision`` grows with every fact."""

    key: EndpointKey
    cadence: Cadence
    state: EndpointState = field(default_factory=EndpointState)
    changes: list[Change] = field(default_factory=list)
    blips: list[Blip] = field(default_factory=list)
    last: Observation | None = None
    counts: Counter[str] = field(default_factory=Counter)
    revision: int = 0
    _timeline: tuple[int, Timeline] | None = None

    def add(self, fact: Fact) -> None:
        """Remember a fact. Changes stay in order of instant, later entries after earlier ones (S17)."""
        self.revision += 1
        if isinstance(fact, Change):
            insort(self.changes, fact, key=itemgetter(0))
        elif isinstance(fact, Blip):
            self.blips.append(fact)

    def forget_before(self, instant: Instant) -> None:
        """Drop facts that no contract needs any more, keeping the change that holds at ``instant``."""
        keep = bisect_right(self.changes, instant, key=itemgetter(0)) - 1
        if keep > 0:
            del self.changes[:keep]
            self.revision += 1
        self.blips = [blip for blip in self.blips if blip.latest > instant]

    def settled_timeline(self) -> Timeline:
        """The timeline of all facts so far, without the open end: rebuilt only when there is a new fact."""
        if self._timeline is None or self._timeline[0] != self.revision:
            self._timeline = self.revision, endpoint_timeline(self.changes, self.blips)
        return self._timeline[1]

    def changes_until(self, now: Instant) -> list[Change]:
        """The facts as of ``now``, closed at the open end by what is known there (S8, S13)."""
        edge = self.state.closing_edge(now)
        return self.changes if edge is None else [*self.changes, edge]

    def timeline_until(self, now: Instant) -> Timeline:
        """The timeline as of ``now``, its open end included."""
        edge = self.state.closing_edge(now)
        settled = self.settled_timeline()
        return settled if edge is None else closed(settled, edge)


class Recorder:
    """Takes observations, steps the state machines, and records what they make."""

    def __init__(self, ledger: LedgerWriter, clock: Clock, changed: Callable[[EndpointKey], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._changed = changed
        self._tracks: dict[str, Track] = {}
        self._ambiguous: tuple[Instant, Cause] = (DISTANT_PAST, Cause.CLOCK_STEP)
        self._stall: tuple[Instant, Instant, Cause] = (DISTANT_PAST, DISTANT_PAST, Cause.PROBER_FAULT)

    @property
    def tracks(self) -> Mapping[str, Track]:
        """Every endpoint by ``client/name``."""
        return self._tracks

    def adopt(self, key: EndpointKey, cadence: Cadence, past: Past, alive_until: Instant | None) -> None:
        """Take up an endpoint where the ledger left it.

        ``alive_until`` is the last instant at which an earlier run is known to have been alive: from there on
        nothing was seen (S13). None when there was no earlier run.
        """
        track = Track(key, cadence, changes=list(past.changes), blips=list(past.blips))
        track.state = resume(past.changes, past.suspicion, past.last_good, past.last_failed, cadence)
        self._tracks[str(key)] = track
        latest = past.latest()
        if alive_until is not None and latest is not None:
            alive_until = max(alive_until, latest + 1)
            self._take(track, expire(track.state, alive_until))
            if track.state.cause is Cause.PAUSED:
                return
            self._take(track, blind(track.state, alive_until, Cause.MONITOR_STOPPED))

    def learn(self, key: EndpointKey, facts: Iterable[Change | Blip]) -> None:
        """Take up facts of an earlier past, which are in the ledger already. The present stays as it is."""
        track = self._tracks.get(str(key))
        if track is None:
            return
        changes = [fact for fact in facts if isinstance(fact, Change)]
        blips = [fact for fact in facts if isinstance(fact, Blip)]
        track.changes = sorted([*changes, *track.changes], key=itemgetter(0))
        track.blips = [*blips, *track.blips]
        track.revision += 1
        self._changed(key)

    def recadence(self, key: EndpointKey, cadence: Cadence) -> None:
        """Let a changed configuration govern the observations from now on."""
        self._tracks[str(key)].cadence = cadence

    def rename(self, key: EndpointKey, fresh: EndpointKey) -> None:
        """Follow an endpoint under another name; its state and its past go along."""
        track = self._tracks.pop(str(key))
        track.key = fresh
        self._tracks[str(fresh)] = track

    def release(self, key: EndpointKey, cause: Cause = Cause.PAUSED) -> None:
        """Stop following an endpoint: from now on it is UNKNOWN."""
        track = self._tracks.pop(str(key), None)
        if track is not None:
            self._take(track, blind(track.state, self._clock.now(), cause))

    def record(self, identity: str, observation: Observation) -> bool:
        """Take one observation; answers whether the endpoint is suspect and wants probing sooner (S12)."""
        track = self._tracks.get(identity)
        if track is None:
            return False
        track.last = observation
        track.counts[observation.verdict.value] += 1
        self._ledger.observe(track.key, observation)
        until, cause = self._ambiguous
        if observation.started < until:
            observation = replace(observation, verdict=Verdict.VOID, cause=cause)
        if self._outlived_in_a_stall(track, observation):
            return track.state.suspect
        self._take(track, expire(track.state, observation.started, self._why_silent(track)))
        self._take(track, step(track.state, observation, track.cadence))
        return track.state.suspect

    def _outlived_in_a_stall(self, track: Track, observation: Observation) -> bool:
        """Whether it was asked before a stall, answers after it, and speaks for no instant after it: it adds nothing
        to what is recorded already."""
        start, end, _ = self._stall
        return observation.started < start and observation.started + track.cadence.speaks_for < end

    def _why_silent(self, track: Track) -> Cause:
        """A stall is to blame as well where freshness outlived it and the first probe after it came too late for that:
        after a standstill endpoints are asked again as after a start (S13)."""
        _, end, cause = self._stall
        fresh_until, cadence = track.state.fresh_until, track.cadence
        asked_by = end + min(cadence.every, MINUTE) + cadence.timeout  # what is seen after the stall speaks for longer
        return cause if fresh_until is not None and end <= fresh_until <= asked_by else Cause.STALE

    def lost_its_path(self, identity: str) -> bool:
        """Whether an endpoint is UNKNOWN because nobody vouched for the way to it."""
        track = self._tracks.get(identity)
        return track is not None and not track.state.known and track.state.cause is Cause.PATH_LOST

    def expire_silent(self) -> None:
        """Make UNKNOWN of endpoints that fell silent. A probe that began in time may still answer, so this waits
        for its deadline first; until then a reader sees the same from the state's closing edge."""
        now = self._clock.now()
        for track in self._tracks.values():
            fresh_until = track.state.fresh_until
            if fresh_until is not None and now > fresh_until + track.cadence.timeout + _SLACK:
                self._take(track, expire(track.state, now, self._why_silent(track)))

    def stalled(self, start: Instant, end: Instant, cause: Cause, reason: str = "", detail: str = "") -> None:
        """Nobody could look in ``[start, end)``: endpoints whose latest observation no longer speaks at its end are
        UNKNOWN from its start until they are seen again (S13). ``reason`` and ``detail`` say why, for people."""
        self._stall = start, end, cause
        for track in self._tracks.values():
            self._take(track, pass_over(track.state, start, end, cause, reason, detail))

    def clock_jumped(self, start: Instant, end: Instant, cause: Cause, reason: str = "", detail: str = "") -> None:
        """Wall time did not pass as it should have: ``[start, end)`` is UNKNOWN for every endpoint (S3), also what
        was recorded in it, and also what is still to be observed in it after a step back."""
        self._ambiguous = max(self._ambiguous[0], end), cause
        for track in self._tracks.values():
            words = cause, reason, detail
            self._take(track, disown(track.state, track.changes, start, end, track.cadence, *words))

    def _take(self, track: Track, outcome: tuple[EndpointState, list[Fact]]) -> None:
        track.state, facts = outcome
        if not facts:
            return
        for fact in facts:
            track.add(fact)
        self._ledger.append([entry_of(track.key, fact) for fact in facts])
        self._changed(track.key)


_SLACK: Duration = 3_000_000
"""How late past its deadline a probe's answer may reach the recorder: witnesses are heard before a failure counts."""
