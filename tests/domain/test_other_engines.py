"""How engines of other kinds count the same events: the arithmetic beside each figure."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.counted_cases import heard, on_time
from domain.counted_cases import history as events_of
from domain.explained_cases import agreed, instant, maintenance, recorded, row, scene_of
from domain.small_cases import spell, timeline_of
from slawatch.domain.compliance import Verdict, display_ratio
from slawatch.domain.flattery import View, views
from slawatch.domain.interval import HOUR, MINUTE, SECOND, format_instant, parse_instant
from slawatch.domain.other_engines import HardStates, engine_views, flat, hardened, sampled
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import HIGH, LOW

START = row("01-01", "up")
HARD = "hard states: 3 tries, 1 m apart"
CONFIRMED = "hard states: from the confirming probe"


def engines(*rows: dict[str, Any], options: dict[str, str] | None = None) -> dict[str, View]:
    return {view.name: view for view in engine_views(scene_of(agreed(options), recorded(START, *rows)))}


def test_maintenance_as_up_turns_a_breach_into_met() -> None:
    """14 days, 8 h maintenance, 3.3 h down: 1 - 3.3/328 = 98.993 % when it leaves both sides, 1 - 3.3/336 = 99.017 %
    when it counts as up."""
    rows = (row("01-06 10:00", "down"), row("01-06 13:18", "up"), maintenance("01-10 20:00", "01-11 04:00"))
    agreed_view = views(scene_of(agreed(), recorded(START, *rows)))[0]
    assert agreed_view.figure == 1 - F(33, 3280)
    assert agreed_view.verdict is Verdict.BREACHED
    other = engines(*rows)["maintenance as up"]
    assert other.figure == 1 - F(33, 3360)
    assert other.verdict is Verdict.MET
    assert other.settlement is not None
    assert str(other.settlement.amount) == "0.00 EUR"
    assert [display_ratio(view.figure or F(0), F(99, 100), 3) for view in (agreed_view, other)] == ["98.993", "99.017"]
    assert other.flatters(agreed_view)


def test_maintenance_as_up_leaves_other_exclusions_alone() -> None:
    """4 h of the client's own fault leave both sides, 8 h of maintenance are up, even those that were down."""
    found = engines(
        row("01-10 20:00", "down"),
        row("01-11 02:00", "up"),
        maintenance("01-10 20:00", "01-11 04:00"),
        maintenance("01-12 00:00", "01-12 04:00", "client_fault"),
    )["maintenance as up"]
    assert found.account.compliance.classes.up == 332 * HOUR
    assert found.figure == 1
    assert found.account.compliance.excluded == 4 * HOUR


