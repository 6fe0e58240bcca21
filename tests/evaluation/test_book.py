"""Which terms govern which period (S21, S29)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money_cases import contract
from slawatch.domain.contract import Contract, Options
from slawatch.domain.interval import DAY, DISTANT_FUTURE, Interval, format_instant, parse_instant
from slawatch.domain.period import FixedSpan, PartialPolicy, parse_period
from slawatch.evaluation.book import Book, Version


def utc(period: str, target: str = "99%", valid: str = "", partial: PartialPolicy = PartialPolicy.JUDGE) -> Contract:
    """A contract in UTC; ``valid`` is ``2026-01-10..2026-02-10``, either side may be left out."""
    made = contract(target=target, options=Options(partial=partial))
    start, _, end = valid.partition("..")
    limits = Interval(
        parse_instant(f"{start}T00:00:00Z") if start else made.valid.start,
        parse_instant(f"{end}T00:00:00Z") if end else DISTANT_FUTURE,
    )
    return replace(made, period=parse_period(period, "UTC"), period_text=period, valid=limits)


def day(text: str) -> int:
    return parse_instant(f"{text}T00:00:00Z")


def book(*versions: tuple[str, Contract], seen: bool = False) -> Book:
    return Book([Version(day(at), terms) for at, terms in versions], seen_by_ledger=seen)


def spelt(book: Book, start: str, end: str) -> list[str]:
    """``2026-01-05..2026-01-19 99% partial``, one for each period."""
    return [
        f"{format_instant(period.start)[:10]}..{format_instant(period.end)[:10]} {float(terms.target * 100):g}%"
        + (" partial" if period.partial else "")
        + ("" if period.judged else " informs")
        for terms, period in book.between(day(start), day(end))
    ]


FORTNIGHTS = "every 2 weeks from 2026-01-05"


@pytest.mark.parametrize(
    ("changed", "periods"),
    [
        # entered during the fortnight from the 5th: the next one is the first under the new standard
        ("2026-01-10", ["2026-01-05..2026-01-19 99%", "2026-01-19..2026-02-02 98%"]),
        # entered at its very start: it governs
        ("2026-01-05", ["2026-01-05..2026-01-19 98%", "2026-01-19..2026-02-02 98%"]),
        ("2026-01-19", ["2026-01-05..2026-01-19 99%", "2026-01-19..2026-02-02 98%"]),
        # a day before the end
        ("2026-01-18", ["2026-01-05..2026-01-19 99%", "2026-01-19..2026-02-02 98%"]),
        # later
        ("2026-01-20", ["2026-01-05..2026-01-19 99%", "2026-01-19..2026-02-02 99%"]),
    ],
)
def test_s29_a_change_takes_effect_with_the_next_period(changed: str, periods: list[str]) -> None:
    """S29; edge cases 31 and 32: the terms as they stand at a period's start govern it."""
    terms = book(("2025-12-30", utc(FORTNIGHTS)), (changed, utc(FORTNIGHTS, "98%")))
    assert spelt(terms, "2026-01-05", "2026-02-02") == periods


def test_s29_the_last_of_several_changes_in_one_period() -> None:
    """S29: three versions within one fortnight; only the last one ever governs."""
    terms = book(
        ("2026-01-05", utc(FORTNIGHTS)),
        ("2026-01-07", utc(FORTNIGHTS, "98%")),
        ("2026-01-08", utc(FORTNIGHTS, "97%")),
    )
    assert spelt(terms, "2026-01-05", "2026-02-02") == ["2026-01-05..2026-01-19 99%", "2026-01-19..2026-02-02 97%"]
    assert terms.latest.target * 100 == 97


def test_s29_of_two_versions_at_one_instant_the_later_counts() -> None:
    """S17, S29."""
    terms = book(("2026-01-05", utc(FORTNIGHTS)), ("2026-01-05", utc(FORTNIGHTS, "98%")))
    assert spelt(terms, "2026-01-05", "2026-01-19") == ["2026-01-05..2026-01-19 98%"]


