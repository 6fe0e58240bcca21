"""Which terms govern which period: the versions of one contract as the ledger first saw them (S21, S29)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slawatch.domain.contract import Contract
from slawatch.domain.interval import DISTANT_PAST, Instant, Interval
from slawatch.domain.period import FixedSpan, Period


@dataclass(frozen=True, slots=True)
class Version:
    """Terms that the ledger holds since ``at``."""

    at: Instant
    contract: Contract
    digest: str = ""
    """The SHA-256 of the terms as they were written; the contract then carries it."""


class Book:
    """The versions of one contract, oldest first; at least one. Of two at one instant the later counts.

    The terms at a period's start govern it, a change takes effect with the next period. Where that one would begin by
    the new terms before the old period has ended (another anchor, another kind of period), it is clipped to begin
    there and is partial, so that no instant is judged twice. A contract that states no beginning begins where the
    ledger first saw it.
    """

    def __init__(self, versions: Sequence[Version], *, seen_by_ledger: bool = True) -> None:
        first = versions[0].at
        known = {
            version.at: replace(contract, version=version.digest)
            for version in versions
            for contract in [version.contract.seen_first(first) if seen_by_ledger else version.contract]
        }
        self._starts: list[Instant] = []
        self._contracts: list[Contract] = []
        for at, contract in known.items():
            self._take_effect(at, contract)
        self._latest = contract

    def _take_effect(self, at: Instant, contract: Contract) -> None:
        """Terms that the ledger has since ``at`` govern from the end of the period that then runs. Versions that were
        to take effect at that end never do."""
        while self._starts and self._starts[-1] > at:
            self._starts.pop()
            self._contracts.pop()
        start = DISTANT_PAST if not self._starts else self._end_of_terms(at)
        if self._starts and start <= self._starts[-1]:
            start = self._starts.pop()
            self._contracts.pop()
        self._starts.append(start)
        self._contracts.append(_beginning(contract, start))

    def _end_of_terms(self, at: Instant) -> Instant:
        """The end of the last period of the terms so far that began before ``at``."""
        found = _latest_begun(self._contracts[-1], at)
        return self._starts[-1] if found is None else found.end

    @property
    def latest(self) -> Contract:
        """The newest terms, which may not govern anything yet."""
        return self._latest

    def in_force(self, instant: Instant) -> Contract:
        """The terms that govern an instant."""
        return self._contracts[self._index(instant)]

    def current(self, now: Instant) -> tuple[Contract, Period] | None:
        """The period that holds ``now`` with the terms that govern it; None outside validity."""
        contract = self.in_force(now)
        period = contract.periods.containing(now)
        return None if period is None else (contract, period)

    def before(self, period: Period) -> tuple[Contract, Period] | None:
        """The period before, with its own terms; None where there is none."""
        return self.latest_before(period.start)

    def latest_before(self, now: Instant) -> tuple[Contract, Period] | None:
        """The period that ended last, at ``now`` or before it, with its own terms; None where none had ended."""
        for index in range(self._index(now), -1, -1):
            contract = self._contracts[index]
            period = _latest_begun(contract, now)
            if period is not None and period.end > now:
                period = _latest_begun(contract, period.start)
            if period is not None and period.end > self._starts[index]:
                return contract, period
            now = self._starts[index]
        return None

    def between(self, start: Instant, end: Instant) -> Iterator[tuple[Contract, Period]]:
        """Every period that shares an instant with ``[start, end)``, each with the terms that govern it."""
        for index in range(self._index(start), len(self._contracts)):
            until = self._starts[index + 1] if index + 1 < len(self._starts) else end
            contract = self._contracts[index]
            for period in contract.periods.between(max(start, self._starts[index]), min(end, until)):
                yield contract, period

    def _index(self, instant: Instant) -> int:
        return bisect_right(self._starts, instant) - 1


def _latest_begun(contract: Contract, instant: Instant) -> Period | None:
    """The last period that began before an instant, whether it has ended or not."""
    rule = contract.period
    end = rule.span.end if isinstance(rule, FixedSpan) else instant
    return contract.periods.containing(min(instant, contract.valid.end, end) - 1)


def _beginning(contract: Contract, start: Instant) -> Contract:
    """The contract as it governs from ``start`` on: a period that began before is clipped there."""
    period = None if start == DISTANT_PAST else contract.periods.containing(start)
    if period is None or period.start >= start:
        return contract
    return replace(contract, valid=Interval(start, contract.valid.end), began_unstated=False)
