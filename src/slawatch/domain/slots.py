"""Expected runs of batch jobs (S32): a schedule makes slots, what the receiver heard of runs decides each.

A slot owns the runs that start (or, where no start was reported, end) from its ``opens`` to its ``closes``,
which is where the next slot opens. Slots follow from the schedule alone: a manual rerun moves none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from slawatch.domain.cron import CronSchedule
from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import DAY, DISTANT_FUTURE, Duration, Instant, IntervalSet
from slawatch.domain.local_time import instant_of, local_of, zone
from slawatch.domain.service_hours import ALWAYS, Calendar, advance, hours

Limit = Duration | time
"""By when: so long after the slot's scheduled instant, or at the first such local time after it."""

_FURTHEST_SLOT = 5 * 366 * DAY


@dataclass(frozen=True, slots=True)
class Slot:
    """One expected run. ``scheduled`` tells slots of one job apart.

    A success counts as on time at ``deadline`` itself, a start at ``latest_start`` itself, a run that lasts
    exactly ``maximum_run_time``. ``waived`` is the reason for which nobody expects the run, or empty.
    """

    scheduled: Instant
    deadline: Instant
    opens: Instant
    closes: Instant
    latest_start: Instant | None = None
    maximum_run_time: Duration | None = None
    waived: str = ""


@dataclass(frozen=True, slots=True)
class SlotRule:
    """How a job's slots follow from its schedule.

    A slot is expected when ``calendar`` is open at its scheduled instant. ``early`` lets a run count that
    starts a little before (a client's clock that is ahead); it must be shorter than the time between slots.
    """

    schedule: CronSchedule
    deadline: Limit
    calendar: Calendar = ALWAYS
    latest_start: Limit | None = None
    maximum_run_time: Duration | None = None
    early: Duration = 0

    def between(self, start: Instant, end: Instant) -> tuple[Slot, ...]:
        """The slots scheduled within ``[start, end)``, in order."""
        scheduled = self._scheduled(start, end)
        if not scheduled:
            return ()
        following = (*scheduled[1:], self._following(scheduled[-1]))
        return tuple(self._slot(at, after) for at, after in zip(scheduled, following, strict=True))

    def due_within(self, start: Instant, end: Instant) -> tuple[Slot, ...]:
        """The slots whose deadline lies in ``[start, end)``, in order of their scheduled instants."""
        # A deadline by the clock is the next one: a day later at most, and two more where the clocks change.
        before = 3 * DAY if isinstance(self.deadline, time) else self.deadline + 1
        return tuple(slot for slot in self.between(start - before, end) if start <= slot.deadline < end)

    def _scheduled(self, start: Instant, end: Instant) -> list[Instant]:
        inside = hours(self.calendar, start, end)
        return [at for at in self.schedule.between(start, end) if at in inside]

    def _following(self, scheduled: Instant) -> Instant:
        """The next slot's scheduled instant; the distant future if there is none in five years."""
        limit = scheduled + _FURTHEST_SLOT
        at = self.schedule.following(scheduled, _FURTHEST_SLOT)
        while at is not None and at < limit:
            opening = advance(self.calendar, at, 1)
            if opening is None or opening == at + 1:
                return DISTANT_FUTURE if opening is None else at
            at = self.schedule.following(opening - 2, _FURTHEST_SLOT)
        return DISTANT_FUTURE

    def _slot(self, scheduled: Instant, following: Instant) -> Slot:
        latest = None if self.latest_start is None else self._limit(scheduled, self.latest_start)
        return Slot(
            scheduled,
            self._limit(scheduled, self.deadline),
            scheduled - self.early,
            following - self.early,
            latest,
            self.maximum_run_time,
        )

    def _limit(self, scheduled: Instant, limit: Limit) -> Instant:
        if not isinstance(limit, time):
            return scheduled + limit
        tz = zone(self.schedule.zone)
        day = local_of(scheduled, tz).date()
        while (at := instant_of(datetime.combine(day, limit), tz)) <= scheduled:
            day += timedelta(days=1)
        return at


def parse_limit(text: str) -> Limit:
    """The limit of ``4h`` or of ``06:00``; ``ValueError`` for anything else."""
    if ":" not in text:
        return parse_duration(text)
    try:
        limit = time.fromisoformat(text.strip())
    except ValueError:
        limit = None
    if limit is None or limit.tzinfo is not None:
        raise ValueError(f"{text!r} is no time of day: one like 06:00 is expected, or a duration like 4h")
    return limit


def waive(slots: Iterable[Slot], excluded: IntervalSet, reason: str) -> tuple[Slot, ...]:
    """The same slots; those scheduled inside ``excluded`` are waived for a reason unless they already are."""
    return tuple(
        replace(slot, waived=reason) if slot.scheduled in excluded and not slot.waived else slot for slot in slots
    )


