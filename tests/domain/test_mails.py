"""One mail of a round trip (S30): due a fixed time after it was sent, with the word that says what became of it."""

from __future__ import annotations

import pytest

from domain.small_cases import s, spans
from slawatch.domain.interval import SECOND
from slawatch.domain.mails import MailEvent, MailOutcome, MailResult, MailSignal, judge_mail

LIMIT = 60 * SECOND


def events(text: str) -> list[MailEvent]:
    """``sent 0, received 30``."""
    pairs = (part.split() for part in text.split(", "))
    return [MailEvent(s(int(at)), MailSignal(signal)) for signal, at in pairs]


@pytest.mark.parametrize(
    ("text", "now", "blind", "outcome", "reason"),
    [
        ("sent 0, received 30", 100, "", MailOutcome.IN_TIME, "in_time"),
        ("sent 0, received 60", 100, "", MailOutcome.IN_TIME, "in_time"),  # exactly at its due instant
        ("sent 0, received 61", 100, "", MailOutcome.LATE, "after_due"),
        ("sent 0", 60, "", MailOutcome.OPEN, "on_its_way"),  # not past due
        ("sent 0", 61, "", MailOutcome.LOST, "not_received"),
        ("sent 0, lost 30", 40, "", MailOutcome.LOST, "given_up"),
        ("sent 0, lost 30, received 50", 100, "", MailOutcome.IN_TIME, "in_time"),
        # the mailbox could not be read for a second of the time in which it was due, the last one included
        ("sent 0", 100, "10-11", MailOutcome.UNKNOWN, "reader_unavailable"),
        ("sent 0", 100, "60-70", MailOutcome.UNKNOWN, "reader_unavailable"),
        ("sent 0", 100, "61-70", MailOutcome.LOST, "not_received"),
        ("sent 0, received 61", 100, "10-11", MailOutcome.UNKNOWN, "reader_unavailable"),
        ("sent 0, received 30", 100, "10-11", MailOutcome.IN_TIME, "in_time"),
        # of a signal that repeats the first counts, and of the rows what is known by now
        ("sent 0, received 30, received 90, sent 50", 100, "", MailOutcome.IN_TIME, "in_time"),
        ("sent 0, received 50", 40, "", MailOutcome.OPEN, "on_its_way"),
    ],
)
def test_s30_what_became_of_a_mail(text: str, now: int, blind: str, outcome: MailOutcome, reason: str) -> None:
    found = judge_mail(events(text), LIMIT, spans(blind), s(now))
    assert found == MailResult(s(0), outcome, reason, s(60))


def test_s30_a_mail_whose_sending_is_not_on_record_is_unknown() -> None:
    """It belongs where it was first heard of, and is never due."""
    found = judge_mail(events("received 40, lost 30"), LIMIT, spans(""), s(100))
    assert found == MailResult(s(30), MailOutcome.UNKNOWN, "no_sending", None)
