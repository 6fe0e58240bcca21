"""The life of a credit and of a dispute, as entries that name who made them (S34, S35).

::

    open ──decide──> due ──approve──> approved ──settle, with a reference──> settled
                      ^                   │
                      └────── revise ─────┘        (a restatement changed the amount)

A credit of nothing has no life. Every function returns a new value and refuses with :class:`Refused`, which says why,
what makes no sense: a step out of order, a step without a name, an entry dated before the one that it follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from slawatch.domain.grammar import Money
from slawatch.domain.interval import Instant, format_instant


class Refused(ValueError):
    """A step that makes no sense; the text says why and what is expected."""


class CreditStatus(StrEnum):
    """Where a credit stands."""

    OPEN = "open"
    """Coverage was below the floor: a person decides the amount."""
    DUE = "due"
    APPROVED = "approved"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class CreditEntry:
    """One step: who took it, when, and why or with which reference."""

    status: CreditStatus
    amount: Money | None
    at: Instant
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CreditLife:
    """All steps of one credit, oldest first; there is at least one."""

    entries: tuple[CreditEntry, ...]

    @property
    def latest(self) -> CreditEntry:
        """The step that decides the present."""
        return self.entries[-1]

    @property
    def status(self) -> CreditStatus:
        """Where the credit stands."""
        return self.latest.status

    @property
    def amount(self) -> Money | None:
        """The amount; None while it is open."""
        return self.latest.amount

    @property
    def reference(self) -> str:
        """The invoice or booking that settled it; empty before."""
        return self.latest.note if self.status is CreditStatus.SETTLED else ""


def begin(amount: Money | None, at: Instant, by: str) -> CreditLife:
    """A credit as the statement gives it: due, or open where the amount is None."""
    status = CreditStatus.OPEN if amount is None else CreditStatus.DUE
    if amount is not None:
        _positive(amount)
    return CreditLife((CreditEntry(status, amount, at, _named(by)),))


def decide(life: CreditLife, amount: Money, at: Instant, by: str, reason: str) -> CreditLife:
    """A person settles what measurement left open: the amount is due from now on."""
    _expect(life, CreditStatus.OPEN, "decided")
    _positive(amount)
    return _then(life, CreditStatus.DUE, amount, at, by, _given(reason, "a reason"))


def approve(life: CreditLife, at: Instant, by: str) -> CreditLife:
    """Somebody who may do so approves the amount that is due."""
    _expect(life, CreditStatus.DUE, "approved")
    return _then(life, CreditStatus.APPROVED, life.amount, at, by)


def settle(life: CreditLife, at: Instant, by: str, reference: str) -> CreditLife:
    """The approved amount was credited; ``reference`` names the invoice or booking."""
    _expect(life, CreditStatus.APPROVED, "settled")
    return _then(
        life, CreditStatus.SETTLED, life.amount, at, by, _given(reference, "a reference, as an invoice number")
    )


def revise(life: CreditLife, amount: Money, at: Instant, by: str, reason: str) -> CreditLife:
    """A restatement changed the amount before it was settled: it is due anew and needs approval again.

    What has been settled stays as it is; the difference then begins a credit of its own.
    """
    if life.status not in (CreditStatus.DUE, CreditStatus.APPROVED):
        raise Refused(f"a credit that is {life.status} cannot be revised: expected one that is due or approved")
    _positive(amount)
    if life.amount is not None and amount.currency != life.amount.currency:
        raise Refused(f"the credit is in {life.amount.currency}: expected an amount in it, not {amount}")
    return _then(life, CreditStatus.DUE, amount, at, by, _given(reason, "a reason"))


def _then(
    life: CreditLife, status: CreditStatus, amount: Money | None, at: Instant, by: str, note: str = ""
) -> CreditLife:
    _not_before(at, life.latest.at)
    return CreditLife((*life.entries, CreditEntry(status, amount, at, _named(by), note)))


def _expect(life: CreditLife, status: CreditStatus, step: str) -> None:
    if life.status is not status:
        raise Refused(f"a credit that is {life.status} cannot be {step}: expected one that is {status}")


def _positive(amount: Money) -> None:
    if amount.amount <= 0:
        raise Refused(f"a credit of {amount} is none: expected more than nothing")


def _named(by: str) -> str:
    return _given(by, "the name of who does it")


def _given(text: str, what: str) -> str:
    if not text.strip():
        raise Refused(f"{what} is missing")
    return text.strip()


def _not_before(at: Instant, earlier: Instant) -> None:
    if at < earlier:
        raise Refused(f"{format_instant(at)} is before the entry that it follows, {format_instant(earlier)}")


class Outcome(StrEnum):
    """The answer to a dispute."""

    UPHELD = "upheld"
    """The client is right: the statement is restated."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A client's objection to one version of a statement, and its answer once there is one."""

    statement_version: int
    at: Instant
    by: str
    text: str
    outcome: Outcome | None = None
    answered_at: Instant | None = None
    answered_by: str = ""
    answer: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.outcome is None


def dispute(
    disputes: Sequence[Dispute], statement_version: int, at: Instant, by: str, text: str
) -> tuple[Dispute, ...]:
    """Object to a statement that the client has been sent. One objection to a version is answered before the next."""
    if statement_version < 1:
        raise Refused("no statement has been made yet: expected one to object to")
    if any(each.is_open and each.statement_version == statement_version for each in disputes):
        raise Refused(f"version {statement_version} is disputed already: expected an answer first")
    return (*disputes, Dispute(statement_version, at, _named(by), _given(text, "what is wrong with the statement")))


def answer(
    disputes: Sequence[Dispute], statement_version: int, outcome: Outcome, at: Instant, by: str, text: str
) -> tuple[Dispute, ...]:
    """Answer the open objection to a version of a statement. The objection and its answer stay with it."""
    waiting = next((each for each in disputes if each.is_open and each.statement_version == statement_version), None)
    if waiting is None:
        raise Refused(f"version {statement_version} has no dispute that waits for an answer")
    _not_before(at, waiting.at)
    replied = replace(
        waiting, outcome=outcome, answered_at=at, answered_by=_named(by), answer=_given(text, "the answer's reason")
    )
    return tuple(replied if each is waiting else each for each in disputes)
