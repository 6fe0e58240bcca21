"""The contract card: the unit of every page, from a table row to a wall. Pure: contract status → texts and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from slawatch.domain.account import Account
from slawatch.domain.compliance import Compliance, Verdict, display_ratio
from slawatch.domain.facts import State
from slawatch.domain.grammar import Money
from slawatch.domain.interval import Instant
from slawatch.domain.risk import Level, ReasonKind
from slawatch.evaluation.board import ContractStatus, Vouched
from slawatch.web.strips import Strip, percent_of, strip
from slawatch.web.words import (
    Moment,
    ago,
    agreed,
    coarse_text,
    contract_href,
    moment,
    percent,
    period_text,
    share,
    since_text,
    span_text,
    spoken,
)

RANKS = ("lost", "breaching", "at-risk", "disputable", "no-data", "on-track", "met")
"""The standings of a contract, worst first. Each is also the name of its look."""

_BY_LEVEL = {
    Level.LOST: "lost",
    Level.BREACHING: "breaching",
    Level.AT_RISK: "at-risk",
    Level.ON_TRACK: "on-track",
    Level.GUARANTEED: "met",
}
_BY_VERDICT = {
    Verdict.MET: "met",
    Verdict.BREACHED: "lost",
    Verdict.DISPUTABLE: "disputable",
    Verdict.NOT_APPLICABLE: "no-data",
}
_DISPUTABLE = (ReasonKind.COVERAGE_LOST, ReasonKind.WITHIN_BOUNDS)
_PRINTED = (ReasonKind.BUDGET_USED, ReasonKind.BURN_RATE, ReasonKind.RESTORE_TIME, ReasonKind.COVERAGE_LOST)
"""Reasons of a risk that the rest of the card does not say already."""


@dataclass(frozen=True, slots=True)
class Whisker:
    """The figure's error bar beside its target, on a scale whose middle is the target and whose right end is 100 %.

    Positions are SVG percentages; ``below`` says that the low figure lies left of the scale.
    """

    low: str
    width: str
    point: str
    target: str
    scale: tuple[str, str]
    """What the left end and the target are."""
    below: bool
    off: bool
    """The point itself lies left of the scale."""
    label: str


@dataclass(frozen=True, slots=True)
class BudgetBar:
    """What is left of the allowed downtime; ``left`` as an SVG percentage of the bar."""

    left: str
    text: str
    label: str
    overdrawn: bool


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a contract card prints."""

    id: str
    href: str
    client: str
    contract: str
    standing: str
    """One of :data:`RANKS`."""
    word: str
    figure: str
    target: str
    of: str
    """What the figure is a share of, where that is not everything."""
    between: str
    """The low and the high figure, empty when they are the point."""
    whisker: Whisker | None
    budget: BudgetBar
    strip: Strip
    period: str
    remaining: str
    zone: str
    """Named only where it differs from the page's."""
    trouble: str
    """That the service is not up now, and for how long; empty while it is up."""
    service_state: str
    since: Moment | None
    reasons: tuple[str, ...]
    """Why it is at risk, where the rest of the card does not say it."""
    notes: tuple[str, ...]
    money: str


def standing_of(status: ContractStatus) -> str:
    """Where the contract stands: one of :data:`RANKS`."""
    if not status.compliance.open:
        return _BY_VERDICT[status.compliance.verdict]
    if not status.compliance.covered:
        return "no-data"
    if status.risk.level is not Level.UNDETERMINED:
        return _BY_LEVEL[status.risk.level]
    known = any(reason.kind in _DISPUTABLE for reason in status.risk.reasons)
    return "disputable" if known else "no-data"


def standing_word(status: ContractStatus, now: Instant) -> str:
    """The standing as the card says it: ``at risk``, ``breaches at 16:42``."""
    standing = standing_of(status)
    if standing == "breaching" and status.risk.breach_at is not None:
        at = moment(status.risk.breach_at, now, status.contract.zone, seconds=False).text
        return f"breaches at {at}" if ":" in at.split()[0] else f"breaches {at}"
    return standing.replace("-", " ")


def worst_first(status: ContractStatus) -> tuple[object, ...]:
    """Sort key: the standing, then a service that is down now, the nearer breach, the smaller part left, the name."""
    account, breach = status.compliance, status.risk.breach_at
    left = Fraction(account.budget.left, account.budget.allowed) if account.budget.allowed else Fraction(0)
    return (
        RANKS.index(standing_of(status)),
        status.state is not State.DOWN,
        breach is None,
        breach or 0,
        left,
        status.contract.key,
    )


def card(status: ContractStatus, now: Instant, page_zone: ZoneInfo) -> Card:
    """The card of one contract as of ``now``; its times are in the contract's own zone."""
    contract, account, zone = status.contract, status.compliance, status.contract.zone
    days = period_text(account.period.start, account.period.end, zone)
    return Card(
        id=f"contract/{contract.key}",
        href=contract_href(contract.client, contract.name),
        client=status.client_name or contract.client,
        contract=contract.name,
        standing=standing_of(status),
        word=standing_word(status, now),
        figure=percent(account.availability.point, account.target),
        target=agreed(account.target),
        of=of_what(account),
        between=between_text(account),
        whisker=whisker(account),
        budget=budget_bar(account),
        strip=strip(status.strip, account.period.interval, now, zone, f"{contract.key}, {days}"),
        period=days,
        remaining=f"{coarse_text(account.period.end - now)} left" if account.open else "over",
        zone="" if zone.key == page_zone.key else zone.key,
        trouble=_trouble(status, now),
        service_state=status.state.word,
        since=None if status.since is None else since_text(status.since, now, zone),
        reasons=tuple(_reasons(status)),
        notes=tuple(_notes(status)),
        money=_money(status),
    )


