"""Awkward servers, put to slawatch and to Debian's prometheus-blackbox-exporter: every difference is explained."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
import uvloop

from parity.both import Seen, deadline, put_to_both
from parity.page import PATH, page
from parity.row import Row
from parity.table import ROWS
from probes.certificates import authority
from slawatch.domain.interval import MILLISECOND
from support.blackbox import MakeBlackbox

OVERRUN = 250 * MILLISECOND
"""How far beyond its deadline a probe may end."""
MOST_MEMORY = 20_000_000
"""Bytes that one probe may cost at its peak."""


@pytest.fixture(scope="module")
def seen(blackbox: MakeBlackbox, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Seen]:
    """What both made of every row."""
    root = authority(tmp_path_factory.mktemp("authority"))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # asyncio's own TLS servers do not end well
        return runner.run(put_to_both(ROWS, blackbox, root))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(seen: Mapping[str, Seen], row: Row) -> None:
    both = seen[str(row)]
    for loop, ours in both.ours.items():
        assert (ours.verdict, ours.reason) == (row.verdict, row.ours), (loop, ours.detail)
        assert ours.elapsed - ours.starved <= deadline(row) + OVERRUN, (loop, ours)
        assert ours.memory <= MOST_MEMORY, (loop, ours)
        assert (ours.left, ours.complaints) == (0, []), loop
    assert both.theirs == row.theirs, both.log


def test_every_difference_is_explained_and_nothing_else() -> None:
    assert [str(row) for row in ROWS if row.differs != bool(row.why)] == []


def test_the_page_shows_the_table() -> None:
    """`PYTHONPATH=tests python -m parity.page` writes it anew."""
    assert PATH.read_text(encoding="utf-8") == page(ROWS)


def test_no_two_rows_have_one_name() -> None:
    assert len({str(row) for row in ROWS}) == len(ROWS)
