"""Maintenance and exclusions as an operator writes them → :class:`Announcement`.

A *document* is the plain mapping of texts from a client file, a command or the ledger: ``services`` and
``contracts`` (names), ``start`` with ``end`` or ``duration``, or ``from`` with ``rrule`` and ``duration`` (and
``exdate``), ``type`` (maintenance when left out), ``reason``, ``approved_by``. Local times are read in the client's
zone unless they carry an offset; a duration is elapsed time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import Instant, Interval
from slawatch.domain.local_time import parse_local, zone
from slawatch.domain.recurrence import Recurrence

Document = Mapping[str, Any]

KEYS = frozenset(
    [
        "services",
        "contracts",
        "start",
        "end",
        "duration",
        "from",
        "rrule",
        "exdate",
        "type",
        "reason",
        "approved_by",
        "announced_by",
        "zone",
    ]
)


class AnnouncementError(ValueError):
    """``key`` is where the document is wrong."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


def parse_announcement(document: Document, zone_name: str, announced_at: Instant | None = None) -> Announcement:
    """The announcement of a document; :class:`AnnouncementError` names the key and says what is expected."""
    for key in document:
        if key not in KEYS:
            raise AnnouncementError(key, f"is unknown: expected one of {', '.join(sorted(KEYS))}")
    zone_name = str(document.get("zone", zone_name))
    recurring = "from" in document or "rrule" in document
    return Announcement(
        identity=identity_of(document, zone_name),
        kind=_kind(document),
        spans=() if recurring else (_span(document, zone_name),),
        recurrence=_recurrence(document, zone_name) if recurring else None,
        services=_names(document, "services"),
        contracts=_names(document, "contracts"),
        reason=str(document.get("reason", "")),
        approved_by=str(document.get("approved_by", "")),
        announced_at=announced_at,
    )


def identity_of(document: Document, zone_name: str) -> str:
    """A short digest of what was announced: the same words in the same zone are the same announcement."""
    plain = json.dumps({**document, "zone": zone_name}, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _kind(document: Document) -> ExclusionKind:
    word = str(document.get("type", "maintenance"))
    if word not in set(ExclusionKind):
        raise AnnouncementError("type", f"{word!r} is unknown: expected one of {', '.join(ExclusionKind)}")
    return ExclusionKind(word)


def _span(document: Document, zone_name: str) -> Interval:
    start = _instant(document, "start", zone_name)
    if ("end" in document) == ("duration" in document):
        raise AnnouncementError("duration", "expected either an end or a duration beside the start")
    if "duration" in document:
        end = start + _duration(document)
    else:
        end = _instant(document, "end", zone_name)
    if end <= start:
        raise AnnouncementError("end", "is not after the start: expected a later time")
    return Interval(start, end)


def _recurrence(document: Document, zone_name: str) -> Recurrence:
    for key in ("from", "rrule", "duration"):
        if key not in document:
            raise AnnouncementError(key, "missing: recurring maintenance needs from, rrule and duration")
    try:
        return Recurrence(
            start=_local(document, "from"),
            zone=zone_name,
            duration=_duration(document),
            rule=str(document["rrule"]),
            excluded=frozenset(_dates(document)),
        )
    except AnnouncementError:
        raise
    except ValueError as error:
        raise AnnouncementError("rrule", str(error)) from None


def _instant(document: Document, key: str, zone_name: str) -> Instant:
    if key not in document:
        raise AnnouncementError(key, 'missing: expected a local time like "2026-02-01 22:00"')
    try:
        return parse_local(str(document[key]), zone(zone_name))
    except ValueError as error:
        raise AnnouncementError(key, str(error)) from None


def _duration(document: Document) -> int:
    try:
        return parse_duration(str(document["duration"]))
    except ValueError as error:
        raise AnnouncementError("duration", str(error)) from None


def _local(document: Document, key: str) -> datetime:
    try:
        local = datetime.fromisoformat(str(document[key]))
    except ValueError:
        raise AnnouncementError(key, f'{document[key]!r}: expected a local time like "2026-01-04 02:00"') from None
    if local.tzinfo is not None:
        raise AnnouncementError(key, "carries an offset: a recurring start is a local time in the client's zone")
    return local


def _dates(document: Document) -> list[date]:
    listed = document.get("exdate", [])
    texts = listed if isinstance(listed, list | tuple) else [listed]
    found: list[date] = []
    for text in texts:
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise AnnouncementError("exdate", f"{text!r}: expected dates or local times") from None
        found.append(moment.date() if len(str(text)) == len("2026-01-05") else moment)
    return found


def _names(document: Document, key: str) -> frozenset[str]:
    value = document.get(key, [])
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise AnnouncementError(key, "expected a list of names")
    return frozenset(value)
