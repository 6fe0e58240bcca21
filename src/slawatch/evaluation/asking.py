"""What can be asked of the history, and the words for it: the same for the command and for the API.

Every mistake is a ``ValueError`` that names the parameter and says what is expected.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from slawatch.domain.account import members
from slawatch.domain.contract import Contract
from slawatch.domain.facts import State
from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import Duration, Instant, parse_instant
from slawatch.evaluation.history_export import Selection
from slawatch.storage.entries import EndpointKey


class Show(StrEnum):
    """What the rows are about."""

    ALL = "all"
    TRANSITIONS = "transitions"
    BLIPS = "blips"
    EVENTS = "events"
    OBSERVATIONS = "observations"
    OUTAGES = "outages"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class ClientFace:
    """What a question needs to know of a client. ``behind`` names the parent of an endpoint that has one."""

    zone: ZoneInfo
    services: Mapping[str, Sequence[str]]
    contracts: Sequence[Contract]
    behind: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``after`` is the place of the row after which the answer goes on."""

    show: Show = Show.ALL
    selection: Selection = field(default_factory=Selection)
    contracts: Sequence[Contract] = ()
    """Those whose own figure is wanted instead of that of their endpoints."""
    states: frozenset[State] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    """What ``cause``, ``reason`` or ``event`` must read."""
    ongoing: bool | None = None
    longer_than: Duration | None = None
    sort: str = "at"
    limit: int | None = None
    after: Sequence[int | str] = ()
    cost: bool = True
    digest: str = ""

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.sort.startswith("-")


_FILTERS: Mapping[Show, frozenset[str]] = {
    Show.ALL: frozenset(),
    Show.TRANSITIONS: frozenset({"state", "cause", "reason", "sort"}),
    Show.BLIPS: frozenset({"state", "reason", "sort"}),
    Show.EVENTS: frozenset({"event", "sort"}),
    Show.OBSERVATIONS: frozenset({"state", "reason"}),
    Show.OUTAGES: frozenset({"cause", "reason", "ongoing", "longer_than", "sort", "cost"}),
    Show.DAYS: frozenset(),
    Show.WEEKS: frozenset(),
    Show.MONTHS: frozenset(),
    Show.LATENCY: frozenset(),
}
_SORTS: Mapping[Show, Sequence[str]] = {Show.OUTAGES: ("at", "-at", "length", "-length")}
_ENTRY: Sequence[type] = (int, int)
_SHAPES: Mapping[Show, Sequence[type]] = {
    Show.TRANSITIONS: _ENTRY,
    Show.BLIPS: _ENTRY,
    Show.EVENTS: _ENTRY,
    Show.OUTAGES: (int, int, str, str),
    Show.OBSERVATIONS: (str, str, int),
    Show.LATENCY: (str, str, int),
}
"""What a row's place is made of: of the others client, name and start."""
_ALWAYS = frozenset({"show", "client", "endpoint", "service", "contract", "from", "to"})
_PAGED = frozenset({"limit", "cursor"})
MOST = 10_000
"""Rows that one page can hold."""


