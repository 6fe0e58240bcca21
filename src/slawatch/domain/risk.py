"""What threatens the period that runs now (S22, S33): a level, the reasons for it, and the instant of breach.

Everything follows from the account of the period so far. The best final figure has all that remains up, by the high
version; the worst has all of it down, by the low one. Nothing is estimated here: how likely a breach is belongs
to :mod:`slawatch.domain.forecast`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from slawatch.domain.burn import burn_rate, burn_windows, decimal
from slawatch.domain.compliance import Classes, Compliance
from slawatch.domain.contract import Contract, UnknownPolicy
from slawatch.domain.facts import State
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import Duration, Instant, format_instant
from slawatch.domain.penalty import percent_text
from slawatch.domain.timeline import HIGH, POINT, Timeline, state_in


class Level(StrEnum):
    """How the current period stands, from safe to lost; ``undetermined`` where nobody can say."""

    GUARANTEED = "guaranteed"
    """Even if all that remains is down, the standard is met."""
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    BREACHING = "breaching"
    """An outage is running that breaches the standard at a known instant of this period."""
    LOST = "lost"
    """Even if all that remains is up, the standard is missed."""
    UNDETERMINED = "undetermined"


class ReasonKind(StrEnum):
    """Why a period has its level."""

    WORST_IS_ENOUGH = "worst_is_enough"
    BEST_IS_NOT_ENOUGH = "best_is_not_enough"
    OUTAGE_RUNS = "outage_runs"
    BUDGET_USED = "budget_used"
    BURN_RATE = "burn_rate"
    RESTORE_TIME = "restore_time"
    NO_SERVICE_TIME = "no_service_time"
    NOTHING_KNOWN = "nothing_known"
    COVERAGE_LOST = "coverage_lost"
    WITHIN_BOUNDS = "within_bounds"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Reason:
    """One named reason, with its numbers in words."""

    kind: ReasonKind
    text: str


@dataclass(frozen=True, slots=True)
class RunningOutage:
    """An outage that runs now.

    ``since`` is its start by the point version. ``high_until`` is how far the high version already counts it
    (its latest failed probe). ``loss`` is what it costs for each unit of time: 1 when down,
    1 - weight when degraded.
    """

    since: Instant
    high_until: Instant
    loss: Fraction = Fraction(1)


Advance = Callable[[Instant, Duration], Instant | None]
"""(start, service time) → the first instant by which that much service time has passed; None if never."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What risk needs beside the account. Durations in microseconds.

    ``advance`` walks along the contract's service time less exclusions. ``used_in`` gives the downtime in the latest
    window of service time of a length, by the point version. ``restore_p90`` is
    :func:`restore_percentile` of the endpoint's own outages, None when they are too few.
    """

    advance: Advance
    running: RunningOutage | None = None
    used_in: Callable[[Duration], Fraction] | None = None
    restore_p90: Duration | None = None


@dataclass(frozen=True, slots=True)
class BurnRate:
    """The rate over a window (service time) and the threshold that goes with it."""

    window: Duration
    rate: Fraction
    threshold: Fraction


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk of a running period.

    ``breach_at`` is the first instant at which best < target if the running outage goes on, exact to the
    microsecond; it does not move while the outage runs, and is None without one or when the period ends first.
    ``downtime_to_breach`` is the shortest uninterrupted downtime, from the account's instant on, that would
    breach; None when none could or when the period is lost. ``budget_use`` is used / allowed, None without a budget.
    """

    level: Level
    reasons: tuple[Reason, ...]
    best: Fraction | None
    worst: Fraction | None
    breach_at: Instant | None = None
    downtime_to_breach: Duration | None = None
    budget_use: Fraction | None = None
    burn: tuple[BurnRate, ...] = ()


BUDGET_STEPS = (Fraction(9, 10), Fraction(3, 4), Fraction(1, 2))
"""Reaching one of these shares of the budget puts a period at risk (S33)."""

FEWEST_RESTORES = 5
"""With fewer outages than this a 90th percentile says nothing."""


