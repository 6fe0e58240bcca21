"""The table as a document: ``PYTHONPATH=tests python -m parity.page`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from parity.row import Row
from parity.table import ROWS

PATH = Path(__file__).parents[2] / "docs" / "explanation" / "verdicts-beside-blackbox.md"

INTRODUCTION = """\
# Verdicts beside blackbox_exporter's

A probe that is wrong about a server is wrong about its availability, so what slawatch says of awkward servers is held
against what a widely used prober says of the same ones: Debian's `prometheus-blackbox-exporter` (0.23). The tests start
{count} servers on loopback, most of which misbehave in one way, and have both probe them. This page is made from the
rows of those tests, in `tests/parity`; it is not written by hand, and a test holds it equal.

Both are asked the same question, as far as both can be: the same address, the same certificate authority, the same
text or record expected. Each of slawatch's probes runs in a process of its own that measures it, on asyncio's own loop
and on uvloop: it ends no later than 250 ms after its deadline, costs at most 20 MB, and leaves no descriptor, task or
complaint behind. Time for which the kernel had the process wait for a processor is not counted as the probe's.

In {differing} of {count} rows the two differ. Each of these says why.
"""

DIFFERENCES = """
## Where they differ

`never` means that the exporter did not come back, although its own deadline had passed. Void says nothing of the
server: such time is unknown.
"""

TABLES = """
## All of them

Reasons are those of the [verdict tables](../reference/probes.md).
"""


def page(rows: Iterable[Row]) -> str:
    """The whole document."""
    every = list(rows)
    differing = [row for row in every if row.why]
    introduction = INTRODUCTION.format(count=len(every), differing=len(differing))
    parts = [introduction, DIFFERENCES, *map(_with_reasons, _by_kind(differing)), TABLES]
    return "".join([*parts, *map(_plain, _by_kind(every))])


def _by_kind(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    return [(kind, list(group)) for kind, group in groupby(rows, key=lambda row: row.ask.kind)]


def _with_reasons(section: tuple[str, list[Row]]) -> str:
    kind, rows = section
    lines = [f"\n### `{kind}`: differences\n", "| server | slawatch | exporter | why |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.verdict}, `{row.ours}` | {row.theirs} | {row.why} |" for row in rows]
    return "\n".join([*lines, ""])


def _plain(section: tuple[str, list[Row]]) -> str:
    kind, rows = section
    lines = [f"\n### `{kind}`\n", "| server | slawatch | exporter |", "|---|---|---|"]
    lines += [f"| {row.name} | {row.verdict}, `{row.ours}` | {row.theirs} |" for row in rows]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PATH.write_text(page(ROWS), encoding="utf-8")
