"""The same events under other clauses: how much a longer period, other hours or other exclusions flatter.

Each *view* changes one thing about the agreement and judges again. A view may look at a window that is longer than
the judged period; what was never measured outside that period (before the history, after its end, still to come)
is taken as up there, and ``assumed_up`` says how much that is. Inside the judged period nothing is assumed.
A window is whole, whatever the contract's validity, and bears its share of the charges by elapsed time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from slawatch.domain.account import Account, account, contract_timeline, counted_account, members
from slawatch.domain.compliance import Verdict
from slawatch.domain.composite import names_in
from slawatch.domain.contract import UNLIMITED, Contract
from slawatch.domain.counted_events import CountedEvents
from slawatch.domain.counts import CountedEvent, Fate
from slawatch.domain.credits import Settlement
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.history import History
from slawatch.domain.interval import HOUR, Duration, Instant, Interval, IntervalSet
from slawatch.domain.local_time import local_of
from slawatch.domain.observation import Cause
from slawatch.domain.period import CalendarPeriods, CalendarUnit, EveryDays, Period, PeriodRule, proration
from slawatch.domain.service_hours import ALWAYS, Calendar, TimeRange
from slawatch.domain.timeline import POINT, Timeline, cause_of, painted, state_in

_NOT_MEASURED = (Cause.NEVER_OBSERVED, Cause.NO_FURTHER_DATA)


@dataclass(frozen=True, slots=True)
class View:
    """What one other clause makes of the events. ``group`` is ``agreed``, ``period``, ``hours``, ``exclusions`` or
    ``engine``; ``assumed_up`` is service time in microseconds."""

    group: str
    name: str
    span: Interval
    account: Account
    assumed_up: Duration = 0

    @property
    def figure(self) -> Fraction | None:
        """The point figure."""
        return self.account.compliance.availability.point

    @property
    def verdict(self) -> Verdict:
        """The verdict that this clause would give."""
        return self.account.compliance.verdict

    @property
    def settlement(self) -> Settlement | None:
        """The credit that it would cost."""
        return self.account.settlement

    def flatters(self, agreed: View) -> bool:
        """Whether it shows a better figure than what was agreed."""
        return self.figure is not None and agreed.figure is not None and self.figure > agreed.figure


@dataclass(frozen=True, slots=True)
class Scene:
    """One judged period: the contract, the sealed history of its client, what was announced, and now."""

    contract: Contract
    period: Period
    history: History
    announcements: Sequence[Announcement]
    now: Instant

    @property
    def measured(self) -> Interval:
        """The part of the judged period that has passed: nothing in it is ever assumed."""
        return Interval(self.period.start, max(self.period.start, min(self.now, self.period.end)))

    def timeline(self, history: History | None = None) -> Timeline:
        """The service's timeline by a history, this scene's own when left out."""
        source = history or self.history
        return contract_timeline(self.contract, {name: source.timeline(name) for name in members(self.contract)})


def views(scene: Scene) -> tuple[View, ...]:
    """What was agreed first, then the other periods, hours and exclusions; one contract, one judged period."""
    judged = _counted(scene) if scene.contract.counting is not None else _timed(scene)
    agreed = judged("agreed", "as agreed", scene.period, scene.contract, scene.announcements)
    focus = _focus(scene, agreed.account)
    found = [agreed]
    unbounded = replace(scene.contract, valid=UNLIMITED)
    for name, rule in _rules(scene):
        window = rule.containing(focus)
        if window is not None:
            period = whole_period(scene.contract, window)
            found.append(judged("period", name, period, unbounded, scene.announcements))
    for name, calendar in _calendars(scene.contract):
        other = replace(scene.contract, hours=calendar, hours_text=calendar.name if calendar else "always")
        if scene.contract.counting is None or scene.contract.counting.tickets is not None:
            found.append(judged("hours", name, scene.period, other, scene.announcements))
    found.append(judged("exclusions", "with exclusions", scene.period, scene.contract, scene.announcements))
    found.append(judged("exclusions", "without exclusions", scene.period, scene.contract, ()))
    return tuple(found)


Judge = Callable[[str, str, Period, Contract, Sequence[Announcement]], View]


def whole_period(contract: Contract, window: Interval) -> Period:
    """A window as a period that is judged; charges fall to it by the contract's own periods."""
    return Period(window.start, window.end, False, window, proration(contract.period, window), judged=True)


