"""Panels as Grafana's dashboards keep them: a table, a curve, a timeline, a figure, a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from slawatch.exposition.grafana.look import DEGRADED, PLAIN, Json


class Target(Protocol):
    """A query of a panel, in whatever language its data source speaks."""

    def json(self, ref: str, source: Json) -> Json:
        """As the panel keeps it, under the letter ``ref``."""
        ...


@dataclass(frozen=True, slots=True)
class Prom:
    """A query in PromQL. ``instant`` asks for now alone; ``form`` is ``time_series``, ``table`` or ``heatmap``."""

    expression: str
    legend: str = ""
    instant: bool = False
    form: str = "time_series"

    def json(self, ref: str, source: Json) -> Json:
        """As Grafana's Prometheus source keeps it."""
        return {
            "refId": ref,
            "datasource": source,
            "editorMode": "code",
            "expr": self.expression,
            "format": self.form,
            "instant": self.instant,
            "range": not self.instant,
            "legendFormat": self.legend or "__auto",
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has its place. ``defaults`` and ``overrides`` are those of Grafana's field configuration."""

    kind: str
    title: str
    description: str
    unit: str
    targets: Sequence[Target]
    width: int = 12
    height: int = 8
    options: Json = field(default_factory=dict)
    custom: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    transformations: Sequence[Json] = ()
    links: Sequence[Json] = ()

    def json(self, number: int, x: int, y: int, source: Json) -> Json:
        """With its number and place on the grid of 24 columns."""
        defaults: Json = {"unit": self.unit, "thresholds": PLAIN, "mappings": [], **self.defaults}
        if self.custom:
            defaults["custom"] = self.custom
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": source,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [target.json(chr(ord("A") + index), source) for index, target in enumerate(self.targets)],
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": self.options,
            "transformations": list(self.transformations),
            "links": list(self.links),
        }


# --- Fields ----------------------------------------------------------------------------------------------------------


def override(name: str, **properties: object) -> Json:
    """Another configuration for one field or series; ``custom__width`` stands for ``custom.width``."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def dashed(pattern: str) -> Json:
    """Limits that a curve is held against: every series whose name matches, in the colour of alarm."""
    look = override("", color={"mode": "fixed", "fixedColor": DEGRADED}, custom__lineStyle=DASHES, custom__lineWidth=1)
    return {**look, "matcher": {"id": "byRegexp", "options": f"/{pattern}/"}}


DASHES: Json = {"fill": "dash", "dash": [6, 6]}


def coloured(name: str, colour: str, **more: object) -> Json:
    """One series in one colour."""
    return override(name, color={"mode": "fixed", "fixedColor": colour}, **more)


def data_link(title: str, url: str) -> list[Json]:
    """A link of a cell or a point; it stays in the same tab, and Grafana's back button leads back."""
    return [{"title": title, "url": url, "targetBlank": False}]


# --- Kinds of panels -------------------------------------------------------------------------------------------------

_TOOLTIP = {"mode": "multi", "sort": "none"}


def legend(*calcs: str) -> Json:
    """Below the curves; as a table where it computes something (``lastNotNull``, ``max``)."""
    return {
        "showLegend": True,
        "displayMode": "table" if calcs else "list",
        "placement": "bottom",
        "calcs": list(calcs),
    }


LINE: Json = {
    "drawStyle": "line",
    "lineInterpolation": "stepAfter",
    "lineWidth": 1,
    "fillOpacity": 0,
    "showPoints": "auto",
    "pointSize": 4,
    "spanNulls": False,
}
"""A figure holds until the next one, and a gap stays a gap: nobody looked there."""


def curves(
    title: str,
    description: str,
    unit: str,
    targets: Sequence[Target],
    *,
    width: int = 12,
    height: int = 8,
    stacked: bool = False,
    custom: Mapping[str, object] | None = None,
    defaults: Json | None = None,
    overrides: Sequence[Json] = (),
    calcs: Sequence[str] = (),
) -> Panel:
    """Curves over time. ``stacked`` puts them on top of each other, as areas."""
    areas: Json = {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 60, "lineWidth": 0} if stacked else {}
    return Panel(
        "timeseries",
        title,
        description,
        unit,
        targets,
        width,
        height,
        options={"legend": legend(*calcs), "tooltip": _TOOLTIP},
        custom={**LINE, **areas, **(custom or {})},
        defaults={"color": {"mode": "palette-classic"}, **(defaults or {})},
        overrides=overrides,
    )


def thresholds_shown() -> Json:
    """Draw the thresholds as dashed lines into the curves."""
    return {"thresholdsStyle": {"mode": "dashed"}}


def figure(
    title: str,
    description: str,
    unit: str,
    expression: str,
    *,
    width: int = 4,
    height: int = 4,
    defaults: Json | None = None,
    links: Sequence[Json] = (),
) -> Panel:
    """One figure of now, as text; its colour is that of its threshold or word."""
    return Panel(
        "stat",
        title,
        description,
        unit,
        [Prom(expression, instant=True)],
        width,
        height,
        options={
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "textMode": "value",
            "wideLayout": True,
            "showPercentChange": False,
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        defaults={"color": {"mode": "thresholds"}, **(defaults or {})},
        links=links,
    )


def timeline(
    title: str,
    description: str,
    targets: Sequence[Target],
    *,
    unit: str = "none",
    width: int = 24,
    height: int = 10,
    mappings: Sequence[Json] = (),
    links: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
) -> Panel:
    """States over time, each with its word in its band."""
    return Panel(
        "state-timeline",
        title,
        description,
        unit,
        targets,
        width,
        height,
        options={
            "mergeValues": True,
            "alignValue": "left",
            "rowHeight": 0.85,
            "showValue": "auto",
            "legend": legend(),
            "tooltip": {"mode": "single", "sort": "none"},
        },
        custom={"fillOpacity": 75, "lineWidth": 0},
        defaults={
            "color": {"mode": "thresholds"},
            "mappings": list(mappings),
            **({"links": list(links)} if links else {}),
        },
        transformations=transformations,
    )


def heatmap(title: str, description: str, unit: str, target: Target, *, width: int = 12, height: int = 8) -> Panel:
    """Buckets over time; one hue, darker where more fell."""
    return Panel(
        "heatmap",
        title,
        description,
        unit,
        [target],
        width,
        height,
        options={
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Greys",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-blue",
                "reverse": False,
                "steps": 32,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
        custom={"scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": False, "tooltip": False, "viz": False}},
    )
