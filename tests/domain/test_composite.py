"""Service expressions: three-valued logic on time-aligned states (S16)."""

from __future__ import annotations

from itertools import product

import pytest

from domain.small_cases import spell, timeline_of
from slawatch.domain.composite import Member, expand, names_in, parse_expression, state_of
from slawatch.domain.facts import State
from slawatch.domain.timeline import HIGH, LOW, Timeline, service_timeline

U, D, F, X = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN


@pytest.mark.parametrize(
    ("expression", "table"),
    [
        # `and` takes the worst; unknown matters only while nothing is down
        ("a and b", {"UU": U, "UD": D, "UF": F, "UX": X, "DD": D, "DF": F, "DX": X, "FF": F, "FX": F, "XX": X}),
        # `or` takes the best; a member that is up settles it, a degraded one is the least that is certain
        ("a or b", {"UU": U, "UD": U, "UF": U, "UX": U, "DD": D, "DF": D, "DX": D, "FF": F, "FX": X, "XX": X}),
        ("1 of (a, b)", {"UF": U, "DF": D, "FF": F, "FX": X, "UX": U}),
        ("2 of (a, b)", {"UU": U, "UD": D, "UF": F, "UX": X, "FX": F}),
        # the highest level that two of three reach
        (
            "2 of (a, b, c)",
            {
                "UUU": U,
                "UUF": U,
                "UDF": D,
                "DDF": D,
                "UFF": F,
                "UDU": U,
                "FFX": F,
                "UFX": X,
                "UUX": U,
                "UDX": D,
                "UXX": X,
            },
        ),
        # a weighs 3 of 4: 75 %. With a alone up 75 % is reached, without a never
        ("weighted(a: 3, b: 1) >= 75%", {"UF": U, "FU": F, "DU": D, "XU": X, "FX": F, "UX": U, "UD": U}),
        # 76 % needs both
        ("weighted(a: 3, b: 1) >= 76%", {"UF": F, "UU": U, "UX": X, "UD": D}),
        ("weighted(a: 1, b: 1, c: 1) >= 50%", {"UUF": U, "UFF": F, "UDF": D, "UFX": X}),
        # parentheses, and `and` binding tighter than `or`
        ("a and (b or c)", {"UFU": U, "UFF": F, "FUU": F, "UXF": X, "UDF": D, "UXU": U, "XFF": F}),
        ("a and b or c", {"FFU": U, "UUF": U, "UFF": F, "UFX": X}),
        ("a", {"U": U, "D": D, "F": F, "X": X}),
        # a name twice is the same member twice
        ("a and a", {"U": U, "X": X}),
    ],
)
def test_s16_truth_tables(expression: str, table: dict[str, State]) -> None:
    """S16; edge case 20: AND is down if any is down, unknown if none is down and one unknown."""
    parsed = parse_expression(expression)
    letters = {"U": U, "D": D, "F": F, "X": X}
    for row, expected in table.items():
        states = dict(zip(names_in(parsed), (letters[letter] for letter in row), strict=True))
        assert state_of(parsed, states) is expected, row


@pytest.mark.parametrize("expression", ["a and b", "a or b", "2 of (a, b, c)", "weighted(a: 3, b: 1) >= 60%"])
def test_s16_an_unknown_member_stands_for_any_state(expression: str) -> None:
    """S16, Kleene: whatever the unknown members turn out to be, a known answer is the least, and down is certain."""
    parsed = parse_expression(expression)
    names = names_in(parsed)
    for states in product(State, repeat=len(names)):
        answer = state_of(parsed, dict(zip(names, states, strict=True)))
        could_be = {
            state_of(parsed, dict(zip(names, guess, strict=True)))
            for guess in product(*((F, D, U) if state is X else (state,) for state in states))
        }
        if answer is F:
            assert could_be == {F}
        elif answer is X:
            assert F in could_be
            assert len(could_be) > 1
        else:
            assert min(could_be) == answer


def test_s16_a_member_that_is_not_there_is_unknown() -> None:
    """S5, S16: an endpoint without facts was never observed."""
    assert state_of(Member("a"), {}) is X


