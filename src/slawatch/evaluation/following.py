"""What is known of every endpoint, as values that do not change: taken from the recorder's tracks, fact by fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.growing import GrowingTimeline, Line, Paint
from slawatch.domain.history import Correction
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, MINUTE, Duration, Instant
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.state_machine import EndpointState
from slawatch.domain.strip import state_at
from slawatch.domain.timeline import Timeline
from slawatch.evaluation.recorder import Track

ANSWERS_WITHIN: Duration = MINUTE
"""A probe that began so long ago has answered, or is given up. One that has not costs time, and no figure."""


Glance = tuple[State, Cause | None, Observation | None, Instant | None, Mapping[str, int]]
"""State, cause, latest observation, latest transition, counts by verdict."""


class Latest:
    """The point state that a line ends with: found when it is first asked for, and kept while no fact comes."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.begins = line.recent.starts[-1]
        """From here on the line says nothing new."""

    @cached_property
    def standing(self) -> tuple[State, Instant | None]:
        """The state, and since when."""
        return state_at(self._line.whole(), self.begins + 1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one endpoint. ``revision`` grows with every fact."""

    state: EndpointState
    line: Line
    revision: int
    last: Observation | None = None
    last_transition: Instant | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    latest: Latest | None = field(default=None, compare=False)
    steady_from: Instant = DISTANT_FUTURE
    steady_until: Instant = DISTANT_PAST
    """After the one and up to the other the state stays as it is unless an observation comes."""

    def since(self, start: Instant, now: Instant) -> Timeline:
        """The timeline as of ``now``, right from ``start`` on, its open end included (S8, S13)."""
        return self.line.since(start, self.state.closing_edge(now))

    def whole(self, now: Instant) -> Timeline:
        """The timeline as of ``now``."""
        return self.since(DISTANT_PAST, now)

    def standing(self, now: Instant) -> tuple[State, Instant | None]:
        """The state at ``now`` by the point version, and since when."""
        if self.latest is not None and self.steady_from < now <= self.steady_until:
            return self.latest.standing  # the open end, which begins now or later, says nothing of the state until now
        return self.standing_by_the_line(now)

    def standing_by_the_line(self, now: Instant) -> tuple[State, Instant | None]:
        """The same from the whole timeline as of ``now``."""
        state, since = state_at(self.since(self.line.until, now), now)
        if self.line.until > DISTANT_PAST and (since is None or since <= self.line.until):
            return state_at(self.whole(now), now)
        return state, since

    def glance(self) -> Glance:
        """The state after ``steady_from`` and up to ``steady_until``, and what else there is to say of the endpoint."""
        assert self.latest is not None
        state = self.latest.standing[0]
        cause = self.state.cause if state is State.UNKNOWN else None
        return state, cause, self.last, self.last_transition, self.counts

    def settled_until(self, now: Instant) -> Instant:
        """Up to where no fact is to be expected any more that says otherwise."""
        edge = self.state.closing_edge(now)
        if edge is not None:
            return edge.earliest
        return min([now - ANSWERS_WITHIN, *(pending.at for pending in self.state.run)])


def _steady_until(state: EndpointState, line: Line) -> Instant:
    if line.open:
        return DISTANT_PAST  # a correction may reach beyond now
    return DISTANT_FUTURE if state.fresh_until is None or not state.known else state.fresh_until


NOTHING = Known(EndpointState(), GrowingTimeline().line, 0)
"""What is known of an endpoint that nobody follows."""


@dataclass(frozen=True, slots=True)
class View:
    """What was known of all endpoints at one instant, by ``client/endpoint``."""

    at: Instant
    known: Mapping[str, Known]


class Edges(Mapping[str, Change]):
    """By ``client/endpoint``: the change to UNKNOWN that closes its history, where it is known at that instant."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getitem__(self, key: str) -> Change:
        edge = self._view.known[key].state.closing_edge(self._view.at)
        if edge is None:
            raise KeyError(key)
        return edge

    def __iter__(self) -> Iterator[str]:
        return (key for key, known in self._view.known.items() if known.state.closing_edge(self._view.at))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Follower:
    """Follows one track. ``known`` is what it has taken up so far."""

    __slots__ = (
        "_blips",
        "_changes",
        "_growing",
        "_last_blip",
        "_last_change",
        "_latest",
        "_line",
        "_paints",
        "corrections",
        "known",
        "track",
    )

    def __init__(self, track: Track, corrections: Sequence[Correction] = ()) -> None:
        self.track = track
        self.corrections = tuple(corrections)
        self._line: Line | None = None
        self._latest: Latest | None = None
        self._paints = [Paint(each.span, each.state) for each in corrections if each.reason and each.approved_by]
        self._build()
        self.known = self._know()

    def follow(self) -> Instant | None:
        """Take up what is new. Answers from which instant on the settled timeline has changed; None if it has not."""
        track, known = self.track, self.known
        if track.state is known.state and track.last is known.last and track.revision == known.revision:
            return None
        begins = None if track.revision == known.revision else self._take_up()
        self.known = self._know()
        return begins

    def _take_up(self) -> Instant | None:
        """From where on the timeline differs, after the facts that the track has more than before."""
        track = self.track
        fresh: list[Change | Blip] = []
        for listed, count, last in (
            (track.changes, self._changes, self._last_change),
            (track.blips, self._blips, self._last_blip),
        ):
            if len(listed) < count or (count and listed[count - 1] is not last):
                return self._build()
            fresh += listed[count:]
        begins: list[Instant] = []
        for fact in fresh:
            begun = self._growing.add(fact)
            if begun is None:
                return self._build()
            begins.append(begun)
        self._remember()
        return min(begins, default=None)

    def _build(self) -> Instant:
        self._growing = GrowingTimeline(self.track.changes, self.track.blips, self._paints)
        self._remember()
        return DISTANT_PAST

    def _remember(self) -> None:
        changes, blips = self.track.changes, self.track.blips
        self._changes, self._last_change = len(changes), changes[-1] if changes else None
        self._blips, self._last_blip = len(blips), blips[-1] if blips else None

    def _know(self) -> Known:
        track, line = self.track, self._growing.line
        if self._latest is None or line is not self._line:
            self._line, self._latest = line, Latest(line)
        return Known(
            state=track.state,
            line=line,
            revision=track.revision,
            last=track.last,
            last_transition=track.changes[-1].at if track.changes else None,
            counts=dict(track.counts),
            latest=self._latest,
            steady_from=self._latest.begins,
            steady_until=_steady_until(track.state, line),
        )
