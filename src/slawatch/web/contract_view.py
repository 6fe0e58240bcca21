"""The contract's page as pure values: "will this period hold?", with every figure explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from slawatch.domain.account import Account
from slawatch.domain.compliance import Compliance
from slawatch.domain.composite import names_in
from slawatch.domain.contract import Contract, UnknownPolicy
from slawatch.domain.exclusions import Ruling
from slawatch.domain.grammar import parse_duration, ratio_text, spell_duration
from slawatch.domain.interval import DAY, DISTANT_FUTURE, DISTANT_PAST, Duration, Instant, Interval
from slawatch.domain.local_time import first_instant, local_of
from slawatch.domain.penalty import describe
from slawatch.domain.strip import MOST_PIECES
from slawatch.evaluation.board import ContractStatus, EndpointStatus, Snapshot
from slawatch.web.cards import Card, card, closed_text
from slawatch.web.strips import WORDS, Strip, strip
from slawatch.web.views import Row, down_now, row
from slawatch.web.words import (
    Moment,
    agreed,
    day_text,
    endpoint_href,
    moment,
    percent,
    sentence,
    share,
    span_text,
    spoken,
)

LONGEST_CALENDAR = 35
"""Days for which a page shows one strip each."""


@dataclass(frozen=True, slots=True)
class Term:
    """One part of the agreement, in words."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: what, how much, its share, and how it came about."""

    name: str
    value: str
    share: str = ""
    how: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class OutageLine:
    """One outage: when, how long in service time, and what it cost of the period's budget."""

    start: Moment
    end: Moment | None
    """None while it runs."""
    counted: str
    cost: str
    elsewhere: str
    """How much of its span does not count; empty when all of it does."""
    evidence: tuple[tuple[str, str], ...]
    """The endpoints that it came from, with the address of that day's page."""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of the period, with its own strip."""

    name: str
    href: str
    """That day's page, of the one endpoint that the contract counts; empty where there are several."""
    strip: Strip
    lost: str
    """Downtime of that day inside service time; empty when there was none, or the strip is too coarse to say."""


@dataclass(frozen=True, slots=True)
class ContractPage:
    """Everything that the page prints."""

    at: Moment
    zone: str
    card: Card
    agreement: tuple[Term, ...]
    options: tuple[Term, ...]
    classes: tuple[Line, ...]
    passed: str
    figures: tuple[Line, ...]
    budget: tuple[Line, ...]
    outlook: tuple[Line, ...]
    reasons_text: str
    outages: tuple[OutageLine, ...]
    outage_figures: tuple[Line, ...]
    unknown: tuple[Line, ...]
    excluded: tuple[Line, ...]
    rulings: tuple[Term, ...]
    money: tuple[Line, ...]
    days: tuple[Day, ...]
    rows: tuple[Row, ...]
    last: str


def contract_page(status: ContractStatus, snapshot: Snapshot) -> ContractPage:
    """The page of one contract as of a snapshot, in the contract's own zone."""
    contract, account, now = status.contract, status.compliance, snapshot.at
    return ContractPage(
        at=moment(now, now, contract.zone),
        zone=contract.zone.key,
        card=card(status, now, contract.zone),
        agreement=tuple(_agreement(contract)),
        options=tuple(_options(contract)),
        classes=tuple(_classes(account)),
        passed=spell_duration(account.at - account.period.start),
        figures=tuple(_figures(contract, account)),
        budget=tuple(_budget(contract, account)),
        outlook=tuple(_outlook(status)),
        reasons_text=sentence([reason.text for reason in status.risk.reasons]),
        outages=tuple(_outages(contract, account, now)),
        outage_figures=tuple(_outage_figures(account)),
        unknown=tuple(
            Line(spoken(cause.value), spell_duration(length)) for cause, length in account.unknown_by.items()
        ),
        excluded=tuple(Line(spoken(kind), spell_duration(length)) for kind, length in account.excluded_by.items()),
        rulings=tuple(_rulings(status.account, now)),
        money=tuple(_money(status.account)),
        days=tuple(_days(status, now)),
        rows=tuple(row(member, snapshot, contract.zone, down_now(snapshot)) for member in _members(contract, snapshot)),
        last="" if status.last is None else closed_text(status.last),
    )


def _members(contract: Contract, snapshot: Snapshot) -> list[EndpointStatus]:
    names = names_in(contract.expression)
    found = {status.name: status for status in snapshot.endpoints if status.client == contract.client}
    return [found[name] for name in names if name in found]


def _agreement(contract: Contract) -> Iterator[Term]:
    """The four parts of every agreement: definition, measurement, standard and period, penalty."""
    yield Term("Definition", contract.definition or f"Service {contract.service}.")
    hours = "around the clock" if contract.hours is None else f"in the service hours “{contract.hours_text}”"
    yield Term(
        "Measurement", f"{spoken(contract.measurement.value).capitalize()}, {hours}; up when {contract.expression}."
    )
    yield Term("Standard and period", f"{agreed(contract.target)}, {_period_words(contract)}.")
    charges = "; ".join(f"{charge.amount} per {charge.basis.value}" for charge in contract.charges)
    yield Term("Penalty", describe(contract.penalty) + (f" Charges: {charges}." if charges else ""))


