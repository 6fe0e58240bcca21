"""Signing that somebody looked at a contract, and what was there to see: into the ledger, and at once on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from slawatch.domain.account_json import account_object
from slawatch.evaluation.board import Board, ContractStatus
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import InputError, StorageError
from slawatch.storage.entries import Entry, Kind
from slawatch.storage.ledger import Ledger

REVIEWED = "reviewed"
"""The name of the event. It is written into the ledger and never changes."""
STORED_WITHIN = 10.0
"""Seconds that the database may take before whoever signs is told that it is away."""
LONGEST_NAME = 200
LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The door for reviews. ``learn`` lets the running daemon know of a signature."""

    board: Board
    ledger: Ledger
    clock: Clock
    learn: Callable[[Entry], None]

    async def sign(self, client: str, contract: str | None, by: str, note: str = "") -> list[dict[str, Any]]:
        """Sign one contract, or all of a client's that agree times for it; what was seen of each, as an account.

        Returns when it is in the ledger. :class:`InputError` where there is nothing to sign or nobody who does;
        :class:`StorageError` where the database does not take it in time: then it waits with all other facts.
        """
        _check("by", by, LONGEST_NAME, wanted=True)
        _check("note", note, LONGEST_NOTE)
        seen = self._seen(client, contract)
        now = self.clock.now()
        entries = [
            Entry(
                Kind.EVENT,
                now,
                {"event": REVIEWED, "by": by, "note": note, "seen": account_object(status.account)},
                client=client,
                contract=status.contract.name,
            )
            for status in seen
        ]
        self.ledger.append(entries)
        for entry in entries:
            self.learn(entry)
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await self.ledger.flushed()
        except TimeoutError:
            raise StorageError(
                "signed, and on record as soon as the database takes it: need not be signed again"
            ) from None
        return [entry.body["seen"] for entry in entries]

    def _seen(self, client: str, contract: str | None) -> Sequence[ContractStatus]:
        theirs = [status for status in self.board.snapshot.contracts if status.contract.client == client]
        if not theirs:
            raise InputError(f"{client}: no contract of such a client is in force: expected a client's name")
        if contract is None:
            agreed = [status for status in theirs if status.contract.review_at]
            if not agreed:
                raise InputError(f"{client}: no contract agrees on reviews: expected review_at in one of them")
            return agreed
        found = [status for status in theirs if status.contract.name == contract]
        if not found:
            names = ", ".join(status.contract.name for status in theirs)
            raise InputError(f"{client}/{contract}: no such contract is in force: expected one of {names}")
        return found


def _check(name: str, text: str, longest: int, *, wanted: bool = False) -> None:
    if wanted and not text.strip():
        raise InputError(f"{name}: nobody signs: expected a name")
    if len(text) > longest or not text.isprintable():
        raise InputError(f"{name}: too long or not in print: expected at most {longest} characters on one line")
