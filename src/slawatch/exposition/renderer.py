"""One snapshot → the text that Prometheus reads, in small pieces, so that the event loop never waits for it.

The same snapshot gives the same bytes. A renderer keeps what it wrote of each endpoint, so that a scrape costs what
has changed since the one before. It belongs to one thread, the event loop's: a thread of its own would hold the
interpreter for 5 ms at a time, and the loop would wait.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache

from prometheus_client.exposition import choose_encoder

from slawatch.evaluation.board import EndpointStatus, Snapshot
from slawatch.exposition import metrics
from slawatch.exposition.endpoint_text import COLUMNS, EndpointColumns
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
        self._heads: dict[tuple[str, str], str] = {}

    def pieces(self, snapshot: Snapshot, own: SelfMetrics, accept: str = "", client: str | None = None) -> Pieces:
        """The answer to a scraper whose header says ``accept``: OpenMetrics where it asks for that."""
        encode, content_type = choose_encoder(accept)
        if any(escaping in content_type for escaping in _SPELLS_NAMES_OTHERWISE):
            return Pieces(content_type, _by_the_library(snapshot, own, encode, client))
        return Pieces(content_type, self._pieces(snapshot, own, _Format(encode, content_type, self._heads), client))

    def _pieces(self, snapshot: Snapshot, own: SelfMetrics, style: _Format, client: str | None) -> Iterator[str]:
        columns: dict[str, list[str]] = {}
        withheld = yield from self._endpoints(snapshot.endpoints, own.site, client, columns)
        for contract in snapshot.contracts:
            if client in (None, contract.contract.client):
                _add(columns, contract_rows(contract))
                yield ""
        _add(columns, judged_rows(snapshot) if client is not None else daemon_rows(snapshot, own))
        yield from _written(columns, own, style, withheld if client is None else None)

    def _endpoints(
        self, endpoints: Sequence[EndpointStatus], site: str, client: str | None, columns: dict[str, list[str]]
    ) -> Generator[str, None, int]:
        """Add the lines of endpoints; how many there would be beside them, if series were not capped.

        Of two scrapes at once, one does without what is kept.
        """
        kept, self._kept = self._kept, None
        if client is not None or kept is None or kept.site != site:
            written = EndpointColumns(site)
        else:
            written = kept
        for _ in written.follow(_share(endpoints, client)):
            yield ""
        columns.update(zip((metric.name for metric in COLUMNS), map(list, written.columns), strict=True))
        self._kept = kept if client is not None else written
        return written.withheld


class Pieces:
    """An answer that is being written. Some pieces are empty: they only end a step."""

    def __init__(self, content_type: str, pieces: Iterator[str]) -> None:
        self.content_type = content_type
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        return self._pieces


def render(snapshot: Snapshot, own: SelfMetrics, accept: str = "", client: str | None = None) -> tuple[bytes, str]:
    """The whole answer at once, and its content type."""
    pieces = Renderer().pieces(snapshot, own, accept, client)
    return "".join(pieces).encode(), pieces.content_type


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


def _by_the_library(snapshot: Snapshot, own: SelfMetrics, encode: Encode, client: str | None) -> Iterator[str]:
    yield by_the_library(snapshot, own, encode, client).decode()


def _share(endpoints: Sequence[EndpointStatus], client: str | None) -> Sequence[EndpointStatus]:
    return endpoints if client is None else [status for status in endpoints if status.client == client]


def _add(columns: dict[str, list[str]], added: Iterator[Row]) -> None:
    for metric, labels, value in added:
        columns.setdefault(metric.name, []).append(f"{_kept_prefix(metric, labels)}{number(value)}\n")


_kept_prefix = lru_cache(maxsize=200_000)(prefix)


def _written(columns: dict[str, list[str]], own: SelfMetrics, style: _Format, withheld: int | None) -> Iterator[str]:
    """The columns in the order of :data:`METRICS`, each below its head; then how much that was."""
    series = 0
    for metric in metrics.METRICS:
        if metric is metrics.PROBE_LATENESS and withheld is not None:
            yield histogram_lines(lateness_family(own.lateness, own.site), style.encode)
            series += len(own.lateness.bounds) + _HISTOGRAM_LINES
        cells = columns.get(metric.name, ())
        begun = False
        for start in range(0, len(cells), CELLS_A_PIECE):
            piece = "".join(cells[start : start + CELLS_A_PIECE])
            if piece and not begun:
                begun = True
                yield style.head(metric)
            series += piece.count("\n")
            yield piece
    if withheld is not None:
        for metric, value in ((metrics.WITHHELD_SERIES, withheld), (metrics.EXPOSED_SERIES, series + 2)):
            yield f"{style.head(metric)}{prefix(metric, ())}{count(value)}\n"
    yield end(style.encode)


class _Format:
    """One of the library's formats. ``heads`` are those that it has written already."""

    def __init__(self, encode: Encode, content_type: str, heads: dict[tuple[str, str], str]) -> None:
        self.encode = encode
        self._content_type, self._heads = content_type, heads

    def head(self, metric: Metric) -> str:
        key = (metric.name, self._content_type)
        if key not in self._heads:
            self._heads[key] = head(metric, self.encode)
        return self._heads[key]
