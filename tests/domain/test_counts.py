"""S30: not all standards are about time. Runs, tickets and mails, each in its period, with three figures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.counted_cases import (
    JOB,
    TICKETS,
    at,
    heard,
    judged,
    mail,
    moment,
    nights,
    numbers,
    on_time,
    reasons,
    run,
    state,
    terms,
    ticket,
)
from slawatch.domain.account import Account
from slawatch.domain.account_json import account_object
from slawatch.domain.compliance import Verdict
from slawatch.domain.contract import UnknownPolicy
from slawatch.domain.counts import Counts, allowed_misses, bounds_of
from slawatch.domain.grammar import Money, parse_ratio
from slawatch.domain.interval import HOUR
from slawatch.domain.terms import contract_of
from slawatch.domain.terms_reading import TermsError

F = Fraction


def figures(account: Account) -> tuple[object, object, object]:
    found = account.compliance.availability
    return found.low, found.point, found.high


def amount(account: Account) -> str:
    assert account.settlement is not None
    return str(account.settlement.amount)


@pytest.mark.parametrize(
    ("target", "n", "allowed"),
    [
        ("99%", 10, 0),  # 0.1
        ("99%", 99, 0),  # 0.99
        ("99%", 100, 1),  # 1 exactly
        ("99%", 199, 1),  # 1.99
        ("90%", 31, 3),  # 3.1
        ("100%", 1000, 0),
        ("99.95%", 2000, 1),  # 0.0005 · 2000 = 1 exactly, which no float says
    ],
)
def test_s30_allowed_misses(target: str, n: int, allowed: int) -> None:
    """S30: ⌊(1 - target)·n⌋, exactly."""
    assert allowed_misses(parse_ratio(target), n) == allowed


@given(met=st.integers(0, 50), missed=st.integers(0, 50), unknown=st.integers(0, 50))
def test_s30_bounds_are_in_order(met: int, missed: int, unknown: int) -> None:
    """S30: low ≤ point ≤ high, all equal when nothing is unknown or the contract says where it goes."""
    n = met + missed + unknown
    counts = Counts(n, missed, unknown, 0)
    bounds = bounds_of(counts, UnknownPolicy.EXCLUDE)
    if n == 0:
        assert bounds.low is bounds.point is bounds.high is None
        return
    assert bounds.low == F(met, n)
    assert bounds.high == F(met + unknown, n)
    if n > unknown:
        assert bounds.point == F(met, met + missed)
        assert bounds.low <= bounds.point <= bounds.high
    for policy, ratio in ((UnknownPolicy.DOWN, bounds.low), (UnknownPolicy.UP, bounds.high)):
        decided = bounds_of(counts, policy)
        assert decided.low == decided.point == decided.high == ratio


def test_s30_every_night_of_january_on_time() -> None:
    """31 slots, none missed; of 31, 90 % allows 3."""
    account = judged(on_time(), [*heard(), *nights(1, 31)])
    assert numbers(account) == (31, 0, 0, 3)
    assert figures(account) == (1, 1, 1)
    assert account.compliance.verdict is Verdict.MET
    assert account.compliance.coverage == 1


def test_s30_missed_failed_and_late_are_all_missed() -> None:
    """31 slots: one without a run, one failed, one at 07:00, one at 06:00 sharp. 28/31 = 0.903 ≥ 0.9 is met."""
    rows = [*heard(), *nights(1, 27), run("28 02:10", "fail"), run("29 07:00"), run("30 06:00")]
    account = judged(on_time(), rows)
    assert numbers(account) == (31, 3, 0, 3)
    assert reasons(account) == ["run_failed", "after_deadline", "no_run"]
    assert figures(account)[1] == F(28, 31)
    assert account.compliance.verdict is Verdict.MET
    account = judged(on_time(), [row for row in rows if row["at"] != moment("30 06:00")])
    assert numbers(account) == (31, 4, 0, 3)
    assert account.compliance.verdict is Verdict.BREACHED


def test_s30_exactly_on_target_is_met_and_99_of_10_allows_none() -> None:
    """9 of 10 is 90 %: met at 90 %, breached at 99 %."""
    rows = [*heard(), *nights(1, 9)]
    ten = {"valid": {"from": "2026-01-01", "to": "2026-01-11"}}
    assert numbers(judged(on_time(**ten), rows, period="05")) == (10, 1, 0, 1)
    assert judged(on_time(**ten), rows, period="05").compliance.verdict is Verdict.MET
    strict = judged(on_time(**ten, standard="99%"), rows, period="05")
    assert numbers(strict) == (10, 1, 0, 0)
    assert strict.compliance.verdict is Verdict.BREACHED


def test_s30_unknown_is_missed_in_low_met_in_high_and_left_out_of_point() -> None:
    """The receiver was stopped from the 10th 00:00 to the 12th 00:00, two nights without a run: 29 of 29 known.

    Low 29/31, high 31/31; coverage 29/31 = 0.9355 is below the floor of 95 %.
    """
    rows = [*heard(), *nights(1, 9), *nights(12, 31)]
    rows += [state("10", "unknown", cause="monitor_stopped"), state("12", "up")]
    account = judged(on_time(), rows)
    assert numbers(account) == (31, 0, 2, 2)  # 10 % of the 29 known ones
    assert figures(account) == (F(29, 31), 1, 1)
    assert account.compliance.coverage == F(29, 31)
    assert account.compliance.verdict is Verdict.DISPUTABLE
    assert account.compliance.if_unknown_down == F(29, 31)
    assert account.compliance.if_unknown_up == 1
    low_floor = judged(on_time(options={"coverage_floor": "90%"}), rows)
    assert low_floor.compliance.verdict is Verdict.MET  # 29/31 = 0.935 ≥ 0.9
    down = judged(on_time(options={"unknown": "down", "coverage_floor": "90%"}), rows)
    assert figures(down) == (F(29, 31),) * 3
    assert numbers(down) == (31, 0, 2, 3)  # 10 % of all 31


def test_s5_before_the_first_row_and_after_the_end_nothing_is_known() -> None:
    """S5: rows from the 8th to the 20th only: 7 nights before and 11 after are unknown, not missed."""
    account = judged(on_time(), nights(8, 20))
    assert numbers(account) == (31, 0, 18, 1)
    assert account.compliance.verdict is Verdict.DISPUTABLE
    nothing = judged(on_time(), [state("01", "up", endpoint="other"), *heard()[1:]])
    assert numbers(nothing) == (31, 0, 31, 0)
    assert figures(nothing) == (0, None, 1)


def test_s30_no_events_is_not_applicable() -> None:
    """A job that runs in March only: no slot in January."""
    march = {"jobs": {"src": {**JOB, "schedule": "0 2 1 3 *"}}}
    account = judged(terms("on_time", march), heard())
    assert numbers(account) == (0, 0, 0, 0)
    assert figures(account) == (None, None, None)
    assert account.compliance.verdict is Verdict.NOT_APPLICABLE


def test_s30_a_run_belongs_to_the_period_of_its_deadline() -> None:
    """A job at 22:00 with 8 h: the slot of 31 January is due on 1 February, that of 31 December on 1 January."""
    evening = {"jobs": {"src": {**JOB, "schedule": "0 22 * * *", "deadline": "8h"}}}
    rows = [state("01", "up"), {"type": "until", "at": moment("02-03")}]
    rows += [run(f"{day:02} 22:10") for day in range(1, 31)]
    january = judged(terms("on_time", evening), rows, now="02-03")
    assert january.counts is not None
    # 31 deadlines, 1 to 31 January 06:00; the first slot opened before the receiver was heard
    assert numbers(january) == (31, 0, 1, 3)
    february = judged(terms("on_time", evening), rows, now="02-03", period="02-02")
    assert numbers(february) == (2, 2, 0, 0)
    assert february.compliance.verdict is Verdict.OPEN


def test_s6_slots_outside_the_contract_s_hours_are_not_expected() -> None:
    """Mon-Fri: 22 of January 2026's days (the 1st is a Thursday)."""
    week: dict[str, Any] = {"name": "week", "timezone": "UTC", "days": {"mon-fri": ["00:00-24:00"]}}
    hours = week | {"holidays": None, "closed": [], "open": {}}
    account = judged(on_time(hours=hours), [*heard(), *nights(1, 31)])
    assert numbers(account)[0] == 22


