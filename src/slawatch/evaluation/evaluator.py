"""Facts and terms → the board, at every new fact and at least once a second.

A publication judges nothing that nobody reads: it takes down what is known at its instant, as values that do not
change, and a status judges from that when it is first read, as the pure account of (terms, period, facts, now)
would. What facts have settled is added up once (:mod:`slawatch.domain.incremental`), so neither a fact nor a second
costs more in a long period than in a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from slawatch.domain.exclusions import Announcement
from slawatch.domain.incremental import Tally
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, SECOND, Duration, Instant
from slawatch.evaluation.board import Board, ContractStatus, PathStatus, Snapshot, Vouched
from slawatch.evaluation.estate import Estate, Subject
from slawatch.evaluation.following import Edges, Follower, Known, View
from slawatch.evaluation.judged import ClosedTogether, ContractJudgedWhenRead, EndpointsJudgedWhenRead
from slawatch.evaluation.recorder import Recorder
from slawatch.evaluation.standing import Case
from slawatch.runtime.clock import Clock

Paths = Callable[[], tuple[PathStatus, ...]]


def no_paths() -> tuple[PathStatus, ...]:
    """Where no path has witnesses."""
    return ()


class _Docket:
    """One subject through its periods. ``tally`` is what its current case has settled."""

    __slots__ = ("_announcements", "_due", "_kept", "_settle_after", "case", "subject", "tally")

    def __init__(self, subject: Subject, announcements: Sequence[Announcement], settle_after: Duration) -> None:
        self.subject = subject
        self.case: Case | None = None
        self.tally: Tally | None = None
        self._announcements = announcements
        self._settle_after = settle_after
        self._due: Instant = DISTANT_PAST
        self._kept: tuple[Case, Tally | None] | None = None

    def inherit(self, other: _Docket) -> None:
        """What another docket has settled is kept, if the case proves to be the same."""
        self._kept = None if other.case is None else (other.case, other.tally)

    def open(self, view: View) -> bool:
        """Take up the period that holds the view's instant. Answers whether it was added up from its start."""
        governed = self.subject.book.current(view.at)
        kept, self._kept = self._kept, None
        self.case = self.tally = None
        self._due = view.at + self._settle_after
        if governed is None:
            return True
        case = Case(*governed, self._announcements, self.subject.book.before(governed[1]))
        if kept is not None and kept[0].is_same(case):
            self.case, self.tally = kept
            return False
        self.case, self.tally = case, case.begin(view)
        return True

    def follow(self, view: View, begins: Instant) -> None:
        """Settle what can be, after facts that changed the past from ``begins`` on."""
        if self.case is None or self.tally is None:
            return
        self._due = view.at + self._settle_after
        if begins < self.tally.until or view.at < self.tally.until:
            self.tally = self.case.begin(view)
        else:
            self.tally = self.case.settle(self.tally, view)

    def is_over(self, now: Instant) -> bool:
        """Whether another period has begun, or none runs that could be over."""
        return self.case is None or not self.case.period.start <= now < self.case.period.end

    def is_due(self, now: Instant) -> bool:
        """Whether so much time has passed without a fact that it should be settled, or time has gone back."""
        return now >= self._due or (self.tally is not None and now < self.tally.until)


