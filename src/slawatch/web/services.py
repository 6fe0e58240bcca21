"""What the pages need beside the board, as callables that the daemon hands in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import Instant
from slawatch.evaluation.asking import ClientFace, Question
from slawatch.evaluation.history_export import Row
from slawatch.operations.importing import Importing
from slawatch.operations.probe_door import ProbeDoor
from slawatch.operations.reviewing import Reviewing

History = Callable[[str, str, Instant, Instant], Awaitable[tuple[Sequence[Change], Sequence[Blip]]]]
"""(client, endpoint, start, end) → the changes in ``[start, end)`` and the latest one before it, and its blips."""


MakeImporting = Callable[[], Importing]
"""The door for pasts, by the configuration that is in force."""

MakeReviewing = Callable[[], Reviewing]
"""The door for signatures under reviews."""

Answer = Callable[[Question], AsyncGenerator[Row, None]]
"""The rows of an answer about the history, as of the latest judgement."""

Faces = Callable[[], Mapping[str, ClientFace]]
"""What questions may name, by client."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything beside the board that the web application calls."""

    ledger_open: Callable[[], bool]
    """Whether facts can be written now."""
    reload: Callable[[], Awaitable[tuple[bool, str]]]
    """Reads the configuration again: whether it was taken up, and what there is to say about it."""
    history: History
    answer: Answer
    faces: Faces
    importing: MakeImporting
    reviewing: MakeReviewing
    probe_door: ProbeDoor
    metrics_token: Callable[[], str | None] = lambda: None
    """The bearer token for other hosts; None where none is configured."""
    client_token: Callable[[str], str | None] = lambda client: None
    """The bearer token for one client's share of the metrics; None where there is none, or no such client."""
    hosts: frozenset[str] = frozenset()
    """Names of this box beside localhost that requests may be addressed to: the configured listen host."""
    site: str = ""
    """This vantage point's name."""