def test_s16_states_are_aligned_in_time_and_never_multiplied() -> None:
    """S16: a down 0-100, b down 900-1000, together 200 s of 1000 (80 %), where 90 % · 90 % would say 81 %."""
    lines = {"a": timeline_of("down 0, up 100"), "b": timeline_of("up 0, down 900")}
    both = service_timeline(parse_expression("a and b"), lines)
    assert spell(both) == "0 down, 100 up, 900 down"
    assert spell(service_timeline(parse_expression("a or b"), lines)) == "0 up"


def test_s16_a_composite_is_three_timelines() -> None:
    """S8, S16: low of the service from the lows of its members, high from their highs."""
    lines: dict[str, Timeline] = {
        "a": timeline_of("up 0, down 100 [90..110], up 200 [190..210]"),
        "b": timeline_of("up 0, down 150 [140..160], up 250 [240..260]"),
    }
    both = service_timeline(parse_expression("a and b"), lines)
    assert spell(both, LOW) == "0 up, 90 down, 260 up"
    assert spell(both) == "0 up, 100 down, 250 up"
    assert spell(both, HIGH) == "0 up, 110 down, 240 up"
    either = service_timeline(parse_expression("a or b"), lines)
    assert spell(either, LOW) == "0 up, 140 down, 210 up"
    assert spell(either) == "0 up, 150 down, 200 up"
    assert spell(either, HIGH) == "0 up, 160 down, 190 up"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("(a)", "a"),
        ("a and b and c", "a and b and c"),
        ("a and (b or c)", "a and (b or c)"),
        ("a and b or c", "(a and b) or c"),
        ("2 of (a, b and c, d)", "2 of (a, b and c, d)"),
        ("weighted(a: 3, b: 1) >= 50%", "weighted(a: 3, b: 1) >= 50%"),
        ("mail-in_2.x and b", "mail-in_2.x and b"),
        ("2of(a,b)", "2 of (a, b)"),
    ],
)
def test_s16_an_expression_is_written_as_it_is_read(text: str, written: str) -> None:
    """The words for people read back as the same expression."""
    parsed = parse_expression(text)
    assert str(parsed) == written
    assert parse_expression(written) == parsed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the expression ends: expected the name"),
        ("a and", "the expression ends"),
        ("a b", "'b' at column 3: expected 'and', 'or' or the end"),
        ("not a", "'not' at column 1: expected a name: 'not' is refused"),
        ("a and not b", "'not' is refused"),
        ("(a or b", "expected '\\)'"),
        ("3 of (a, b)", "between 1 and 2 of 2 members"),
        ("0 of (a, b)", "between 1 and 2"),
        ("2 (a, b)", "expected 'of'"),
        ("weighted(a: 3)", "expected '>='"),
        ("weighted(a: 0) >= 50%", "a whole number from 1"),
        ("weighted(a: 1) >= 0%", "more than 0%"),
        ("weighted(a: 1) >= 101%", "percentage"),
        ("weighted(a 1) >= 50%", "expected ':'"),
        ("a & b", "'&' at column 3"),
        ("and", "'and' at column 1"),
    ],
)
def test_s16_what_is_no_expression_is_refused(text: str, words: str) -> None:
    """Every refusal says where and what is expected."""
    with pytest.raises(ValueError, match=words):
        parse_expression(text)


def test_s16_services_nest() -> None:
    """S16: a service may name services, whose expressions stand in their place."""
    services = {"uplink": parse_expression("isp_a or isp_b"), "site": parse_expression("router and uplink")}
    whole = expand(parse_expression("site and web"), services)
    assert str(whole) == "(router and (isp_a or isp_b)) and web"
    assert names_in(whole) == ("router", "isp_a", "isp_b", "web")


def test_s16_services_that_contain_one_another_are_refused() -> None:
    """The circle is named."""
    services = {"a": parse_expression("b or x"), "b": parse_expression("2 of (c, y)"), "c": parse_expression("a")}
    with pytest.raises(ValueError, match="a -> b -> c -> a"):
        expand(parse_expression("a"), services)