def test_s25_slots_scheduled_in_excluded_time_are_left_out_and_shown_without() -> None:
    """Maintenance from the 5th 00:00 to the 7th 00:00: two of 31 slots; without it two more misses."""
    window: dict[str, Any] = {"type": "exclusion", "start": moment("05"), "end": moment("07")}
    rows = [*heard(), *nights(1, 4), *nights(7, 31), window]
    account = judged(on_time(), rows)
    assert numbers(account) == (29, 0, 0, 2)
    assert account.counts is not None
    assert account.counts.excluded == 2
    assert account.compliance.without_exclusions == F(29, 31)
    assert figures(account) == (1, 1, 1)


def test_s25_a_slot_scheduled_before_the_period_is_left_out_too() -> None:
    """Due on 1 February at 06:00, scheduled on 31 January at 22:00, when there was maintenance."""
    evening = {"jobs": {"src": {**JOB, "schedule": "0 22 * * *", "deadline": "8h"}}}
    window: dict[str, Any] = {"type": "exclusion", "start": moment("31 21:00"), "end": moment("31 23:00")}
    rows = [state("01", "up"), window, {"type": "until", "at": moment("02-02")}]
    february = judged(terms("on_time", evening), rows, now="02-02", period="02-01")
    assert numbers(february)[0] == 1 - 1
    assert february.compliance.without_exclusions == 0


