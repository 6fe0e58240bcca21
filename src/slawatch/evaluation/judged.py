"""The statuses that the evaluator publishes: each figure is judged when it is first read, and then kept.

They hold what was known at their snapshot's instant and nothing that changes, so it does not matter when they are
read, nor by which thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import overload

from slawatch.domain.account import Account
from slawatch.domain.client_accounts import with_client_terms
from slawatch.domain.contract import Contract
from slawatch.domain.facts import State
from slawatch.domain.grammar import format_duration
from slawatch.domain.incremental import Run, Tally
from slawatch.domain.interval import DAY, Duration, Instant, Interval
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.reviews import overdue
from slawatch.domain.risk import Risk
from slawatch.domain.strip import StripPiece, strip
from slawatch.evaluation.board import ContractStatus, EndpointStatus, Vouched
from slawatch.evaluation.estate import EndpointFace
from slawatch.evaluation.following import NOTHING, Known, View
from slawatch.evaluation.standing import Case


class ClosedTogether:
    """The periods before of one client's contracts: the client's own terms bind their credits together (S34)."""

    def __init__(self, cases: Iterable[Case], view: View) -> None:
        self._cases, self._view = tuple(cases), view

    @cached_property
    def _accounts(self) -> Mapping[str, Account]:
        closed = (case.last(self._view) for case in self._cases)
        return {item.contract.name: item for item in with_client_terms(account for account in closed if account)}

    def of(self, contract: str) -> Account | None:
        """The account of one contract; None where there was no period before."""
        return self._accounts.get(contract)


class ContractJudgedWhenRead(ContractStatus):
    """Where one contract stands, from what ``tally`` has settled and ``view`` knows.

    ``together`` is given where the client has terms over all of its contracts, ``vouched`` by ``client/endpoint``;
    ``reviewed`` is when somebody looked last.
    """

    __setattr__ = object.__setattr__

    def __init__(
        self,
        case: Case,
        tally: Tally | None,
        view: View,
        client_name: str,
        together: ClosedTogether | None,
        vouched: Mapping[str, Vouched],
        reviewed: Instant,
    ) -> None:
        self._case, self._tally, self._view, self._client_name = case, tally, view, client_name
        self._together, self._vouched, self._reviewed = together, vouched, reviewed

    @property
    def contract(self) -> Contract:
        return self._case.contract

    @property
    def client_name(self) -> str:
        return self._client_name

    @cached_property
    def account(self) -> Account:
        return self._case.account(self._tally, self._view)

    @cached_property
    def last(self) -> Account | None:
        return self._case.last(self._view) if self._together is None else self._together.of(self._case.contract.name)

    @cached_property
    def risk(self) -> Risk:
        return self._case.risk(self.account, self.last, self._run, self._view)

    @cached_property
    def burn_rates(self) -> Mapping[str, Fraction]:
        return {format_duration(burn.window): burn.rate for burn in self.risk.burn}

    @cached_property
    def strip(self) -> tuple[StripPiece, ...]:
        return self._case.strip(self._view)

    @property
    def state(self) -> State:
        return self._run.state

    @property
    def since(self) -> Instant | None:
        return self._run.since

    @property
    def vouched(self) -> Vouched:
        return min((self._vouched.get(key, Vouched.NOBODY) for key in self._case.keys.values()), default=Vouched.NOBODY)

    @property
    def review_overdue(self) -> Duration | None:
        contract = self._case.contract
        return overdue(contract.review_at, contract.zone, self._reviewed, self._view.at)

    @cached_property
    def _run(self) -> Run:
        return self._case.run(self._tally, self._view)


class EndpointsJudgedWhenRead(Sequence[EndpointStatus]):
    """Where every endpoint stands, in the order of the configuration. Most publications are superseded unread."""

    def __init__(self, faces: tuple[EndpointFace, ...], view: View) -> None:
        self._faces, self._view = faces, view
        self._made: list[EndpointStatus | None] = []

    @overload
    def __getitem__(self, index: int) -> EndpointStatus: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[EndpointStatus]: ...

    def __getitem__(self, index: int | slice) -> EndpointStatus | Sequence[EndpointStatus]:
        if isinstance(index, slice):
            return [self._at(each) for each in range(*index.indices(len(self._faces)))]
        return self._at(range(len(self._faces))[index])

    def __iter__(self) -> Iterator[EndpointStatus]:
        return map(self._at, range(len(self._faces)))

    def __len__(self) -> int:
        return len(self._faces)

    def of_client(self, client: str) -> EndpointsJudgedWhenRead:
        """Those of one client."""
        return EndpointsJudgedWhenRead(tuple(face for face in self._faces if face.client == client), self._view)

    @property
    def lineup(self) -> object:
        """The same object as long as the same endpoints stand in the same order."""
        return self._faces

    def steady(self, indices: Iterable[int]) -> list[Known | None]:
        """For each of these endpoints what is known of it, the same object while that is the same; None where the state
        may be another without anything new, and only the status tells. Cheaper than the statuses."""
        faces, known, at = self._faces, self._view.known, self._view.at
        found = [known.get(faces[index].key, NOTHING) for index in indices]
        return [each if each.steady_from < at <= each.steady_until else None for each in found]

    def _at(self, index: int) -> EndpointStatus:
        if not self._made:
            self._made = [None] * len(self._faces)
        made = self._made[index]
        if made is None:
            made = self._made[index] = EndpointJudgedWhenRead(self._faces[index], self._view)
        return made


class EndpointJudgedWhenRead(EndpointStatus):
    """Where one endpoint stands."""

    __setattr__ = object.__setattr__

    def __init__(self, face: EndpointFace, view: View) -> None:
        self._face, self._view = face, view
        self._known = view.known.get(face.key, NOTHING)

    @property
    def client(self) -> str:
        return self._face.client

    @property
    def name(self) -> str:
        return self._face.name

    @property
    def probe(self) -> str:
        return self._face.probe

    @property
    def target(self) -> str:
        return self._face.target

    @property
    def path(self) -> str:
        return self._face.path

    @property
    def behind(self) -> str | None:
        return self._face.behind

    @property
    def every(self) -> Duration:
        return self._face.every

    @property
    def vouched(self) -> Vouched:
        return self._face.vouched

    @property
    def state(self) -> State:
        return self._standing[0]

    @property
    def since(self) -> Instant | None:
        return self._standing[1]

    @property
    def cause(self) -> Cause | None:
        return self._known.state.cause if self.state is State.UNKNOWN else None

    @property
    def suspect(self) -> bool:
        return self._known.state.suspect

    @property
    def last(self) -> Observation | None:
        return self._known.last

    @property
    def last_transition(self) -> Instant | None:
        return self._known.last_transition

    @property
    def counts(self) -> Mapping[str, int]:
        return self._known.counts

    @cached_property
    def strip(self) -> tuple[StripPiece, ...]:
        now = self._view.at
        return strip(self._known.since(now - DAY, now), Interval(now - DAY, now))

    @cached_property
    def _standing(self) -> tuple[State, Instant | None]:
        return self._known.standing(self._view.at)
