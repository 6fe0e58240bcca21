"""The life of a period and of the terms that govern it (S23, S29, S35).

::

    open ──(end + confirmation span)──> provisional ──(end + grace)──> final ──(a correction)──> restated v2, v3 …

Nothing is final at a period's last second: probes that were on their way then may still confirm or end an outage,
and people need the grace to enter corrections. A final statement is never edited; a restatement is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from slawatch.domain.contract import Contract
from slawatch.domain.interval import Instant, Interval


class Stage(StrEnum):
    """How settled the figures of a period are."""

    OPEN = "open"
    PROVISIONAL = "provisional"
    FINAL = "final"
    RESTATED = "restated"


@dataclass(frozen=True, slots=True)
class Milestones:
    """When a period reaches its stages, as instants."""

    provisional: Instant
    """From here on no probe that ran in the period can change its figures."""
    final: Instant
    """From here on the statement stands; never before it is provisional."""


def milestones(contract: Contract, period: Interval) -> Milestones:
    """The milestones of a period: its end plus the confirmation span, and its end plus the grace."""
    provisional = period.end + contract.confirmation_span
    return Milestones(provisional, max(provisional, period.end + contract.options.grace))


def stage(contract: Contract, period: Interval, now: Instant, version: int = 1) -> Stage:
    """The stage of a period. ``version`` counts the statements that were made: from the second on it is restated."""
    reached = milestones(contract, period)
    if now < reached.provisional:
        return Stage.OPEN
    if now < reached.final:
        return Stage.PROVISIONAL
    return Stage.FINAL if version <= 1 else Stage.RESTATED


def may_be_sent(contract: Contract, reached: Stage, released_by: str) -> bool:
    """Whether the client may see a statement as such: final, and released by the owner unless release is automatic."""
    return reached in (Stage.FINAL, Stage.RESTATED) and (contract.options.release_automatic or bool(released_by))


_Terms = TypeVar("_Terms")


@dataclass(frozen=True, slots=True)
class TermsVersion(Generic[_Terms]):
    """One version of a contract's terms as the ledger first saw it at ``since``.

    ``provider`` and ``client`` name who approved for each party that the change counts at once; empty where nobody did.
    """

    since: Instant
    terms: _Terms
    provider: str = ""
    client: str = ""

    @property
    def approved(self) -> bool:
        """Whether both parties' approval is recorded."""
        return bool(self.provider and self.client)


def terms_in_force(versions: Sequence[TermsVersion[_Terms]], period: Interval) -> TermsVersion[_Terms]:
    """The version that governs a period (S29): the latest one at its start.

    A later one takes effect with the next period, unless both parties approved it: then it governs the whole period
    in which it was entered. Where the first version came only during the period, that one governs. Of two at
    one instant the later in the sequence (the ledger's order) counts. ``ValueError`` without any version before the
    period's end.
    """
    known = sorted((version for version in versions if version.since < period.end), key=lambda each: each.since)
    if not known:
        raise ValueError("no terms are known before the end of the period")
    governing = [version for version in known if version.since <= period.start or version.approved]
    return governing[-1] if governing else known[0]
