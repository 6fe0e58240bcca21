"""The questions that the ledger is asked, as SQL for both databases, and its rows as entries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, func, literal_column, select, tuple_

from slawatch.domain.facts import State
from slawatch.domain.interval import DISTANT_PAST, Instant
from slawatch.storage.entries import IMPORTED, EndpointKey, Entry, Kind, Recorded
from slawatch.storage.schema import ENDPOINTS, ENTRIES, OBSERVATIONS

_NAMED_ENTRY = (
    ENTRIES.c.kind,
    ENTRIES.c.at,
    ENTRIES.c.body,
    ENTRIES.c.client,
    ENTRIES.c.contract,
    ENTRIES.c.state,
    ENDPOINTS.c.client.label("endpoint_client"),
    ENDPOINTS.c.name.label("endpoint_name"),
    ENTRIES.c.id,
    ENTRIES.c.site,
    ENTRIES.c.boot,
    ENTRIES.c.sequence,
    ENTRIES.c.recorded_at,
    ENTRIES.c.endpoint_id,
)
"""What the functions at the end unpack, by position: long histories are read through them."""

SELECT_ENTRIES: Select[Any] = select(*_NAMED_ENTRY).select_from(
    ENTRIES.outerjoin(ENDPOINTS, ENDPOINTS.c.id == ENTRIES.c.endpoint_id)
)
"""Entries with the present name of their endpoint."""


def matching(
    kinds: Collection[str] | None,
    clients: Collection[str] | None,
    start: Instant | None,
    end: Instant | None,
    *,
    several: bool = False,
) -> Iterable[ColumnElement[bool]]:
    """The conditions on entries for a choice; None chooses all. The window is half-open.

    With ``several`` endpoints chosen no index is offered for the rest: SQLite would rather read everybody's entries by
    kind or by time than a few endpoints' own.
    """
    at, kind = _unindexed() if several else (ENTRIES.c.at, ENTRIES.c.kind)
    if kinds is not None:
        yield kind.in_([str(kind) for kind in kinds])
    if clients is not None:
        yield ENTRIES.c.client.in_(list(clients))
    if start is not None:
        yield at >= start
    if end is not None:
        yield at < end


def _unindexed() -> tuple[ColumnElement[int], ColumnElement[str]]:
    return ENTRIES.c.at + 0, ENTRIES.c.kind + ""


def in_order(query: Select[Any], *, newest_first: bool) -> Select[Any]:
    """Entries by (at, id)."""
    at, number = ENTRIES.c.at, ENTRIES.c.id
    return query.order_by(at.desc(), number.desc()) if newest_first else query.order_by(at, number)


def beyond(instant: Instant, number: int, *, newest_first: bool, several: bool = False) -> ColumnElement[bool]:
    """What :func:`in_order` has behind an entry; ``several`` as in :func:`matching`."""
    at = _unindexed()[0] if several else ENTRIES.c.at
    place, this = tuple_(at, ENTRIES.c.id), tuple_(instant, number)
    return place < this if newest_first else place > this


def latest_failed(endpoint_id: int, start: Instant, end: Instant) -> Select[Any]:
    """An endpoint's latest failed observation in a window."""
    started = OBSERVATIONS.c.started
    failed = OBSERVATIONS.c.verdict == literal_column("'down'")
    query = select(OBSERVATIONS).where(failed, OBSERVATIONS.c.endpoint_id == endpoint_id)
    return query.where(started >= start, started < end).order_by(started.desc()).limit(1)


def around(kind: Kind, ids: Iterable[int], start: Instant, end: Instant) -> Select[Any]:
    """Each endpoint's facts of a kind in a window, with those at the last instant before and the first after."""
    other = ENTRIES.alias()
    before = _of_one(func.max(other.c.at), other, kind, other.c.at < start)
    after = _of_one(func.min(other.c.at), other, kind, other.c.at >= end)
    return (
        _facts_of_each(ids)
        .where(ENTRIES.c.kind == kind.value)
        .where(ENTRIES.c.at >= func.coalesce(before, start), ENTRIES.c.at <= func.coalesce(after, end))
        .order_by(ENTRIES.c.endpoint_id, ENTRIES.c.at, ENTRIES.c.id)
    )