def test_s30_all_jobs_of_a_service_are_counted() -> None:
    """``a and b``: 31 nights each."""
    jobs = {"jobs": {"a": JOB, "b": {**JOB, "deadline": "1h"}}}
    rows = [state("01", "up", endpoint="a"), state("01", "up", endpoint="b"), heard()[1]]
    rows += [run(f"{day:02} 02:30", endpoint=name) for day in range(1, 32) for name in ("a", "b")]
    account = judged(terms("on_time", jobs, up_when="a and b"), [*rows[:-1], run("31 03:00:01", endpoint="b")])
    assert numbers(account) == (62, 1, 0, 6)


def test_s30_an_open_period_counts_what_is_past_due_or_done() -> None:
    """On the 11th at 04:00 ten nights are done, the 11th runs until 06:00, 20 more are to come.

    One of ten missed: best (9 + 21)/31, worst 9/31; 30/31 ≥ 0.9, so nothing is lost.
    """
    rows = [state("01", "up"), *nights(1, 9), {"type": "until", "at": moment("11 04:00")}]
    account = judged(on_time(), rows, now="11 04:00")
    assert numbers(account) == (10, 1, 0, 1)
    assert account.compliance.verdict is Verdict.OPEN
    assert account.counts is not None
    assert account.counts.ahead == 21
    assert account.compliance.best == F(30, 31)
    assert account.compliance.worst == F(9, 31)


def test_s30_finals_follow_the_policy_for_unknown_events() -> None:
    """On the 11th at 04:00: 8 on time, 1 missed, 1 unknown, 21 to come. Best 30/31 or 29/31, worst 8/31 or 9/31."""
    rows = [state("01", "up"), *nights(1, 8), state("10", "unknown"), state("10 12:00", "up")]
    rows.append({"type": "until", "at": moment("11 04:00")})
    for policy, best, worst in (("exclude", 30, 8), ("down", 29, 8), ("up", 30, 9)):
        account = judged(on_time(options={"unknown": policy}), rows, now="11 04:00")
        assert numbers(account)[:3] == (10, 1, 1)
        assert (account.compliance.best, account.compliance.worst) == (F(best, 31), F(worst, 31))
        penalised = judged(
            on_time(options={"unknown": policy}, penalty={"per_miss": {"credit": "1.00 EUR"}}), rows, now="11 04:00"
        ).settlement
        assert penalised is not None
        assert penalised.at_high.amount == 31 - best
        assert penalised.at_low.amount == 31 - worst