def _period_words(contract: Contract) -> str:
    text = (
        contract.period_text if contract.period_text.startswith(("every", "from")) else f"each {contract.period_text}"
    )
    valid, now = contract.valid, contract.valid.start
    if valid.start != DISTANT_PAST:
        text += f", valid from {day_text(local_of(valid.start, contract.zone))}"
    if valid.end != DISTANT_FUTURE:
        text += f" until {moment(valid.end, now - DAY, contract.zone, seconds=False).text}"
    return f"{text} ({contract.zone.key})"


def _options(contract: Contract) -> Iterator[Term]:
    """How the contract settles what the rules leave open."""
    options = contract.options
    yield Term("Unknown time", {
        UnknownPolicy.EXCLUDE: "is left out of the figure",
        UnknownPolicy.DOWN: "counts as down",
        UnknownPolicy.UP: "counts as up",
    }[options.unknown])  # fmt: skip
    yield Term("Degraded time", f"counts {share(options.degraded)} as up")
    yield Term("Coverage", f"at least {agreed(options.coverage_floor)} of service time must be measured")
    yield Term("Outage time", f"counted {_granularity(contract)}")
    if options.merge_gaps_shorter_than:
        yield Term("Gaps", f"shorter than {spell_duration(options.merge_gaps_shorter_than)} join two outages")
    if options.ignore_outages_shorter_than:
        yield Term("Outages", f"shorter than {spell_duration(options.ignore_outages_shorter_than)} do not count")
    yield Term("Money", f"follows the {options.settle_on.value} figure")
    yield Term("Final", f"{spell_duration(options.grace)} after the period's end")
    if contract.parents and not options.unreachable_is_down:
        yield Term("Unreachable", "what lies behind something that is down counts as unknown")


def _granularity(contract: Contract) -> str:
    rule = contract.options.granularity
    return f"{rule.kind.value} {spell_duration(rule.block)}" if rule.block else spoken(rule.kind.value)


def _classes(account: Compliance) -> Iterator[Line]:
    """The seven classes of time; they add up to what has passed of the period."""
    passed = account.at - account.period.start
    lengths = {
        "up": account.classes.up,
        "degraded": account.classes.degraded,
        "down": account.classes.down,
        "unknown": account.classes.unknown,
        "excluded": account.excluded,
        "outside_hours": account.outside_hours,
        "outside_contract": account.outside_contract,
    }
    for kind, length in lengths.items():
        yield Line(WORDS[kind], spell_duration(length), share(Fraction(length, passed), 3) if passed else "", kind=kind)


def _figures(contract: Contract, account: Compliance) -> Iterator[Line]:
    """Each figure to twelve digits, with the fraction that it is."""
    bounds = account.availability
    reads = (
        ("Low", bounds.low, account.low, "down wherever the probes leave room for it"),
        ("Point", bounds.point, account.classes, "down from the first failed probe to the first good one"),
        ("High", bounds.high, account.high, "down only between failed probes"),
    )
    for name, ratio, classes, how in reads:
        if ratio is None:
            yield Line(name, "not applicable", how="no service time was measured")
            continue
        lost = f"{spell_duration(classes.down)} down in {spell_duration(classes.known)} known"
        yield Line(name, _exact(ratio), percent(ratio, contract.target), f"{how}: {lost}")
    for name, ratio, how in (
        ("If unknown were down", account.if_unknown_down, "all unknown time counted as down"),
        ("If unknown were up", account.if_unknown_up, "all unknown time counted as up"),
        ("Without exclusions", account.without_exclusions, "as if nothing had been excluded"),
    ):
        yield Line(name, _exact(ratio), percent(ratio, contract.target), how)
    floor = agreed(contract.options.coverage_floor)
    yield Line("Coverage", _exact(account.coverage), "" if account.coverage is None else share(account.coverage, 2),
               f"measured service time of all that passed; at least {floor} is agreed")  # fmt: skip


def _exact(ratio: Fraction | None) -> str:
    return "–" if ratio is None else ratio_text(ratio)[:14]


def _budget(contract: Contract, account: Compliance) -> Iterator[Line]:
    budget = account.budget
    unknown = " less what is unknown" if contract.options.unknown is UnknownPolicy.EXCLUDE else ""
    service = spell_duration(account.service_time)
    how = f"{agreed(1 - contract.target)} of {service} service time in the whole period{unknown}"
    yield Line("Allowed", spell_duration(budget.allowed), how=how)
    used = "down time" if contract.options.degraded == 1 else "down time and the weighted part of degraded time"
    yield Line("Used", spell_duration(budget.used), _share_of(budget.used, budget.allowed), used)
    yield Line("Left", spell_duration(budget.left), how="allowed less used")


