"""The incremental account equals the plain one, whatever happens and whenever it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.small_cases import agreement, s, span
from slawatch.domain.account import account, contract_timeline, members
from slawatch.domain.contract import Contract, Granularity, GranularityKind, Options, UnknownPolicy
from slawatch.domain.cumulative import CumulativeTimeline
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.growing import GrowingTimeline, Paint
from slawatch.domain.incremental import Plan, Run, Tally, is_incremental
from slawatch.domain.interval import DISTANT_PAST, SECOND, Interval, IntervalSet
from slawatch.domain.observation import Cause
from slawatch.domain.risk import running_outage
from slawatch.domain.service_hours import WEEKDAYS, Calendar, TimeRange
from slawatch.domain.strip import state_at
from slawatch.domain.timeline import Timeline, closed, endpoint_timeline, painted, totals

HOURS = Calendar("short", "UTC", ((TimeRange(100 * SECOND, 400 * SECOND), TimeRange(500 * SECOND, 900 * SECOND)),) * 7)
assert len(WEEKDAYS) == 7

INSTANTS = st.integers(-50, 1100)
STATES = st.sampled_from(list(State))


@st.composite
def histories(draw: st.DrawFn, most: int = 40) -> list[Change | Blip]:
    """Facts of one endpoint in the order in which a ledger gets them, now and then one that comes late."""
    facts: list[Change | Blip] = []
    at = draw(st.integers(-200, 100))
    for _ in range(draw(st.integers(0, most))):
        back = draw(st.integers(0, 30))
        reach = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 200]))
        begin = at - (reach if draw(st.integers(0, 9)) == 0 else 0)
        if draw(st.integers(0, 3)) == 0:
            state = draw(st.sampled_from([State.UP, State.DOWN]))
            facts.append(Blip(s(begin), state, s(begin - back), s(begin + draw(st.integers(0, 20)))))
        else:
            state = draw(STATES)
            cause = draw(st.sampled_from([None, Cause.STALE, Cause.PATH_LOST])) if state is State.UNKNOWN else None
            latest = begin + (draw(st.integers(0, 20)) if draw(st.integers(0, 60)) == 0 else 0)
            facts.append(Change(s(begin), state, s(begin - back), s(latest), cause))
        at += draw(st.integers(0, 60))
    return facts


CONTRACTS = st.builds(
    lambda hours, valid, options, penalty: replace(
        agreement("a", valid=valid, options=options, penalty=penalty), hours=hours
    ),
    hours=st.sampled_from([None, HOURS]),
    valid=st.sampled_from([Interval(s(-1000), s(5000)), span(200, 5000), span(-1000, 700)]),
    options=st.builds(
        Options,
        unknown=st.sampled_from(list(UnknownPolicy)),
        degraded=st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(0)]),
        maintenance_limit=st.sampled_from([None, 50 * SECOND]),
    ),
    penalty=st.sampled_from(["none", "10% of charges"]),
)


@st.composite
def announcements(draw: st.DrawFn) -> list[Announcement]:
    entries = []
    for number in range(draw(st.integers(0, 3))):
        start = draw(INSTANTS)
        kind = draw(st.sampled_from(list(ExclusionKind)))
        lasting = Interval(s(start), s(start + draw(st.integers(1, 200))))
        entries.append(Announcement(str(number), kind, (lasting,), reason="planned", approved_by="owner"))
    return entries


def by_fact(facts: Sequence[Change | Blip]) -> tuple[list[Change], list[Blip]]:
    """As a track keeps them: changes in order of instant, later entries after earlier ones."""
    changes = sorted((fact for fact in facts if isinstance(fact, Change)), key=lambda change: change.at)
    return changes, [fact for fact in facts if isinstance(fact, Blip)]


def plain_line(facts: Sequence[Change | Blip], paints: Sequence[Paint], edge: Change | None) -> Timeline:
    line = endpoint_timeline(*by_fact(facts))
    line = line if edge is None else closed(line, edge)
    for paint in paints:
        line = painted(line, IntervalSet.span(*paint.span), paint.state)
    return line


PAINTS = st.lists(
    st.builds(
        lambda start, length, state: Paint(span(start, start + length), state), INSTANTS, st.integers(1, 300), STATES
    ),
    max_size=2,
)


@given(facts=histories(), paints=PAINTS, back=st.integers(0, 40), later=st.integers(0, 60))
def test_a_timeline_that_grows_equals_one_that_is_built_at_once(
    facts: list[Change | Blip], paints: list[Paint], back: int, later: int
) -> None:
    growing = GrowingTimeline((), (), paints)
    for number, fact in enumerate(facts, start=1):
        before = growing.line
        begins = growing.add(fact)
        if begins is None:
            growing = GrowingTimeline(*by_fact(facts[:number]), paints)
        elif number % 5 == 0:
            same = DISTANT_PAST, begins
            assert list(before.whole().pieces(*same)) == list(growing.line.whole().pieces(*same))
    changes, _ = by_fact(facts)
    now = max((fact.at for fact in facts), default=s(0)) + later * SECOND
    earliest = max([now - back * SECOND, growing.line.until, *(change.at for change in changes)])
    for edge in (None, Change(now, State.UNKNOWN, earliest, now, Cause.NO_FURTHER_DATA)):
        expected = plain_line(facts, paints, edge)
        assert growing.line.whole(edge) == expected
        start = now - 300 * SECOND
        found = growing.line.since(start, edge)
        assert list(found.pieces(start, now + SECOND)) == list(expected.pieces(start, now + SECOND))


def test_a_line_stays_what_it_was_while_the_timeline_grows_on() -> None:
    growing = GrowingTimeline()
    lines: list[tuple[Timeline, object]] = []
    for number in range(100):
        growing.add(Change(s(number), State.DOWN if number % 2 else State.UP, s(number), s(number)))
        lines.append((growing.line.whole(), growing.line))
    assert growing.line.until > s(90), "all but the latest facts are settled"
    for before, line in lines:
        assert line.whole() == before  # type: ignore[attr-defined]


@given(
    facts=histories(), contract=CONTRACTS, entries=announcements(), cuts=st.lists(INSTANTS, max_size=5), now=INSTANTS
)
def test_the_account_of_a_tally_is_the_plain_one(
    facts: list[Change | Blip], contract: Contract, entries: list[Announcement], cuts: list[int], now: int
) -> None:
    line = plain_line(facts, (), None)
    period = contract.periods.containing(s(500))
    if period is None:
        return
    tally = Tally.begin(Plan.of(contract, period, entries), line)
    for cut in sorted(cuts):
        if cut <= now:
            tally = tally.settled(line, s(cut))
            assert tally.account(line, s(now)) == account(contract, period, line, entries, s(now))
    assert tally.account(line, s(now)) == account(contract, period, line, entries, s(now))
    run = tally.run.extended(line, tally.until, max(s(now), tally.until))
    at = max(s(now), tally.until)
    state, since = state_at(line, at)
    assert (run.state, run.since) == (state, since)
    outage = running_outage(line, at, contract.options.degraded)
    if outage is not None and since is not None:
        assert (outage.since, outage.high_until) == (run.since, run.held_until or run.since)
        assert Run.up_to(line, at) == run


@given(st.lists(histories(most=10), min_size=3, max_size=3), st.lists(INSTANTS, max_size=4), INSTANTS)
def test_a_composite_is_settled_from_the_ends_of_its_members(
    facts: list[list[Change | Blip]], cuts: list[int], now: int
) -> None:
    contract = agreement("(a and b) or c", parents={"b": "c"}, options=Options(unreachable_is_down=False))
    period = contract.periods.containing(s(500))
    assert period is not None
    lines = {name: GrowingTimeline(*by_fact(each)).line for name, each in zip("abc", facts, strict=True)}
    assert set(lines) == members(contract)
    whole = contract_timeline(contract, {name: line.whole() for name, line in lines.items()})
    tally = Tally.begin(Plan.of(contract, period, ()), whole)
    for cut in sorted(cuts):
        if cut <= now:
            recent = {name: line.since(tally.until) for name, line in lines.items()}
            tally = tally.settled(contract_timeline(contract, recent), s(cut))
    recent = {name: line.since(tally.until) for name, line in lines.items()}
    found = tally.account(contract_timeline(contract, recent), s(now))
    assert found == account(contract, period, whole, (), s(now))


@given(facts=histories(), start=INSTANTS, length=st.integers(0, 500))
def test_totals_of_any_window_are_those_of_a_walk(facts: list[Change | Blip], start: int, length: int) -> None:
    line = plain_line(facts, (), None)
    found = CumulativeTimeline(zip(line.starts, line.codes, strict=True))
    assert found.timeline() == line
    window = s(start), s(start + length)
    assert found.totals(*window) == totals(line, IntervalSet.span(*window))


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 1000])
def test_totals_across_marks(count: int) -> None:
    line = CumulativeTimeline((s(n), 0 if n % 3 else 0b101010) for n in range(count))
    plain = line.timeline()
    for start, end in ((-5, count + 5), (0, count), (254, 259), (255, 256), (256, 257), (511, 770), (count, count + 9)):
        assert line.totals(s(start), s(end)) == totals(plain, IntervalSet.span(s(start), s(end)))


def test_pieces_come_in_order() -> None:
    line = CumulativeTimeline([(s(5), 0)])
    with pytest.raises(ValueError, match="pieces come in order"):
        line.append(s(5), 0b101010)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (Options(), True),
        (Options(ignore_outages_shorter_than=SECOND), False),
        (Options(merge_gaps_shorter_than=SECOND), False),
        (Options(granularity=Granularity(GranularityKind.MINUTE_ANY)), False),
    ],
)
def test_outages_that_are_merged_ignored_or_rounded_are_judged_whole(options: Options, kept: bool) -> None:
    assert is_incremental(agreement(options=options)) is kept