def test_s30_what_comes_after_the_end_is_not_looked_at() -> None:
    """The history ends on the 10th at 02:10; a run at that instant counts, one a second later is not heard."""
    ten = on_time(valid={"from": "2026-01-01", "to": "2026-01-11"})
    for end, unknown in (("10 02:10", 0), ("10 02:09:59", 1)):
        rows = [state("01", "up"), *nights(1, 10), {"type": "until", "at": moment(end)}]
        assert numbers(judged(ten, rows, now="11", period="05")) == (10, 0, unknown, 1 - unknown)


def test_s31_s30_events_at_now_count_and_later_ones_do_not() -> None:
    """A ticket answered at ``now``; a mail received at ``now``; both a second before that are still open."""
    rows = [*heard(), ticket("A", "05 08:00", "created", "new"), ticket("A", "05 09:00", "agent_reply")]
    answered = [judged(terms("response_in_time", TICKETS), rows, now=now) for now in ("05 09:00", "05 08:59:59")]
    assert [numbers(account)[0] for account in answered] == [1, 0]
    mails = [*heard(), mail("A", "05 08:00", "sent"), mail("A", "05 08:04", "received")]
    received = [
        judged(terms("delivery_in_time", {"within": "5m"}), mails, now=now) for now in ("05 08:04", "05 08:03:59")
    ]
    assert [numbers(account)[0] for account in received] == [1, 0]
    assert numbers(judged(terms("delivery_in_time", {"within": "5m"}), mails, now="05 07:59"))[0] == 0
    cut = [*rows[:1], *rows[2:], {"type": "until", "at": moment("05 08:59:59")}]
    assert numbers(judged(terms("response_in_time", TICKETS), cut, now="06")) == (1, 0, 1, 0)
    kept = [*rows[:1], *rows[2:], {"type": "until", "at": moment("05 09:00")}]
    assert numbers(judged(terms("response_in_time", TICKETS), kept, now="06")) == (1, 0, 0, 0)


# --- tickets ---------------------------------------------------------------------------------------------------


def test_s31_response_in_time() -> None:
    """4 h. A answered after 4 h 00 sharp, B after 4 h 00 m 01 s, C by an auto-reply only, D by a person after 1 h."""
    rows = [*heard()]
    for name, replied, kind in (
        ("A", "05 12:00", "agent_reply"),
        ("B", "05 12:00:01", "agent_reply"),
        ("C", "05 08:01", "auto_reply"),
        ("D", "05 09:00", "agent_reply"),
    ):
        rows += [ticket(name, "05 08:00", "created", "new"), ticket(name, replied, kind)]
    account = judged(terms("response_in_time", TICKETS), rows)
    assert numbers(account) == (4, 2, 0, 0)
    assert reasons(account) == ["after_due", "past_due"]
    assert figures(account)[1] == F(1, 2)


def test_s31_restore_clock_stands_while_pending_and_resumes_on_reopening() -> None:
    """08:00 new, 09:00 pending, 15:00 open (1 h so far), 17:00 resolved (3 h), 18:00 open, 19:00:01 resolved: late."""
    history = [("05 08:00", "created", "new"), ("05 09:00", "state", "pending"), ("05 15:00", "state", "open")]
    history += [("05 17:00", "state", "resolved"), ("05 18:00", "reopened", "open")]
    for end, missed in (("05 19:00", 0), ("05 19:00:01", 1)):
        rows = [*heard(), *(ticket("A", *event) for event in history), ticket("A", end, "state", "resolved")]
        assert numbers(judged(terms("restore_in_time", TICKETS), rows)) == (1, missed, 0, 0)


def test_s31_a_ticket_belongs_to_the_period_of_its_due_time() -> None:
    """Created on 31 January at 22:00, due on 1 February at 02:00, answered in January: February's."""
    rows = [state("01", "up"), ticket("A", "31 22:00", "created", "new"), ticket("A", "31 22:30", "agent_reply")]
    rows.append({"type": "until", "at": moment("02-10")})
    agreed = terms("response_in_time", TICKETS)
    assert numbers(judged(agreed, rows, now="02-10"))[0] == 0
    assert numbers(judged(agreed, rows, now="02-10", period="02-05")) == (1, 0, 0, 0)


