"""Whether two ledgers give the same answers: the bytes of their histories, and of what is judged from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from slawatch.domain.account_json import account_object
from slawatch.domain.history import History, add_row
from slawatch.domain.interval import Instant
from slawatch.domain.terms import contract_of
from slawatch.evaluation.history_export import Cut, Selection, history_rows
from slawatch.evaluation.offline import Offline
from slawatch.storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Answers:
    """SHA-256 of the history's rows as JSON Lines and of the account of every contract and period; how many of each."""

    rows: int
    history: str
    accounts: int
    judgement: str


async def answers_of(url: str) -> Answers:
    """What a ledger answers as of the last sign of life in it."""
    async with await Ledger.open(url, read_only=True) as ledger:
        at = await ledger.latest_sign_of_life()
        lines = hashlib.sha256()
        histories: dict[str, History] = {}
        terms: dict[tuple[str, str], dict[str, Any]] = {}
        count = 0
        async for row in _rows(ledger, at):
            count += 1
            lines.update(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            if "client" in row:
                add_row(histories.setdefault(row["client"], History()), row)
            if row["type"] == "contract":
                terms[row["client"], row["contract"]] = row["terms"]
    accounts = [line for client, history in sorted(histories.items()) for line in _judged(client, history, terms, at)]
    judgement = hashlib.sha256("\n".join(accounts).encode()).hexdigest()
    return Answers(count, lines.hexdigest(), len(accounts), judgement)


async def _rows(ledger: Ledger, at: Instant | None) -> AsyncIterator[dict[str, Any]]:
    if at is not None:
        async for row in history_rows(ledger, Selection(), Cut(at)):
            yield row


def _judged(
    client: str, history: History, terms: dict[tuple[str, str], dict[str, Any]], at: Instant | None
) -> list[str]:
    history.seal(at)
    contracts = [contract_of(found) for (owner, _), found in sorted(terms.items()) if owner == client]
    if at is None:
        return []
    return [json.dumps(account_object(each)) for each in Offline(contracts, [], history).accounts(at, "all")]
