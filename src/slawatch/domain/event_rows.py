"""The rows of a history that are events, not states: ``run``, ``ticket`` and ``mail`` (S30).

Each names its source by ``endpoint``, its instant by ``at`` and what happened by ``event``. Every mistake is a
``ValueError`` that says which key and what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.mails import MailEvent, MailSignal
from slawatch.domain.slots import RunEvent, Signal
from slawatch.domain.tickets import DeskFigures, EventKind, TicketEvent

Row = Mapping[str, Any]
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(slots=True)
class TicketRecord:
    """One ticket as its rows tell it."""

    events: list[TicketEvent] = field(default_factory=list)
    desk: DeskFigures = field(default_factory=DeskFigures)


@dataclass(slots=True)
class SourceLog:
    """What the rows say of one source. Lists are in the order of the rows."""

    runs: list[RunEvent] = field(default_factory=list)
    tickets: dict[str, TicketRecord] = field(default_factory=dict)
    mails: dict[str, list[MailEvent]] = field(default_factory=dict)
    first: Instant | None = None

    def cut(self, end: Instant) -> None:
        """Forget what comes after the end of the history."""
        self.runs = [event for event in self.runs if event.at <= end]
        for record in self.tickets.values():
            record.events = [event for event in record.events if event.at <= end]
        self.tickets = {name: record for name, record in self.tickets.items() if record.events}
        mails = {name: [event for event in events if event.at <= end] for name, events in self.mails.items()}
        self.mails = {name: events for name, events in mails.items() if events}

    def add(self, row: Row, at: Instant) -> None:
        """Add one row of type ``run``, ``ticket`` or ``mail``."""
        match row["type"]:
            case "run":
                self.runs.append(_run(row, at))
            case "ticket":
                self._add_ticket(row, at)
            case _:
                event = MailEvent(at, _word(row, "event", MailSignal))
                self.mails.setdefault(_name(row, "mail"), []).append(event)
        self.first = at if self.first is None else min(self.first, at)

    def _add_ticket(self, row: Row, at: Instant) -> None:
        kind = _word(row, "event", EventKind)
        state = row.get("state", "")
        if not isinstance(state, str) or (kind is EventKind.STATE and not state):
            raise ValueError(f"state: {state!r}: expected the state that the ticket entered")
        record = self.tickets.setdefault(_name(row, "ticket"), TicketRecord())
        record.events.append(TicketEvent(at, kind, state))
        for key in ("response", "restore"):
            if (length := _length(row, f"desk_{key}")) is not None:
                record.desk = replace(record.desk, **{key: length})


def _run(row: Row, at: Instant) -> RunEvent:
    status = row.get("exit_status")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if status is not None and (not isinstance(status, int) or isinstance(status, bool)):
        raise ValueError(f"exit_status: {status!r}: expected a whole number")
    if "event" in row:
        signal = _word(row, "event", Signal)
    elif status is not None:
        signal = Signal.FAIL if status else Signal.SUCCESS
    else:
        raise ValueError(f"event: missing: expected {_listed(Signal)}, or an exit_status")
    run = row.get("run", "")
    if not isinstance(run, str):
        raise ValueError(f"run: {run!r}: expected the name of the run")
    return RunEvent(at, signal, status, run)


def _word(row: Row, key: str, words: type[_Word]) -> _Word:
    word = row.get(key)
    if not isinstance(word, str) or word not in set(words):
        raise ValueError(f"{key}: {word!r} is unknown: expected {_listed(words)}")
    return words(word)


def _listed(words: type[StrEnum]) -> str:
    *others, last = (word.value for word in words)
    return f"{', '.join(others)} or {last}"


def _name(row: Row, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key}: missing: expected its name, which tells it from others of the same endpoint")
    return value


def _length(row: Row, key: str) -> Duration | None:
    value = row.get(key)
    if value is None:
        return None
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