def question(parameters: Iterable[tuple[str, str]], faces: Mapping[str, ClientFace]) -> Question:
    """The question that some parameters ask; ``endpoint`` and ``client`` may come more than once."""
    given: dict[str, list[str]] = {}
    for key, text in parameters:
        given.setdefault(key, []).append(text)
    show = _one_of("show", _last(given, "show") or "all", Show)
    known = _ALWAYS | _FILTERS[show] | (frozenset() if show is Show.ALL else _PAGED)
    for key in given:
        if key not in known:
            raise ValueError(f"{key}: unknown with show={show}: expected {', '.join(sorted(known))}")
    asked = {key: values for key, values in given.items() if key not in ("cursor", "limit")}
    digest = hashlib.sha256(json.dumps(sorted(asked.items())).encode()).hexdigest()[:16]
    selection, contracts = _selection(given, faces)
    counted = [contract.key for contract in contracts if contract.counting is not None]
    if counted and show in (Show.DAYS, Show.WEEKS, Show.MONTHS):
        raise ValueError(f"contract: {counted[0]} counts events: expected one that measures availability")
    limit = _last(given, "limit")
    if limit is not None and not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        raise ValueError(f"limit: {limit!r}: expected a whole number from 1 to {MOST}")
    sorts = _SORTS.get(show, ("at", "-at"))
    sort = _last(given, "sort") or "at"
    if sort not in sorts:
        raise ValueError(f"sort: {sort!r}: expected one of {', '.join(sorts)}")
    longer = _last(given, "longer_than")
    return Question(
        show=show,
        selection=selection,
        contracts=contracts,
        states=frozenset(_state(text) for text in given.get("state", ())),
        words={key: given[key][-1] for key in ("cause", "reason", "event") if key in given},
        ongoing=_truth(given, "ongoing"),
        longer_than=None if longer is None else _duration("longer_than", longer),
        sort=sort,
        limit=None if limit is None else int(limit),
        after=_place(_last(given, "cursor"), digest, _SHAPES.get(show, (str, str, str))),
        cost=_truth(given, "cost") is not False,
        digest=digest,
    )


def cursor(asked: Question, place: Sequence[int | str]) -> str:
    """The text that goes on after a row's place, for this very question."""
    return urlsafe_b64encode(json.dumps([asked.digest, *place], separators=(",", ":")).encode()).decode().rstrip("=")


def _place(text: str | None, digest: str, shape: Sequence[type]) -> Sequence[int | str]:
    if text is None:
        return ()
    wrong = ValueError("cursor: is none of this question's: expected the cursor that the page before ended with")
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise wrong from None
    if not isinstance(found, list) or found[:1] != [digest] or [type(part) for part in found[1:]] != list(shape):
        raise wrong
    return found[1:]


def _selection(given: Mapping[str, list[str]], faces: Mapping[str, ClientFace]) -> tuple[Selection, Sequence[Contract]]:
    clients = given.get("client", [])
    start, end = (_instant(key, _last(given, key)) for key in ("from", "to"))
    if start is not None and end is not None and end <= start:
        raise ValueError("to: is not after from: expected a later instant")
    narrower = [key for key in ("endpoint", "service", "contract") if key in given]
    if not narrower:
        return Selection(clients or None, None, start, end), ()
    if len(clients) != 1:
        raise ValueError(f"{narrower[0]}: needs one client beside it")
    client, face = clients[0], faces.get(clients[0])
    names: set[str] | None = set(given["endpoint"]) if "endpoint" in given else None
    contracts: list[Contract] = []
    for key in ("service", "contract"):
        for text in given.get(key, ()):
            if face is None:
                raise ValueError(f"client: there is no client {client!r}")
            if key == "service":
                if text not in face.services:
                    raise ValueError(f"service: {client} has no service {text!r}")
                wanted = set(face.services[text])
            else:
                contract = next((each for each in face.contracts if each.name == text), None)
                if contract is None:
                    raise ValueError(f"contract: {client} has no contract {text!r}")
                contracts.append(contract)
                wanted = set(members(contract))
            names = wanted if names is None else names & wanted
    assert names is not None
    keys = [EndpointKey(client, name) for name in sorted(names)]
    return Selection([client], keys, start, end), contracts


def _last(given: Mapping[str, list[str]], key: str) -> str | None:
    return given[key][-1] if key in given else None


def _one_of(key: str, text: str, choices: type[Show]) -> Show:
    try:
        return choices(text)
    except ValueError:
        raise ValueError(f"{key}: {text!r}: expected one of {', '.join(choices)}") from None


def _state(text: str) -> State:
    try:
        return State.of(text)
    except ValueError as error:
        raise ValueError(f"state: {error}") from None


def _instant(key: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _duration(key: str, text: str) -> Duration:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _truth(given: Mapping[str, list[str]], key: str) -> bool | None:
    text = _last(given, key)
    if text is None:
        return None
    if text not in ("yes", "no"):
        raise ValueError(f"{key}: {text!r}: expected yes or no")
    return text == "yes"