@pytest.mark.parametrize(
    ("old", "new", "changed", "periods"),
    [
        # months instead of fortnights, entered on 10 February: the fortnight to the 16th is finished first,
        # and the rest of February is a stub
        (
            FORTNIGHTS,
            "month",
            "2026-02-10",
            [
                "2026-02-02..2026-02-16 99%",
                "2026-02-16..2026-03-01 98% partial",
                "2026-03-01..2026-04-01 98%",
            ],
        ),
        # another anchor: the new fortnights begin on Thursdays, 19 February first
        (
            FORTNIGHTS,
            "every 2 weeks from 2026-01-08",
            "2026-02-10",
            [
                "2026-02-02..2026-02-16 99%",
                "2026-02-16..2026-02-19 98% partial",
                "2026-02-19..2026-03-05 98%",
                "2026-03-05..2026-03-19 98%",
                "2026-03-19..2026-04-02 98%",
            ],
        ),
        # fortnights instead of months, entered on 10 February: from 1 March on, the stub ends on the 2nd
        (
            "month",
            FORTNIGHTS,
            "2026-02-10",
            [
                "2026-02-01..2026-03-01 99%",
                "2026-03-01..2026-03-02 98% partial",
                "2026-03-02..2026-03-16 98%",
                "2026-03-16..2026-03-30 98%",
                "2026-03-30..2026-04-13 98%",
            ],
        ),
        # weeks instead of fortnights fit: no stub
        (
            FORTNIGHTS,
            "week",
            "2026-03-05",
            [
                "2026-02-02..2026-02-16 99%",
                "2026-02-16..2026-03-02 99%",
                "2026-03-02..2026-03-16 99%",
                "2026-03-16..2026-03-23 98%",
                "2026-03-23..2026-03-30 98%",
                "2026-03-30..2026-04-06 98%",
            ],
        ),
    ],
)
def test_s29_another_kind_of_period_leaves_a_stub(old: str, new: str, changed: str, periods: list[str]) -> None:
    """S29, S21; edge case 8: no instant is judged twice, the stub is shown as partial."""
    terms = book(("2026-01-01", utc(old)), (changed, utc(new, "98%")))
    assert spelt(terms, "2026-02-02", "2026-04-01") == periods


def test_s21_a_stub_follows_the_partial_rule() -> None:
    """S21: merge joins it to its neighbour, inform_only shows it without a verdict."""
    old = utc(FORTNIGHTS)
    merged = book(("2026-01-01", old), ("2026-02-10", utc("month", "98%", partial=PartialPolicy.MERGE)))
    assert spelt(merged, "2026-02-16", "2026-04-01") == ["2026-02-16..2026-04-01 98% partial"]
    informed = book(("2026-01-01", old), ("2026-02-10", utc("month", "98%", partial=PartialPolicy.INFORM_ONLY)))
    assert spelt(informed, "2026-02-16", "2026-04-01") == [
        "2026-02-16..2026-03-01 98% partial informs",
        "2026-03-01..2026-04-01 98%",
    ]


def test_s21_a_contract_without_a_beginning_begins_where_the_ledger_saw_it() -> None:
    """S21: first seen on the 10th, so the fortnight from the 5th is clipped and for information; a later version
    does not begin anew."""
    terms = book(("2026-01-10", utc(FORTNIGHTS)), ("2026-01-25", utc(FORTNIGHTS, "98%")), seen=True)
    assert spelt(terms, "2026-01-01", "2026-02-16") == [
        "2026-01-10..2026-01-19 99% partial informs",
        "2026-01-19..2026-02-02 99%",
        "2026-02-02..2026-02-16 98%",
    ]


def test_s21_a_stated_beginning_goes_before_what_the_ledger_saw() -> None:
    """S21: valid from the 7th, seen on the 10th."""
    terms = book(("2026-01-10", utc(FORTNIGHTS, valid="2026-01-07..")), seen=True)
    assert spelt(terms, "2026-01-01", "2026-01-19") == ["2026-01-07..2026-01-19 99% partial"]


