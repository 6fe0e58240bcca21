"""Endpoints' lines, kept from scrape to scrape: what has not changed is neither looked at nor joined again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slawatch.evaluation.board import EndpointStatus
from slawatch.evaluation.following import Glance, Known
from slawatch.evaluation.judged import EndpointsJudgedWhenRead
from slawatch.exposition.endpoint_text import COLUMNS, EndpointText

STEP = 16
"""Endpoints that are written before the event loop may go on: a fifth of a millisecond, as is one piece to join."""
PIECE = 8 * STEP
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
        self._known: list[Known | None] = []
        self._stale: set[tuple[int, int]] = set()
        self._cells: list[list[str]] = []

    def follow(self, endpoints: Sequence[EndpointStatus]) -> Iterator[bytes]:
        """Write what has changed. Empty pieces, one a step."""
        judged = endpoints if isinstance(endpoints, EndpointsJudgedWhenRead) else None
        if judged is None or judged.lineup is not self._lineup:
            self._begin(len(endpoints), None if judged is None else judged.lineup)
        for start in range(0, len(endpoints), STEP):
            indices = range(start, min(start + STEP, len(endpoints)))
            steady = [None] * len(indices) if judged is None else judged.steady(indices)
            for index, known in zip(indices, steady, strict=True):
                if known is None or known is not self._known[index]:
                    self._known[index] = known
                    self._write(index, endpoints, known)
            yield b""

    def join(self) -> Iterator[bytes]:
        """Bring ``pieces`` up to date with what was written. Empty pieces, one a step."""
        for column, number in sorted(self._stale):
            text = "".join(self._cells[column][number * PIECE : (number + 1) * PIECE])
            self.pieces[column][number] = Piece(text.encode(), text.count("\n"))
            self._stale.discard((column, number))
            yield b""

    def _begin(self, count: int, lineup: object) -> None:
        self._lineup, self._texts, self._known = lineup, [None] * count, [None] * count
        self._cells, self.withheld = [[""] * count for _ in COLUMNS], 0
        self.pieces = [[Piece(b"", 0)] * -(-count // PIECE) for _ in COLUMNS]
        self._stale = set()

    def _write(self, index: int, endpoints: Sequence[EndpointStatus], known: Known | None) -> None:
        text = self._texts[index]
        if text is None:
            status = endpoints[index]
            text = self._texts[index] = EndpointText((status.client, status.name, status.probe, self.site))
        self.withheld -= text.withheld
        for column in text.write(*(_of_status(endpoints[index]) if known is None else known.glance())):
            self._cells[column][index] = text.cells[column]
            self._stale.add((column, index // PIECE))
        self.withheld += text.withheld


def _of_status(status: EndpointStatus) -> Glance:
    return status.state, status.cause, status.last, status.last_transition, status.counts