def test_s31_open_tickets_count_when_they_are_past_due() -> None:
    """A past due is a miss already, B is not due, C waits for the client, D is spam and E merged."""
    rows = [*heard()]
    rows += [ticket("A", "30 08:00", "created", "new"), ticket("B", "31 22:00", "created", "new")]
    rows += [ticket("C", "05 08:00", "created", "new"), ticket("C", "05 09:00", "state", "pending")]
    rows += [ticket("D", "05 08:00", "created", "new"), ticket("D", "05 08:10", "spam")]
    rows += [ticket("E", "05 08:00", "created", "new"), ticket("E", "05 08:10", "merged")]
    assert numbers(judged(terms("response_in_time", TICKETS), rows)) == (1, 1, 0, 0)


def test_s31_what_the_connector_has_not_read_is_unknown_until_it_catches_up() -> None:
    """It failed on the 20th at 00:00. A, due on the 20th at 03:00, is unknown; half of January's days were read."""
    rows = [state("01", "up"), state("20", "unknown", cause="connector_failed")]
    rows += [ticket("A", "19 23:00", "created", "new"), {"type": "until", "at": moment("02-01")}]
    agreed = terms("response_in_time", TICKETS)
    account = judged(agreed, rows)
    assert numbers(account) == (1, 0, 1, 0)
    assert reasons(account) == ["not_read"]
    assert account.compliance.coverage == F(19, 31)
    caught_up = [*rows, state("31", "up"), ticket("A", "20 01:00", "agent_reply")]
    assert numbers(judged(agreed, caught_up)) == (1, 0, 0, 0)
    assert judged(agreed, caught_up).compliance.coverage == 1


def test_s31_a_ticket_whose_creation_is_not_on_record_is_unknown() -> None:
    account = judged(terms("response_in_time", TICKETS), [*heard(), ticket("A", "05 08:00", "agent_reply")])
    assert numbers(account) == (1, 0, 1, 0)
    assert reasons(account) == ["no_creation"]


def test_s31_the_desk_s_own_figure_is_shown_where_it_differs() -> None:
    """Ours 2 h (it stood for 1 h), the desk's 3 h."""
    rows = [*heard(), ticket("A", "05 08:00", "created", "new"), ticket("A", "05 09:00", "state", "pending")]
    rows += [ticket("A", "05 10:00", "state", "open"), ticket("A", "05 11:00", "agent_reply", desk_response="3h")]
    account = judged(terms("response_in_time", TICKETS), rows)
    assert numbers(account) == (1, 0, 0, 0)
    [listed] = account_object(account)["events"]["listed"]
    assert (listed["name"], listed["spent_us"], listed["desk_us"]) == ("A", 2 * HOUR, 3 * HOUR)
    same = [row | ({"desk_response": "2h"} if "desk_response" in row else {}) for row in rows]
    assert account_object(judged(terms("response_in_time", TICKETS), same))["events"]["listed"] == []


# --- mails -----------------------------------------------------------------------------------------------------

MAILS = {"within": "5m"}


def test_s30_delivery_in_time() -> None:
    """5 min. A after 5 min sharp, B a second later, C lost, D never heard of again, E on its way at the end."""
    rows = [*heard()]
    for name, signals in {
        "A": (("sent", "05 08:00"), ("received", "05 08:05")),
        "B": (("sent", "05 08:00"), ("received", "05 08:05:01")),
        "C": (("sent", "05 08:00"), ("lost", "05 09:00")),
        "D": (("sent", "05 08:00"),),
        "E": (("sent", "31 23:56"),),
    }.items():
        rows += [mail(name, when, signal) for signal, when in signals]
    account = judged(terms("delivery_in_time", MAILS), rows)
    assert numbers(account) == (4, 3, 0, 0)
    assert reasons(account) == ["after_due", "given_up", "not_received"]


