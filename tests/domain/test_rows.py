"""Rows of a history in both directions: what a row says is what is judged, and what is written is read back."""

from __future__ import annotations

from typing import Any

import pytest

from domain.counted_cases import JOB, TICKETS, at, judged, mail, moment, numbers, reasons, run, state, terms, ticket
from domain.small_cases import s
from slawatch.domain.composite import names_in, parse_expression
from slawatch.domain.event_rows import SourceLog
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.history import add_row, blip_row, read_rows, state_row
from slawatch.domain.interval import HOUR, MINUTE
from slawatch.domain.observation import Cause
from slawatch.domain.slots import RunEvent, Signal

WHOLE = Change(s(60), State.UNKNOWN, s(50), s(60), Cause.PATH_LOST, s(70), "no_route", "EHOSTUNREACH")


def test_the_row_of_a_change_says_everything() -> None:
    assert state_row("acme", "router", WHOLE) == {
        "type": "state",
        "client": "acme",
        "endpoint": "router",
        "at": "2026-01-05T00:01:00Z",
        "state": "unknown",
        "edges": {"low": "2026-01-05T00:00:50Z", "high": "2026-01-05T00:01:00Z"},
        "cause": "path_lost",
        "confirmed_at": "2026-01-05T00:01:10Z",
        "reason": "no_route",
        "detail": "EHOSTUNREACH",
    }


def test_the_row_of_a_plain_change_says_no_more_than_it_must() -> None:
    plain = Change(s(60), State.UP, s(60), s(60), None, s(60))
    assert state_row("acme", "router", plain) == {
        "type": "state",
        "client": "acme",
        "endpoint": "router",
        "at": "2026-01-05T00:01:00Z",
        "state": "up",
    }


@pytest.mark.parametrize("change", [WHOLE, Change(s(60), State.DOWN, s(0), s(90), None, s(80), "refused", "")])
def test_a_change_is_read_back_as_it_was(change: Change) -> None:
    assert read_rows([state_row("acme", "router", change)]).changes == {"router": [change]}


def test_a_blip_is_read_back_as_it_was() -> None:
    blip = Blip(s(60), State.DOWN, s(50), s(70), 3, "timeout", "5 s")
    assert read_rows([blip_row("acme", "router", blip)]).blips == {"router": [blip]}


def test_s27_a_correction_that_leaves_words_out_has_none() -> None:
    row = {"type": "correction", "endpoint": "router", "start": moment("05"), "end": moment("06"), "state": "up"}
    [correction] = read_rows([row]).corrections
    words = correction.reason, correction.approved_by, correction.entered_by, correction.evidence
    assert words == ("", "", "", "")


def test_a_blip_that_leaves_words_out_has_none() -> None:
    row = {"type": "blip", "endpoint": "router", "at": moment("05"), "edges": None}
    assert read_rows([row]).blips == {"router": [Blip(at("05"), State.DOWN, at("05"), at("05"), 1, "", "")]}


def log(*rows: dict[str, Any]) -> SourceLog:
    history = read_rows(rows)
    return history.events["src"]


def test_s31_a_desks_figures_are_kept_by_what_they_measure() -> None:
    found = log(
        ticket("T1", "05 10:00", "created", desk_response="20m", desk_restore="3h"),
        ticket("T2", "05 11:00", "created", desk_restore="4h"),
    )
    desks = {name: (record.desk.response, record.desk.restore) for name, record in found.tickets.items()}
    assert desks == {"T1": (20 * MINUTE, 3 * HOUR), "T2": (None, 4 * HOUR)}


def test_s32_a_run_keeps_its_name_and_its_exit_status() -> None:
    found = log(run("05 02:00", "start", run="n1"), run("05 02:10", "success", run="n1", exit_status=0))
    assert found.runs == [
        RunEvent(at("05 02:00"), Signal.START, None, "n1"),
        RunEvent(at("05 02:10"), Signal.SUCCESS, 0, "n1"),
    ]


