"""The life of a period (S23) and of the terms that govern it (S29)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.money_cases import contract, span
from slawatch.domain.contract import Options
from slawatch.domain.interval import DAY, HOUR, SECOND, Duration, Instant, Interval
from slawatch.domain.period_life import (
    Milestones,
    Stage,
    TermsVersion,
    may_be_sent,
    milestones,
    stage,
    terms_in_force,
)

FORTNIGHT = span("2026-01-05", "2026-01-19")
AGREEMENT = replace(contract(), confirmation_span=85 * SECOND)


@pytest.mark.parametrize(
    ("after_end", "version", "expected"),
    [
        (-14 * DAY, 1, Stage.OPEN),
        (-1, 1, Stage.OPEN),
        # every 60 s + 2 retries of 10 s + 5 s timeout
        (0, 1, Stage.OPEN),
        (85 * SECOND - 1, 1, Stage.OPEN),
        (85 * SECOND, 1, Stage.PROVISIONAL),
        (3 * DAY - 1, 1, Stage.PROVISIONAL),
        (3 * DAY, 1, Stage.FINAL),
        (3 * DAY, 2, Stage.RESTATED),
        (3 * DAY - 1, 2, Stage.PROVISIONAL),
        (300 * DAY, 3, Stage.RESTATED),
    ],
)
def test_s23_stages(after_end: Duration, version: int, expected: Stage) -> None:
    assert stage(AGREEMENT, FORTNIGHT, FORTNIGHT.end + after_end, version) is expected


def test_s23_a_period_is_never_final_before_it_is_provisional() -> None:
    hasty = replace(AGREEMENT, options=Options(grace=0))
    assert milestones(hasty, FORTNIGHT) == Milestones(FORTNIGHT.end + 85 * SECOND, FORTNIGHT.end + 85 * SECOND)
    assert stage(hasty, FORTNIGHT, FORTNIGHT.end) is Stage.OPEN
    assert stage(hasty, FORTNIGHT, FORTNIGHT.end + 85 * SECOND) is Stage.FINAL


@pytest.mark.parametrize(
    ("reached", "released_by", "automatic", "sent"),
    [
        (Stage.FINAL, "", False, False),
        (Stage.FINAL, "owner@msp.example", False, True),
        (Stage.FINAL, "", True, True),
        (Stage.RESTATED, "owner@msp.example", False, True),
        (Stage.RESTATED, "", False, False),
        (Stage.PROVISIONAL, "owner@msp.example", True, False),
        (Stage.OPEN, "owner@msp.example", True, False),
    ],
)
def test_s35_nothing_is_sent_before_its_owner_released_it(
    reached: Stage, released_by: str, automatic: bool, sent: bool
) -> None:
    agreement = replace(AGREEMENT, options=Options(release_automatic=automatic))
    assert may_be_sent(agreement, reached, released_by) is sent


PERIOD = Interval(100 * HOUR, 200 * HOUR)


def version(hour: int, terms: str, *approvals: str) -> TermsVersion[str]:
    at: Instant = hour * HOUR
    return TermsVersion(at, terms, *approvals)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version(0, "a")], "a"),
        ([version(0, "a"), version(50, "b")], "b"),
        ([version(0, "a"), version(100, "b")], "b"),  # at the period's start
        ([version(0, "a"), version(150, "b")], "a"),  # a change takes effect with the next period
        ([version(0, "a"), version(150, "b", "owner", "client")], "b"),
        ([version(0, "a"), version(150, "b", "owner", "")], "a"),  # one party is not enough
        ([version(0, "a"), version(150, "b", "", "client")], "a"),
        ([version(0, "a"), version(200, "b", "owner", "client")], "a"),  # the next period's
        ([version(0, "a"), version(120, "b", "owner", "client"), version(150, "c")], "b"),
        ([version(150, "b"), version(0, "a")], "a"),  # order of input does not matter
        ([version(50, "a"), version(50, "b")], "b"),  # of two at one instant the later entry
        ([version(120, "a"), version(150, "b")], "a"),  # first seen during the period
        ([version(120, "a"), version(150, "b", "owner", "client")], "b"),
    ],
)
def test_s29_case_32_terms_are_frozen_at_the_start_of_a_period(
    versions: list[TermsVersion[str]], expected: str
) -> None:
    assert terms_in_force(versions, PERIOD).terms == expected


def test_s29_without_terms_there_is_nothing_to_judge_by() -> None:
    with pytest.raises(ValueError, match="no terms are known before the end of the period"):
        terms_in_force([version(200, "a")], PERIOD)
