"""Mails of a round trip: sent by the sender, received or given up by the reader (S30).

A mail was delivered within the limit when it was received at its due instant (sending plus limit) or before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from slawatch.domain.interval import Duration, Instant, IntervalSet


class MailSignal(StrEnum):
    """What sender and reader say of a mail."""

    SENT = "sent"
    RECEIVED = "received"
    LOST = "lost"
    """The reader has given it up."""


@dataclass(frozen=True, slots=True)
class MailEvent:
    """One signal; ``at`` of ``RECEIVED`` is when the mail lay in the mailbox."""

    at: Instant
    signal: MailSignal


class MailOutcome(StrEnum):
    """What became of a mail."""

    IN_TIME = "in_time"
    LATE = "late"
    """It came, but after its due instant; it stays late."""
    LOST = "lost"
    """It did not come, or the reader gave it up."""
    UNKNOWN = "unknown"
    """The reader could not look at some time before it was due, or the sending is not on record."""
    OPEN = "open"
    """Not past due."""


@dataclass(frozen=True, slots=True)
class MailResult:
    """One mail. ``at`` decides its period: its sending, or what was first heard of it.

    ``reason`` is a stable word: ``in_time``, ``after_due``, ``not_received``, ``given_up``, ``reader_unavailable``,
    ``no_sending``, ``on_its_way``.
    """

    at: Instant
    outcome: MailOutcome
    reason: str
    due: Instant | None = None


def judge_mail(events: Iterable[MailEvent], limit: Duration, unavailable: IntervalSet, now: Instant) -> MailResult:
    """Judge one mail from what was heard of it up to ``now``, included; of a signal that repeats, the first counts.

    ``unavailable`` is when the reader could not look. There must be at least one event by ``now``.
    """
    first: dict[MailSignal, Instant] = {}
    for event in sorted((event for event in events if event.at <= now), key=lambda event: event.at):
        first.setdefault(event.signal, event.at)
    sent, received = first.get(MailSignal.SENT), first.get(MailSignal.RECEIVED)
    if sent is None:
        return MailResult(min(first.values()), MailOutcome.UNKNOWN, "no_sending")
    due = sent + limit
    if received is not None and received <= due:
        return MailResult(sent, MailOutcome.IN_TIME, "in_time", due)
    if now <= due and MailSignal.LOST not in first:
        return MailResult(sent, MailOutcome.OPEN, "on_its_way", due)
    if unavailable.clip(sent, due + 1):
        return MailResult(sent, MailOutcome.UNKNOWN, "reader_unavailable", due)
    if received is not None:
        return MailResult(sent, MailOutcome.LATE, "after_due", due)
    return MailResult(sent, MailOutcome.LOST, "given_up" if MailSignal.LOST in first else "not_received", due)