class Evaluator:
    """The only writer of the board."""

    def __init__(self, recorder: Recorder, board: Board, clock: Clock, paths: Paths = no_paths) -> None:
        """``paths`` tells, at each publication, where the paths with witnesses stand."""
        self._recorder = recorder
        self._board = board
        self._clock = clock
        self._paths = paths
        self._estate = Estate()
        self._vouched: dict[str, Vouched] = {}
        self._dockets: list[_Docket] = []
        self._concerned: dict[str, list[_Docket]] = {}
        self._followers: dict[str, Follower] = {}
        self._known: dict[str, Known] = {}

    def judge_by(self, estate: Estate) -> None:
        """Take up a configuration; the next publication follows it. To be called again whenever what the estate
        holds has changed, an announcement or a correction among it."""
        self._estate = estate
        self._vouched = {face.key: face.vouched for face in estate.endpoints}
        before = {docket.subject.key: docket for docket in self._dockets}
        self._dockets = [
            _Docket(subject, tuple(estate.announcements.get(subject.client, ())), DAY + number * SECOND % HOUR)
            for number, subject in enumerate(estate.subjects)
        ]
        for docket in self._dockets:
            if docket.subject.key in before:
                docket.inherit(before[docket.subject.key])
        for key, follower in list(self._followers.items()):
            if follower.corrections != tuple(estate.corrections.get(key, ())):
                del self._followers[key]

    def publish(self, sequence: int = 0) -> Snapshot:
        """Judge everything as of now. ``sequence`` numbers the latest entry that this run has recorded."""
        now = self._clock.now()
        changed = self._follow()
        view = View(now, self._known.copy())
        self._settle(view, changed)
        snapshot = Snapshot(
            at=now,
            generation=self._board.snapshot.generation + 1,
            contracts=tuple(self._contracts(view)),
            endpoints=EndpointsJudgedWhenRead(self._estate.endpoints, view),
            client_names=self._estate.client_names,
            sequence=sequence,
            paths=self._paths(),
            edges=Edges(view),
            configuration_generation=self._estate.generation,
            configuration_error=self._estate.error,
        )
        self._board.publish(snapshot)
        return snapshot

    def _follow(self) -> dict[str, Instant]:
        """Take up what the recorder has: which timelines have changed, and from which instant on."""
        tracks, followers, known = self._recorder.tracks, self._followers, self._known
        changed: dict[str, Instant] = {}
        for key, track in tracks.items():
            follower = followers.get(key)
            if follower is None or follower.track is not track:
                follower = followers[key] = Follower(track, self._estate.corrections.get(key, ()))
                changed[key] = DISTANT_PAST
            elif (begins := follower.follow()) is not None:
                changed[key] = begins
            known[key] = follower.known
        for key in known.keys() - tracks.keys():
            del known[key]
            followers.pop(key, None)
            changed[key] = DISTANT_PAST
        return changed

    def _settle(self, view: View, changed: Mapping[str, Instant]) -> None:
        now = view.at
        opened = [docket for docket in self._dockets if docket.is_over(now)]
        begun = {docket for docket in opened if docket.open(view)}
        if opened:
            self._concerned = {}
            for docket in self._dockets:
                for key in docket.case.keys.values() if docket.case else ():
                    self._concerned.setdefault(key, []).append(docket)
        since = {docket: now for docket in self._dockets if docket.is_due(now)}
        for key, begins in changed.items():
            for docket in self._concerned.get(key, ()):
                since[docket] = min(begins, since.get(docket, begins))
        for docket, begins in since.items():
            if docket not in begun:
                docket.follow(view, begins)

    def _contracts(self, view: View) -> Iterable[ContractStatus]:
        together = self._together(view)
        for docket in self._dockets:
            if docket.case is not None:
                subject = docket.subject
                bound = together.get(subject.client)
                yield ContractJudgedWhenRead(
                    docket.case,
                    docket.tally,
                    view,
                    subject.client_name,
                    bound,
                    self._vouched,
                    self._estate.reviews.get(subject.key, view.at),
                )

    def _together(self, view: View) -> dict[str, ClosedTogether]:
        """By client, where its own terms reach over its contracts."""
        cases: dict[str, list[Case]] = {}
        for docket in self._dockets:
            if docket.case is None:
                continue
            contract = docket.case.contract
            if contract.credit_cap is not None or contract.same_incident_highest:
                cases.setdefault(docket.subject.client, []).append(docket.case)
        return {client: ClosedTogether(bound, view) for client, bound in cases.items()}