def between_text(account: Compliance) -> str:
    """``99.05 % – 99.31 %`` when the probes leave room between low and high, else empty.

    With as many digits as it takes to tell the two apart, at most six.
    """
    low, high, target = account.availability.low, account.availability.high, account.target
    if low is None or high is None or low == high:
        return ""
    for digits in range(2, 7):
        one, other = display_ratio(low, target, digits), display_ratio(high, target, digits)
        if one != other:
            break
    return f"{one} – {other} %"


def of_what(account: Compliance) -> str:
    """What a figure is a share of, where that is not the whole service time (S7)."""
    if account.coverage is None or account.coverage == 1 or not account.covered:
        return ""
    return f"of the {share(account.coverage)} that was measured"


def whisker(account: Compliance) -> Whisker | None:
    """The error bar; None while there is no figure."""
    low, point, high = account.availability.low, account.availability.point, account.availability.high
    if low is None or point is None or high is None:
        return None
    reach = (1 - account.target) or Fraction(1, 100)
    left = max(Fraction(0), account.target - reach)

    def place(ratio: Fraction) -> int:
        return max(0, min(10_000, int((ratio - left) / (1 - left) * 10_000)))

    label = ", ".join(
        f"{name} {percent(ratio, account.target)}" for name, ratio in (("low", low), ("point", point), ("high", high))
    )
    return Whisker(
        low=percent_of(place(low), 10_000),
        width=percent_of(place(high) - place(low), 10_000),
        point=percent_of(place(point), 10_000),
        target=percent_of(place(account.target), 10_000),
        scale=(agreed(left), agreed(account.target)),
        below=low < left,
        off=point < left,
        label=f"{label}; target {agreed(account.target)}",
    )


def budget_bar(account: Compliance) -> BudgetBar:
    """The downtime that is left, in words and as a bar that drains."""
    allowed, used, left = account.budget.allowed, account.budget.used, account.budget.left
    if allowed == 0 and used == 0:
        text = "no downtime is allowed" if account.service_time else "no service time"
    elif left < 0:
        text = f"overdrawn by {span_text(-left, round_up=True)}: used {span_text(used, round_up=True)}"
        text += f" of {span_text(allowed)}"
    else:
        text = f"{span_text(left)} of {span_text(allowed)} left"
    label = f"Downtime allowed {span_text(allowed)}, used {span_text(used, round_up=True)}: {text}"
    return BudgetBar(percent_of(max(0, left), allowed), text, label, left < 0)


def _trouble(status: ContractStatus, now: Instant) -> str:
    if status.state is State.UP or not status.compliance.open:
        return ""
    lasting = "" if status.since is None else f" for {ago(status.since, now)}"
    return f"service {status.state.word}{lasting}"


def _reasons(status: ContractStatus) -> list[str]:
    return [reason.text for reason in status.risk.reasons if reason.kind in _PRINTED and status.compliance.open]


def _notes(status: ContractStatus) -> list[str]:
    account, contract = status.compliance, status.contract
    notes = []
    floor = contract.options.coverage_floor
    if account.coverage is not None and account.coverage < floor and account.covered:
        notes.append(f"measured less than the agreed {agreed(floor)} of service time")
    if not account.period.judged:
        notes.append("first, partial period: for information only")
    elif account.period.partial:
        notes.append("partial period")
    if status.vouched is not Vouched.HOSTS:
        notes.append(vouched_text(status.vouched))
    if status.last is not None and status.last.compliance.verdict in (Verdict.BREACHED, Verdict.DISPUTABLE):
        notes.append(f"last period {closed_text(status.last)}")
    return notes


def vouched_text(vouched: Vouched) -> str:
    """Who answers for the way, where that is not two hosts (S15)."""
    if vouched is Vouched.LINK:
        return "judged with this machine's link as the only witness"
    return "judged without a witness" if vouched is Vouched.NOBODY else "judged with witnesses"


def closed_text(closed: Account) -> str:
    """How a period ended: ``breached at 98.80 %, credit 54.19 EUR``."""
    text = spoken(closed.compliance.verdict.value)
    if closed.compliance.availability.point is not None:
        text += f" at {percent(closed.compliance.availability.point, closed.compliance.target)}"
    settlement = closed.settlement
    if settlement is None:
        return text
    if settlement.amount is None:
        return f"{text}, credit open"
    return f"{text}, credit {settlement.amount}" if settlement.amount.amount else text


def _money(status: ContractStatus) -> str:
    """What is at stake, where there is anything to fear."""
    if status.settlement is None or standing_of(status) not in ("lost", "breaching", "at-risk"):
        return ""
    best, worst = status.settlement.at_high, status.settlement.at_low
    if best == worst:
        return f"costs {best}"
    return f"{worst} at stake" if _is_nothing(best) else f"costs {best} to {worst}"


def _is_nothing(money: Money) -> bool:
    return money.amount == 0
