"""How long an endpoint was in each state, in any window of its history, by two look-ups (``transitions``).

For each change of state the table holds how long every state had lasted before it, by the point version (S8): what
entries of kind ``state`` say, blips, brackets and corrections apart. It is derived: a change that comes late makes
the rows after it anew, in the transaction that stores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slawatch.domain.compliance import Classes
from slawatch.domain.facts import State
from slawatch.domain.interval import Duration, Instant
from slawatch.storage.entries import EndpointKey, Kind
from slawatch.storage.schema import ENDPOINTS, TRANSITIONS

WORDS = tuple(state.word for state in State)
_ENDPOINTS_AT_ONCE = 100
"""Endpoints in one question: SQLite nests conditions a thousand deep at most."""


class _Lasted(NamedTuple):
    """From ``at`` on an endpoint is in ``state``; before, each state had lasted so long."""

    at: Instant
    state: str
    sums: Mapping[str, Duration]


class RollUp:
    """Keeps the table beside the entries. It remembers each endpoint's latest row, as the one writer may."""

    def __init__(self) -> None:
        self._latest: dict[int, _Lasted] = {}

    def forget(self) -> None:
        """Remember nothing: what was taken up has not been stored after all."""
        self._latest.clear()

    async def take_up(self, connection: AsyncConnection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take up the changes among entries that are stored in this transaction, in the order of the ledger."""
        changes: dict[int, dict[Instant, str]] = {}
        for row in rows:
            if row["kind"] == Kind.STATE.value and row["endpoint_id"] is not None and row["state"] in WORDS:
                changes.setdefault(row["endpoint_id"], {})[row["at"]] = row["state"]
        late = [each for each, found in changes.items() if not self._follows(each, found)]
        for start in range(0, len(late), _ENDPOINTS_AT_ONCE):
            await self._read(connection, {each: changes[each] for each in late[start : start + _ENDPOINTS_AT_ONCE]})
        fresh = [row for each, found in changes.items() for row in self._rows(each, found)]
        if fresh:
            await connection.execute(insert(TRANSITIONS), fresh)

    def _follows(self, endpoint: int, changes: Mapping[Instant, str]) -> bool:
        latest = self._latest.get(endpoint)
        return latest is not None and min(changes) > latest.at

    async def _read(self, connection: AsyncConnection, changes: Mapping[int, dict[Instant, str]]) -> None:
        """Remember each endpoint's row before its first change; the rows from there on are to be made anew."""
        firsts = {endpoint: min(found) for endpoint, found in changes.items()}
        stale: dict[int, Instant] = {}
        for endpoint in firsts:
            self._latest.pop(endpoint, None)
        for row in await connection.execute(_from_before(firsts)):
            if row.at < firsts[row.endpoint_id]:
                self._latest[row.endpoint_id] = _Lasted(row.at, row.state, {word: getattr(row, word) for word in WORDS})
            else:
                stale[row.endpoint_id] = firsts[row.endpoint_id]
                changes[row.endpoint_id].setdefault(row.at, row.state)
        if stale:
            await connection.execute(_DELETE, [{"of": endpoint, "first": first} for endpoint, first in stale.items()])

    def _rows(self, endpoint: int, changes: Mapping[Instant, str]) -> Iterable[dict[str, Any]]:
        latest = self._latest.get(endpoint)
        for at in sorted(changes):
            sums = dict.fromkeys(WORDS, 0) if latest is None else dict(latest.sums)
            if latest is not None:
                sums[latest.state] += at - latest.at
            latest = self._latest[endpoint] = _Lasted(at, changes[at], sums)
            yield {"endpoint_id": endpoint, "at": at, "state": latest.state, **sums}


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
