"""Expressions that panels are made of."""

from __future__ import annotations

from collections.abc import Sequence

from slawatch.exposition.metrics import Metric
from slawatch.exposition.promql import series


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