def test_s30_a_mail_belongs_to_the_period_of_its_sending() -> None:
    """Sent on 31 January at 23:58, received in February: January's."""
    rows = [state("01", "up"), mail("A", "31 23:58", "sent"), mail("A", "02-01 00:02", "received")]
    rows.append({"type": "until", "at": moment("02-02")})
    agreed = terms("delivery_in_time", MAILS)
    assert numbers(judged(agreed, rows, now="02-02")) == (1, 0, 0, 0)
    assert numbers(judged(agreed, rows, now="02-02", period="02-01"))[0] == 0


def test_s30_a_mailbox_that_nobody_could_read_makes_mails_unknown() -> None:
    """A was due while the reader was away; B came in time all the same; without a sending C is unknown."""
    rows = [*heard(), state("05 08:02", "unknown"), state("05 08:30", "up")]
    rows += [mail("A", "05 08:00", "sent"), mail("A", "05 08:40", "received")]
    rows += [mail("B", "05 08:00", "sent"), mail("B", "05 08:01", "received"), mail("C", "06 08:00", "received")]
    account = judged(terms("delivery_in_time", MAILS), rows)
    assert numbers(account) == (3, 0, 2, 0)
    assert sorted(reasons(account)) == ["no_sending", "reader_unavailable"]
    # 28 min of 31 days were not read
    assert account.compliance.coverage == 1 - F(28, 31 * 24 * 60)


# --- money -----------------------------------------------------------------------------------------------------


def test_s34_per_miss_and_flat() -> None:
    """4 of 31 missed at 90 %, which allows 3: 4 · 25 EUR; beyond the budget 1 · 25 EUR; flat 10 % of 300 EUR."""
    rows = [*heard(), *nights(1, 27)]
    each = {"per_miss": {"credit": "25.00 EUR"}}
    assert amount(judged(on_time(penalty=each), rows)) == "100.00 EUR"
    beyond = {"per_miss": {"credit": "25.00 EUR", "beyond": "budget"}}
    assert amount(judged(on_time(penalty=beyond), rows)) == "25.00 EUR"
    charges = [{"from": None, "amount": "300.00 EUR per period"}]
    assert amount(judged(on_time(penalty="10% of charges", charges=charges), rows)) == "30.00 EUR"


def test_s34_unknown_events_open_the_credit_below_the_floor() -> None:
    """2 of 31 unknown is a coverage of 93.5 %: nobody settles; at low 2 · 25 EUR, at high nothing."""
    rows = [*heard(), *nights(1, 9), *nights(12, 31), state("10", "unknown"), state("12", "up")]
    settlement = judged(on_time(penalty={"per_miss": {"credit": "25.00 EUR"}}), rows).settlement
    assert settlement is not None
    assert settlement.amount is None
    assert settlement.at_low == Money(Decimal("50.00"), "EUR")
    assert settlement.at_high == Money(Decimal("0.00"), "EUR")


def test_s34_the_budget_of_misses_is_of_the_events_that_count() -> None:
    """30 slots at 90 %, 2 unknown, 3 missed. Of all 30 three are allowed, of the 28 known ones two.

    Beyond the budget: 3 - 2 = 1 when the unknown are left out, 5 - 3 = 2 when they are missed, 3 - 3 = 0 when met.
    """
    beyond = {"per_miss": {"credit": "25.00 EUR", "beyond": "budget"}}
    rows = [*heard(), *nights(1, 9), *nights(12, 27), state("10", "unknown"), state("12", "up")]
    for policy, due in (("exclude", "25.00 EUR"), ("down", "50.00 EUR"), ("up", "0.00 EUR")):
        thirty = {"valid": {"from": "2026-01-01", "to": "2026-01-31"}}
        options = {"unknown": policy, "coverage_floor": "90%"}
        account = judged(on_time(penalty=beyond, options=options, **thirty), rows)
        assert numbers(account)[:3] == (30, 3, 2)
        assert account.compliance.if_unknown_up == F(27, 30)
        assert account.compliance.if_unknown_down == F(25, 30)
        assert account.compliance.service_time == 0
        assert amount(account) == due


