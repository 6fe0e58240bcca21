"""Snapshots as the evaluator makes them: real contracts, real accounts, real risks, over a history written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

from slawatch.domain.account import account, contract_timeline, hours_within, members
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Duration, Instant, Interval, parse_instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.risk import RunningOutage, Situation, assess
from slawatch.domain.strip import state_at, strip
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import Timeline, endpoint_timeline
from slawatch.evaluation.board import ContractStatus, EndpointStatus, Snapshot, Vouched

START = parse_instant("2026-01-04T23:00:00Z")
"""Monday 5 January 2026, 00:00 in Berlin: the founding contract's first period."""

NOON = START + 9 * DAY + 12 * HOUR
"""Wednesday 14 January 2026, 12:00 in Berlin."""

OPTIONS: Mapping[str, str] = {
    "settle_on": "point", "unknown": "exclude", "degraded": "1", "coverage_floor": "95%", "granularity": "exact",
    "ignore_outages_shorter_than": "0s", "merge_gaps_shorter_than": "0s", "partial": "judge", "unreachable": "down",
    "grace": "3d", "maintenance_notice": "0s", "maintenance_limit": "unlimited", "release": "owner",
}  # fmt: skip

Spell = tuple[Duration, Duration, State]
"""A stretch of another state: start and length from :data:`START`."""


def terms(client: str = "acme", name: str = "network", **others: Any) -> dict[str, Any]:
    """The founding contract, or one that differs from it."""
    return {
        "format": "1",
        "client": client,
        "contract": name,
        "timezone": "Europe/Berlin",
        "service": name,
        "kind": "network",
        "definition": "Ensure network up-time.",
        "measurement": "availability",
        "standard": "99%",
        "period": "every 2 weeks from 2026-01-05",
        "valid": {"from": "2026-01-05", "to": None},
        "hours": None,
        "up_when": "router",
        "services": {},
        "parents": {},
        "confirmation_span": "75s",
        "penalty": "10% of charges",
        "charges": [{"from": None, "amount": "1200.00 EUR per month"}],
        "options": dict(OPTIONS),
        "owner": "owner@msp.example",
        "review_at": ["09:00", "15:00"],
        "credit_cap": None,
        "same_incident": "sum",
        **others,
    }


def timeline(*spells: Spell, width: Duration = 0, until: Instant = NOON) -> Timeline:
    """Up from :data:`START` on but for some spells. ``width`` is how long before a change the truth was last seen."""
    changes = [Change(START, State.UP, START, START)]
    for offset, length, state in spells:
        begin, end = START + offset, START + offset + length
        cause = Cause.MONITOR_STOPPED if state is State.UNKNOWN else None
        changes.append(Change(begin, state, max(START, begin - width), begin, cause))
        if end < until:
            changes.append(Change(end, State.UP, end - width, end))
    return endpoint_timeline(changes)


def contract_status(
    document: Mapping[str, Any] | None = None,
    endpoints: Mapping[str, Timeline] | None = None,
    now: Instant = NOON,
    client_name: str = "Acme Logistics",
    **others: Any,
) -> ContractStatus:
    """What the evaluator would say of one contract at ``now``."""
    contract = contract_of(document or terms())
    lines = dict.fromkeys(members(contract), timeline()) | dict(endpoints or {})
    service = contract_timeline(contract, lines)
    period = contract.periods.containing(now)
    assert period is not None
    announcements = others.pop("announcements", ())
    present = account(contract, period, service, announcements, now)
    state, since = state_at(service, now)
    running = None
    if state is State.DOWN and since is not None:
        running = RunningOutage(since, now)
    situation = Situation(advance=lambda start, length: start + length, running=running)
    before = contract.periods.preceding(period)
    return ContractStatus(
        account=present,
        client_name=client_name,
        risk=assess(contract, present.compliance, situation),
        last=None if before is None else account(contract, before, service, (), now),
        burn_rates=others.pop("burn_rates", {"1h": Fraction(0), "1d": Fraction(3, 2)}),
        strip=strip(service, Interval(period.start, now), hours_within(contract, period.interval)),
        state=state,
        since=since,
        vouched=others.pop("vouched", Vouched.HOSTS),
    )


def endpoint_status(
    name: str = "router",
    line: Timeline | None = None,
    now: Instant = NOON,
    client: str = "acme",
    **others: Any,
) -> EndpointStatus:
    """What the evaluator would say of one endpoint at ``now``."""
    line = line or timeline()
    state, since = state_at(line, now)
    verdict = {State.UP: Verdict.UP, State.DEGRADED: Verdict.DEGRADED, State.DOWN: Verdict.DOWN}.get(state)
    last = None if verdict is None else observation(verdict, now)
    status = EndpointStatus(
        client=client,
        name=name,
        probe="icmp",
        target="192.0.2.1",
        path="lan",
        behind=None,
        state=state,
        cause=Cause.MONITOR_STOPPED if state is State.UNKNOWN else None,
        since=since,
        suspect=state is State.DOWN,
        last=last,
        last_transition=since,
        every=10 * SECOND,
        counts={"up": 77_760, "down": 12},
        strip=strip(line, Interval(now - DAY, now)),
    )
    return replace(status, **others)


