"""S31: a ticket's response and restore clocks, in service hours, with pauses, reopening and late readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import HOUR, MINUTE, Instant, format_instant, parse_instant, to_datetime
from slawatch.domain.service_hours import ALWAYS, Calendar, parse_range
from slawatch.domain.tickets import (
    ClockResult,
    DeskFigures,
    EventKind,
    TicketEvent,
    TicketHistory,
    TicketJudgement,
    TicketOutcome,
    TicketTerms,
    judge_ticket,
)

OFFICE = Calendar("office", "UTC", ((parse_range("09:00-17:00"),),) * 5 + ((), ()))
"""Eight hours a day; 5 January 2026 is a Monday."""

TERMS = TicketTerms(4 * HOUR, 16 * HOUR, pausing=frozenset({"pending"}), restored=frozenset({"resolved", "closed"}))

MET, MISSED, OPEN = TicketOutcome.MET, TicketOutcome.MISSED, TicketOutcome.OPEN


def instant(text: str) -> Instant:
    """``05T09:00`` in January 2026, UTC; a leading month makes it another."""
    return parse_instant(f"2026-{text if text[2] == '-' else f'01-{text}'}Z")


def ticket(*events: str, read_until: str = "", desk: DeskFigures | None = None) -> TicketHistory:
    """Events as ``05T09:00 created new`` or ``05T10:00 agent_reply``."""
    parsed = []
    for text in events:
        at, kind, *state = text.split()
        parsed.append(TicketEvent(instant(at), EventKind(kind), " ".join(state)))
    return TicketHistory("T1", tuple(parsed), instant(read_until or "03-01T00:00"), desk or DeskFigures())


def judged(history: TicketHistory, now: str = "02-28T00:00", terms: TicketTerms = TERMS) -> TicketJudgement:
    """Judged against office hours, by default long after."""
    return judge_ticket(history, terms, OFFICE, instant(now))


def summary(clock: ClockResult | None) -> tuple[TicketOutcome, str, str | None, float, float]:
    """Outcome, reason, due, and hours spent and paused."""
    assert clock is not None
    due = None if clock.due is None else format_instant(clock.due)[8:16]
    return clock.outcome, clock.reason, due, clock.spent / HOUR, clock.paused / HOUR


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # Created at opening: 4 h are used up at 13:00.
        (["05T09:00 created new", "05T10:00 agent_reply"], (MET, "in_time", "05T13:00", 1, 0)),
        (["05T09:00 created new", "05T13:00 agent_reply"], (MET, "in_time", "05T13:00", 4, 0)),
        (["05T09:00 created new", "05T13:00:00.000001 agent_reply"], (MISSED, "after_due", "05T13:00", None, 0)),
        # Created at 15:00: two hours today, two tomorrow.
        (["05T15:00 created new", "06T10:30 agent_reply"], (MET, "in_time", "06T11:00", 3.5, 0)),
        # Created on Saturday: the clock starts on Monday at 09:00.
        (["03T12:00 created new", "04T12:00 agent_reply"], (MET, "in_time", "05T13:00", 0, 0)),
        # Used up exactly at closing: due at closing, and the next morning is past it.
        (["05T13:00 created new", "05T17:00 agent_reply"], (MET, "in_time", "05T17:00", 4, 0)),
        (["05T13:00 created new", "06T09:00 agent_reply"], (MISSED, "after_due", "05T17:00", 4, 0)),
        # Neither an auto-reply, nor a note, nor the customer answers.
        (
            [
                "05T09:00 created new",
                "05T09:01 auto_reply",
                "05T09:30 internal_note",
                "05T10:00 customer_reply",
                "05T14:00 agent_reply",
            ],
            (MISSED, "after_due", "05T13:00", 5, 0),
        ),
        (["05T09:00 created new", "05T09:01 auto_reply"], (MISSED, "past_due", "05T13:00", None, 0)),
        # Only the first reply counts; a ticket that an agent opened with a reply is answered at once.
        (["05T09:00 created new", "05T10:00 agent_reply", "09T10:00 agent_reply"], (MET, "in_time", "05T13:00", 1, 0)),
        (["05T09:00 created new", "05T09:00 agent_reply"], (MET, "in_time", "05T13:00", 0, 0)),
        # Pending from 10:00 to 14:00 takes four hours out: due at 17:00.
        (
            ["05T09:00 created new", "05T10:00 state pending", "05T14:00 state open", "05T16:00 agent_reply"],
            (MET, "in_time", "05T17:00", 3, 4),
        ),
        # A pause over night takes only the service hours out: 16:00-17:00 and 09:00-10:00, 2 h.
        (
            ["05T15:00 created new", "05T16:00 state pending", "06T10:00 state open", "06T13:00 agent_reply"],
            (MET, "in_time", "06T13:00", 4, 2),
        ),
        # A state that is not listed does not pause.
        (
            ["05T09:00 created new", "05T10:00 state waiting", "05T13:30 agent_reply"],
            (MISSED, "after_due", "05T13:00", 4.5, 0),
        ),
        # Answered while pending: 1 h spent, and the rest is taken to run on from the answer.
        (
            ["05T09:00 created new", "05T10:00 state pending", "05T11:00 agent_reply"],
            (MET, "in_time", "05T14:00", 1, 1),
        ),
        # Pending only after it was used up.
        (
            ["05T09:00 created new", "05T14:00 state pending", "05T15:00 agent_reply"],
            (MISSED, "after_due", "05T13:00", 5, 1),
        ),
        # Resolved without a word: no response, and resolving does not stop this clock.
        (["05T09:00 created new", "05T10:00 state resolved"], (MISSED, "past_due", "05T13:00", None, 0)),
    ],
)
def test_response(events: list[str], expected: tuple[TicketOutcome, str, str, float | None, float]) -> None:
    """S31: four hours of office time to the first public reply of an agent."""
    found = summary(judged(ticket(*events)).response)
    assert (*found[:3], found[4]) == (*expected[:3], expected[4])
    assert expected[3] is None or found[3] == expected[3]


def test_restoring_may_answer() -> None:
    """S31: where the contract says so, entering a restored state stops the response clock."""
    answers = replace(TERMS, restoring_answers=True)
    history = ticket("05T09:00 created new", "05T10:00 state resolved", "05T11:00 agent_reply")
    assert summary(judged(history, terms=answers).response) == (MET, "in_time", "05T13:00", 1, 0)
    assert summary(judged(history).response) == (MET, "in_time", "05T13:00", 2, 0)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # 16 h are two office days.
        (["05T09:00 created new", "06T12:00 state resolved"], (MET, "in_time", "06T17:00", 11, 0)),
        (["05T09:00 created new", "07T09:00:01 state resolved"], (MISSED, "after_due", "06T17:00", None, 0)),
        # Resolved, then closed: the first of the two stops it.
        (
            ["05T09:00 created new", "05T12:00 state resolved", "09T12:00 state closed"],
            (MET, "in_time", "06T17:00", 3, 0),
        ),
        # Reopened: 3 h, five hours' gap that does not count, then 2 h more; due moves by the gap to the 7th, 14:00.
        (
            [
                "05T09:00 created new",
                "05T12:00 state resolved",
                "06T09:00 reopened open",
                "06T11:00 state resolved",
            ],
            (MET, "in_time", "07T14:00", 5, 5),
        ),
        # A desk that only says that it was reopened.
        (
            ["05T09:00 created new", "05T12:00 state resolved", "06T09:00 reopened", "06T11:00 state closed"],
            (MET, "in_time", "07T14:00", 5, 5),
        ),
        # Missed before it was restored for the last time: 16 h were used up on the 6th.
        (
            ["05T09:00 created new", "07T10:00 state resolved", "08T09:00 reopened open", "08T10:00 state closed"],
            (MISSED, "after_due", "06T17:00", 18, 7),
        ),
        # Pending and restored both stand: 1 h open, 3 h pending, 4 h resolved.
        (
            [
                "05T09:00 created new",
                "05T10:00 state pending",
                "05T13:00 state resolved",
                "06T09:00 state open",
                "06T10:00 state closed",
            ],
            (MET, "in_time", "07T16:00", 2, 7),
        ),
    ],
)
def test_restore(events: list[str], expected: tuple[TicketOutcome, str, str, float | None, float]) -> None:
    """S31: sixteen hours of office time to the last entry into a restored state; reopening resumes the clock."""
    found = summary(judged(ticket(*events)).restore)
    assert (*found[:3], found[4]) == (*expected[:3], expected[4])
    assert expected[3] is None or found[3] == expected[3]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("05T12:00", (OPEN, "running", "05T13:00", 3, 0)),
        ("05T13:00", (OPEN, "running", "05T13:00", 4, 0)),
        ("05T13:00:01", (MISSED, "past_due", "05T13:00", None, 0)),
        ("05T18:00", (MISSED, "past_due", "05T13:00", 8, 0)),
    ],
)
def test_an_open_ticket_past_due_is_already_a_miss(
    now: str, expected: tuple[TicketOutcome, str, str, float | None, float]
) -> None:
    """S31: open at its due instant, missed from then on; its due instant, and so its period, does not move."""
    found = summary(judged(ticket("05T09:00 created new"), now).response)
    assert (*found[:3], found[4]) == (*expected[:3], expected[4])
    assert expected[3] is None or found[3] == expected[3]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Before the pause; in it, where no due instant is known; after it; and answered in the end.
        ("05T09:30", (OPEN, "running", "05T13:00", 0.5, 0)),
        ("05T12:00", (OPEN, "paused", None, 1, 2)),
        ("05T15:00", (OPEN, "running", "05T17:00", 2, 4)),
        ("09T00:00", (MET, "in_time", "05T17:00", 3, 4)),
    ],
)
def test_a_ticket_as_time_passes(now: str, expected: tuple[TicketOutcome, str, str | None, float, float]) -> None:
    """S31: what happens later is not looked at."""
    history = ticket("05T09:00 created new", "05T10:00 state pending", "05T14:00 state open", "05T16:00 agent_reply")
    assert summary(judged(history, now).response) == expected


def test_a_pause_does_not_undo_a_miss() -> None:
    """S31: used up at 13:00, pending from 14:00: still missed, and still due at 13:00."""
    history = ticket("05T09:00 created new", "05T14:00 state pending")
    assert summary(judged(history, "05T16:00").response) == (MISSED, "past_due", "05T13:00", 5, 2)


@pytest.mark.parametrize(
    ("read_until", "now", "outcome", "reason"),
    [
        ("05T12:00", "05T12:30", OPEN, "running"),
        ("05T12:00", "05T14:00", TicketOutcome.UNKNOWN, "not_read"),
        ("05T12:59:59", "05T14:00", TicketOutcome.UNKNOWN, "not_read"),
        ("05T13:00", "05T14:00", MISSED, "past_due"),
    ],
)
def test_a_connector_that_lags(read_until: str, now: str, outcome: TicketOutcome, reason: str) -> None:
    """S31: a reply may have come that was not read; once read to the due instant, none has."""
    clock = judged(ticket("05T09:00 created new", read_until=read_until), now).response
    assert clock is not None
    assert (clock.outcome, clock.reason) == (outcome, reason)


def test_what_was_read_counts_though_the_connector_lags() -> None:
    """S31: a reply that was read is a reply, whatever is missing after it."""
    history = ticket("05T09:00 created new", "05T10:00 agent_reply", read_until="05T10:00")
    assert summary(judged(history).response) == (MET, "in_time", "05T13:00", 1, 0)


@pytest.mark.parametrize(("kind", "reason"), [("merged", "merged"), ("spam", "spam")])
def test_merged_and_spam_are_excluded(kind: str, reason: str) -> None:
    """S31: excluded with the reason, also where the clocks were missed before; not before it happened."""
    history = ticket("05T09:00 created new", f"09T09:00 {kind}", desk=DeskFigures(HOUR, None))
    found = judged(history)
    for clock in (found.response, found.restore):
        assert clock is not None
        assert summary(clock) == (TicketOutcome.EXCLUDED, reason, None, 0, 0)
    assert found.response is not None
    assert found.response.desk == HOUR
    early = judged(history, "08T09:00").response
    assert early is not None
    assert early.outcome is MISSED


def test_a_history_without_a_creation_is_unknown() -> None:
    """S5: nothing can be counted from nothing."""
    for history in (ticket(), ticket("05T10:00 agent_reply")):
        clock = judged(history).response
        assert clock is not None
        assert (clock.outcome, clock.reason) == (TicketOutcome.UNKNOWN, "no_creation")


def test_what_was_not_promised_is_not_judged() -> None:
    """S31: a contract may promise one clock alone; nothing at all leaves nothing, also for spam."""
    found = judged(ticket("05T09:00 created new"), terms=replace(TERMS, response=None))
    assert found.response is None
    assert found.restore is not None
    spam = judged(ticket("05T09:00 created new", "05T09:01 spam"), terms=replace(TERMS, restore=None))
    assert spam.restore is None


def test_the_desks_own_figure_is_beside_ours() -> None:
    """S31: the desk counted around the clock; ours decides, and the difference is said."""
    events = ("05T16:00 created new", "06T10:00 agent_reply")
    theirs = judged(ticket(*events, desk=DeskFigures(18 * HOUR))).response
    same = judged(ticket(*events, desk=DeskFigures(2 * HOUR))).response
    none = judged(ticket(*events)).response
    assert theirs is not None
    assert same is not None
    assert none is not None
    assert (theirs.spent, theirs.desk, theirs.outcome, theirs.differs) == (2 * HOUR, 18 * HOUR, MET, True)
    assert not same.differs
    assert not none.differs


def test_a_calendar_that_ends() -> None:
    """A calendar open on one day only: eight hours never come together; what is met before stays met."""
    once = Calendar("once", "UTC", ((),) * 7, open=((date(2026, 1, 5), (parse_range("09:00-12:00"),)),))
    open_ticket = judge_ticket(ticket("05T09:00 created new"), TERMS, once, instant("09T00:00")).response
    assert summary(open_ticket) == (OPEN, "never_due", None, 3, 0)
    answered = ticket("05T09:00 created new", "05T10:00 agent_reply")
    assert summary(judge_ticket(answered, TERMS, once, instant("09T00:00")).response) == (MET, "in_time", None, 1, 0)


def test_around_the_clock() -> None:
    """S31: with hours always, service time is elapsed time, also through a weekend."""
    history = ticket("03T12:00 created new", "03T15:59 agent_reply")
    assert summary(judge_ticket(history, TERMS, ALWAYS, instant("09T00:00")).response)[:3] == (
        MET,
        "in_time",
        "03T16:00",
    )


MONDAY = instant("05T00:00")
KINDS = [EventKind.AGENT_REPLY, EventKind.INTERNAL_NOTE, EventKind.AUTO_REPLY, EventKind.CUSTOMER_REPLY]
EVENTS = st.builds(
    lambda at, kind: TicketEvent(MONDAY + at * MINUTE, kind), st.integers(0, 5760), st.sampled_from(KINDS)
)
STATES = st.builds(
    lambda at, state: TicketEvent(MONDAY + at * MINUTE, EventKind.STATE, state),
    st.integers(0, 5760),
    st.sampled_from(["open", "pending", "resolved", "closed"]),
)


def _minute_by_minute(
    events: list[TicketEvent], standing: frozenset[str], target: int, stopped: Instant | None, now: Instant
) -> tuple[int, Instant | None]:
    """Minutes spent until stopped or now, and the minute by whose end the target was used up, if it was."""
    order = sorted(events, key=lambda event: event.at)
    spent, due = 0, None
    for minute in range(order[0].at, now if stopped is None else stopped, MINUTE):
        state = [e.state for e in order if e.at <= minute and e.kind in (EventKind.CREATED, EventKind.STATE)][-1]
        clock = to_datetime(minute)
        if clock.weekday() < 5 and 9 <= clock.hour < 17 and state not in standing:
            spent += 1
            if spent == target:
                due = minute + MINUTE
    return spent, due


@given(
    events=st.lists(EVENTS | STATES, max_size=8),
    created=st.integers(0, 600),
    target=st.integers(1, 20 * 60),
    now=st.integers(600, 5 * 24 * 60),
)
def test_clocks_agree_with_counting_minutes(events: list[TicketEvent], created: int, target: int, now: int) -> None:
    """S31: time spent, due instant and outcome equal those of a count of open minutes in running states."""
    begin, at = MONDAY + created * MINUTE, MONDAY + now * MINUTE
    history = [TicketEvent(begin, EventKind.CREATED, "new"), *(event for event in events if event.at >= begin)]
    seen = [event for event in history if event.at <= at]
    terms = replace(TERMS, response=target * MINUTE, restore=target * MINUTE)
    found = judge_ticket(TicketHistory("T", tuple(history), at), terms, OFFICE, at)
    reply = min((event.at for event in seen if event.kind is EventKind.AGENT_REPLY), default=None)
    restored = None
    for event in sorted((event for event in seen if event.kind is EventKind.STATE), key=lambda event: event.at):
        restored = (restored or event.at) if event.state in TERMS.restored else None
    for clock, standing, stopped in (
        (found.response, TERMS.pausing, reply),
        (found.restore, TERMS.pausing | TERMS.restored, restored),
    ):
        assert clock is not None
        spent, used_up = _minute_by_minute(seen, standing, target, stopped, at)
        assert clock.stopped == stopped
        assert clock.spent == spent * MINUTE
        if used_up is not None:
            assert clock.due == used_up
            late = (stopped or at) > used_up
            assert clock.outcome is (MISSED if late else MET if stopped is not None else OPEN)
        else:
            assert clock.outcome is (MET if stopped is not None else OPEN)
            assert clock.due is None or clock.due > (stopped or at)
