"""The same samples as families of ``prometheus_client``, and their text as that library writes it.

It writes the heads of every answer, and all of an answer that spells names otherwise. For the rest it is the model:
what :mod:`slawatch.exposition.renderer` writes is held to it byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from slawatch.exposition import metrics
from slawatch.exposition.metrics import Kind, Metric
from slawatch.exposition.rows import Row
from slawatch.exposition.self_metrics import Histogram

Encode = Callable[[Collector], bytes]
"""One of the library's formats."""

END = "# EOF\n"
"""How OpenMetrics ends."""


def families(rows: Iterable[Row], histogram: Family | None = None) -> Iterator[Family]:
    """Every metric that has a sample, in the order of :data:`~slawatch.exposition.metrics.METRICS`."""
    made: dict[str, Family] = {} if histogram is None else {histogram.name: histogram}
    for metric, labels, value in rows:
        family = made.get(metric.name)
        if family is None:
            family = made[metric.name] = _family(metric)
        assert isinstance(family, GaugeMetricFamily | CounterMetricFamily)
        family.add_metric(labels, value)
    return (made[metric.name] for metric in metrics.METRICS if metric.name in made)


def encoded(made: Sequence[Family], encode: Encode) -> bytes:
    """Families as one whole answer."""
    return encode(_Once(made))


def head(metric: Metric, encode: Encode) -> str:
    """A metric's lines of help, type and unit."""
    return _without_end(encoded([_family(metric)], encode))


def histogram_lines(family: Family, encode: Encode) -> str:
    """A histogram with its head."""
    return _without_end(encoded([family], encode))


def end(encode: Encode) -> str:
    """What an answer ends with."""
    return encoded([], encode).decode()


def lateness_family(histogram: Histogram, site: str) -> Family:
    """The one histogram that there is."""
    metric = metrics.PROBE_LATENESS
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels, unit=metric.unit)
    running, buckets = 0, []
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        running += count
        buckets.append((repr(bound / 1_000_000), float(running)))
    buckets.append(("+Inf", float(sum(histogram.counts))))
    family.add_metric((site,), buckets, histogram.total / 1_000_000)
    return family


def _without_end(text: bytes) -> str:
    return text.decode().removesuffix(END)


class _Once(Collector):
    """Families that were already made, in the form that an encoder takes."""

    def __init__(self, made: Sequence[Family]) -> None:
        self._made = made

    def collect(self) -> Sequence[Family]:
        return self._made


def _family(metric: Metric) -> Family:
    if metric.kind is Kind.COUNTER:
        return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels, unit=metric.unit)