def restore_percentile(lengths: Sequence[Duration]) -> Duration | None:
    """The 90th percentile of outage lengths by nearest rank; None for fewer than :data:`FEWEST_RESTORES`."""
    if len(lengths) < FEWEST_RESTORES:
        return None
    return sorted(lengths)[-(-9 * len(lengths) // 10) - 1]


def running_outage(timeline: Timeline, at: Instant, weight: Fraction) -> RunningOutage | None:
    """The outage that runs up to ``at`` by the point version of a service's timeline; None when it is up or unknown.

    Degraded time is an outage only when it costs something: with a weight below 1.
    """
    last = bisect_left(timeline.starts, at) - 1
    state = state_in(timeline.codes[last], POINT)
    loss = {State.DOWN: Fraction(1), State.DEGRADED: 1 - weight}.get(state, Fraction(0))
    if loss == 0:
        return None
    first = last
    while first > 0 and state_in(timeline.codes[first - 1], POINT) is state:
        first -= 1
    since = timeline.starts[first]
    high = [end for _, end, code in timeline.pieces(since, at) if state_in(code, HIGH) is state]
    return RunningOutage(since, high[-1] if high else since, loss)


def assess(contract: Contract, account: Compliance, situation: Situation) -> Risk:
    """The risk of a period as of ``account.at``. Lost and guaranteed are facts and go before all else; then a running
    outage, then what puts the period at risk, then what nobody can know."""
    best, worst, target = account.best, account.worst, contract.target
    burn = tuple(_burn(contract, account, situation))
    use = Fraction(account.budget.used, account.budget.allowed) if account.budget.allowed else None
    if best is None or worst is None:
        reason = Reason(ReasonKind.NO_SERVICE_TIME, "the period has no service time that can be measured")
        return Risk(Level.UNDETERMINED, (reason,), best, worst)
    if best < target:
        text = f"even with all that remains up it misses {percent_text(target)}"
        reason = Reason(ReasonKind.BEST_IS_NOT_ENOUGH, text)
        return Risk(Level.LOST, (reason,), best, worst, budget_use=use, burn=burn)
    if worst >= target:
        text = f"even with all that remains down it meets {percent_text(target)}"
        reason = Reason(ReasonKind.WORST_IS_ENOUGH, text)
        return Risk(Level.GUARANTEED, (reason,), best, worst, budget_use=use, burn=burn)
    breach_at = _breach_at(contract, account, situation)
    to_breach = _downtime_to_breach(contract, account)
    level, reasons = _between(contract, account, situation, burn, breach_at)
    return Risk(level, reasons, best, worst, breach_at, to_breach, use, burn)


def _between(
    contract: Contract,
    account: Compliance,
    situation: Situation,
    burn: Sequence[BurnRate],
    breach_at: Instant | None,
) -> tuple[Level, tuple[Reason, ...]]:
    threats = (
        *_budget_reasons(account),
        *_burn_reasons(burn, contract),
        *_restore_reasons(contract, account, situation),
    )
    if breach_at is not None:
        text = f"an outage is running and breaches the standard at {format_instant(breach_at)}"
        return Level.BREACHING, (Reason(ReasonKind.OUTAGE_RUNS, text), *threats)
    blind = tuple(_blind_reasons(contract, account))
    if not _ahead(account):
        text = "no service time remains, and the standard lies between the low and the high figure"
        return Level.UNDETERMINED, (Reason(ReasonKind.WITHIN_BOUNDS, text), *blind)
    if threats:
        return Level.AT_RISK, threats + blind
    if blind:
        return Level.UNDETERMINED, blind
    return Level.ON_TRACK, (Reason(ReasonKind.QUIET, "nothing threatens the standard"),)


def _ahead(account: Compliance) -> Duration:
    return account.service_time - account.classes.total


def _slack(contract: Contract, account: Compliance) -> Fraction:
    """How much of the time that is still up in the best final figure may yet be lost without missing the target."""
    assert account.best is not None
    denominator = _denominator(account.high, contract.options.unknown) + _ahead(account)
    return (account.best - contract.target) * denominator


def _denominator(classes: Classes, unknown: UnknownPolicy) -> Duration:
    return classes.known if unknown is UnknownPolicy.EXCLUDE else classes.total


def _breach_at(contract: Contract, account: Compliance, situation: Situation) -> Instant | None:
    """Walk from where the high version stops counting the outage; the service time that passes until the loss
    exceeds the slack, by one microsecond at least, ends at the breach. An outage that is too short to count (S18)
    counts whole once it is long enough."""
    running = situation.running
    if running is None or running.loss == 0:
        return None
    needed = int(_slack(contract, account) / running.loss) + 1
    walked = situation.advance(max(running.high_until, account.period.start), needed)
    if walked is None:
        return None
    breach = max(walked, running.since + contract.options.ignore_outages_shorter_than)
    return breach if breach <= account.period.end else None


def _downtime_to_breach(contract: Contract, account: Compliance) -> Duration | None:
    needed = int(_slack(contract, account)) + 1
    return needed if needed <= _ahead(account) else None


def _budget_reasons(account: Compliance) -> Iterator[Reason]:
    used, allowed = account.budget.used, account.budget.allowed
    for step in BUDGET_STEPS:
        if allowed and used >= step * allowed:
            text = f"{percent_text(step)} of the downtime that is allowed has been used"
            yield Reason(ReasonKind.BUDGET_USED, text)
            return


def _burn(contract: Contract, account: Compliance, situation: Situation) -> Iterator[BurnRate]:
    if situation.used_in is None:
        return
    for window in burn_windows(contract.target, account.service_time):
        for length in (window.long, window.short):
            rate = burn_rate(situation.used_in(length), length, contract.target)
            if rate is not None:
                yield BurnRate(length, rate, window.threshold)


def _burn_reasons(burn: Sequence[BurnRate], contract: Contract) -> Iterator[Reason]:
    for long, short in zip(burn[::2], burn[1::2], strict=True):
        if long.rate > long.threshold and short.rate > short.threshold:
            text = (
                f"the budget burns {decimal(long.rate)} times as fast as it may over {spell_duration(long.window)} "
                f"and {decimal(short.rate)} times over {spell_duration(short.window)}"
            )
            yield Reason(ReasonKind.BURN_RATE, text)


def _restore_reasons(contract: Contract, account: Compliance, situation: Situation) -> Iterator[Reason]:
    """An outage that began now and took as long as nine in ten of its own would breach before it ends."""
    needed = _downtime_to_breach(contract, account)
    if situation.restore_p90 is None or needed is None:
        return
    breach = situation.advance(account.at, needed)
    if breach is not None and breach <= account.period.end and breach - account.at < situation.restore_p90:
        text = (
            f"an outage from now on would breach after {spell_duration(breach - account.at)}; nine in ten of its "
            f"outages last up to {spell_duration(situation.restore_p90)}"
        )
        yield Reason(ReasonKind.RESTORE_TIME, text)


def _blind_reasons(contract: Contract, account: Compliance) -> Iterator[Reason]:
    passed, ahead, floor = account.classes, _ahead(account), contract.options.coverage_floor
    if passed.total and not passed.known:
        yield Reason(ReasonKind.NOTHING_KNOWN, "nothing is known of the period so far")
    whole = passed.total + ahead
    if whole and Fraction(passed.known + ahead, whole) < floor:
        text = f"too much is unknown: coverage can no longer reach {percent_text(floor)}"
        yield Reason(ReasonKind.COVERAGE_LOST, text)