def test_hard_states_hide_two_retries_of_each_outage() -> None:
    """20 outages of 10 min: 200 min; two retries a minute apart hide 40 of them, 20 % of the fortnight's budget."""
    rows = []
    for number in range(20):
        hour, day = number % 5 * 4, 5 + number // 5
        rows += [row(f"01-{day:02} {hour:02}:00", "down"), row(f"01-{day:02} {hour:02}:10", "up")]
    found = engines(*rows)
    assert found[HARD].account.compliance.classes.down == 160 * MINUTE
    assert found[CONFIRMED].account.compliance.classes.down == 200 * MINUTE
    hidden = F(40 * MINUTE, 336 * HOUR // 100)
    assert round(hidden * 100) == 20


def test_hard_states_count_from_the_confirming_probe() -> None:
    """Down at 10:00, confirmed at 10:00:40, up at 10:05: 4 m 20 s are left."""
    found = engines(row("01-06 10:00", "down", confirmed_at="2026-01-06T10:00:40Z"), row("01-06 10:05", "up"))
    assert found[CONFIRMED].account.compliance.classes.down == 260 * SECOND
    assert found[HARD].account.compliance.classes.down == 3 * MINUTE


@pytest.mark.parametrize(("end", "left"), [("10:02", 0), ("10:02:01", SECOND), ("10:01", 0)])
def test_an_outage_that_ends_before_the_last_try_never_was(end: str, left: int) -> None:
    found = engines(row("01-06 10:00", "down"), row(f"01-06 {end}", "up"))
    assert found[HARD].account.compliance.classes.down == left


def test_hardening_keeps_one_outage_one_and_unknown_time_unknown() -> None:
    """A second row of the same outage does not begin it anew; an outage that ends in unknown time ends there."""
    history = recorded(
        START,
        row("01-06 10:00", "down"),
        row("01-06 10:01", "down"),
        row("01-06 10:30", "unknown"),
        row("01-06 11:00", "degraded"),
    )
    rows = [(change.state.word, change.at - history.changes["router"][1].at) for change in
            hardened(history, 2 * MINUTE).changes["router"]]  # fmt: skip
    assert rows[1:4] == [("down", 2 * MINUTE), ("unknown", 30 * MINUTE), ("degraded", 60 * MINUTE)]
    assert history.changes["router"][1].at == history.changes["router"][1].latest  # the history itself is not touched


def test_samples_see_the_state_at_their_instant_only() -> None:
    """Every 100 s: a dip from 110 to 190 is not seen, one from 290 to 310 counts as 100 s."""
    seen = sampled(
        timeline_of("up 0, down 110, up 190, down 290, up 310, unknown 950"),
        timeline_of("up 0").starts[1],
        100 * SECOND,
    )
    assert spell(seen) == "0 up, 300 down, 400 up"
    assert spell(seen, start=900, end=1200) == "900 up, 1000 unknown"


def test_samples_instead_of_time() -> None:
    """Down from 10:00:30 to 10:01:30: one sample a minute sees one minute, one every 5 min none."""
    found = engines(row("01-06 10:00:30", "down"), row("01-06 10:01:30", "up"))
    assert found["samples, one every 1 m"].account.compliance.classes.down == MINUTE
    assert found["samples, one every 5 m"].figure == 1


def test_unknown_time_as_up() -> None:
    """Three days unknown and 3 h down: 3/264 is 98.86 % and disputable for want of coverage; as up it is 99.10 %."""
    rows = (
        row("01-06 10:00", "down"),
        row("01-06 13:00", "up"),
        row("01-08", "unknown", cause="monitor_stopped"),
        row("01-11", "up"),
    )
    assert views(scene_of(agreed(), recorded(START, *rows)))[0].verdict is Verdict.BREACHED
    found = engines(*rows)
    assert found["unknown time as up"].figure == F(333, 336)
    assert found["unknown time as up"].verdict is Verdict.MET
    # without a floor of coverage every engine has a verdict and an amount
    assert all(view.settlement is not None and view.settlement.amount is not None for view in found.values())


def test_engines_have_one_figure() -> None:
    """The three versions are the point version."""
    timeline = flat(timeline_of("up 0, down 100 [50..120], up 200 [190..200]"))
    assert spell(timeline, LOW) == spell(timeline, HIGH) == "0 up, 100 down, 200 up"
    bounds = engines(row("01-06 10:00", "down", edges={"low": "2026-01-06T09:00:00Z", "high": "2026-01-06T10:00:00Z"}))
    for view in bounds.values():
        availability = view.account.compliance.availability
        assert availability.low == availability.point == availability.high


def test_the_tries_can_be_chosen_and_counted_measurements_have_no_engines() -> None:
    scene = scene_of(agreed(), recorded(START, row("01-06 10:00", "down"), row("01-06 11:00", "up")))
    found = engine_views(scene, HardStates(tries=5, apart=2 * MINUTE), samples=())
    assert found[1].name == "hard states: 5 tries, 2 m apart"
    assert found[1].account.compliance.classes.down == 52 * MINUTE
    assert len(found) == 4
    assert engine_views(scene_of(contract_of(on_time()), events_of(heard()), judged="01-10")) == ()


STATES = st.lists(
    st.tuples(st.integers(0, 14 * 24 * 60 - 1), st.sampled_from(["up", "degraded", "down", "unknown"])), max_size=12
)
MINUTES = st.integers(0, 14 * 24 * 60 - 1)


@given(states=STATES, begin=MINUTES, length=st.integers(1, 3000))
def test_these_methods_never_show_less_than_was_agreed(states: list[tuple[int, str]], begin: int, length: int) -> None:
    """Hard states, unknown time as up and maintenance as up can only raise a figure."""
    first = parse_instant(instant("01-04 23:00"))
    rows = [
        {"endpoint": "router", "at": format_instant(first + minute * MINUTE), "state": state}
        for minute, state in states
    ]
    window = {"start": format_instant(first + begin * MINUTE), "end": format_instant(first + (begin + length) * MINUTE)}
    scene = scene_of(agreed(), recorded(*rows, {"type": "exclusion", **window}))
    as_agreed = views(scene)[0].figure
    for view in engine_views(scene, samples=()):
        if as_agreed is not None and view.figure is not None:
            assert view.figure >= as_agreed, view.name
