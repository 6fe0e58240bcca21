"""Endpoints as lines. What cannot have changed since the last scrape is neither looked at nor written again.

A hundred thousand series are mostly these, so this is written for speed; what it says is held to
:func:`slawatch.exposition.rows.endpoint_rows` by tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slawatch.domain.facts import State
from slawatch.domain.interval import Instant
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.observation import Verdict as ProbeVerdict
from slawatch.evaluation.board import EndpointStatus
from slawatch.evaluation.judged import EndpointsJudgedWhenRead
from slawatch.exposition import metrics
from slawatch.exposition.metrics import Metric
from slawatch.exposition.text import GO_SWITCHES_AT, count, prefix, seconds

COLUMNS = (
    metrics.ENDPOINT_UP,
    metrics.ENDPOINT_DEGRADED,
    metrics.ENDPOINT_KNOWN,
    metrics.ENDPOINT_UNKNOWN,
    metrics.ENDPOINT_LAST_TRANSITION,
    metrics.PROBE_DURATION,
    metrics.PROBES,
    metrics.TLS_EXPIRY,
)
"""The metrics of an endpoint, in the order of :attr:`EndpointText.cells`."""

A_LONG_TIME = GO_SWITCHES_AT * 1_000_000
"""Microseconds from which on Go writes an exponent."""

STEP = 32
"""Endpoints that are written before the event loop may go on."""

_VERDICTS = tuple(verdict.value for verdict in ProbeVerdict)


class EndpointText:
    """The lines of one endpoint, by metric. ``labels`` are client, name, kind of probe, site."""

    __slots__ = (
        "_counted",
        "_counts",
        "_durations",
        "_expiry",
        "_last",
        "_phases",
        "_state",
        "_transition",
        "cells",
        "labels",
        "withheld",
    )

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.cells = [""] * len(COLUMNS)
        """The lines of each metric of :data:`COLUMNS`; empty where there is none."""
        self.withheld = 0
        """How many more there would have been without :data:`~slawatch.exposition.metrics.SERIES_PER_ENDPOINT`."""
        self._state: tuple[State, Cause | None] | None = None
        self._last: Observation | None = None
        self._transition: Instant | None = None
        self._counts: Mapping[str, int] | None = None
        self._counted = _template(metrics.PROBES, labels, _VERDICTS, "%d.0")
        self._phases: tuple[str, ...] = ()
        self._durations = _template(metrics.PROBE_DURATION, labels, ("total",), "%r")
        self._expiry: Instant | None = None

    def write(self, status: EndpointStatus) -> EndpointText:
        """Bring the lines up to date."""
        state, last, counts = (status.state, status.cause), status.last, status.counts
        if state != self._state:
            self._write_state(*state)
        if status.last_transition != self._transition:
            self._write_transition(status.last_transition)
        if counts is not self._counts:
            self._write_counts(counts)
        if last is not self._last:
            self._write_last(last)
        return self

    def _write_state(self, state: State, cause: Cause | None) -> None:
        self._state = state, cause
        known, labels, cells = state is not State.UNKNOWN, self.labels, self.cells
        up = f"{prefix(metrics.ENDPOINT_UP, labels)}{float(state is not State.DOWN)}\n"
        degraded = f"{prefix(metrics.ENDPOINT_DEGRADED, labels)}{float(state is State.DEGRADED)}\n"
        cells[0], cells[1] = (up, degraded) if known else ("", "")
        cells[2] = f"{prefix(metrics.ENDPOINT_KNOWN, labels)}{float(known)}\n"
        cells[3] = "" if cause is None else f"{prefix(metrics.ENDPOINT_UNKNOWN, (*labels, cause.value))}1.0\n"

    def _write_transition(self, at: Instant | None) -> None:
        self._transition = at
        name = metrics.ENDPOINT_LAST_TRANSITION
        self.cells[4] = "" if at is None else f"{prefix(name, self.labels)}{seconds(at)}\n"

    def _write_counts(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        numbers = tuple([counts.get(name, 0) for name in _VERDICTS])
        if max(numbers) < GO_SWITCHES_AT:
            self.cells[6] = self._counted % numbers
        else:
            self.cells[6] = self._counted.replace("%d.0", "%s") % tuple(map(count, numbers))

    def _write_last(self, last: Observation | None) -> None:
        self._last = last
        if last is None:
            self.cells[5] = self.cells[7] = ""
            self._expiry, self.withheld = None, 0
            return
        phases = last.phases[: metrics.PHASES_PER_ENDPOINT]
        names, lengths = zip(*phases, strict=True) if phases else ((), ())
        if names != self._phases:
            self._phases = names
            self._durations = _template(metrics.PROBE_DURATION, self.labels, ("total", *names), "%r")
        if last.duration < A_LONG_TIME and max(lengths, default=0) < A_LONG_TIME:
            self.cells[5] = self._durations % (last.duration / 1e6, *[length / 1e6 for length in lengths])
        else:
            form = self._durations.replace("%r", "%s")
            self.cells[5] = form % (seconds(last.duration), *map(seconds, lengths))
        if last.certificate_expiry != self._expiry:
            expiry = self._expiry = last.certificate_expiry
            name = metrics.TLS_EXPIRY
            self.cells[7] = "" if expiry is None else f"{prefix(name, self.labels)}{seconds(expiry)}\n"
        self.withheld = len(last.phases) - len(phases)


def _template(metric: Metric, labels: tuple[str, ...], words: tuple[str, ...], form: str) -> str:
    """A line for each word, the value of the last label, with ``form`` where its number goes."""
    heads = [prefix(metric, (*labels, word)).replace("%", "%%") for word in words]
    return "".join([f"{head}{form}\n" for head in heads])


class EndpointColumns:
    """The lines of many endpoints by metric, kept from scrape to scrape. ``columns`` are in the order of
    :data:`COLUMNS`, and in each the endpoints in theirs."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.columns: list[list[str]] = [[] for _ in COLUMNS]
        self.withheld = 0
        """Series that are left out (:data:`~slawatch.exposition.metrics.PHASES_PER_ENDPOINT`)."""
        self._lineup: object = None
        self._texts: list[EndpointText | None] = []
        self._tokens: list[object] = []

    def follow(self, endpoints: Sequence[EndpointStatus]) -> Iterator[None]:
        """Bring all lines up to date, in steps of a tenth of a millisecond."""
        judged = endpoints if isinstance(endpoints, EndpointsJudgedWhenRead) else None
        if judged is None or judged.lineup is not self._lineup:
            self._begin(len(endpoints), None if judged is None else judged.lineup)
        for start in range(0, len(endpoints), STEP):
            indices = range(start, min(start + STEP, len(endpoints)))
            tokens = [None] * len(indices) if judged is None else judged.tokens(indices)
            for index, token in zip(indices, tokens, strict=True):
                if token is None or token is not self._tokens[index]:
                    self._tokens[index] = token
                    self._write(index, endpoints[index])
            yield

    def _begin(self, count: int, lineup: object) -> None:
        self._lineup, self._texts, self._tokens = lineup, [None] * count, [None] * count
        self.columns, self.withheld = [[""] * count for _ in COLUMNS], 0

    def _write(self, index: int, status: EndpointStatus) -> None:
        text = self._texts[index]
        if text is None:
            text = self._texts[index] = EndpointText((status.client, status.name, status.probe, self.site))
        self.withheld -= text.withheld
        for column, cell in zip(self.columns, text.write(status).cells, strict=True):
            column[index] = cell
        self.withheld += text.withheld
