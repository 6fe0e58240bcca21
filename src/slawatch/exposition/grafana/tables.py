"""Tables: one row for each contract, endpoint or whatever the key columns name; one query for each figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slawatch.exposition.grafana.look import Json
from slawatch.exposition.grafana.panels import Panel, Prom, Target, override

CUSTOM: Json = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True}
WORD_IN_COLOUR: Json = {"type": "color-text"}
"""A cell whose text has the colour of its mapping or threshold."""


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of the table: its heading, its query and how it is shown."""

    title: str
    expression: str
    unit: str
    properties: Mapping[str, object] = field(default_factory=dict)
    """More of the field's configuration, as :func:`~slawatch.exposition.grafana.panels.override` takes it."""


def in_colour(**properties: object) -> Json:
    """Properties of a column whose text is coloured by its thresholds or words."""
    return {"custom__cellOptions": WORD_IN_COLOUR, **properties}


def figures(
    title: str,
    description: str,
    keys: Mapping[str, str],
    columns: Sequence[Column],
    *,
    sort: str,
    width: int = 24,
    height: int = 10,
    overrides: Sequence[Json] = (),
) -> Panel:
    """``keys`` are labels with their headings; every query must give exactly these. ``sort`` is the heading that the
    rows are sorted by, the greatest first.

    Grafana's `merge` puts into one row what agrees in all fields that the results share, which are the keys: a contract
    without a figure (no breach ahead, no penalty) has an empty cell there.
    """
    targets = [Prom(column.expression, instant=True, form="table") for column in columns]
    values = [f"Value #{chr(ord('A') + index)}" if len(columns) > 1 else "Value" for index in range(len(columns))]
    # Where all other results are empty Grafana calls the one that is left plain "Value".
    names = {
        **keys,
        "Value": columns[0].title,
        **{value: column.title for value, column in zip(values, columns, strict=True)},
    }
    organize = {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": {name: index for index, name in enumerate(names)},
            "renameByName": names,
        },
    }
    looks = [override(column.title, unit=column.unit, **column.properties) for column in columns]
    return rows(
        title,
        description,
        targets,
        sort=sort,
        width=width,
        height=height,
        overrides=[*looks, *overrides],
        transformations=[{"id": "merge", "options": {}}, organize],
    )


def rows(
    title: str,
    description: str,
    targets: Sequence[Target],
    *,
    sort: str,
    width: int = 24,
    height: int = 10,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
) -> Panel:
    """Rows as the queries give them."""
    return Panel(
        "table",
        title,
        description,
        "none",
        targets,
        width,
        height,
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "frameIndex": 0,
            "sortBy": [{"displayName": sort, "desc": True}],
        },
        custom=CUSTOM,
        defaults={"color": {"mode": "thresholds"}},
        overrides=overrides,
        transformations=transformations,
    )
