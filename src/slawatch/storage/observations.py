"""Raw observations as rows and back, exactly but for characters that no database stores."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from slawatch.domain.interval import Duration
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.storage.entries import canonical, storable
from slawatch.storage.schema import OBSERVATIONS

Phases = tuple[tuple[str, Duration], ...]

COLUMNS = tuple(column.name for column in OBSERVATIONS.columns)


def row_of(endpoint_id: int, observation: Observation) -> tuple[Any, ...]:
    """The row of table ``observations`` that holds an observation, in the order of :data:`COLUMNS`."""
    started, duration, verdict, reason, detail, phases, expiry, cause, address = _parts(observation)
    return (
        endpoint_id,
        started,
        max(0, duration),
        verdict.value,
        storable(reason),
        storable(detail),
        None if cause is None else cause.value,
        expiry,
        _phases_text(phases) if phases else None,
        storable(address) or None,
    )


_parts = attrgetter(
    "started", "duration", "verdict", "reason", "detail", "phases", "certificate_expiry", "cause", "address"
)


def _phases_text(phases: Phases) -> str:
    """The canonical text of phases."""
    return f"[{','.join([f'[{_quoted(name)},{length:d}]' for name, length in phases])}]"


@lru_cache(maxsize=1_000)
def _quoted(name: str) -> str:
    return canonical(name)


def observation_of(row: Row[Any]) -> Observation:
    """The observation that a row holds."""
    phases = json.loads(row.phases) if row.phases else ()
    return Observation(
        row.started,
        row.duration,
        Verdict(row.verdict),
        row.reason,
        row.detail,
        tuple((name, length) for name, length in phases),
        row.certificate_expiry,
        None if row.cause is None else Cause(row.cause),
        row.address or "",
    )