def _timed(scene: Scene) -> Judge:
    timeline = scene.timeline()

    def judge(group: str, name: str, period: Period, contract: Contract, announcements: Sequence[Announcement]) -> View:
        return time_view(scene, group, name, timeline, period, contract, announcements)

    return judge


def time_view(
    scene: Scene,
    group: str,
    name: str,
    timeline: Timeline,
    period: Period,
    contract: Contract,
    announcements: Sequence[Announcement],
) -> View:
    """Judge a timeline over a window, as if the window were over."""
    filled, now = rest_up(timeline, period.interval, scene.measured), max(scene.now, period.end)
    before = account(contract, period, timeline, announcements, now)
    if filled is timeline:
        return View(group, name, period.interval, before)
    after = account(contract, period, filled, announcements, now)
    assumed = before.compliance.classes.unknown - after.compliance.classes.unknown
    return View(group, name, period.interval, after, assumed)


def rest_up(timeline: Timeline, window: Interval, measured: Interval) -> Timeline:
    """The timeline with what was never measured in ``window`` outside ``measured`` as up."""
    gaps = IntervalSet.of(
        (start, end)
        for start, end, code in timeline.pieces(*window)
        if state_in(code, POINT) is State.UNKNOWN and cause_of(code) in _NOT_MEASURED
    ).difference(IntervalSet.span(*measured))
    return painted(timeline, gaps, State.UP) if gaps else timeline


class _Known(CountedEvents):
    """The events of a history with those left out that were never heard outside the judged period."""

    def __init__(self, contract: Contract, scene: Scene) -> None:
        sources = {name: scene.history.source(name) for name in names_in(contract.expression)}
        super().__init__(contract, sources, scene.now)
        self._inside = scene.measured

    def within(self, period: Interval) -> list[CountedEvent]:
        events = super().within(period)
        return [event for event in events if event.fate is not Fate.UNKNOWN or event.at in self._inside]

    def coverage(self, service: IntervalSet, events: list[CountedEvent]) -> Fraction | None:
        return super().coverage(service.clip(*self._inside), events)


def _counted(scene: Scene) -> Judge:
    def judge(group: str, name: str, period: Period, contract: Contract, announcements: Sequence[Announcement]) -> View:
        now = max(scene.now, period.end)
        found = counted_account(contract, period, _Known(contract, scene), announcements, now)
        return View(group, name, period.interval, found)

    return judge


def _focus(scene: Scene, agreed: Account) -> Instant:
    """Where the windows are laid: at the start of the longest outage, at the first miss, else at the period's start."""
    if agreed.counts is not None:
        missed = (event.at for event in agreed.counts.listed if event.fate is Fate.MISSED)
        return next(missed, scene.period.start)
    outages = agreed.compliance.outages[1]
    longest = max(outages, key=lambda outage: (outage.counted, -outage.span.start), default=None)
    return scene.period.start if longest is None else longest.span.start


def _rules(scene: Scene) -> Iterator[tuple[str, PeriodRule]]:
    zone_name = scene.contract.zone.key
    anchor = local_of(scene.period.start, scene.contract.zone).date()
    own = scene.contract.period
    fortnight = own if isinstance(own, EveryDays) and own.days == 14 else EveryDays(14, anchor, zone_name)
    # A day's anchor a day early: where the clocks change, the first instant of a date may lie before its midnight.
    yield "a day", EveryDays(1, anchor - timedelta(days=1), zone_name)
    yield "a week", CalendarPeriods(CalendarUnit.WEEK, zone_name)
    yield "two weeks", fortnight
    for name, unit in (("a month", CalendarUnit.MONTH), ("a quarter", CalendarUnit.QUARTER)):
        yield name, CalendarPeriods(unit, zone_name)
    yield "a year", CalendarPeriods(CalendarUnit.YEAR, zone_name)


def _calendars(contract: Contract) -> Iterator[tuple[str, Calendar | None]]:
    """Around the clock, the contract's own hours if it has any, and plain business hours."""
    yield "around the clock", None
    if contract.hours is not None and contract.hours != ALWAYS:
        yield f"{contract.hours.name} hours", contract.hours
    yield "business hours, mon-fri 08:00-18:00", business_hours(contract.zone.key)


def business_hours(zone_name: str) -> Calendar:
    """Monday to Friday from 08:00 to 18:00, holidays or not."""
    day, off = (TimeRange(8 * HOUR, 18 * HOUR),), ()
    return Calendar("business hours", zone_name, (day, day, day, day, day, off, off))
