"""Properties of every account (S4, S6, S8-S10, S17, S22, S26)."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.plain_terms import terms
from domain.small_cases import judged, maintenance, s, span
from domain.strategies import (
    SPANS,
    TARGETS,
    TIME_BY_TIME,
    TIMELINES,
    Case,
    announcements,
    blips,
    cases,
    changes,
    options,
)
from slawatch.domain.account import contract_timeline
from slawatch.domain.account_json import account_object
from slawatch.domain.compliance import Compliance, Verdict, display_ratio
from slawatch.domain.contract import GranularityKind, Options
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.grammar import parse_ratio
from slawatch.domain.history import blip_row, exclusion_rows, read_rows, state_row
from slawatch.domain.interval import DAY, IntervalSet
from slawatch.domain.period import FixedSpan
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import POINT, VERSIONS, Timeline, painted, totals
from slawatch.evaluation.offline import Offline


def account(case: Case, *, excluded: list[Announcement] | None = None, start: int = 0, end: int = 1000) -> Compliance:
    """The account of the case, or of a part of its period."""
    contract = replace(case.contract, period=FixedSpan(span(start, end), "UTC"))
    timeline = contract_timeline(contract, case.endpoints)
    listed = case.excluded if excluded is None else excluded
    return judged(contract, timeline, now=case.now, hours=case.hours, excluded=listed)


@given(case=cases())
def test_s4_classes_partition_the_period(case: Case) -> None:
    """S4: in each of the three versions the classes add up to the part of the period that has passed."""
    found = account(case)
    aside = found.excluded + found.outside_hours + found.outside_contract
    for classes in (found.low, found.classes, found.high):
        assert classes.total + aside == found.at - found.period.start
        assert min(classes.up, classes.degraded, classes.down, classes.unknown) >= 0
    assert found.excluded == sum(found.excluded_by.values())
    assert sum(found.unknown_by.values()) == found.classes.unknown
    assert found.service_time >= found.classes.total


@given(case=cases())
def test_s8_low_point_high(case: Case) -> None:
    """S8, S22: worst ≤ low ≤ point ≤ high ≤ best, all within 0…1; at the end the finals are the bounds."""
    found = account(case)
    low, point, high = found.availability.low, found.availability.point, found.availability.high
    if point is not None:
        assert low is not None
        assert high is not None
        assert found.worst is not None
        assert found.best is not None
        assert 0 <= found.worst <= low <= point <= high <= found.best <= 1
    if not found.open:
        assert (found.worst, found.best) == (low, high)


@given(case=cases())
def test_s9_the_verdict_follows_the_rule(case: Case) -> None:
    """S9: by exact comparison; S10: never another by what is displayed."""
    found = account(case)
    low, high = found.availability.low, found.availability.high
    assert (found.verdict is Verdict.OPEN) is (case.now < 1000 and found.open)
    if found.open or low is None or high is None or found.coverage is None:
        assert found.verdict in (Verdict.OPEN, Verdict.NOT_APPLICABLE)
        return
    met = low >= found.target and found.coverage >= case.contract.options.coverage_floor
    breached = high < found.target
    assert found.verdict is (Verdict.BREACHED if breached else Verdict.MET if met else Verdict.DISPUTABLE)
    shown_low, shown_high = (Fraction(display_ratio(ratio, found.target)) / 100 for ratio in (low, high))
    assert (shown_low >= found.target) is (low >= found.target)
    assert (shown_high < found.target) is breached


@given(ratio=st.fractions(0, 1), target=TARGETS | st.integers(1, 10**11).map(lambda n: f"{n // 10**9}.{n % 10**9:09}%"))
def test_s10_display_never_flatters(ratio: Fraction, target: str) -> None:
    """S10: what is printed is at most the figure, less than 0.01 % below it, and on the same side of the target."""
    standard = parse_ratio(target)
    shown = Fraction(display_ratio(ratio, standard)) / 100
    assert shown <= ratio < shown + Fraction(1, 10_000)
    assert (shown < standard) is (ratio < standard)
    assert shown != standard or ratio - standard < Fraction(1, 10**11)


@given(case=cases(), where=SPANS, part=SPANS)
def test_s26_an_exclusion_changes_nothing_outside_it(case: Case, where: tuple[int, int], part: tuple[int, int]) -> None:
    """S26: seconds outside an exclusion keep their class; inside it all service time is excluded."""
    assume(case.now >= 1000)
    added = maintenance(*where, reason="x", approved_by="y", identity="added")
    before, after = account(case), account(case, excluded=[*case.excluded, added])
    assert after.classes.total <= before.classes.total
    moved = before.classes.total - after.classes.total
    assert after.excluded - before.excluded == moved
    assert (after.outside_hours, after.outside_contract) == (before.outside_hours, before.outside_contract)
    low, high = max(part[0], 0), min(part[1], 1000)
    valid = case.contract.valid.intersect(span(low, high)).length
    if valid and (high <= where[0] or low >= where[1]):
        one = account(case, start=low, end=high)
        other = account(case, excluded=[*case.excluded, added], start=low, end=high)
        assert one == other


@given(case=cases(), at=st.integers(1, 999))
def test_s24_the_parts_of_a_period_add_up_to_it(case: Case, at: int) -> None:
    """S24, S4: split anywhere, every class, exclusion and cause adds up to the whole."""
    valid = case.contract.valid
    assume(valid.start < s(at) < valid.end)
    whole, first, second = account(case), account(case, end=at), account(case, start=at)
    for get in ("classes", "low", "high"):
        for name in ("up", "degraded", "down", "unknown"):
            parts = getattr(getattr(first, get), name) + getattr(getattr(second, get), name)
            assert parts == getattr(getattr(whole, get), name)
    for name in ("excluded", "outside_hours", "outside_contract", "suppressed", "service_time"):
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name)
    for key in {*whole.unknown_by, *first.unknown_by, *second.unknown_by}:
        assert first.unknown_by.get(key, 0) + second.unknown_by.get(key, 0) == whole.unknown_by.get(key, 0)


def _with_more_downtime(case: Case, name: str, where: tuple[int, int]) -> None:
    """Painting known time of an endpoint down lowers every figure or leaves it."""
    timeline = case.endpoints[name]
    known = IntervalSet.of([span(*where)]).difference(timeline.where(POINT, State.UNKNOWN, s(0), s(2000)))
    worse = painted(timeline, known, State.DOWN)
    before, after = account(case), account(replace(case, endpoints={**case.endpoints, name: worse}))
    for figure in ("low", "point", "high"):
        one, other = getattr(before.availability, figure), getattr(after.availability, figure)
        if one is not None and other is not None:
            assert other <= one
    assert after.verdict is not Verdict.MET or before.verdict is not Verdict.BREACHED


@given(case=cases(options(TIME_BY_TIME), st.just("a")), where=SPANS)
def test_s6_more_downtime_never_raises_a_figure(case: Case, where: tuple[int, int]) -> None:
    """S6, S18, S19: of one endpoint, whatever the weights, the policies and the rules for outages.

    Of known time only: what was unknown and turns out to be an outage that a rule ignores is known now, and counts as
    up. For the same reason degraded time weighs as much as up where a rule may ignore the outage that takes its place.
    """
    rules = case.contract.options
    if rules.ignore_outages_shorter_than or rules.granularity.kind is GranularityKind.MINUTE_ALL:
        rules = replace(rules, degraded=Fraction(1))
    _with_more_downtime(replace(case, contract=replace(case.contract, parents={}, options=rules)), "a", where)


@given(case=cases(), where=SPANS, name=st.sampled_from("abc"))
def test_s16_more_downtime_never_raises_a_figure(case: Case, where: tuple[int, int], name: str) -> None:
    """S16: an outage never makes a service better. Where a composite turns unknown because of it, that time leaves
    the fraction; so this holds where degraded counts as up and outages count as they are."""
    plain = Options(unknown=case.contract.options.unknown)
    _with_more_downtime(replace(case, contract=replace(case.contract, parents={}, options=plain)), name, where)


@given(timeline=TIMELINES, where=SPANS, spread=SPANS)
def test_totals_are_additive(timeline: Timeline, where: tuple[int, int], spread: tuple[int, int]) -> None:
    """S4: over two sets and over their union and intersection the same time is counted."""
    one, other = IntervalSet.of([span(*where)]), IntervalSet.of([span(*spread)])
    for version in VERSIONS:
        sums = []
        for sets in (one, other, one.union(other), one.intersection(other)):
            found = totals(timeline, sets)
            sums.append(sum(length for code, length in found.items() if code >> version & 3 == State.DOWN))
            assert sum(found.values()) == sets.length
        assert sums[0] + sums[1] == sums[2] + sums[3]


@given(
    facts=st.dictionaries(st.sampled_from("abc"), changes(), min_size=1),
    seen=blips(),
    announced=announcements(),
    randomness=st.randoms(use_true_random=False),
)
def test_s17_the_order_of_input_does_not_matter(
    facts: dict[str, list[Change]], seen: list[Blip], announced: list[Announcement], randomness: object
) -> None:
    """S17: shuffled rows give the same bytes (there are no two states of one endpoint at one instant here)."""
    rows = [state_row("acme", name, change) for name, listed in facts.items() for change in listed]
    rows += [blip_row("acme", "a", blip) for blip in seen]
    rows += [row for entry in announced for row in exclusion_rows("acme", entry, span(-1000, 2000))]
    shuffled = list(rows)
    randomness.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _bytes_of(rows) == _bytes_of(shuffled)


def _bytes_of(rows: list[dict[str, object]]) -> str:
    history = read_rows(rows)
    history.seal(s(0) + DAY)
    found = Offline([contract_of(terms(up_when="a and (b or c)"))], [], history)
    return json.dumps([account_object(item) for item in found.accounts(s(0) + DAY, "all")])
