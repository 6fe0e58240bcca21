"""The reference's tables of metrics, made from their help texts: ``PYTHONPATH=tests python -m exposition.page``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from slawatch.exposition import metrics as m
from slawatch.exposition.metrics import METRICS, Metric

PATH = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

_BEGINS = {
    "endpoints": m.ENDPOINT_UP,
    "contracts": m.SLA_CONTRACT_INFO,
    "the period before": m.SLA_LAST_VERDICT,
    "the daemon": m.PROBE_LATENESS,
}
"""The first metric of each table; it goes on to the next."""
_SHARED = {"endpoints": m.ENDPOINT, "contracts": m.CONTRACT, "the period before": m.CONTRACT}
"""Labels that the text above a table names for all of it."""


def tables() -> dict[str, str]:
    """Each table by its name."""
    starts = [METRICS.index(first) for first in _BEGINS.values()]
    spans = pairwise([*starts, len(METRICS)])
    return {name: _table(METRICS[a:b], _SHARED.get(name, ())) for name, (a, b) in zip(_BEGINS, spans, strict=True)}


def _table(metrics: Sequence[Metric], shared: tuple[str, ...]) -> str:
    return "\n".join(["| Metric | Type | Is | Labels |", "|---|---|---|---|", *_rows(metrics, shared)])


def _rows(metrics: Sequence[Metric], shared: tuple[str, ...]) -> Iterator[str]:
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels if label not in shared)
        yield f"| `{metric.name}` | {metric.kind} | {metric.help} | {labels} |"


def page(text: str) -> str:
    """The document with its tables as they must be."""
    made = tables()

    def table(found: re.Match[str]) -> str:
        return f"<!-- metrics: {found[1]} -->\n{made[found[1]]}\n<!-- end -->"

    return re.sub(r"<!-- metrics: ([\w ]+) -->\n.*?\n<!-- end -->", table, text, flags=re.DOTALL)


if __name__ == "__main__":
    PATH.write_text(page(PATH.read_text(encoding="utf-8")), encoding="utf-8")
