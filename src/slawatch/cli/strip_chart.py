"""The history as strips in a terminal: one line an endpoint, time from left to right, the worst of each cell shown.

Shapes tell the classes apart; colour only helps (``NO_COLOR`` and pipes go without).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from slawatch.domain.history import History, add_row
from slawatch.domain.interval import DAY, Interval, to_datetime
from slawatch.domain.strip import cells, strip
from slawatch.domain.timeline import Timeline
from slawatch.evaluation.history_export import Selection

SHAPES: Mapping[str, tuple[str, str]] = {
    "up": ("▁", "green"),
    "degraded": ("▄", "yellow"),
    "down": ("█", "red"),
    "unknown": ("░", "dim"),
}
"""The character of each class, and the colour that goes with it."""
_NARROWEST = 20


async def print_strips(
    rows: AsyncIterator[dict[str, Any]], selection: Selection, zones: Mapping[str, ZoneInfo]
) -> None:
    """Draw every endpoint that the rows tell of. Without ``from`` the strip is the last day."""
    histories: dict[str, dict[str, None]] = {}
    history = History()
    async for row in rows:
        if row["type"] not in ("state", "blip", "correction", "until"):
            continue
        if "endpoint" in row:
            histories.setdefault(row["client"], {})[row["endpoint"]] = None
            row = row | {"endpoint": f"{row['client']}/{row['endpoint']}"}
        add_row(history, row)
    history.seal()
    console = Console(highlight=False, markup=False)
    if history.until is None or not histories:
        console.print("nothing is on record")
        return
    span = Interval(history.until - DAY if selection.start is None else selection.start, history.until)
    names = [f"{client}/{name}" for client in sorted(histories) for name in sorted(histories[client])]
    widest = max(map(len, names))
    width = max(_NARROWEST, console.width - widest - 1)
    zone = zones.get(next(iter(histories)), ZoneInfo("UTC")) if len(histories) == 1 else ZoneInfo("UTC")
    for name in names:
        console.print(Text(name.ljust(widest + 1)) + drawn(history.timeline(name), span, width), soft_wrap=True)
    start, end = (to_datetime(at).astimezone(zone).strftime("%Y-%m-%d %H:%M") for at in span)
    console.print(Text(" " * (widest + 1) + start + end.rjust(max(1, width - len(start)))), soft_wrap=True)
    console.print(Text(f"{zone.key}   " + "  ".join(f"{shape} {name}" for name, (shape, _) in SHAPES.items())))


def drawn(timeline: Timeline, span: Interval, width: int) -> Text:
    """One strip of ``width`` cells. A cell that touches several classes shows the worst of them."""
    text = Text()
    for cell in cells(strip(timeline, span, most=2**31), span, width):
        shape, colour = SHAPES[cell.kind]
        text.append(shape, colour)
    return text
