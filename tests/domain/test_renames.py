"""A rename changes what the parts of an agreement are called, and nothing else of it."""

from __future__ import annotations

import pytest

from slawatch.domain.composite import parse_expression
from slawatch.domain.renames import with_renamed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("router", "gateway"),
        ("router and (isp_a or isp_b)", "gateway and (isp_a or isp_b)"),
        ("2 of (router, isp_a, isp_b)", "2 of (gateway, isp_a, isp_b)"),
        ("weighted(router: 3, isp_a: 1) >= 12.5%", "weighted(gateway: 3, isp_a: 1) >= 12.5%"),
        ("(router or isp_a) and (router or isp_b)", "(gateway or isp_a) and (gateway or isp_b)"),
        ("router_two", "router_two"),
    ],
)
def test_expressions_say_the_new_name(before: str, after: str) -> None:
    """Wherever the old name stands as a whole, and nowhere else."""
    terms = {"up_when": before, "services": {"uplink": before}, "parents": {"isp_a": "router", "router": "core"}}
    renamed = with_renamed({**terms, "standard": "99%"}, "router", "gateway")
    assert parse_expression(renamed["up_when"]) == parse_expression(after)
    assert parse_expression(renamed["services"]["uplink"]) == parse_expression(after)
    assert renamed["parents"] == {"isp_a": "gateway", "gateway": "core"}
    assert renamed["standard"] == "99%"
    assert terms["up_when"] == before


def test_what_does_not_name_it_keeps_its_words() -> None:
    """Terms that the rename does not touch stay the same text, spaces included."""
    terms = {"up_when": "a  and b", "services": {}, "parents": {}}
    assert with_renamed(terms, "router", "gateway") == terms
