"""One endpoint's lines. What has not changed since they were written last stays the same object.

A hundred thousand series are mostly these, so this is written for speed; what it says is held to
:func:`slawatch.exposition.rows.endpoint_rows` by tests.
"""

from __future__ import annotations

from collections.abc import Mapping

from slawatch.domain.facts import State
from slawatch.domain.interval import Instant
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.observation import Verdict as ProbeVerdict
from slawatch.exposition import metrics
from slawatch.exposition.metrics import Metric
from slawatch.exposition.text import GO_SWITCHES_AT, count, number, prefix, seconds

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

_OF_STATE = (0, 1, 2, 3)
_TRANSITION, _DURATION, _PROBES, _EXPIRY = range(4, 8)
"""Places in :data:`COLUMNS`."""

_VERDICTS = tuple(verdict.value for verdict in ProbeVerdict)
assert _VERDICTS == ("up", "degraded", "down", "void"), "the order of _write_counts"


class EndpointText:
    """The lines of one endpoint, by metric. ``labels`` are client, name, kind of probe, site."""

    __slots__ = (
        "_cause",
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
        """How many more there would have been without :data:`~slawatch.exposition.metrics.PHASES_PER_ENDPOINT`."""
        self._state: State | None = None
        self._cause: Cause | None = None
        self._last: Observation | None = None
        self._transition: Instant | None = None
        self._counts: Mapping[str, int] | None = None
        self._counted = _template(metrics.PROBES, labels, _VERDICTS, "%d.0")
        self._phases: tuple[str, ...] = ()
        self._durations = _template(metrics.PROBE_DURATION, labels, ("total",), "%r")
        self._expiry: Instant | None = None

    def write(
        self,
        state: State,
        cause: Cause | None,
        last: Observation | None,
        transition: Instant | None,
        counts: Mapping[str, int],
    ) -> list[int]:
        """Bring the lines up to date by an endpoint's status; the columns that have changed."""
        changed: list[int] = []
        if state is not self._state or cause is not self._cause:
            self._write_state(state, cause)
            changed += _OF_STATE
        if transition != self._transition:
            self._write_transition(transition)
            changed.append(_TRANSITION)
        if counts is not self._counts:
            self._write_counts(counts)
            changed.append(_PROBES)
        if last is not self._last:
            self._write_last(last)
            changed.append(_DURATION)
            if (None if last is None else last.certificate_expiry) != self._expiry:
                self._write_expiry(None if last is None else last.certificate_expiry)
                changed.append(_EXPIRY)
        return changed

    def _write_state(self, state: State, cause: Cause | None) -> None:
        self._state, self._cause = state, cause
        known, labels, cells = state is not State.UNKNOWN, self.labels, self.cells
        up = f"{prefix(metrics.ENDPOINT_UP, labels)}{float(state is not State.DOWN)}\n"
        degraded = f"{prefix(metrics.ENDPOINT_DEGRADED, labels)}{float(state is State.DEGRADED)}\n"
        cells[0], cells[1] = (up, degraded) if known else ("", "")
        cells[2] = f"{prefix(metrics.ENDPOINT_KNOWN, labels)}{float(known)}\n"
        cells[3] = "" if cause is None else f"{prefix(metrics.ENDPOINT_UNKNOWN, (*labels, cause.value))}1.0\n"

    def _write_transition(self, at: Instant | None) -> None:
        self._transition = at
        name = metrics.ENDPOINT_LAST_TRANSITION
        self.cells[_TRANSITION] = "" if at is None else f"{prefix(name, self.labels)}{seconds(at)}\n"

    def _write_counts(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        get = counts.get
        numbers = get("up", 0), get("degraded", 0), get("down", 0), get("void", 0)
        if max(numbers) < GO_SWITCHES_AT:
            self.cells[_PROBES] = self._counted % numbers
        else:
            self.cells[_PROBES] = _template(metrics.PROBES, self.labels, _VERDICTS, "%s") % tuple(map(count, numbers))

    def _write_last(self, last: Observation | None) -> None:
        self._last = last
        if last is None:
            self.cells[_DURATION], self.withheld = "", 0
            return
        phases = last.phases[: metrics.PHASES_PER_ENDPOINT]
        names = tuple([name for name, _ in phases])
        if names != self._phases:
            self._phases = names
            self._durations = _template(metrics.PROBE_DURATION, self.labels, ("total", *names), "%r")
        lengths = [last.duration / 1e6, *[length / 1e6 for _, length in phases]]
        if max(lengths) < GO_SWITCHES_AT:
            self.cells[_DURATION] = self._durations % tuple(lengths)
        else:
            form = _template(metrics.PROBE_DURATION, self.labels, ("total", *names), "%s")
            self.cells[_DURATION] = form % tuple(map(number, lengths))
        self.withheld = len(last.phases) - len(phases)

    def _write_expiry(self, expiry: Instant | None) -> None:
        self._expiry = expiry
        name = metrics.TLS_EXPIRY
        self.cells[_EXPIRY] = "" if expiry is None else f"{prefix(name, self.labels)}{seconds(expiry)}\n"


def _template(metric: Metric, labels: tuple[str, ...], words: tuple[str, ...], form: str) -> str:
    """A line for each word, the value of the last label, with ``form`` where its number goes."""
    heads = [prefix(metric, (*labels, word)).replace("%", "%%") for word in words]
    return "".join([f"{head}{form}\n" for head in heads])
