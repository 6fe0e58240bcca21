"""A short notation for the case tables of the domain. Numbers in texts are whole seconds after ``T0``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from slawatch.domain.account import exclusions_for
from slawatch.domain.compliance import Classes, Compliance, judge
from slawatch.domain.composite import expand, parse_expression
from slawatch.domain.contract import UNLIMITED, Charge, ChargeBasis, Contract, Measurement, Options, ServiceKind
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.grammar import Money, parse_duration, parse_ratio
from slawatch.domain.interval import DISTANT_PAST, SECOND, Duration, Instant, Interval, IntervalSet, parse_instant
from slawatch.domain.local_time import zone
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.penalty import parse_penalty
from slawatch.domain.period import FixedSpan
from slawatch.domain.state_machine import Cadence, EndpointState, expire, step
from slawatch.domain.terms_grammar import parse_granularity, parse_weight
from slawatch.domain.timeline import POINT, Timeline, endpoint_timeline, service_timeline, state_in

T0: Instant = parse_instant("2026-01-05T00:00:00Z")

_ITEM = re.compile(r"(up|degraded|down|unknown) (\d+)(?: \[(\d+)\.\.(\d+)\])?(?: (\w+))?")


def s(seconds: int) -> Instant:
    """The instant so many seconds after ``T0``."""
    return T0 + seconds * SECOND


def seconds_of(instant: Instant) -> int:
    """The whole seconds from ``T0`` to an instant."""
    number, rest = divmod(instant - T0, SECOND)
    assert rest == 0
    return number


def span(start: int, end: int) -> Interval:
    return Interval(s(start), s(end))


def spans(text: str) -> IntervalSet:
    """``0-10, 20-30``."""
    pairs = [part.split("-") for part in text.split(", ") if part]
    return IntervalSet.of((s(int(start)), s(int(end))) for start, end in pairs)


def spell_set(intervals: IntervalSet) -> str:
    """The opposite of :func:`spans`."""
    return ", ".join(f"{seconds_of(start)}-{seconds_of(end)}" for start, end in intervals)


def changes(text: str) -> list[Change]:
    """``up 0, down 120 [60..130], unknown 300 path_lost``: from 120 on it is down, changed between 60 and 130."""
    rows = []
    for part in text.split(", "):
        match = _ITEM.fullmatch(part)
        assert match, part
        state, at = State.of(match[1]), s(int(match[2]))
        low, high = (at, at) if match[3] is None else (s(int(match[3])), s(int(match[4])))
        rows.append(Change(at, state, low, high, Cause(match[5]) if match[5] else None))
    return rows


def timeline_of(text: str, blips: Iterable[Blip] = ()) -> Timeline:
    """The timeline of :func:`changes`."""
    return endpoint_timeline(changes(text), blips)


def spell(timeline: Timeline, version: int = POINT, start: int = 0, end: int = 1000) -> str:
    """One version as ``0 up, 120 down, 300 unknown``, neighbours that are equal joined."""
    parts: list[str] = []
    for at, _, code in timeline.pieces(s(start), s(end)):
        word = state_in(code, version).word
        if not parts or not parts[-1].endswith(f" {word}"):
            parts.append(f"{seconds_of(at)} {word}")
    return ", ".join(parts)


def agreement(
    expression: str = "a",
    *,
    start: int = 0,
    end: int = 1000,
    target: str = "99%",
    services: Mapping[str, str] | None = None,
    parents: Mapping[str, str] | None = None,
    valid: Interval = UNLIMITED,
    options: Options | None = None,
    penalty: str = "none",
) -> Contract:
    """A contract over one fixed span, in UTC, around the clock."""
    nested = {name: parse_expression(text) for name, text in (services or {}).items()}
    return Contract(
        client="acme",
        name="network",
        service="network",
        kind=ServiceKind.NETWORK,
        definition="",
        measurement=Measurement.AVAILABILITY,
        target=parse_ratio(target),
        zone=zone("UTC"),
        period=FixedSpan(span(start, end), "UTC"),
        period_text="",
        hours=None,
        hours_text="always",
        expression=expand(parse_expression(expression), nested),
        parents=parents or {},
        valid=valid,
        options=options or Options(),
        penalty=parse_penalty(penalty),
        penalty_text=penalty,
        charges=(Charge(Money(Decimal("100.00"), "EUR"), ChargeBasis.PERIOD, DISTANT_PAST),),
    )


def options(**texts: str) -> Options:
    """Options as they are written, ``degraded="0.5"``; what is left out is at its default."""
    parsers: Mapping[str, Any] = {
        "degraded": parse_weight,
        "granularity": parse_granularity,
        "coverage_floor": parse_ratio,
        "ignore_outages_shorter_than": parse_duration,
        "merge_gaps_shorter_than": parse_duration,
        "maintenance_notice": parse_duration,
        "maintenance_limit": parse_duration,
    }
    return Options(**{key: parsers[key](text) for key, text in texts.items()})


def judged(
    contract: Contract,
    timeline: Timeline | Mapping[str, Timeline],
    *,
    now: int = 10**6,
    hours: IntervalSet | None = None,
    excluded: Sequence[Announcement] = (),
) -> Compliance:
    """The account of the contract's one period."""
    if not isinstance(timeline, Timeline):
        timeline = service_timeline(contract.expression, timeline)
    period = next(contract.periods.between(s(-(10**6)), s(10**6)))
    exclusions = exclusions_for(contract, excluded, period.interval)
    return judge(contract, period, timeline, hours, exclusions, s(now))


