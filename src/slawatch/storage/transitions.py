"""How long an endpoint was in each state, in any window of its history, by two look-ups (``transitions``).

For each change of state the table holds how long every state had lasted before it, by the point version (S8): what
entries of kind ``state`` say, blips, brackets and corrections apart. It is derived: a change that comes late makes
the rows after it anew, in the transaction that stores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slawatch.domain.compliance import Classes
from slawatch.domain.facts import State
from slawatch.domain.interval import Instant
from slawatch.storage.entries import EndpointKey, Kind
from slawatch.storage.schema import ENDPOINTS, TRANSITIONS

WORDS = tuple(state.word for state in State)
_ENDPOINTS_AT_ONCE = 100
"""Endpoints in one question: SQLite nests conditions a thousand deep at most."""


async def roll_up(connection: AsyncConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Take up the changes among entries that are stored in this transaction, in the order of the ledger."""
    changes: dict[int, dict[Instant, str]] = {}
    for row in rows:
        if row["kind"] == Kind.STATE.value and row["endpoint_id"] is not None and row["state"] in WORDS:
            changes.setdefault(row["endpoint_id"], {})[row["at"]] = row["state"]
    ids = sorted(changes)
    for start in range(0, len(ids), _ENDPOINTS_AT_ONCE):
        some = {endpoint: changes[endpoint] for endpoint in ids[start : start + _ENDPOINTS_AT_ONCE]}
        await _roll_up(connection, some)


async def _roll_up(connection: AsyncConnection, changes: Mapping[int, dict[Instant, str]]) -> None:
    known: dict[int, list[Row[Any]]] = {endpoint: [] for endpoint in changes}
    for row in await connection.execute(_from_before({each: min(found) for each, found in changes.items()})):
        known[row.endpoint_id].append(row)
    fresh: list[dict[str, Any]] = []
    stale: list[dict[str, Any]] = []
    for endpoint, found in changes.items():
        first = min(found)
        base = next((row for row in known[endpoint] if row.at < first), None)
        later = {row.at: row.state for row in known[endpoint] if row.at >= first}
        if later:
            stale.append({"of": endpoint, "first": first})
        fresh += _rows(endpoint, base, sorted((later | found).items()))
    if stale:
        await connection.execute(_DELETE, stale)
    await connection.execute(insert(TRANSITIONS), fresh)


def _from_before(firsts: Mapping[int, Instant]) -> Select[Any]:
    """Each endpoint's latest row before an instant, and all from there on."""
    other = TRANSITIONS.alias()

    def mine(endpoint: int, first: Instant) -> ColumnElement[bool]:
        before = select(func.max(other.c.at)).where(other.c.endpoint_id == endpoint, other.c.at < first)
        return and_(
            TRANSITIONS.c.endpoint_id == endpoint,
            TRANSITIONS.c.at >= func.coalesce(before.scalar_subquery(), first),
        )

    return select(TRANSITIONS).where(or_(*(mine(*item) for item in firsts.items()))).order_by(TRANSITIONS.c.at)


def _rows(endpoint: int, base: Row[Any] | None, changes: Sequence[tuple[Instant, str]]) -> Iterable[dict[str, Any]]:
    sums = dict.fromkeys(WORDS, 0) if base is None else {word: getattr(base, word) for word in WORDS}
    before = None if base is None else (base.at, base.state)
    for at, state in changes:
        if before is not None:
            sums[before[1]] += at - before[0]
        yield {"endpoint_id": endpoint, "at": at, "state": state, **sums}
        before = at, state


_DELETE = delete(TRANSITIONS).where(
    TRANSITIONS.c.endpoint_id == bindparam("of"), TRANSITIONS.c.at >= bindparam("first")
)


def around_window(endpoint: EndpointKey, start: Instant, end: Instant) -> Select[Any]:
    """The rows that hold at the two ends of a window; one where that is the same, none where nothing is known."""

    def latest(until: Instant) -> ColumnElement[Instant]:
        other = TRANSITIONS.alias()
        newest = select(func.max(other.c.at)).where(other.c.endpoint_id == ENDPOINTS.c.id, other.c.at <= until)
        return newest.correlate(ENDPOINTS).scalar_subquery()

    here = and_(ENDPOINTS.c.client == endpoint.client, ENDPOINTS.c.name == endpoint.name)
    joined = ENDPOINTS.join(TRANSITIONS, TRANSITIONS.c.endpoint_id == ENDPOINTS.c.id)
    at_the_ends = TRANSITIONS.c.at.in_([latest(start), latest(end)])
    return select(TRANSITIONS).select_from(joined).where(here, at_the_ends).order_by(TRANSITIONS.c.at)


def classes_between(rows: Sequence[Row[Any]], start: Instant, end: Instant) -> Classes:
    """The time of each state inside ``[start, end)``, from the rows of :func:`around_window`.

    Before the first change it is unknown; the last state lasts until the window's end.
    """
    if end <= start:
        return Classes()
    before, until = _lasted(rows, start), _lasted(rows, end)
    times = {word: until[word] - before[word] for word in WORDS}
    times["unknown"] += end - start - sum(times.values())
    return Classes(**times)


def _lasted(rows: Sequence[Row[Any]], instant: Instant) -> dict[str, int]:
    row = next((row for row in reversed(rows) if row.at <= instant), None)
    if row is None:
        return dict.fromkeys(WORDS, 0)
    sums = {word: int(getattr(row, word)) for word in WORDS}
    sums[row.state] += instant - row.at
    return sums