def _share_of(part: Duration, whole: Duration) -> str:
    return share(Fraction(part, whole)) if whole > 0 else ""


def _outlook(status: ContractStatus) -> Iterator[Line]:
    """What can still become of the period."""
    risk, target = status.risk, status.contract.target
    yield Line("Best", _exact(risk.best), percent(risk.best, target), "all that remains is up")
    yield Line("Worst", _exact(risk.worst), percent(risk.worst, target), "all that remains is down")
    if risk.downtime_to_breach is not None:
        yield Line("Breach after", spell_duration(risk.downtime_to_breach), how="one uninterrupted outage from now on")
    for window, rate in sorted(status.burn_rates.items(), key=lambda item: parse_duration(item[0])):
        hundredths = rate.numerator * 100 // rate.denominator
        how = f"of the latest {window}; 1 uses the budget up exactly"
        yield Line("Burn rate", f"{hundredths // 100}.{hundredths % 100:02d}", how=how)


def _outages(contract: Contract, account: Compliance, now: Instant) -> Iterator[OutageLine]:
    """By the point figure, the latest first."""
    for outage in reversed(account.outages[1]):
        running = outage.span.end >= account.at and account.open
        aside = outage.span.length - outage.counted
        day = local_of(outage.span.start, contract.zone).date().isoformat()
        yield OutageLine(
            start=moment(outage.span.start, now, contract.zone),
            end=None if running else moment(outage.span.end, now, contract.zone),
            counted=spell_duration(outage.counted),
            cost=_share_of(outage.counted, account.budget.allowed),
            elsewhere=f"{span_text(aside, round_up=True)} of it outside service time" if aside else "",
            evidence=tuple(
                (name, f"{endpoint_href(contract.client, name)}?day={day}") for name in names_in(contract.expression)
            ),
        )


def _outage_figures(account: Compliance) -> Iterator[Line]:
    figures = account.outage_figures
    yield Line("Outages", str(figures.count))
    if not figures.count:
        return
    yield Line("Longest", spell_duration(figures.longest))
    for name, length, how in (
        ("MTRS", figures.mtrs, "mean time to restore service"),
        ("MTBF", figures.mtbf, "mean time between failures"),
        ("MTBSI", figures.mtbsi, "mean time between service incidents"),
    ):
        if length is not None:
            yield Line(name, spell_duration(length), how=how)
    if account.suppressed:
        yield Line("Suppressed", spell_duration(account.suppressed), how="too short to count by the contract")


def _rulings(account: Account, now: Instant) -> Iterator[Term]:
    zone = account.contract.zone
    for ruled in account.exclusions.rulings:
        start, end = (moment(instant, now, zone, seconds=False).text for instant in ruled.span)
        reason = f" ({ruled.announcement.reason})" if ruled.announcement.reason else ""
        verdict = "counts" if ruled.ruling is Ruling.COUNTS else ruled.ruling.value
        yield Term(f"{start} – {end}", f"{spoken(ruled.announcement.kind.value)}{reason}: {verdict}")


def _money(account: Account) -> Iterator[Line]:
    settlement = account.settlement
    if settlement is None:
        return
    if settlement.charges is not None:
        yield Line("Charges", str(settlement.charges.rounded()), how="that fall to this period")
    if account.compliance.open:
        yield Line("Credit at best", str(settlement.at_high), how="if all that remains is up")
        yield Line("Credit at worst", str(settlement.at_low), how="if all that remains is down")
    else:
        due = "open" if settlement.amount is None else str(settlement.amount)
        yield Line("Credit", due, how=settlement.rule)
        yield Line("Credit at low", str(settlement.at_low), how="by the low figure")
        yield Line("Credit at high", str(settlement.at_high), how="by the high figure")


def _days(status: ContractStatus, now: Instant) -> Iterator[Day]:
    """One strip for each local day that has begun, the latest first."""
    period, zone = status.compliance.period, status.contract.zone
    if period.end - period.start > LONGEST_CALENDAR * DAY:
        return
    names = names_in(status.contract.expression)
    date, last = local_of(period.start, zone).date(), local_of(min(now, period.end - 1), zone).date()
    dates = [date + timedelta(days=count) for count in range((last - date).days + 1)]
    for date in reversed(dates):
        span = Interval(first_instant(date, zone), first_instant(date + timedelta(days=1), zone))
        lost = sum(
            max(0, min(piece.end, span.end) - max(piece.start, span.start))
            for piece in status.strip
            if piece.kind == "down"
        )
        name = day_text(local_of(span.start, zone), local_of(now, zone).year)
        exact = len(status.strip) < MOST_PIECES
        text = f"{span_text(lost, round_up=True)} down" if lost and exact else ""
        href = f"{endpoint_href(status.contract.client, names[0])}?day={date.isoformat()}" if len(names) == 1 else ""
        yield Day(name, href, strip(status.strip, span, now, zone, name), text)
