"""One snapshot → the text that Prometheus reads, in small pieces, so that the event loop never waits for it.

The same snapshot gives the same bytes. A renderer keeps what it wrote of each endpoint, so that a scrape costs what
has changed since the one before. It belongs to one thread, the event loop's: a thread of its own would hold the
interpreter for 5 ms at a time, and the loop would wait.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.exposition import choose_encoder

from slawatch.evaluation.board import EndpointStatus, Snapshot
from slawatch.evaluation.judged import EndpointsJudgedWhenRead
from slawatch.exposition import metrics
from slawatch.exposition.endpoint_columns import EndpointColumns, Piece
from slawatch.exposition.endpoint_text import COLUMNS
from slawatch.exposition.families import (
    Encode,
    encoded,
    end,
    families,
    head,
    histogram_lines,
    lateness_family,
)
from slawatch.exposition.metrics import Metric
from slawatch.exposition.rows import Row, contract_rows, daemon_rows, endpoint_rows, judged_rows
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.exposition.text import count, number, prefix

CELLS_A_PIECE = 256
"""Worth about a tenth of a millisecond."""

_SPELLS_NAMES_OTHERWISE = ("escaping=dots", "escaping=values")

_HISTOGRAM_LINES = 3
"""Lines of a histogram beside one for each bound: ``+Inf``, ``_count``, ``_sum``."""


class Renderer:
    """Writes snapshots. ``client`` leaves only one client's share: its endpoints and contracts, and when they were
    judged."""

    def __init__(self) -> None:
        self._kept: EndpointColumns | None = None
        self._heads: dict[tuple[str, str], bytes] = {}

    def pieces(self, snapshot: Snapshot, own: SelfMetrics, accept: str = "", client: str | None = None) -> Pieces:
        """The answer to a scraper whose header says ``accept``: OpenMetrics where it asks for that."""
        encode, content_type = choose_encoder(accept)
        if any(escaping in content_type for escaping in _SPELLS_NAMES_OTHERWISE):
            return Pieces(content_type, _by_the_library(snapshot, own, encode, client))
        return Pieces(content_type, self._pieces(snapshot, own, _Format(encode, content_type, self._heads), client))

    def follow(self, snapshot: Snapshot, site: str) -> Iterator[bytes]:
        """Bring what is kept up to date, so that the next scrape has little to write. Empty pieces, one a step."""
        kept = self._take(site)
        yield from kept.follow(snapshot.endpoints)
        self._kept = kept

    def _pieces(self, snapshot: Snapshot, own: SelfMetrics, style: _Format, client: str | None) -> Iterator[bytes]:
        endpoints = yield from self._endpoints(_share(snapshot.endpoints, client), own.site, keep=client is None)
        cells: dict[str, list[str]] = {}
        for contract in snapshot.contracts:
            if client in (None, contract.contract.client):
                _add(cells, contract_rows(contract))
                yield b""
        _add(cells, judged_rows(snapshot) if client is not None else daemon_rows(snapshot, own))
        yield from _written(
            _Columns(endpoints.pieces, cells), own, style, endpoints.withheld if client is None else None
        )

    def _endpoints(
        self, endpoints: Sequence[EndpointStatus], site: str, *, keep: bool
    ) -> Generator[bytes, None, _Endpoints]:
        """The lines of endpoints, and how many there would be beside them if series were not capped."""
        kept = self._take(site) if keep else EndpointColumns(site)
        yield from kept.follow(endpoints)
        yield from kept.join()
        pieces = {metric.name: list(found) for metric, found in zip(COLUMNS, kept.pieces, strict=True)}
        if keep:
            self._kept = kept
        return _Endpoints(pieces, kept.withheld)

    def _take(self, site: str) -> EndpointColumns:
        """What is kept. Whoever comes before it is put back does without."""
        kept, self._kept = self._kept, None
        return kept if kept is not None and kept.site == site else EndpointColumns(site)


class _Endpoints(NamedTuple):
    """By metric."""

    pieces: Mapping[str, Sequence[Piece]]
    withheld: int


class _Columns(NamedTuple):
    """What there is of each metric: of endpoints joined already, of the others line by line."""

    pieces: Mapping[str, Sequence[Piece]]
    cells: Mapping[str, Sequence[str]]

    def of(self, metric: Metric) -> Iterator[Piece]:
        yield from self.pieces.get(metric.name, ())
        cells = self.cells.get(metric.name, ())
        for start in range(0, len(cells), CELLS_A_PIECE):
            some = cells[start : start + CELLS_A_PIECE]
            yield Piece("".join(some).encode(), len(some))


class Pieces:
    """An answer that is being written. Some pieces are empty: they only end a step."""

    def __init__(self, content_type: str, pieces: Iterator[bytes]) -> None:
        self.content_type = content_type
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def render(snapshot: Snapshot, own: SelfMetrics, accept: str = "", client: str | None = None) -> tuple[bytes, str]:
    """The whole answer at once, and its content type."""
    pieces = Renderer().pieces(snapshot, own, accept, client)
    return b"".join(pieces), pieces.content_type


def rows(snapshot: Snapshot, own: SelfMetrics, client: str | None = None) -> Iterator[Row]:
    """All that an answer says but for its histogram, sample by sample: the model that the fast way is held to."""
    number_of_series = withheld = 0
    for row in _judgement_rows(snapshot, own, client):
        number_of_series += 1
        yield row
    if client is not None:
        return
    for status in snapshot.endpoints:
        withheld += max(0, len(status.last.phases) - metrics.PHASES_PER_ENDPOINT) if status.last else 0
    yield metrics.WITHHELD_SERIES, (), float(withheld)
    number_of_series += len(own.lateness.bounds) + _HISTOGRAM_LINES + 2
    yield metrics.EXPOSED_SERIES, (), float(number_of_series)


def _judgement_rows(snapshot: Snapshot, own: SelfMetrics, client: str | None) -> Iterator[Row]:
    for endpoint in _share(snapshot.endpoints, client):
        yield from endpoint_rows(endpoint, own.site)
    for contract in snapshot.contracts:
        if client in (None, contract.contract.client):
            yield from contract_rows(contract)
    yield from judged_rows(snapshot) if client is not None else daemon_rows(snapshot, own)


def by_the_library(snapshot: Snapshot, own: SelfMetrics, encode: Encode, client: str | None = None) -> bytes:
    """The whole answer as ``prometheus_client`` writes it."""
    histogram = lateness_family(own.lateness, own.site) if client is None else None
    return encoded(list(families(rows(snapshot, own, client), histogram)), encode)


def _by_the_library(snapshot: Snapshot, own: SelfMetrics, encode: Encode, client: str | None) -> Iterator[bytes]:
    yield by_the_library(snapshot, own, encode, client)


def _share(endpoints: Sequence[EndpointStatus], client: str | None) -> Sequence[EndpointStatus]:
    if client is None:
        return endpoints
    if isinstance(endpoints, EndpointsJudgedWhenRead):
        return endpoints.of_client(client)
    return [status for status in endpoints if status.client == client]


def _add(cells: dict[str, list[str]], added: Iterator[Row]) -> None:
    for metric, labels, value in added:
        cells.setdefault(metric.name, []).append(f"{_kept_prefix(metric, labels)}{number(value)}\n")


_kept_prefix = lru_cache(maxsize=200_000)(prefix)


def _written(columns: _Columns, own: SelfMetrics, style: _Format, withheld: int | None) -> Iterator[bytes]:
    """The columns in the order of :data:`METRICS`, each below its head; then how much that was."""
    series = 0
    for metric in metrics.METRICS:
        if metric is metrics.PROBE_LATENESS and withheld is not None:
            yield histogram_lines(lateness_family(own.lateness, own.site), style.encode).encode()
            series += len(own.lateness.bounds) + _HISTOGRAM_LINES
        begun = False
        for piece in columns.of(metric):
            if piece.lines and not begun:
                begun = True
                yield style.head(metric)
            series += piece.lines
            yield piece.text
    if withheld is not None:
        for metric, value in ((metrics.WITHHELD_SERIES, withheld), (metrics.EXPOSED_SERIES, series + 2)):
            yield style.head(metric) + f"{prefix(metric, ())}{count(value)}\n".encode()
    yield end(style.encode).encode()


class _Format:
    """One of the library's formats. ``heads`` are those that it has written already."""

    def __init__(self, encode: Encode, content_type: str, heads: dict[tuple[str, str], bytes]) -> None:
        self.encode = encode
        self._content_type, self._heads = content_type, heads

    def head(self, metric: Metric) -> bytes:
        key = (metric.name, self._content_type)
        if key not in self._heads:
            self._heads[key] = head(metric, self.encode).encode()
        return self._heads[key]