@pytest.mark.parametrize(
    ("old", "new", "changed", "periods"),
    [
        # a contract renewed before it ends
        ("..2026-02-01", "2026-02-01..", "2026-01-20", ["99%", "99% partial", "98% partial", "98%", "98%"]),
        # and after it ended: nothing else governs the time between
        ("..2026-02-01", "2026-02-01..", "2026-02-05", ["99%", "99% partial", "98% partial", "98%", "98%"]),
        # corrected before it ever began
        ("2026-03-01..", "2026-01-19..", "2026-01-10", ["98%", "98%", "98%"]),
    ],
)
def test_s29_renewal(old: str, new: str, changed: str, periods: list[str]) -> None:
    """S29, S21: terms whose validity is over govern nothing more."""
    terms = book(("2026-01-01", utc(FORTNIGHTS, valid=old)), (changed, utc(FORTNIGHTS, "98%", valid=new)))
    found = [line.partition(" ")[2] for line in spelt(terms, "2026-01-05", "2026-03-02")]
    assert found == periods


@pytest.mark.parametrize(
    ("now", "current", "last"),
    [
        ("2026-01-01", None, None),
        ("2026-01-05", "2026-01-05", None),
        ("2026-01-19", "2026-01-19", "2026-01-05"),
        ("2026-02-10", "2026-02-02", "2026-01-19"),
        # the fortnight from the 16th of February ends with validity, on the 20th
        ("2026-02-20", None, "2026-02-16"),
        ("2027-01-01", None, "2026-02-16"),
    ],
)
def test_the_current_and_the_last_period(now: str, current: str | None, last: str | None) -> None:
    """The period that holds an instant, and the one that ended last."""
    terms = book(("2025-12-01", utc(FORTNIGHTS, valid="..2026-02-20")))
    found = terms.current(day(now))
    before = terms.before(found[1]) if found else terms.latest_before(day(now))
    assert (found and found[1].start) == (current and day(current))
    assert (before and before[1].start) == (last and day(last))


def test_the_last_period_of_a_fixed_span() -> None:
    """A contract over one span, long after it: that span, though nothing ended its validity."""
    terms = book(("2026-01-01", utc("from 2026-01-05 to 2026-02-05")))
    assert isinstance(terms.latest.period, FixedSpan)
    found = terms.latest_before(day("2026-07-01"))
    assert found is not None
    assert (found[1].start, found[1].end) == (day("2026-01-05"), day("2026-02-05"))
    assert terms.latest_before(day("2026-02-04")) is None
    assert terms.current(day("2026-07-01")) is None


def test_the_period_before_a_change_has_its_own_terms() -> None:
    """S29: the last period is judged by the terms that governed it."""
    terms = book(("2026-01-01", utc(FORTNIGHTS)), ("2026-02-10", utc("month", "98%")))
    current = terms.current(day("2026-02-20"))
    assert current is not None
    before = terms.before(current[1])
    assert before is not None
    assert before[0].target * 100 == 99
    assert before[1].start == day("2026-02-02")


_RULES = st.sampled_from([FORTNIGHTS, "every 10 days from 2026-01-02", "week", "month", "quarter"])
_VERSIONS = st.lists(
    st.tuples(st.integers(0, 200), _RULES, st.sampled_from(list(PartialPolicy))), min_size=1, max_size=5
)


@given(versions=_VERSIONS, seen=st.booleans())
def test_s29_periods_tile_time_whatever_changes(versions: list[tuple[int, str, PartialPolicy]], seen: bool) -> None:
    """S4, S29: each period begins where the one before ended, whatever the terms become; looking up any instant
    finds the same periods, and each is governed by terms that the ledger had at its start."""
    first = day("2026-01-05")
    listed = [
        Version(first + offset * DAY + 3, replace(utc(rule, partial=policy), definition=str(number)))
        for number, (offset, rule, policy) in enumerate(sorted(versions))
    ]
    terms = Book(listed, seen_by_ledger=seen)
    found = list(terms.between(first + 10 * DAY, first + 400 * DAY))
    for (_, one), (contract_, other) in pairwise(found):
        assert one.end == other.start
        assert terms.current(other.start) == terms.current(other.end - 1) == (contract_, other)
        before = terms.before(other)
        assert before is not None
        assert before[1] == one
        had = [version for version in listed if version.at <= max(other.start, listed[0].at)]
        assert contract_.definition == had[-1].contract.definition
