"""The dashboards as the tests walk them: panels, and every query with the words that Grafana would fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from slawatch.exposition.grafana.dashboard import PROMETHEUS, Dashboard
from slawatch.exposition.grafana.files import dashboards

Json = dict[str, Any]

ALL = dashboards()
OVER_PROMETHEUS = [dashboard for dashboard in ALL if dashboard.source == PROMETHEUS]
OVER_SQL = [dashboard for dashboard in ALL if dashboard.source != PROMETHEUS]

_VARIABLE = re.compile(r"\$\{(\w+)(?:\.[\w.]+)?(?::\w+)?\}|\$(\w+)")


def name_of(dashboard: Dashboard) -> str:
    return dashboard.name


class Query(NamedTuple):
    """One query where it stands: a panel's, an annotation's or a variable's."""

    dashboard: str
    where: str
    text: str
    instant: bool = False

    @property
    def place(self) -> str:
        return f"{self.dashboard}: {self.where}"


def panels(document: Json) -> list[Json]:
    """Its panels without the headings of rows."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def text_of(target: Json) -> str:
    found: str = target.get("expr") or target.get("rawSql") or target["rawQueryText"]
    return found


def panel_queries(dashboard: Dashboard) -> Iterator[Query]:
    for panel in panels(dashboard.json()):
        for target in panel["targets"]:
            where = f"{panel['title']} {target['refId']}"
            yield Query(dashboard.name, where, text_of(target), target.get("instant", False))


def annotation_queries(dashboard: Dashboard) -> Iterator[Query]:
    for annotation in dashboard.json()["annotations"]["list"]:
        if not annotation.get("builtIn"):
            yield Query(dashboard.name, f"annotation {annotation['name']}", annotation["target"]["expr"])


def variable_queries(dashboard: Dashboard) -> Iterator[Query]:
    for variable in dashboard.json()["templating"]["list"]:
        if variable["type"] == "query":
            asked = variable["query"]
            yield Query(
                dashboard.name, f"variable {variable['name']}", asked if isinstance(asked, str) else asked["query"]
            )


def queries(dashboard: Dashboard) -> list[Query]:
    return [*panel_queries(dashboard), *annotation_queries(dashboard), *variable_queries(dashboard)]


def variables_in(text: str) -> set[str]:
    """The names of all variables that a text uses, Grafana's own (``__from``) among them."""
    return {braced or plain for braced, plain in _VARIABLE.findall(text)}


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """A query as Grafana sends it. ``sqlstring`` quotes; a variable without a value raises KeyError."""

    def value(match: re.Match[str]) -> str:
        found = values[match[1] or match[2]]
        return "'" + found.replace("'", "''") + "'" if match[0].endswith(":sqlstring}") else found

    return _VARIABLE.sub(value, text)
