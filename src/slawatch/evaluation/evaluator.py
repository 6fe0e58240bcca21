"""Facts and terms → the board, at every new fact and at least once a second.

The evaluator keeps no figures of its own: each publication is the pure account of (terms, period, facts, now).
What is remembered between two of them is only what cannot have changed: settled timelines (in the tracks) and
the closed period before the current one, until a fact of one of its members arrives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slawatch.domain.account import Account, account, contract_timeline, exclusions_for, hours_within, members
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.grammar import format_duration
from slawatch.domain.history import Correction
from slawatch.domain.interval import DAY, Duration, Instant, Interval, IntervalSet
from slawatch.domain.period import Period
from slawatch.domain.strip import StripPiece, state_at, strip
from slawatch.domain.timeline import UNOBSERVED, Timeline, painted
from slawatch.evaluation.board import Board, ContractStatus, EndpointStatus, Snapshot
from slawatch.evaluation.book import Book
from slawatch.evaluation.recorder import Recorder, Track
from slawatch.evaluation.standing import risk_of
from slawatch.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Subject:
    """One configured contract: its versions, and how its client is called."""

    client: str
    client_name: str
    name: str
    book: Book

    @property
    def key(self) -> str:
        return f"{self.client}/{self.name}"


@dataclass(frozen=True, slots=True)
class EndpointFace:
    """What pages say of an endpoint beside its state."""

    client: str
    name: str
    probe: str
    target: str
    path: str
    behind: str | None
    every: Duration


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that is judged, as the configuration in force names it."""

    subjects: tuple[Subject, ...] = ()
    endpoints: tuple[EndpointFace, ...] = ()
    client_names: Mapping[str, str] = field(default_factory=dict)
    announcements: Mapping[str, Sequence[Announcement]] = field(default_factory=dict)
    """By client, in ledger order."""
    corrections: Mapping[str, Sequence[Correction]] = field(default_factory=dict)
    """By ``client/endpoint``, in ledger order."""
    generation: int = 0
    error: str = ""


class Evaluator:
    """The only writer of the board."""

    def __init__(self, recorder: Recorder, board: Board, clock: Clock) -> None:
        self._recorder = recorder
        self._board = board
        self._clock = clock
        self._estate = Estate()
        self._closed: dict[str, tuple[object, Account]] = {}

    def judge_by(self, estate: Estate) -> None:
        """Take up a configuration; the next publication follows it."""
        self._estate = estate
        self._closed.clear()

    def publish(self, sequence: int = 0) -> Snapshot:
        """Judge everything as of now. ``sequence`` numbers the latest entry that this run has recorded."""
        now = self._clock.now()
        timelines = {key: self._timeline(key, track, now) for key, track in self._recorder.tracks.items()}
        snapshot = Snapshot(
            at=now,
            generation=self._board.snapshot.generation + 1,
            contracts=tuple(
                status for subject in self._estate.subjects if (status := self._status(subject, timelines, now))
            ),
            endpoints=tuple(self._endpoint(face, timelines, now) for face in self._estate.endpoints),
            client_names=self._estate.client_names,
            sequence=sequence,
            edges={
                key: edge
                for key, track in self._recorder.tracks.items()
                if (edge := track.state.closing_edge(now)) is not None
            },
            configuration_generation=self._estate.generation,
            configuration_error=self._estate.error,
        )
        self._board.publish(snapshot)
        return snapshot

    def _timeline(self, key: str, track: Track, now: Instant) -> Timeline:
        timeline = track.timeline_until(now)
        for correction in self._estate.corrections.get(key, ()):
            if correction.reason and correction.approved_by:
                timeline = painted(timeline, IntervalSet.span(*correction.span), correction.state)
        return timeline

    def _status(self, subject: Subject, timelines: Mapping[str, Timeline], now: Instant) -> ContractStatus | None:
        governed = subject.book.current(now)
        if governed is None:
            return None
        contract, period = governed
        own = {name: timelines.get(f"{subject.client}/{name}", UNOBSERVED) for name in members(contract)}
        timeline = contract_timeline(contract, own)
        announcements = self._estate.announcements.get(subject.client, ())
        present = account(contract, period, timeline, announcements, now)
        risk = risk_of(present, timeline, announcements, now)
        state, since = state_at(timeline, now)
        return ContractStatus(
            account=present,
            client_name=subject.client_name,
            risk=risk,
            last=self._last(subject, period, timeline, now),
            burn_rates={format_duration(burn.window): burn.rate for burn in risk.burn},
            strip=self._contract_strip(contract, period, timeline, announcements, now),
            state=state,
            since=since,
        )

    def _last(self, subject: Subject, period: Period, timeline: Timeline, now: Instant) -> Account | None:
        governed = subject.book.before(period)
        if governed is None:
            return None
        contract, closed = governed
        tracks = (self._recorder.tracks.get(f"{subject.client}/{name}") for name in members(contract))
        signature = (
            closed,
            tuple(track.revision for track in tracks if track),
            now < closed.end + contract.confirmation_span,
        )
        kept = self._closed.get(subject.key)
        if kept is None or kept[0] != signature or signature[-1]:
            announcements = self._estate.announcements.get(subject.client, ())
            kept = signature, account(contract, closed, timeline, announcements, now)
            self._closed[subject.key] = kept
        return kept[1]

    def _contract_strip(
        self,
        contract: Contract,
        period: Period,
        timeline: Timeline,
        announcements: Sequence[Announcement],
        now: Instant,
    ) -> tuple[StripPiece, ...]:
        span = Interval(period.start, min(now, period.end))
        exclusions = exclusions_for(contract, announcements, period.interval)
        return strip(timeline, span, hours_within(contract, period.interval), exclusions.all)

    def _endpoint(self, face: EndpointFace, timelines: Mapping[str, Timeline], now: Instant) -> EndpointStatus:
        key = f"{face.client}/{face.name}"
        track = self._recorder.tracks.get(key)
        timeline = timelines.get(key, UNOBSERVED)
        state, since = state_at(timeline, now)
        return EndpointStatus(
            client=face.client,
            name=face.name,
            probe=face.probe,
            target=face.target,
            path=face.path,
            behind=face.behind,
            state=state,
            cause=None if track is None or state is not State.UNKNOWN else track.state.cause,
            since=since,
            suspect=track is not None and track.state.suspect,
            last=track.last if track else None,
            last_transition=track.changes[-1].at if track and track.changes else None,
            every=face.every,
            counts=dict(track.counts) if track else {},
            strip=strip(timeline, Interval(now - DAY, now)),
        )