def seconds(classes: Classes) -> tuple[int, int, int, int]:
    """Up, degraded, down and unknown in whole seconds."""
    found = (classes.up, classes.degraded, classes.down, classes.unknown)
    assert all(length % SECOND == 0 for length in found)
    up, degraded, down, unknown = (length // SECOND for length in found)
    return up, degraded, down, unknown


def figures(compliance: Compliance) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """Low, point and high."""
    return compliance.availability.low, compliance.availability.point, compliance.availability.high


def maintenance(
    start: int,
    end: int,
    *,
    kind: str = "maintenance",
    announced: int | None = None,
    reason: str = "",
    approved_by: str = "",
    identity: str = "",
) -> Announcement:
    """One announced span."""
    return Announcement(
        identity=identity or f"{kind} {start}",
        kind=ExclusionKind(kind),
        spans=(span(start, end),),
        reason=reason,
        approved_by=approved_by,
        announced_at=None if announced is None else s(announced),
    )


def cadence(confirm: int = 2, recover: int = 1, every: Duration = 60 * SECOND) -> Cadence:
    """Every minute, five seconds to answer: an observation speaks for 2 · 60 s + 5 s = 125 s."""
    return Cadence(every=every, timeout=5 * SECOND, retry_every=10 * SECOND, confirm=confirm, recover=recover)


_VERDICTS = {"U": Verdict.UP, "D": Verdict.DEGRADED, "F": Verdict.DOWN, "V": Verdict.VOID, "P": Verdict.VOID}


def observation(word: str) -> Observation:
    """``U60`` good, ``D60`` degraded, ``F60`` failed, ``V60`` void, ``P60`` void because the path is lost."""
    cause = {"V": Cause.PROBER_FAULT, "P": Cause.PATH_LOST}.get(word[0])
    return Observation(s(int(word[1:])), 0, _VERDICTS[word[0]], "", cause=cause)


def observed(
    text: str, rhythm: Cadence | None = None, state: EndpointState | None = None
) -> tuple[EndpointState, list[Fact]]:
    """Step through ``U0 U60 F120``; ``.400`` only lets time pass until 400."""
    rhythm, state, facts = rhythm or cadence(), state or EndpointState(), []
    for word in text.split():
        if word[0] == ".":
            state, more = expire(state, s(int(word[1:])))
        else:
            state, more = step(state, observation(word), rhythm)
        facts += more
    return state, facts


def spell_fact(fact: Fact) -> str:
    """``down 120 [60..120]``, ``blip down 120 [60..180] x1``, ``suspect 120``; edges only where there are any."""
    at = seconds_of(fact.at)
    if isinstance(fact, Suspicion):
        return f"suspect {at}"
    edges = (
        "" if fact.earliest == fact.latest == fact.at else f" [{seconds_of(fact.earliest)}..{seconds_of(fact.latest)}]"
    )
    if isinstance(fact, Blip):
        return f"blip {fact.state.word} {at}{edges} x{fact.seen}"
    return f"{fact.state.word} {at}{edges}" + (f" {fact.cause}" if fact.cause else "")


def spell_facts(facts: Iterable[Fact]) -> list[str]:
    return [spell_fact(fact) for fact in facts]


def ledger(facts: Iterable[Fact]) -> tuple[list[Change], list[Blip]]:
    """Changes in order of instant, later entries after earlier ones, as the ledger gives them back; and the blips."""
    listed = list(facts)
    known = sorted((fact for fact in listed if isinstance(fact, Change)), key=lambda change: change.at)
    return known, [fact for fact in listed if isinstance(fact, Blip)]


def seen_until(text: str, end: int, rhythm: Cadence | None = None) -> Timeline:
    """The timeline of what was observed, as it stands at ``end``."""
    state, facts = observed(text, rhythm)
    known, blips = ledger(facts)
    edge = state.closing_edge(s(end))
    return endpoint_timeline(known if edge is None else [*known, edge], blips)