def test_s32_a_run_may_take_no_longer_than_agreed() -> None:
    """From 02:00 to 02:31 with 30 minutes allowed, well before its deadline at 06:00; and exactly 30 minutes."""
    agreed = terms("on_time", {"jobs": {"src": JOB | {"maximum_run_time": "30m"}}})
    rows = [run("05 02:00", "start"), run("05 02:31"), run("06 02:00", "start"), run("06 02:30")]
    known = [state("05", "up"), {"type": "until", "at": moment("07")}]
    found = judged(agreed, [*known, *rows], now="07")
    assert found.counts is not None
    assert (found.counts.missed, found.counts.met) == (1, 1)


def test_s32_a_run_may_start_early_by_as_much_as_agreed() -> None:
    """Ten minutes before 02:00 it is that night's run; eleven minutes before it is not, and nothing came by 06:00."""
    agreed = terms("on_time", {"jobs": {"src": JOB | {"early": "10m"}}})
    known = [state("05", "up"), {"type": "until", "at": moment("07")}]
    rows = [run("05 01:50", "start"), run("05 02:10"), run("06 01:49", "start"), run("06 01:55")]
    found = judged(agreed, [*known, *rows], now="07")
    assert found.counts is not None
    assert (found.counts.met, found.counts.missed) == (1, 1)
    [missed] = [event for event in found.counts.listed if event.reason == "no_run"]
    assert (missed.at, missed.source, missed.name, missed.planned) == (at("06 06:00"), "src", "", at("06 02:00"))


def test_s31_a_source_is_heard_from_its_first_row() -> None:
    """No state says so: the first mail lies on the 5th, so the mailbox was read from there to the end of the month."""
    agreed = terms("delivery_in_time", {"within": "10m"})
    rows = [mail("a", "06", "sent"), mail("b", "05", "sent"), mail("b", "05 00:05", "received")]
    found = judged(agreed, [*rows, {"type": "until", "at": moment("02-01")}])
    # a was never received; 27 of 31 days were read
    assert numbers(found) == (2, 1, 0, 0)
    assert reasons(found) == ["not_received"]
    assert found.compliance.coverage is not None
    assert str(found.compliance.coverage) == "27/31"


def test_s31_a_desk_that_is_not_read_at_the_end_is_unknown_from_there() -> None:
    """It failed on the 10th, was caught up on the 11th, and failed again at noon of the 20th: read until then."""
    agreed = terms("response_in_time", TICKETS)
    blind = [state("10", "unknown"), state("11", "up"), state("20 12:00", "unknown"), state("02-01", "up")]
    rows = [ticket("T1", "10 10:00", "created"), ticket("T2", "20 10:00", "created")]
    found = judged(agreed, [state("01", "up"), *blind[:-1], *rows, {"type": "until", "at": moment("02-01")}])
    # T1 was due at 14:00 of the 10th, which has been read since; T2 at 14:00 of the 20th, which has not
    assert numbers(found) == (2, 1, 1, 0)
    assert found.counts is not None
    assert [(event.source, event.name) for event in found.counts.listed] == [("src", "T1"), ("src", "T2")]


@pytest.mark.parametrize("name", ["Router", "zone_9", "_a.b-c", "ORDERS"])
def test_any_case_names_an_endpoint(name: str) -> None:
    assert names_in(parse_expression(f"{name} and (x or {name})")) == (name, "x")


@pytest.mark.parametrize("word", ["and", "or", "of", "weighted", "not", "9a", "-a"])
def test_a_word_of_the_language_names_no_endpoint(word: str) -> None:
    for text in (word, f"a and {word}", f"{word} or a"):
        with pytest.raises(ValueError, match="expected"):
            parse_expression(text)


def test_a_row_of_no_known_type_is_refused_by_name() -> None:
    history = read_rows([])
    with pytest.raises(ValueError, match=r"^type: 'probe' is unknown: expected one of state, blip, cause"):
        add_row(history, {"type": "probe"})
