"""Random facts, histories and agreements for the properties. Whole seconds from ``T0`` on, most of them below 1000."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import strategies as st

from domain.small_cases import agreement, maintenance, s, span
from slawatch.domain.contract import Contract, Granularity, GranularityKind, Options, UnknownPolicy
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.interval import MINUTE, SECOND, IntervalSet
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, blind, expire, resume, step
from slawatch.domain.timeline import Timeline, endpoint_timeline

SECONDS = st.integers(0, 1000)
STATES = st.sampled_from(list(State))
KNOWN = st.sampled_from([State.DOWN, State.DEGRADED, State.UP])


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    """Changes of one endpoint in order, some with edges, no two at one instant."""
    listed = []
    for at in sorted(draw(st.sets(st.integers(-100, 1100), max_size=12))):
        low, high = draw(st.integers(0, 40)), draw(st.integers(0, 40))
        state = draw(STATES)
        cause = draw(st.sampled_from(list(Cause))) if state is State.UNKNOWN else None
        listed.append(Change(s(at), state, s(at - low), s(at + high), cause))
    return listed


@st.composite
def blips(draw: st.DrawFn) -> list[Blip]:
    """Blips anywhere."""
    starts = draw(st.lists(SECONDS, max_size=3))
    return [Blip(s(at), draw(KNOWN), s(at - 5), s(at + draw(st.integers(1, 60)))) for at in starts]


TIMELINES = st.builds(endpoint_timeline, changes(), blips())
SPANS = st.tuples(SECONDS, st.integers(1, 300)).map(lambda pair: (pair[0], pair[0] + pair[1]))
HOURS = st.none() | st.lists(SPANS, max_size=5).map(lambda found: IntervalSet.of((s(a), s(b)) for a, b in found))


@st.composite
def announcements(draw: st.DrawFn, *, most: int = 4) -> list[Announcement]:
    """Maintenance and other exclusions that count, and some that do not."""
    kinds = st.sampled_from(["maintenance", "force_majeure", "client_fault", "third_party", "other"])
    return [
        maintenance(
            start,
            end,
            kind=draw(kinds),
            announced=draw(st.none() | st.integers(-100, 1000)),
            reason=draw(st.sampled_from(["", "x"])),
            approved_by=draw(st.sampled_from(["", "y"])),
            identity=str(number),
        )
        for number, (start, end) in enumerate(draw(st.lists(SPANS, max_size=most)))
    ]


GRANULARITIES = st.sampled_from(
    [
        Granularity(),
        Granularity(GranularityKind.MINUTE_ANY),
        Granularity(GranularityKind.MINUTE_ALL),
        Granularity(GranularityKind.STARTED_BLOCK, 30 * SECOND),
    ]
)
TIME_BY_TIME = GRANULARITIES.filter(lambda rule: rule.kind is not GranularityKind.STARTED_BLOCK)
"""The granularities under which more downtime never counts as less. Started blocks begin with each outage, so two
outages that move together can share seconds that counted twice before."""


@st.composite
def options(draw: st.DrawFn, granularities: st.SearchStrategy[Granularity] = GRANULARITIES) -> Options:
    """Every option that changes how time is counted."""
    short = st.sampled_from([0, 10, 45, 90]).map(lambda length: length * SECOND)
    return Options(
        unknown=draw(st.sampled_from(list(UnknownPolicy))),
        degraded=draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(0)])),
        coverage_floor=draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(95, 100), Fraction(1)])),
        granularity=draw(granularities),
        ignore_outages_shorter_than=draw(short),
        merge_gaps_shorter_than=draw(short),
        unreachable_is_down=draw(st.booleans()),
        maintenance_notice=draw(st.sampled_from([0, MINUTE])),
    )


EXPRESSIONS = st.sampled_from(
    ["a", "a and b", "a or b", "2 of (a, b, c)", "a and (b or c)", "weighted(a: 3, b: 1, c: 1) >= 60%", "b or c"]
)
TARGETS = st.sampled_from(["99%", "99.95%", "90%", "100%", "50%", "99.999999999%"])


@dataclass(frozen=True)
class Case:
    """An agreement and everything that one account of it is drawn from."""

    contract: Contract
    endpoints: dict[str, Timeline]
    hours: IntervalSet | None
    excluded: list[Announcement]
    now: int


@st.composite
def cases(
    draw: st.DrawFn,
    rules: st.SearchStrategy[Options] | None = None,
    expressions: st.SearchStrategy[str] = EXPRESSIONS,
) -> Case:
    """A period 0-1000 (or clipped by validity), three endpoints, hours, exclusions, now."""
    contract = agreement(
        draw(expressions),
        target=draw(TARGETS),
        parents=draw(st.sampled_from([{}, {"a": "c"}, {"a": "b", "b": "c"}])),
        options=draw(rules if rules is not None else options()),
    )
    first = draw(st.integers(0, 400))
    contract = replace(contract, valid=span(first, draw(st.integers(600, 1200)))) if draw(st.booleans()) else contract
    return Case(
        contract,
        {name: draw(TIMELINES) for name in "abc"},
        draw(HOURS),
        draw(announcements()),
        draw(st.sampled_from([2000, 2000, 1000, 500])),
    )


@dataclass
class Watched:
    """What was true, what a prober made of it, and until when."""

    truth: list[tuple[int, State]]
    """From each second on, ascending."""
    facts: list[Fact]
    state: EndpointState
    now: int

    @property
    def changes(self) -> list[Change]:
        return sorted((fact for fact in self.facts if isinstance(fact, Change)), key=lambda change: change.at)

    @property
    def blips(self) -> list[Blip]:
        return [fact for fact in self.facts if isinstance(fact, Blip)]

    @property
    def timeline(self) -> Timeline:
        edge = self.state.closing_edge(s(self.now))
        return endpoint_timeline(self.changes if edge is None else [*self.changes, edge], self.blips)

    def true_state(self, second: int) -> State | None:
        known = [state for at, state in self.truth if at <= second]
        return known[-1] if known else None


EVENTS = st.sampled_from(["probe"] * 10 + ["void", "blind path", "silence", "restart"])
VERDICTS = {State.UP: Verdict.UP, State.DEGRADED: Verdict.DEGRADED, State.DOWN: Verdict.DOWN}


@st.composite
def watched(draw: st.DrawFn) -> Watched:
    """An endpoint that changes at most once between two neighbouring events, watched by probes that come when they
    come, are void at times, and by a daemon that is killed and started again."""
    cadence = Cadence(60 * SECOND, 5 * SECOND, 10 * SECOND, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    gaps = st.sampled_from([1, 2, 7, 10, 10, 60, 60, 61, 100, 124, 125, 126, 300])
    now, level, changed = 0, draw(KNOWN), False
    seen = Watched([(0, level)], [], EndpointState(), 0)
    for _ in range(draw(st.integers(1, 25))):
        gap = draw(gaps)
        if not changed and draw(st.integers(0, 2)) == 0:
            level, changed = draw(KNOWN), True
            seen.truth.append((now + draw(st.integers(1, gap)), level))
        now += gap
        kind = draw(EVENTS)
        seen.state, facts = _event(kind, seen, level, now, cadence)
        seen.facts += facts
        changed = changed and kind == "silence"
    seen.now = now + draw(st.sampled_from([0, 1, 50, 125, 200]))
    return seen


def _event(kind: str, seen: Watched, level: State, now: int, cadence: Cadence) -> tuple[EndpointState, list[Fact]]:
    if kind == "probe":
        return step(seen.state, Observation(s(now), 0, VERDICTS[level], ""), cadence)
    if kind in ("void", "blind path"):
        cause = Cause.PROBER_FAULT if kind == "void" else Cause.PATH_LOST
        return step(seen.state, Observation(s(now), 0, Verdict.VOID, "", cause=cause), cadence)
    if kind == "silence":
        return expire(seen.state, s(now))
    state = resume(seen.changes, _unresolved(seen.facts), seen.state.last_good, seen.state.last_failed, cadence)
    state, silent = expire(state, s(now))
    state, stopped = blind(state, s(now), Cause.MONITOR_STOPPED)
    return state, [*silent, *stopped]


def _unresolved(facts: list[Fact]) -> Suspicion | None:
    """The latest suspicion that no blip and no change to a known state followed."""
    for fact in reversed(facts):
        if isinstance(fact, Suspicion):
            return fact
        if isinstance(fact, Blip) or fact.state is not State.UNKNOWN:
            return None
    return None
