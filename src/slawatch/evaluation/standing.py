"""Where one contract stands in one period, from what is known of its endpoints: account, risk, strip.

Everything here is computed when it is asked for, and as of the view's instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from slawatch.domain.account import Account, account, contract_timeline, exclusions_for, hours_within, members
from slawatch.domain.burn import REFERENCE_WINDOWS, latest_window, used_in
from slawatch.domain.compliance import scope_of
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.incremental import Plan, Run, Tally, is_incremental
from slawatch.domain.interval import DISTANT_PAST, Duration, Instant, Interval, IntervalSet
from slawatch.domain.period import Period
from slawatch.domain.risk import Risk, RunningOutage, Situation, assess, restore_percentile
from slawatch.domain.strip import StripPiece, strip
from slawatch.domain.timeline import POINT, UNOBSERVED, VERSIONS, Timeline, state_in
from slawatch.evaluation.following import View

LONGEST_BURN_WINDOW: Duration = max(window.long for window in REFERENCE_WINDOWS)


class Case:
    """One contract in one period, with the terms that govern it; ``before`` is the period before with its own."""

    def __init__(
        self,
        contract: Contract,
        period: Period,
        announcements: Sequence[Announcement],
        before: tuple[Contract, Period] | None,
    ) -> None:
        self.contract = contract
        self.period = period
        self.before = before
        self.plan = Plan.of(contract, period, announcements)
        self.keys = _keys(contract)
        self._announcements = tuple(announcements)
        self._hours = hours_within(contract, period.interval)
        self._excluded = self.plan.exclusions.all
        self._service = self._recent_service()
        self._closed: tuple[object, Account] | None = None

    def is_same(self, other: Case) -> bool:
        """Whether it is the same period under the same terms, announcements and period before."""
        mine = self.contract, self.period, self.before, self._announcements
        return mine == (other.contract, other.period, other.before, other._announcements)

    def timeline(self, view: View, start: Instant = DISTANT_PAST) -> Timeline:
        """The service's timeline, right from ``start`` on."""
        return _timeline(self.contract, self.keys, view, start)

    # --- The account --------------------------------------------------------------------------------------------

    def begin(self, view: View) -> Tally | None:
        """What is settled of the period so far; None where the contract's options ask for whole outages."""
        if not is_incremental(self.contract):
            return None
        return self.settle(Tally.begin(self.plan, self.timeline(view)), view)

    def settle(self, tally: Tally, view: View) -> Tally:
        """The tally with all that no fact will change any more, as far as one can tell."""
        known = [view.known[key].settled_until(view.at) for key in self.keys.values() if key in view.known]
        until = min([view.at, *known])
        return tally.settled(self.timeline(view, tally.until), until) if until > tally.until else tally

    def account(self, tally: Tally | None, view: View) -> Account:
        """The account of the period to date."""
        if tally is None:
            return account(self.contract, self.period, self.timeline(view), self._announcements, view.at)
        return tally.account(self.timeline(view, tally.until), view.at)

    def last(self, view: View) -> Account | None:
        """The account of the period before; judged anew only while a fact can still change it."""
        if self.before is None:
            return None
        contract, closed = self.before
        keys = _keys(contract)
        known = [view.known[key] for key in keys.values() if key in view.known]
        edges = [edge for each in known if (edge := each.state.closing_edge(view.at)) is not None]
        open_end = min([closed.end, *(edge.earliest for edge in edges)]) < closed.end
        signature = tuple(each.revision for each in known), view.at if open_end else None
        kept = self._closed
        if kept is None or kept[0] != signature:
            timeline = _timeline(contract, keys, view)
            kept = self._closed = signature, account(contract, closed, timeline, self._announcements, view.at)
        return kept[1]

    def run(self, tally: Tally | None, view: View) -> Run:
        """The service's own state at the view's instant, and since when."""
        if tally is None:
            return Run.up_to(self.timeline(view), view.at)
        return tally.run.extended(self.timeline(view, tally.until), tally.until, view.at)

    # --- The risk -----------------------------------------------------------------------------------------------

    def risk(self, present: Account, last: Account | None, run: Run, view: View) -> Risk:
        """The risk of the running period (S33)."""
        compliance = present.compliance
        listed = (*(last.compliance.outages[_POINT] if last else ()), *compliance.outages[_POINT])
        situation = Situation(
            advance=self.plan.service.advance,
            running=running_outage_of(run, self.contract.options.degraded),
            used_in=self._burnt(view),
            restore_p90=restore_percentile([each.span.length for each in listed if each.span.end < view.at]),
        )
        return assess(self.contract, compliance, situation)

    def _burnt(self, view: View) -> _Burnt:
        windows = latest_window(self._service, view.at, LONGEST_BURN_WINDOW)
        start = windows.intervals[0].start if windows else view.at
        return _Burnt(self.timeline(view, start), windows, view.at, self.contract.options.degraded)

    def _recent_service(self) -> IntervalSet:
        """The service time of the period, and as much before it as a burn window can reach back."""
        contract, start = self.contract, self.period.start
        span = Interval(start - self.period.nominal.length, start)
        exclusions = exclusions_for(contract, self._announcements, span)
        before = scope_of(span, contract, hours_within(contract, span), exclusions).service
        return before.union(self.plan.service.hours)

    # --- The strip ----------------------------------------------------------------------------------------------

    def strip(self, view: View) -> tuple[StripPiece, ...]:
        """The period from its start to the view's instant, as a page draws it."""
        start = self.period.start
        span = Interval(start, min(view.at, self.period.end))
        return strip(self.timeline(view, start), span, self._hours, self._excluded)


def _keys(contract: Contract) -> Mapping[str, str]:
    """The names of the contract's endpoints, and how a view calls them."""
    return {name: f"{contract.client}/{name}" for name in members(contract)}


def _timeline(contract: Contract, keys: Mapping[str, str], view: View, start: Instant = DISTANT_PAST) -> Timeline:
    lines: Mapping[str, Timeline] = {
        name: view.known[key].since(start, view.at) if key in view.known else UNOBSERVED for name, key in keys.items()
    }
    return contract_timeline(contract, lines)


_POINT = VERSIONS.index(POINT)


def running_outage_of(run: Run, weight: Fraction) -> RunningOutage | None:
    """The outage that a run is, as :func:`slawatch.domain.risk.running_outage` finds it in a whole timeline."""
    loss = {State.DOWN: Fraction(1), State.DEGRADED: 1 - weight}.get(run.state, Fraction(0))
    if loss == 0 or run.since is None:
        return None
    return RunningOutage(run.since, run.since if run.held_until is None else run.held_until, loss)


class _Burnt:
    """The downtime in the latest window of service time of any length up to the longest that is looked at."""

    def __init__(self, timeline: Timeline, windows: IntervalSet, at: Instant, weight: Fraction) -> None:
        self._timeline, self._windows, self._at, self._weight = timeline, windows, at, weight
        start = windows.intervals[0].start if windows else at
        lost = (State.DOWN, State.DEGRADED)
        self._any = any(state_in(code, POINT) in lost for _, _, code in timeline.pieces(start, at))

    def __call__(self, length: Duration) -> Fraction:
        if not self._any:
            return Fraction(0)
        return used_in(self._timeline, self._windows, self._at, length, self._weight)