def observation(verdict: Verdict, now: Instant = NOON) -> Observation:
    """The latest probe, a few seconds before ``now``."""
    if verdict is Verdict.DOWN:
        return Observation(now - 4 * SECOND, 5 * SECOND, verdict, "timeout", "no echo reply from 192.0.2.1")
    reason = "slow" if verdict is Verdict.DEGRADED else "answered"
    phases = (("send", 120), ("wait", 2_180))
    return Observation(now - 4 * SECOND, 2 * MILLISECOND + 345, verdict, reason, phases=phases)


def snapshot(
    contracts: Sequence[ContractStatus] = (),
    endpoints: Sequence[EndpointStatus] = (),
    generation: int = 1,
    at: Instant = NOON,
    **others: Any,
) -> Snapshot:
    """A publication of the board."""
    names = {"acme": "Acme Logistics", "globex": "Globex Bank", "initech": "Initech", "umbrella": "Umbrella Clinics"}
    names |= others.pop("client_names", {})
    return Snapshot(
        at=at,
        generation=generation,
        contracts=tuple(contracts),
        endpoints=tuple(endpoints),
        client_names=names,
        configuration_generation=1,
        **others,
    )


def quiet(generation: int = 1) -> Snapshot:
    """One contract on track, its endpoint up."""
    return snapshot([contract_status()], [endpoint_status()], generation)


def shaken(generation: int = 2) -> Snapshot:
    """The same after 1 h 50 m of downtime, more than half of the budget: at risk, and up again."""
    line = timeline((9 * DAY + 9 * HOUR, 110 * MINUTE, State.DOWN))
    return snapshot([contract_status(endpoints={"router": line})], [endpoint_status(line=line)], generation)


@cache
def estate() -> Snapshot:
    """A small estate in which everything can be seen that a page can show."""
    return snapshot(_contracts(), _endpoints(), generation=7)


def _contracts() -> list[ContractStatus]:
    office = {
        "name": "office", "timezone": "Europe/Berlin", "days": {"mon-fri": ["08:00-18:00"]},
        "holidays": "DE-HH", "closed": [], "open": {},
    }  # fmt: skip
    return [
        contract_status(terms("umbrella", "email"), client_name="Umbrella Clinics"),
        contract_status(
            terms("initech", "website", standard="99.9%", up_when="website"),
            {"website": timeline((2 * DAY, 40 * MINUTE, State.DOWN), width=30 * SECOND)},
            client_name="Initech",
        ),
        contract_status(
            terms("globex", "branch", up_when="vpn"),
            {"vpn": timeline((9 * DAY + 11 * HOUR + 40 * MINUTE, 30 * MINUTE, State.DOWN), width=10 * SECOND)},
            client_name="Globex Bank",
        ),
        contract_status(
            endpoints={
                "router": timeline(
                    (1 * DAY, 2 * HOUR, State.UNKNOWN),
                    (3 * DAY, 3 * HOUR, State.DEGRADED),
                    (6 * DAY + 5 * HOUR, 116 * MINUTE, State.DOWN),
                    width=10 * SECOND,
                )
            },
            vouched=Vouched.NOBODY,
        ),
        contract_status(
            terms("acme", "terminals", hours=office, up_when="desk"),
            {"desk": timeline((4 * DAY + 10 * HOUR, 13 * MINUTE, State.DOWN))},
        ),
        contract_status(
            terms("globex", "backup", up_when="store"),
            {"store": timeline((2 * DAY, 6 * DAY, State.UNKNOWN))},
            client_name="Globex Bank",
        ),
    ]


def _endpoints() -> list[EndpointStatus]:
    recent = 8 * DAY + 20 * HOUR
    day = (
        (recent, 12 * MINUTE, State.DOWN),
        (recent + 2 * HOUR, 90 * MINUTE, State.DEGRADED),
        (recent + 6 * HOUR, HOUR, State.UNKNOWN),
    )
    outage = (9 * DAY + 11 * HOUR + 40 * MINUTE, 30 * MINUTE, State.DOWN)
    gone = (9 * DAY + 11 * HOUR, 2 * HOUR, State.UNKNOWN)
    slow = (9 * DAY + 10 * HOUR, 3 * HOUR, State.DEGRADED)
    return [
        endpoint_status("router", timeline(*day)),
        endpoint_status("isp_a", target="198.51.100.1", path="internet"),
        endpoint_status("desk", probe="tcp", target="192.0.2.30:3389", suspect=True),
        endpoint_status("vpn", timeline(outage), client="globex", target="203.0.113.9"),
        endpoint_status("store", timeline(gone), client="globex", probe="tcp", target="198.51.100.20:445"),
        endpoint_status("website", timeline(slow), client="initech", probe="http", target="https://initech.example/"),
        endpoint_status("mail", client="umbrella", probe="tcp", target="198.51.100.25:25"),
    ]


def history() -> tuple[list[Change], list[Blip]]:
    """One outage of 6 min 30 s on the day of :data:`NOON`, and a blip."""
    begin = NOON - 3 * HOUR + 20 * SECOND
    end = begin + 6 * MINUTE + 30 * SECOND
    changes = [
        Change(START, State.UP, START, START),
        Change(begin, State.DOWN, begin - 10 * SECOND, begin, None, begin + 10 * SECOND, "timeout", "no echo reply"),
        Change(end, State.UP, end - 10 * SECOND, end, None, end, "answered"),
    ]
    blip = Blip(NOON - HOUR, State.DOWN, NOON - HOUR - 10 * SECOND, NOON - HOUR + 10 * SECOND, 1, "timeout")
    return changes, [blip]
