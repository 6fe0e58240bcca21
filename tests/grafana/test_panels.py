"""Each dashboard's panels with their kinds, units and thresholds, written down: what changes is changed here as well.

A line is a panel: title, kind, unit, thresholds from below (a word for the colour, and from which value on). Lines that
are set in are columns of a table that have a unit or thresholds of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from grafana.reading import ALL, Json, name_of, panels
from slawatch.exposition.grafana import look
from slawatch.exposition.grafana.dashboard import Dashboard

COLOURS = {look.QUIET: "quiet", look.UP: "up", look.DEGRADED: "degraded", look.DOWN: "down", look.UNKNOWN: "unknown"}

TABLES = {
    "contracts": """
Contracts | stat | short | quiet
Breaching or lost | stat | short | quiet, down from 1
At risk | stat | short | quiet, degraded from 1
Endpoints down | stat | short | quiet, down from 1
Endpoints unknown | stat | short | quiet, degraded from 1
Contracts, the worst first | table | none | quiet
  State | none
  Low | percentunit
  Point | percentunit
  High | percentunit
  Target | percentunit
  Budget left | s | down, quiet from 0
  Of budget | percentunit | down, degraded from 0, quiet from 0.25
  Breaches at | dateTimeAsIso
  At stake | none
  Coverage | percentunit | degraded, quiet from 0.95
  Period ends | dateTimeAsIso
Budget left | timeseries | percentunit | down, degraded from 0, quiet from 0.25
Burn rate | timeseries | none | quiet, degraded from 1
""",
    "contract": """
State | stat | none | quiet
Availability | stat | percentunit | quiet
Target | stat | percentunit | quiet
Budget left | stat | s | down, quiet from 0
Breaches at | stat | dateTimeAsIso | quiet
Period ends | stat | dateTimeAsIso | quiet
Budget burn-down | timeseries | s | down, quiet from 0
Where the period can still end | timeseries | percentunit | quiet
Availability to date: low, point, high | timeseries | percentunit | quiet
Burn rate by window | timeseries | none | quiet, degraded from 1
Time of the period by class | timeseries | s | quiet
Coverage | timeseries | percentunit | quiet
Last period | stat | none | quiet
Last availability | stat | percentunit | quiet
Credit due | stat | none | quiet
Money at stake | timeseries | none | quiet
Terms in force | table | none | quiet
  In force | none
Review overdue | stat | s | quiet, degraded from 1, down from 86400
""",
    "endpoints": """
State | state-timeline | none | quiet
Why unknown | state-timeline | none | quiet
Probe duration | timeseries | s | quiet
Probe duration by phase | timeseries | s | quiet
Probes by result | timeseries | cps | quiet
Latest change of state | table | none | quiet
  Changed at | dateTimeAsIso
  Known | none
Certificates | table | none | quiet
  Expires at | dateTimeAsIso
  Left | s | down, degraded from 604800, quiet from 1.8144e+06
""",
    "business": """
Money by client and currency | table | none | quiet
  At stake | none
  Due | none
At stake over time | timeseries | none | quiet
Contracts by level | timeseries | short | quiet
Contracts, the worst first | table | none | quiet
  State | none
  Of budget | percentunit | down, degraded from 0, quiet from 0.25
  At stake | none
Verdicts on the periods before | table | none | quiet
  Verdict | none
  Availability | percentunit
  Due | none
Reviews overdue | table | none | quiet
  Overdue | s | quiet, degraded from 1, down from 86400
""",
    "monitor": """
Configuration | stat | none | quiet
Configurations taken up | stat | short | quiet
Latest judgement | stat | s | quiet, degraded from 15, down from 60
Ledger | stat | none | quiet
Ballast | stat | none | quiet
Latest commit | stat | s | quiet, degraded from 60
What runs here | table | none | quiet
  Running | none
Lateness of probes | heatmap | s | quiet
Lateness, quantiles | timeseries | s | quiet
Delay of the event loop | timeseries | s | quiet, degraded from 0.1, down from 1
Probes that were not made | timeseries | cps | quiet
Entries that wait | timeseries | short | quiet
Commits | timeseries | cps | quiet
Spool | timeseries | bytes | quiet
Observations given up | timeseries | cps | quiet
Our own DNS servers | state-timeline | none | quiet
How long our DNS servers take | timeseries | s | quiet
Questions to our DNS servers | timeseries | cps | quiet
Paths | state-timeline | none | quiet
Series in an answer | timeseries | short | quiet
""",
    "history": """
State | state-timeline | none | quiet
Each day by state | timeseries | s | quiet
Availability by day | table | none | quiet
  available | percentunit
  down | s | quiet, down from 1e-06
  unknown | s
Outages | table | none | quiet
  low | s
  point | s
  high | s
  unknown | s
Changes of state | table | none | quiet
  seconds | s
Blips | table | none | quiet
  seconds | s
Probe duration | timeseries | s | quiet
What happened to slawatch | table | none | quiet
""",
}


def lines(dashboard: Dashboard) -> Iterator[str]:
    for panel in panels(dashboard.json()):
        defaults = panel["fieldConfig"]["defaults"]
        parts = [panel["title"], panel["type"], defaults["unit"], _thresholds(defaults["thresholds"])]
        yield " | ".join(parts)
        for each in panel["fieldConfig"]["overrides"]:
            own = {item["id"]: item["value"] for item in each["properties"]}
            if "unit" in own or "thresholds" in own:
                shown = [each["matcher"]["options"], own.get("unit", "")]
                yield "  " + " | ".join(shown + ([_thresholds(own["thresholds"])] if "thresholds" in own else []))


def _thresholds(thresholds: Json) -> str:
    assert thresholds["mode"] == "absolute"
    first, *rest = thresholds["steps"]
    assert first["value"] is None
    return ", ".join([COLOURS[first["color"]], *(f"{COLOURS[each['color']]} from {each['value']:g}" for each in rest)])


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_panels_are_as_they_are_written_down(dashboard: Dashboard) -> None:
    name = re.sub(r"^history-.*", "history", dashboard.name)
    assert list(lines(dashboard)) == TABLES[name].strip("\n").splitlines()
