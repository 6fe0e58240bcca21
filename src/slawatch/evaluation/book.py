"""Which terms govern which period: the versions of one contract as the ledger first saw them (S21, S29)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slawatch.domain.contract import Contract
from slawatch.domain.interval import Instant
from slawatch.domain.period import Period


@dataclass(frozen=True, slots=True)
class Version:
    """Terms that the ledger holds since ``at``."""

    at: Instant
    contract: Contract


class Book:
    """The versions of one contract, oldest first; at least one.

    The terms at a period's start govern it, a change takes effect with the next period. A contract that states
    no beginning begins where the ledger first saw it.
    """

    def __init__(self, versions: Sequence[Version], *, seen_by_ledger: bool = True) -> None:
        first = versions[0].at
        self._at = [version.at for version in versions]
        self._contracts = [
            version.contract.seen_first(first) if seen_by_ledger else version.contract for version in versions
        ]

    @property
    def latest(self) -> Contract:
        """The newest terms, which may not govern anything yet."""
        return self._contracts[-1]

    def in_force(self, instant: Instant) -> Contract:
        """The terms as they stood at an instant; before the first version, the first."""
        return self._contracts[max(0, bisect_right(self._at, instant) - 1)]

    def current(self, now: Instant) -> tuple[Contract, Period] | None:
        """The period that holds ``now`` with the terms that govern it; None outside validity."""
        return self._governed(self.in_force(now), now)

    def before(self, period: Period) -> tuple[Contract, Period] | None:
        """The period before, with its own terms; None where there is none."""
        return self._governed(self.in_force(period.start - 1), period.start - 1)

    def latest_before(self, now: Instant) -> tuple[Contract, Period] | None:
        """The period that ended last, for a contract that is over."""
        end = self.latest.valid.end
        return self._governed(self.in_force(end - 1), end - 1) if end <= now else None

    def between(self, start: Instant, end: Instant) -> Iterator[tuple[Contract, Period]]:
        """Every period that shares an instant with ``[start, end)``, each with the terms that govern it."""
        at = start
        while at < end:
            found = self.current(at)
            if found is None:
                later = next(iter(self.in_force(at).periods.between(at, end)), None)
                if later is None:
                    return
                at = later.start
                continue
            yield found
            at = found[1].end

    def _governed(self, contract: Contract, instant: Instant) -> tuple[Contract, Period] | None:
        """Terms are looked up by a period's start, and the start by terms: settle both, oldest terms first."""
        period = contract.periods.containing(instant)
        for _ in self._contracts:
            if period is None:
                return None
            governing = self.in_force(period.start)
            if governing is contract:
                break
            contract, period = governing, governing.periods.containing(instant)
        return None if period is None else (contract, period)
