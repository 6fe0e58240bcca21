"""Judging a history file with no daemon and no database: the same account as the board's, from rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slawatch.domain.account import Account, account, contract_timeline, counted_account, members
from slawatch.domain.client_accounts import with_client_terms
from slawatch.domain.compliance import Verdict
from slawatch.domain.composite import names_in
from slawatch.domain.contract import Contract
from slawatch.domain.counted_events import CountedEvents
from slawatch.domain.exclusions import Announcement
from slawatch.domain.history import History
from slawatch.domain.incremental import Plan
from slawatch.domain.interval import Instant
from slawatch.domain.period import Period
from slawatch.domain.risk import Situation, assess, running_outage
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import Timeline
from slawatch.evaluation.book import Book, Version


class Offline:
    """A sealed history beside the contracts of one client.

    The terms that the history holds (rows of type ``contract``) govern as they did in the ledger (S29); a contract of
    which the history says nothing is judged by the file's own terms, and begins with its validity alone.
    """

    def __init__(
        self,
        contracts: Sequence[Contract],
        announcements: Sequence[Announcement],
        history: History,
        *,
        terms_of_file: bool = False,
    ) -> None:
        self._contracts = contracts
        self._history = history
        known = {entry.identity for entry in history.announcements}
        self._announcements = [
            *history.announcements,
            *(entry for entry in announcements if entry.identity not in known),
        ]
        self._terms_of_file = terms_of_file
        self._timelines: dict[str, Timeline] = {}
        self._counted: dict[str, tuple[Contract, Instant, CountedEvents]] = {}

    @property
    def announcements(self) -> Sequence[Announcement]:
        """Those of the history, then those of the file that it does not hold."""
        return self._announcements

    def accounts(self, at: Instant, wanted: str | Instant) -> list[Account]:
        """The accounts of every contract, as of ``at``: of the ``last``, ``current`` or ``all`` periods, or of the one
        that holds an instant. The client's own terms have been applied to their credits."""
        return with_client_terms(
            self._account(governing, period, at)
            for contract in self._contracts
            for governing, period in _wanted(self.book(contract), self._history.first, at, wanted)
        )

    def breach_at(self, found: Account) -> Instant | None:
        """When an open period's standard is breached if the outage that runs at its instant goes on (S33); None where
        none runs, or where nothing can be breached any more."""
        contract, compliance = found.contract, found.compliance
        if compliance.verdict is not Verdict.OPEN or contract.counting is not None:
            return None
        line = contract_timeline(contract, self.members(contract))
        running = running_outage(line, compliance.at, contract.options.degraded)
        plan = Plan.of(contract, compliance.period, self._announcements)
        return assess(contract, compliance, Situation(advance=plan.service.advance, running=running)).breach_at

    def _account(self, contract: Contract, period: Period, at: Instant) -> Account:
        if contract.counting is None:
            timeline = contract_timeline(contract, self.members(contract))
            return account(contract, period, timeline, self._announcements, at)
        kept = self._counted.get(contract.name)
        if kept is None or kept[:2] != (contract, at):
            sources = {name: self._history.source(name) for name in names_in(contract.expression)}
            kept = self._counted[contract.name] = contract, at, CountedEvents(contract, sources, at)
        return counted_account(contract, period, kept[2], self._announcements, at)

    def book(self, contract: Contract) -> Book:
        """The contract's versions."""
        versions = sorted(
            (version for version in self._history.versions if version.contract == contract.name),
            key=lambda version: version.at,
        )
        if not versions or self._terms_of_file:
            first = self._history.first_seen(contract.name)
            return Book([Version(first or 0, contract)], seen_by_ledger=first is not None)
        return Book([Version(version.at, contract_of(version.terms)) for version in versions])

    def uses_terms_of_history(self, contract: Contract) -> bool:
        """Whether rows, not the file, say what was agreed."""
        return not self._terms_of_file and self._history.first_seen(contract.name) is not None

    def members(self, contract: Contract) -> Mapping[str, Timeline]:
        """The timelines of every endpoint that can change the contract's figures."""
        for name in members(contract):
            if name not in self._timelines:
                self._timelines[name] = self._history.timeline(name)
        return {name: self._timelines[name] for name in members(contract)}


def _wanted(book: Book, first: Instant | None, at: Instant, wanted: str | Instant) -> Iterator[tuple[Contract, Period]]:
    if wanted == "all":
        start = at if first is None else min(first, at)
        yield from book.between(start, max(at, start + 1))
        return
    if isinstance(wanted, int):
        found = book.current(wanted)
    elif wanted == "current":
        found = book.current(at)
    else:
        present = book.current(at)
        found = book.before(present[1]) if present else book.latest_before(at)
    if found is not None:
        yield found