def since_known(ids: Iterable[int]) -> Select[Any]:
    """Each endpoint's changes from its latest known state on."""
    other = ENTRIES.alias()
    known = _of_one(other.c.at, other, Kind.STATE, other.c.state != State.UNKNOWN.word, newest_by=other.c.at)
    return (
        _facts_of_each(ids)
        .where(ENTRIES.c.kind == Kind.STATE.value)
        .where(ENTRIES.c.at >= func.coalesce(known, DISTANT_PAST))
        .order_by(ENTRIES.c.endpoint_id, ENTRIES.c.at, ENTRIES.c.id)
    )


def unresolved(ids: Iterable[int]) -> Select[Any]:
    """Each endpoint's latest suspicion if it is newer than every blip and every change to a known state. What was
    imported is of the past, however late it came, and resolves none."""
    one, two, three = ENTRIES.alias(), ENTRIES.alias(), ENTRIES.alias()
    latest = _of_one(func.max(one.c.id), one, Kind.SUSPICION)
    blip = _of_one(two.c.id, two, Kind.BLIP, two.c.site != IMPORTED, newest_by=two.c.id)
    own = three.c.site != IMPORTED
    known = _of_one(three.c.id, three, Kind.STATE, own, three.c.state != State.UNKNOWN.word, newest_by=three.c.id)
    return _facts_of_each(ids).where(
        ENTRIES.c.id == latest,
        ENTRIES.c.id > func.coalesce(blip, 0),
        ENTRIES.c.id > func.coalesce(known, 0),
    )


def last_seen(ids: Iterable[int]) -> Select[Any]:
    """For each endpoint the starts of its latest good and its latest failed observation."""

    def latest(verdicts: ColumnElement[bool]) -> ColumnElement[Instant | None]:
        query = select(OBSERVATIONS.c.started).where(OBSERVATIONS.c.endpoint_id == ENDPOINTS.c.id, verdicts)
        newest = query.order_by(OBSERVATIONS.c.started.desc()).limit(1)
        return newest.correlate(ENDPOINTS).scalar_subquery()

    # A literal, since neither database uses a partial index for a value that it does not see in the text.
    failed = latest(OBSERVATIONS.c.verdict == literal_column("'down'"))
    good = latest(OBSERVATIONS.c.verdict.in_(["up", "degraded"]))
    seen = select(ENDPOINTS.c.id, good.label("last_good"), failed.label("last_failed"))
    return seen.where(ENDPOINTS.c.id.in_(list(ids)))


_WITH_ENDPOINT = ENDPOINTS.join(ENTRIES, ENTRIES.c.endpoint_id == ENDPOINTS.c.id)


def of_each(ids: Iterable[int]) -> Select[Any]:
    """Entries of some endpoints, found from the endpoints on: nothing else is read, however large the ledger."""
    return select(*_NAMED_ENTRY).select_from(_WITH_ENDPOINT).where(ENDPOINTS.c.id.in_(list(ids)))


def _facts_of_each(ids: Iterable[int]) -> Select[Any]:
    """The same, of each entry what its fact needs: endpoint, kind, instant, body."""
    needed = ENTRIES.c.endpoint_id, ENTRIES.c.kind, ENTRIES.c.at, ENTRIES.c.body
    return select(*needed).select_from(_WITH_ENDPOINT).where(ENDPOINTS.c.id.in_(list(ids)))


def _of_one(
    value: ColumnElement[int],
    entries: FromClause,
    kind: Kind,
    *conditions: ColumnElement[bool],
    newest_by: ColumnElement[int] | None = None,
) -> ColumnElement[int | None]:
    """``value`` over the entries of the endpoint in the enclosing query, or of the newest of them alone."""
    mine = and_(entries.c.endpoint_id == ENDPOINTS.c.id, entries.c.kind == kind.value, *conditions)
    query = select(value).where(mine).correlate(ENDPOINTS)
    if newest_by is not None:
        query = query.order_by(newest_by.desc()).limit(1)
    return query.scalar_subquery()


def entry_of_row(row: Row[Any]) -> Entry:
    """The entry in a row of a query above."""
    values: Sequence[Any] = row
    kind, at, body, client, contract, state, owner, name = values[:8]
    endpoint = None if name is None else EndpointKey(owner, name)
    return Entry(kind, at, json.loads(body), endpoint, client, contract, state)


def recorded_of_row(row: Row[Any]) -> Recorded:
    """The entry in a row of a query above, with its natural key."""
    return Recorded(row.id, row.site, row.boot, row.sequence, row.recorded_at, entry_of_row(row))
