"""The operators' page as fragments with ids: what each shows, its markup, and which judgement changed it last.

Each contract card, each endpoint's line and the summary is a fragment. One is rendered again only when what it shows
has changed, once for all who watch. A scene is immutable, so it can be drawn in a thread while the probes go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from slawatch.evaluation.board import Snapshot
from slawatch.web.rendering import Pages
from slawatch.web.views import Overview, overview


@dataclass(frozen=True, slots=True)
class Fragment:
    """One part of the page. ``changed`` is the generation of the board whose snapshot made it so."""

    view: object
    html: Markup
    changed: int


@dataclass(frozen=True, slots=True)
class Scene:
    """The whole page as of one snapshot. ``reordered`` is the generation that last changed what stands where."""

    generation: int
    view: Overview
    fragments: Mapping[str, Fragment] = field(repr=False)
    order: Mapping[str, tuple[str, ...]] = field(repr=False)
    reordered: int

    def html(self, name: str) -> Markup:
        """One fragment."""
        return self.fragments[name].html

    def column(self, name: str) -> list[Markup]:
        """The fragments of ``contracts`` or ``endpoints`` in their order."""
        return [self.html(key) for key in self.order[name]]

    @property
    def title(self) -> str:
        """What the browser's tab says: a mark when something is wrong, then the name."""
        return {"bad": "● slawatch", "warn": "▲ slawatch"}.get(self.view.summary.tone, "slawatch")

    def since(self, generation: int) -> dict[str, Any]:
        """What changed after a generation, as the page's script reads it."""
        return {
            "at": {"text": self.view.at.text, "iso": self.view.at.iso},
            "title": self.title,
            "fragments": {name: item.html for name, item in self.fragments.items() if item.changed > generation},
            "order": self.order if self.reordered > generation else {},
        }


def draw(pages: Pages, snapshot: Snapshot, limit: int | None, before: Scene | None) -> Scene:
    """The scene of a snapshot, with at most ``limit`` endpoints; what did not change is taken from the one before."""
    view = overview(snapshot, limit)
    parts: list[tuple[str, str, object]] = [("summary", "summary.html", view.summary)]
    parts += [(card.id, "card.html", card) for card in view.cards]
    parts += [(row.id, "row.html", row) for row in view.rows]
    known = {} if before is None else before.fragments
    fragments = {}
    for name, template, part in parts:
        kept = known.get(name)
        if kept is None or kept.view != part:
            kept = Fragment(part, pages.render(template, {"it": part}), snapshot.generation)
        fragments[name] = kept
    order = {"contracts": tuple(card.id for card in view.cards), "endpoints": tuple(row.id for row in view.rows)}
    same = before is not None and before.order == order
    reordered = before.reordered if before is not None and same else snapshot.generation
    return Scene(snapshot.generation, view, fragments, order, reordered)