class Signal(StrEnum):
    """What a job says of itself. An exit status of 0 is a success, any other a failure."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One signal as the receiver dated it. ``run_id`` is empty where the job gave none."""

    at: Instant
    signal: Signal
    exit_status: int | None = None
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as far as it was reported; at least one of ``started`` and ``ended`` is known.

    ``success`` is None until it ended.
    """

    started: Instant | None
    ended: Instant | None = None
    success: bool | None = None
    exit_status: int | None = None
    run_id: str = ""

    @property
    def first_heard(self) -> Instant:
        """Its start, or its end where no start was reported; this decides whose slot it is."""
        heard = self.started if self.started is not None else self.ended
        assert heard is not None
        return heard


def runs_of(events: Iterable[RunEvent]) -> tuple[Run, ...]:
    """Pair starts with ends, in order of time; of equal times the earlier in the input goes first.

    An end belongs to the open run of its id; without an id to the latest start without one. A signal that
    repeats an id in the same role is the same signal sent twice. A start never followed by an end stays open.
    """
    runs: list[Run] = []
    latest: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.at):
        index = latest.get(event.run_id)
        known = runs[index] if index is not None else None
        if event.signal is Signal.START:
            if known is None or not event.run_id:
                latest[event.run_id] = len(runs)
                runs.append(Run(event.at, run_id=event.run_id))
            continue
        if index is None or known is None or (known.ended is not None and not event.run_id):
            latest[event.run_id] = len(runs)
            runs.append(_ended(Run(None, run_id=event.run_id), event))
        elif known.ended is None:
            runs[index] = _ended(known, event)
    return tuple(runs)


def _ended(run: Run, event: RunEvent) -> Run:
    return replace(run, ended=event.at, success=event.signal is Signal.SUCCESS, exit_status=event.exit_status)


class Outcome(StrEnum):
    """What became of a slot."""

    ON_TIME = "on_time"
    LATE = "late"
    """It succeeded, but after its deadline, from too late a start, or for too long; it stays late."""
    FAILED = "failed"
    """Its runs failed, and none succeeded."""
    MISSED = "missed"
    """No run was heard of, or none that came to an end."""
    WAIVED = "waived"
    """Nobody expected it."""
    UNKNOWN = "unknown"
    """The receiver could not hear, or the job does not say enough."""
    OPEN = "open"
    """Its deadline is not past."""


@dataclass(frozen=True, slots=True)
class SlotOutcome:
    """A slot, its outcome, and the reason as a stable word; ``run`` is the one that decided, if one did.

    Reasons: ``in_time``; ``after_deadline``, ``late_start``, ``ran_too_long``; ``run_failed``;
    ``no_run``, ``unfinished``; ``receiver_unavailable``, ``start_unreported``; of an open slot
    ``not_started``, ``running``, ``run_failed``, or why its success does not count; a waived slot has its own.
    """

    slot: Slot
    outcome: Outcome
    reason: str
    run: Run | None = None


def judge_slots(
    slots: Iterable[Slot], runs: Iterable[Run], unavailable: IntervalSet, now: Instant
) -> tuple[SlotOutcome, ...]:
    """Decide every slot from what was heard up to ``now``, included.

    ``unavailable`` is when the receiver could not hear: a slot with no success in time that it touches, from
    its opening to its deadline, is unknown, because the success may have been reported in vain.
    """
    heard = sorted((_as_of(run, now) for run in runs if run.first_heard <= now), key=lambda run: run.first_heard)
    times = [run.first_heard for run in heard]
    return tuple(
        _judge(slot, heard[bisect_left(times, slot.opens) : bisect_left(times, slot.closes)], unavailable, now)
        for slot in slots
    )


def _as_of(run: Run, now: Instant) -> Run:
    """The run as it was known: an end that is still to come is not known."""
    if run.ended is None or run.ended <= now:
        return run
    return replace(run, ended=None, success=None, exit_status=None)


def _judge(slot: Slot, runs: Sequence[Run], unavailable: IntervalSet, now: Instant) -> SlotOutcome:
    if slot.waived:
        return SlotOutcome(slot, Outcome.WAIVED, slot.waived)
    successes = [(run, _timeliness(slot, run)) for run in runs if run.success]
    for run, reason in successes:
        if reason == "in_time":
            return SlotOutcome(slot, Outcome.ON_TIME, reason, run)
    outcome, reason, decider = _without_success_in_time(runs, successes)
    if now <= slot.deadline:
        return SlotOutcome(slot, Outcome.OPEN, _OPEN.get(reason, reason), decider)
    if unavailable.clip(slot.opens, slot.deadline + 1):
        return SlotOutcome(slot, Outcome.UNKNOWN, "receiver_unavailable", decider)
    return SlotOutcome(slot, outcome, reason, decider)


_OPEN = {"no_run": "not_started", "unfinished": "running"}
"""The same facts in words for a slot whose deadline is not past."""


def _without_success_in_time(
    runs: Sequence[Run], successes: Sequence[tuple[Run, str]]
) -> tuple[Outcome, str, Run | None]:
    for run, reason in successes:
        if reason == "start_unreported":
            return Outcome.UNKNOWN, reason, run
    if successes:
        run, reason = successes[0]
        return Outcome.LATE, reason, run
    failures = [run for run in runs if run.success is False]
    if failures:
        return Outcome.FAILED, "run_failed", failures[-1]
    return (Outcome.MISSED, "unfinished", runs[-1]) if runs else (Outcome.MISSED, "no_run", None)


def _timeliness(slot: Slot, run: Run) -> str:
    """Why a success counts or not. Without a reported start, only what the end alone proves."""
    assert run.ended is not None
    if run.ended > slot.deadline:
        return "after_deadline"
    # An unreported start lies between the slot's opening and the end.
    earliest, latest = (run.started, run.started) if run.started is not None else (slot.opens, run.ended)
    if slot.latest_start is not None and latest > slot.latest_start:
        return "late_start" if run.started is not None else "start_unreported"
    if slot.maximum_run_time is not None and run.ended - earliest > slot.maximum_run_time:
        return "ran_too_long" if run.started is not None else "start_unreported"
    return "in_time"
