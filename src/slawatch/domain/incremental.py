"""The account of a running period without walking it: what is settled is added up once, fact by fact.

A :class:`Tally` holds what a period's settled past adds up to. Together with the few pieces of the timeline since
then it gives the same account, at any later instant, as :func:`slawatch.domain.account.account` does from all
of it: a test holds the two equal. The cost of a question is that of the pieces since the tally's end and of a
bisection in the calendar. (The outages of a period are listed in its account; that list is copied, not walked.)

Contracts that merge, ignore or round outages (S18, S19) are not for it: there a gap can still change how time
long before it counts. :func:`is_incremental` tells which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slawatch.domain.account import Account, exclusions_for, hours_within, settle_period
from slawatch.domain.compliance import Outage, OutageSum, Passed, compliance_of, scope_of
from slawatch.domain.contract import Contract, GranularityKind
from slawatch.domain.credits import ExactMoney, reckoned_charges
from slawatch.domain.exclusions import Announcement, Exclusions
from slawatch.domain.facts import State
from slawatch.domain.interval import DISTANT_PAST, Duration, Instant, Interval, IntervalSet
from slawatch.domain.period import Period
from slawatch.domain.service_hours import HoursIndex
from slawatch.domain.timeline import HIGH, POINT, UNOBSERVED, VERSIONS, Code, Timeline, state_in, totals


def is_incremental(contract: Contract) -> bool:
    """Whether a :class:`Tally` can keep the contract's account."""
    options = contract.options
    whole = options.merge_gaps_shorter_than or options.ignore_outages_shorter_than
    return not whole and options.granularity.kind is GranularityKind.EXACT and contract.counting is None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a period divides before anything is observed, ready for walking."""

    contract: Contract
    period: Period
    exclusions: Exclusions
    service: HoursIndex
    excluded: tuple[tuple[str, HoursIndex], ...]
    excluded_time: IntervalSet
    charges: ExactMoney | None = None

    @classmethod
    def of(cls, contract: Contract, period: Period, announcements: Sequence[Announcement]) -> Plan:
        """The division of a period by validity, service hours and exclusions (S4)."""
        exclusions = exclusions_for(contract, announcements, period.interval)
        scope = scope_of(period.interval, contract, hours_within(contract, period.interval), exclusions)
        by_kind = tuple((kind, HoursIndex(spans)) for kind, spans in scope.excluded if spans)
        costs = period.judged and not contract.penalty.is_none
        charges = reckoned_charges(contract, period.interval) if costs else None
        return cls(contract, period, exclusions, HoursIndex(scope.service), by_kind, scope.excluded_time, charges)


@dataclass(frozen=True, slots=True)
class Run:
    """The stretch of one state, by the point version, that lasts up to an instant.

    ``since`` is None where it has been so for as long as is known. ``held_until`` ends its latest part in which the
    high version agreed; None when it never did.
    """

    state: State
    since: Instant | None
    held_until: Instant | None

    @classmethod
    def up_to(cls, timeline: Timeline, instant: Instant) -> Run:
        """The run that ends at an instant of a whole timeline."""
        return cls(State.UNKNOWN, None, None).extended(timeline, DISTANT_PAST, instant)

    def extended(self, timeline: Timeline, start: Instant, end: Instant) -> Run:
        """The run up to ``end``, when this is the one up to ``start``."""
        state, since, held_until = self.state, self.since, self.held_until
        for at, until, code in timeline.pieces(start, end):
            now = state_in(code, POINT)
            if now is not state:
                state, since, held_until = now, at, None
            if state_in(code, HIGH) is state:
                held_until = until
        return Run(state, since, held_until)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a period adds up to before ``until``: for each code the time it held within service time and within
    excluded time, the outages that have ended, and since when one still runs (from the period's start at most).
    """

    plan: Plan
    until: Instant
    run: Run
    sums: Mapping[Code, Duration]
    set_aside: Mapping[Code, Duration]
    outages: tuple[tuple[Outage, ...], ...]
    outage_sum: OutageSum
    running: tuple[Instant | None, ...]
    """For each version."""

    @classmethod
    def begin(cls, plan: Plan, timeline: Timeline = UNOBSERVED) -> Tally:
        """Nothing of the period has passed. ``timeline`` is right up to its start."""
        start = plan.period.start
        return cls(plan, start, Run.up_to(timeline, start), {}, {}, ((), (), ()), OutageSum(), (None, None, None))

    def settled(self, timeline: Timeline, until: Instant) -> Tally:
        """With the time up to ``until`` added, and never more than the period. ``timeline`` is right from
        :attr:`until` to there, and says of it what every later one will say."""
        until = min(until, self.plan.period.end)
        return self if until <= self.until else self._grown(timeline, until)

    def account(self, timeline: Timeline, now: Instant) -> Account:
        """The account as of ``now``, which is not before :attr:`until`; ``timeline`` is right from there on."""
        plan = self.plan
        contract, period = plan.contract, plan.period
        at = max(period.start, min(now, period.end))
        passed = self._passed(timeline, at)
        compliance = compliance_of(contract, period, passed, now)
        return Account(contract, compliance, settle_period(contract, compliance, plan.charges), plan.exclusions)

    def _passed(self, timeline: Timeline, at: Instant) -> Passed:
        plan, grown = self.plan, self._grown(timeline, at)
        listed, outage_sum = list(grown.outages), grown.outage_sum
        for index, since in enumerate(grown.running):
            outage = None if since is None else self._outage(since, at)
            if outage is not None:
                listed[index] = (*listed[index], outage)
                outage_sum = outage_sum.plus(outage) if VERSIONS[index] == POINT else outage_sum
        start = plan.period.start
        excluded_by = {kind: length for kind, index in plan.excluded if (length := index.elapsed(start, at))}
        valid = Interval(start, at).intersect(plan.contract.valid).length
        return Passed(
            at=at,
            sums=grown.sums,
            set_aside=grown.set_aside,
            excluded_by=excluded_by,
            outside_hours=valid - sum(grown.sums.values()) - sum(excluded_by.values()),
            outside_contract=at - start - valid,
            ahead=plan.service.elapsed(at, plan.period.end),
            suppressed=0,
            outages=tuple(listed),
            outage_sum=outage_sum,
        )

    def _grown(self, timeline: Timeline, until: Instant) -> Tally:
        """With the time up to ``until`` added."""
        plan, running, outage_sum = self.plan, list(self.running), self.outage_sum
        ended: list[list[Outage]] = [[] for _ in VERSIONS]
        for at, _, code in timeline.pieces(self.until, until):
            for index, version in enumerate(VERSIONS):
                since, down = running[index], code >> version & 3 == State.DOWN
                if down and since is None:
                    running[index] = at
                elif not down and since is not None:
                    outage, running[index] = self._outage(since, at), None
                    ended[index] += [outage] if outage else []
        for outage in ended[VERSIONS.index(POINT)]:
            outage_sum = outage_sum.plus(outage)
        return Tally(
            plan=plan,
            until=until,
            run=self.run.extended(timeline, self.until, until),
            sums=_added(self.sums, totals(timeline, plan.service.hours.clip(self.until, until))),
            set_aside=_added(self.set_aside, totals(timeline, plan.excluded_time.clip(self.until, until))),
            outages=tuple((*before, *after) for before, after in zip(self.outages, ended, strict=True)),
            outage_sum=outage_sum,
            running=tuple(running),
        )

    def _outage(self, start: Instant, end: Instant) -> Outage | None:
        """An outage; None when it lies wholly outside service time."""
        counted = self.plan.service.elapsed(start, end)
        return Outage(Interval(start, end), counted) if counted else None


def _added(one: Mapping[Code, Duration], other: Mapping[Code, Duration]) -> dict[Code, Duration]:
    sums = dict(one)
    for code, held in other.items():
        sums[code] = sums.get(code, 0) + held
    return sums