def test_s21_a_period_for_information_costs_nothing() -> None:
    """A last period that is cut short and not judged: misses, and no settlement."""
    short = on_time(
        penalty={"per_miss": {"credit": "25.00 EUR"}},
        valid={"from": "2026-01-01", "to": "2026-01-11"},
        options={"partial": "inform_only"},
    )
    account = judged(short, heard(), period="05")
    assert numbers(account)[:2] == (10, 10)
    assert account.settlement is None
    assert account.compliance.verdict is Verdict.NOT_APPLICABLE


def test_s34_a_running_period_says_what_it_can_cost() -> None:
    """One missed so far, 21 to come: 25 to 550 EUR."""
    rows = [state("01", "up"), *nights(1, 9), {"type": "until", "at": moment("11 04:00")}]
    settlement = judged(on_time(penalty={"per_miss": {"credit": "25.00 EUR"}}), rows, now="11 04:00").settlement
    assert settlement is not None
    assert settlement.amount is None
    assert settlement.at_high == Money(Decimal("25.00"), "EUR")
    assert settlement.at_low == Money(Decimal("550.00"), "EUR")
    # beyond the budget of the whole month, three of 31: none at best, 22 - 3 = 19 at worst
    beyond = {"per_miss": {"credit": "25.00 EUR", "beyond": "budget"}}
    settlement = judged(on_time(penalty=beyond), rows, now="11 04:00").settlement
    assert settlement is not None
    assert settlement.at_high.amount == 0
    assert settlement.at_low.amount == 475


# --- terms and output ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "told"),
    [
        (terms("on_time", None), "events: None is no mapping"),
        (terms("availability", {"within": "5m"}), "events: only for counted measurements"),
        (terms("on_time", {"jobs": {"other": JOB}}), "events.jobs: no schedule of 'src'"),
        (terms("on_time", {"jobs": {}}), "events.jobs: expected the jobs"),
        (terms("on_time", {"jobs": {"src": {**JOB, "deadline": "25:00"}}}), "events.jobs.src.deadline: '25:00'"),
        (terms("on_time", {"jobs": {"src": {**JOB, "schedule": "x"}}}), "events.jobs.src.schedule: 'x' is no sched"),
        (on_time(up_when="src or other"), "service: 'src or other': all events are counted"),
        (on_time(up_when="src and (a or b)"), "service: 'src and (a or b)': all events"),
        (on_time(penalty={"per_block": {"block": "1h", "credit": "5.00 EUR"}}), "penalty: events have no downtime"),
        (terms("response_in_time", {**TICKETS, "within": "0s"}), "events.within: no time at all"),
        (terms("restore_in_time", {**TICKETS, "pausing": ["resolved"]}), "events.pausing: resolved: also a restored"),
        (terms("restore_in_time", {**TICKETS, "restoring_answers": "no"}), "events.restoring_answers: 'no' is neither"),
        (terms("delivery_in_time", {"within": "soon"}), "events.within: 'soon' is no duration"),
    ],
)
def test_terms_of_events_that_cannot_be(agreed: dict[str, Any], told: str) -> None:
    with pytest.raises(TermsError) as caught:
        contract_of(agreed)
    assert str(caught.value).startswith(told)


def test_the_object_of_a_counted_period() -> None:
    """``counts`` has exactly the four numbers; no microsecond is in any class."""
    found = account_object(judged(on_time(), [*heard(), *nights(1, 30)]))
    assert found["counts"] == {"n": 31, "missed": 1, "unknown": 0, "allowed": 3}
    assert set(found["time_us"].values()) == {0}
    assert found["availability"]["point"].startswith("0.9677")
    assert found["events"]["listed"] == [
        {
            "source": "src",
            "name": None,
            "at": "2026-01-31T06:00:00Z",
            "outcome": "missed",
            "reason": "no_run",
            "spent_us": None,
            "desk_us": None,
        }
    ]
    assert at("31 06:00") == 1769839200 * 10**6
