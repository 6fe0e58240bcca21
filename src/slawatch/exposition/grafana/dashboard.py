"""A dashboard: its variables, annotations, links and rows of panels, and where each panel stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slawatch.exposition.grafana.look import Json
from slawatch.exposition.grafana.panels import Panel

SCHEMA_VERSION = 38
"""That of Grafana 10.0; every later one brings it up to its own as it loads."""

PROMETHEUS = "prometheus"
POSTGRES = "grafana-postgresql-datasource"
SQLITE = "frser-sqlite-datasource"
"""Data sources by the type that Grafana knows them by."""

TAG = "slawatch"
COLUMNS = 24

_REFRESH_ON_LOAD, _REFRESH_ON_TIME_RANGE = 1, 2
_SORT_BY_LETTER = 1


def uid_of(name: str) -> str:
    """A dashboard's address: it stays, so that links and bookmarks do."""
    return f"slawatch-{name}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """Spans or moments that are marked in every curve. ``text`` may hold labels, ``{{client}}``."""

    name: str
    expression: str
    colour: str
    title: str
    text: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Variable:
    """What is chosen at the top, from the answer to ``query``; ``every`` offers all of them together."""

    name: str
    label: str
    query: str
    every: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """From the top of one dashboard to another of the same source. ``variables`` go along as they are chosen."""

    title: str
    tooltip: str
    name: str
    variables: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``name`` makes its address. ``rows`` hold panels side by side; a panel that finds no room begins a new line."""

    name: str
    title: str
    description: str
    rows: Sequence[tuple[str, Sequence[Panel]]]
    source: str = PROMETHEUS
    variables: Sequence[Variable] = ()
    annotations: Sequence[Annotation] = ()
    links: Sequence[Link] = ()
    since: str = "now-24h"
    refresh: str = "1m"
    timezone: str = "browser"
    """``browser`` is the reader's own; ``utc`` where days are those of UTC."""

    @property
    def uid(self) -> str:
        """Its address in Grafana."""
        return uid_of(self.name)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in the order in which they stand."""
        return tuple(panel for _, panels in self.rows for panel in panels)

    def json(self) -> Json:
        """What Grafana imports and provisions."""
        source = {"type": self.source, "uid": "${datasource}"}
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": self.timezone,
            "weekStart": "",
            "fiscalYearStartMonth": 0,
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "refresh": self.refresh,
            "templating": {
                "list": [_source_variable(self.source), *(self._variable(each, source) for each in self.variables)]
            },
            "annotations": {"list": [_BUILT_IN, *(_annotation(each, source) for each in self.annotations)]},
            "links": [*map(_link, self.links), _OTHERS],
            "panels": _placed(self.rows, source),
        }

    def _variable(self, variable: Variable, source: Json) -> Json:
        chosen: Json = {"current": {"selected": True, "text": "All", "value": "$__all"}, "allValue": ".*"}
        return {
            "name": variable.name,
            "label": variable.label,
            "type": "query",
            "datasource": source,
            "query": _PROM_VARIABLE | {"query": variable.query} if self.source == PROMETHEUS else variable.query,
            "refresh": _REFRESH_ON_TIME_RANGE if self.source == PROMETHEUS else _REFRESH_ON_LOAD,
            "sort": _SORT_BY_LETTER,
            "regex": "",
            "hide": 0,
            "skipUrlSync": False,
            "multi": variable.every,
            "includeAll": variable.every,
            "options": [],
            **(chosen if variable.every else {}),
        }


_PROM_VARIABLE = {"qryType": 1, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
"""How Grafana's Prometheus source marks a query for the values of a label."""

_BUILT_IN: Json = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}

_OTHERS: Json = {
    "type": "dashboards",
    "title": "slawatch",
    "tags": [TAG],
    "asDropdown": True,
    "includeVars": False,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "The other dashboards of slawatch",
    "url": "",
}
"""Takes no variables along: "all clients" is none that a dashboard of one contract could show, and a data source of
another type is none to ask."""


def _link(link: Link) -> Json:
    carried = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", *link.variables))
    return {
        **_OTHERS,
        "type": "link",
        "title": link.title,
        "tags": [],
        "asDropdown": False,
        "icon": "dashboard",
        "tooltip": link.tooltip,
        "url": f"/d/{uid_of(link.name)}?{carried}",
    }


def _source_variable(source: str) -> Json:
    """The data source is chosen at the top; Grafana begins with the default one of its type."""
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": source,
        "regex": "",
        "refresh": _REFRESH_ON_LOAD,
        "hide": 0,
        "skipUrlSync": False,
        "multi": False,
        "includeAll": False,
        "options": [],
    }


def _annotation(annotation: Annotation, source: Json) -> Json:
    return {
        "name": annotation.name,
        "datasource": source,
        "enable": annotation.enabled,
        "hide": False,
        "iconColor": annotation.colour,
        "target": {"refId": "Anno", "expr": annotation.expression, "interval": ""},
        "titleFormat": annotation.title,
        "textFormat": annotation.text,
    }


def _placed(rows: Sequence[tuple[str, Sequence[Panel]]], source: Json) -> list[Json]:
    """Every row begins with its heading; panels go from left to right, and down where the line is full."""
    placed: list[Json] = []
    y = 0
    for title, panels in rows:
        if title:
            heading = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
            number = len(placed) + 1
            placed.append(
                {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": heading, "panels": []}
            )
            y += 1
        x = line = 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                x, y, line = 0, y + line, 0
            placed.append(panel.json(len(placed) + 1, x, y, source))
            x, line = x + panel.width, max(line, panel.height)
        y += line
    return placed
