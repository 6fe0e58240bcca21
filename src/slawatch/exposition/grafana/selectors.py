"""Series as PromQL selects them, from the constants of metrics and no other names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slawatch.exposition.metrics import Kind, Metric

_MATCHER = re.compile(r"(=~|!~|!=|=)?(.*)", re.DOTALL)


def series(metric: Metric, matchers: dict[str, str] | None = None) -> str:
    """``name{label="value"}``. A value may begin with its operator: ``!=total``, ``=~$client``; else it is ``=``.

    Raises ValueError for a label that the metric does not have, and for a histogram, which has no series of its name.
    """
    if metric.kind is Kind.HISTOGRAM:
        raise ValueError(f"{metric.name} is a histogram: it has buckets, a sum and a count")
    return _selected(metric, metric.name, metric.labels, matchers or {})


def buckets(metric: Metric, matchers: dict[str, str] | None = None) -> str:
    """The buckets of a histogram, with their label ``le``. Raises ValueError for any other metric."""
    if metric.kind is not Kind.HISTOGRAM:
        raise ValueError(f"{metric.name} has no buckets")
    return _selected(metric, f"{metric.name}_bucket", (*metric.labels, "le"), matchers or {})


def _selected(metric: Metric, name: str, labels: Sequence[str], matchers: dict[str, str]) -> str:
    strangers = matchers.keys() - set(labels)
    if strangers:
        raise ValueError(f"{metric.name} has no label {', '.join(sorted(strangers))}; it has {', '.join(labels)}")
    return f"{name}{{{', '.join(_matcher(label, value) for label, value in matchers.items())}}}" if matchers else name


def _matcher(label: str, value: str) -> str:
    found = _MATCHER.fullmatch(value)
    assert found is not None
    escaped = found[2].replace("\\", "\\\\").replace('"', '\\"')
    return f'{label}{found[1] or "="}"{escaped}"'


def largest(labels: Sequence[str], expression: str) -> str:
    """One series for each combination of ``labels``: whoever scrapes twice (two jobs, two replicas) counts once."""
    return f"max by ({', '.join(labels)}) ({expression})"


def coded(codes: dict[str, int], metric: Metric, label: str, matchers: dict[str, str] | None = None) -> str:
    """Which of several series is 1, as a number: the code of its ``label``, for value mappings that give words.

    Codes begin at 1, since a comparison keeps the 1 of the series and multiplies it.
    """
    parts = [f"{code} * ({series(metric, {**(matchers or {}), label: value})} == 1)" for value, code in codes.items()]
    return " or ".join(parts)


def cut(expression: str) -> str:
    """A ratio, cut after the fourth digit of its percentage: 99.99996 % is shown as 99.9999 %, never as 100 %.

    The millionth of a digit that is added first makes up for binary fractions just below a whole one.
    """
    return f"floor(1000000 * {expression} + 0.000001) / 1000000"
