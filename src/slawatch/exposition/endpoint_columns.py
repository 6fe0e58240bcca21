"""Endpoints' lines, kept from scrape to scrape: what has not changed is neither looked at nor joined again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slawatch.evaluation.board import EndpointStatus
from slawatch.evaluation.following import Glance, Known
from slawatch.evaluation.judged import EndpointsJudgedWhenRead
from slawatch.exposition.endpoint_text import COLUMNS, EndpointText

STEP = 32
"""Endpoints that are written before the event loop may go on: a tenth of a millisecond, as is one piece to join."""
PIECE = 4 * STEP
"""Endpoints whose lines of one metric are joined."""


class Piece(NamedTuple):
    """Some lines, and how many."""

    text: bytes
    lines: int


class EndpointColumns:
    """The lines of endpoints by metric. ``pieces`` are in the order of :data:`COLUMNS`, and in each the endpoints in
    theirs."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.pieces: list[list[Piece]] = [[] for _ in COLUMNS]
        self.withheld = 0
        """Series that are left out (:data:`~slawatch.exposition.metrics.PHASES_PER_ENDPOINT`)."""
        self._lineup: object = None
        self._texts: list[EndpointText | None] = []
        self._tokens: list[Known | None] = []
        self._cells: list[list[str]] = []

    def follow(self, endpoints: Sequence[EndpointStatus]) -> Iterator[None]:
        """Bring all lines up to date, step by step."""
        judged = endpoints if isinstance(endpoints, EndpointsJudgedWhenRead) else None
        if judged is None or judged.lineup is not self._lineup:
            self._begin(len(endpoints), None if judged is None else judged.lineup)
        for start in range(0, len(endpoints), PIECE):
            end = min(start + PIECE, len(endpoints))
            stale: set[int] = set()
            for step in range(start, end, STEP):
                indices = range(step, min(step + STEP, end))
                tokens = [None] * len(indices) if judged is None else judged.steady(indices)
                for index, token in zip(indices, tokens, strict=True):
                    if token is None or token is not self._tokens[index]:
                        self._tokens[index] = token
                        self._write(index, endpoints, token, stale)
                yield
            for column in sorted(stale):
                text = "".join(self._cells[column][start:end])
                self.pieces[column][start // PIECE] = Piece(text.encode(), text.count("\n"))
                yield

    def _begin(self, count: int, lineup: object) -> None:
        self._lineup, self._texts, self._tokens = lineup, [None] * count, [None] * count
        self._cells, self.withheld = [[""] * count for _ in COLUMNS], 0
        self.pieces = [[Piece(b"", 0)] * -(-count // PIECE) for _ in COLUMNS]

    def _write(self, index: int, endpoints: Sequence[EndpointStatus], known: Known | None, stale: set[int]) -> None:
        """Write one endpoint's cells, and add to ``stale`` the columns of those that have changed."""
        text = self._texts[index]
        if text is None:
            status = endpoints[index]
            text = self._texts[index] = EndpointText((status.client, status.name, status.probe, self.site))
        self.withheld -= text.withheld
        for number in text.write(*(_of_status(endpoints[index]) if known is None else known.glance())):
            self._cells[number][index] = text.cells[number]
            stale.add(number)
        self.withheld += text.withheld


def _of_status(status: EndpointStatus) -> Glance:
    return status.state, status.cause, status.last, status.last_transition, status.counts
