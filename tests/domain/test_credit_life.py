"""The life of credits and disputes (S35): every step names who took it, and nonsense is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.money_cases import money
from slawatch.domain.credit_life import (
    CreditLife,
    CreditStatus,
    Dispute,
    Outcome,
    Refused,
    answer,
    approve,
    begin,
    decide,
    dispute,
    revise,
    settle,
)

TEN = money("10.00 EUR")


def due() -> CreditLife:
    return begin(TEN, 100, "slawatch")


def approved() -> CreditLife:
    return approve(due(), 200, "owner@msp.example")


def settled() -> CreditLife:
    return settle(approved(), 300, "books@msp.example", " INV-7 ")


def undecided() -> CreditLife:
    return begin(None, 100, "slawatch")


def test_s35_due_then_approved_then_settled_with_a_reference() -> None:
    life = settled()
    assert [(entry.status, entry.at, entry.by, entry.note) for entry in life.entries] == [
        (CreditStatus.DUE, 100, "slawatch", ""),
        (CreditStatus.APPROVED, 200, "owner@msp.example", ""),
        (CreditStatus.SETTLED, 300, "books@msp.example", "INV-7"),
    ]
    assert (life.status, life.amount, life.reference) == (CreditStatus.SETTLED, TEN, "INV-7")
    assert approved().reference == ""


def test_s34_an_open_credit_is_decided_by_a_person() -> None:
    life = undecided()
    assert (life.status, life.amount) == (CreditStatus.OPEN, None)
    decided = decide(life, TEN, 150, "owner@msp.example", "probe host was moved; the client agreed by phone")
    assert (decided.status, decided.amount) == (CreditStatus.DUE, TEN)
    assert decided.entries[-1].note == "probe host was moved; the client agreed by phone"
    assert approve(decided, 160, "owner@msp.example").status is CreditStatus.APPROVED


@pytest.mark.parametrize("life", [due(), approved()])
def test_s23_a_restatement_makes_it_due_anew(life: CreditLife) -> None:
    revised = revise(life, money("4.00 EUR"), 250, "slawatch", "statement v2")
    assert (revised.status, str(revised.amount), len(revised.entries)) == (
        CreditStatus.DUE,
        "4.00 EUR",
        len(life.entries) + 1,
    )


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            lambda: approve(approved(), 300, "x"),
            "that is approved cannot be approved: expected one that is due",
        ),
        (lambda: approve(undecided(), 300, "x"), "a credit that is open cannot be approved"),
        (lambda: approve(settled(), 400, "x"), "a credit that is settled cannot be approved"),
        (lambda: approve(due(), 200, " "), "the name of who does it is missing"),
        (lambda: approve(due(), 99, "x"), "is before the entry that it follows"),
        (
            lambda: settle(due(), 200, "x", "INV-7"),
            "that is due cannot be settled: expected one that is approved",
        ),
        (lambda: settle(approved(), 300, "x", ""), "a reference, as an invoice number is missing"),
        (lambda: settle(settled(), 400, "x", "INV-8"), "a credit that is settled cannot be settled"),
        (lambda: decide(due(), TEN, 200, "x", "y"), "a credit that is due cannot be decided"),
        (lambda: decide(undecided(), TEN, 200, "x", ""), "a reason is missing"),
        (lambda: decide(undecided(), money("-1.00 EUR"), 200, "x", "y"), "a credit of -1.00 EUR is none"),
        (lambda: begin(money("0.00 EUR"), 1, "x"), "a credit of 0.00 EUR is none"),
        (lambda: begin(TEN, 1, ""), "the name of who does it is missing"),
        (lambda: revise(settled(), TEN, 400, "x", "y"), "a credit that is settled cannot be revised"),
        (lambda: revise(undecided(), TEN, 400, "x", "y"), "a credit that is open cannot be revised"),
        (lambda: revise(due(), money("1.00 USD"), 400, "x", "y"), "the credit is in EUR: expected an amount in it"),
        (lambda: revise(due(), money("0.00 EUR"), 400, "x", "y"), "a credit of 0.00 EUR is none"),
        (lambda: revise(due(), TEN, 400, "x", " "), "a reason is missing"),
    ],
)
def test_s35_nonsense_is_refused(step: Callable[[], CreditLife], words: str) -> None:
    with pytest.raises(Refused, match=words):
        step()


def test_s35_a_dispute_and_its_answer_stay_with_the_statement() -> None:
    disputed = dispute((), 1, 100, "client", "the outage of Friday is missing")
    assert disputed == (Dispute(1, 100, "client", "the outage of Friday is missing"),)
    assert disputed[0].is_open
    answered = answer(disputed, 1, Outcome.UPHELD, 200, "owner@msp.example", "the correction is in v2")
    assert [(each.outcome, each.answered_at, each.answered_by, each.answer) for each in answered] == [
        (Outcome.UPHELD, 200, "owner@msp.example", "the correction is in v2")
    ]
    assert not answered[0].is_open
    again = dispute(answered, 2, 300, "client", "still ten minutes short")
    assert again[0] == answered[0]
    assert len(again) == 2
    rejected = answer(again, 2, Outcome.REJECTED, 400, "owner@msp.example", "see the evidence pack")
    assert [each.outcome for each in rejected] == [Outcome.UPHELD, Outcome.REJECTED]


OPEN_DISPUTE = dispute((), 1, 100, "client", "wrong")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda: dispute((), 0, 1, "client", "wrong"), "no statement has been made yet"),
        (lambda: dispute(OPEN_DISPUTE, 1, 200, "client", "wrong again"), "version 1 is disputed already"),
        (lambda: dispute((), 1, 1, "", "wrong"), "the name of who does it is missing"),
        (lambda: dispute((), 1, 1, "client", "  "), "what is wrong with the statement is missing"),
        (lambda: answer((), 1, Outcome.UPHELD, 1, "x", "y"), "version 1 has no dispute that waits for an answer"),
        (lambda: answer(OPEN_DISPUTE, 2, Outcome.UPHELD, 200, "x", "y"), "version 2 has no dispute"),
        (lambda: answer(OPEN_DISPUTE, 1, Outcome.UPHELD, 99, "x", "y"), "is before the entry that it follows"),
        (lambda: answer(OPEN_DISPUTE, 1, Outcome.UPHELD, 200, "", "y"), "the name of who does it is missing"),
        (lambda: answer(OPEN_DISPUTE, 1, Outcome.UPHELD, 200, "x", ""), "the answer's reason is missing"),
    ],
)
def test_s35_a_dispute_that_makes_no_sense_is_refused(step: Callable[[], object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        step()


def test_another_version_may_be_disputed_while_one_waits() -> None:
    assert len(dispute(OPEN_DISPUTE, 2, 200, "client", "also wrong")) == 2
