"""Terms under the names that endpoints have now: a rename changes no agreement, only what its parts are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slawatch.domain.composite import Expression, Member, Weighted, parse_expression


def with_renamed(terms: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Terms that say ``new`` wherever they said ``old``, in expressions and among parents; all else is kept."""
    changed = dict(terms)
    changed["up_when"] = _text(terms["up_when"], old, new)
    changed["services"] = {name: _text(text, old, new) for name, text in terms.get("services", {}).items()}
    changed["parents"] = {
        _name(child, old, new): _name(parent, old, new) for child, parent in terms.get("parents", {}).items()
    }
    return changed


def _name(name: str, old: str, new: str) -> str:
    return new if name == old else name


def _text(text: str, old: str, new: str) -> str:
    expression = parse_expression(text)
    renamed = _renamed(expression, old, new)
    return text if renamed == expression else str(renamed)


def _renamed(expression: Expression, old: str, new: str) -> Expression:
    if isinstance(expression, Member):
        return Member(_name(expression.name, old, new))
    members = tuple((_renamed(part, old, new), weight) for part, weight in expression.members)
    return Weighted(members, expression.needed, expression.form)
