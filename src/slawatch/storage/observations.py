"""Raw observations as rows and back, exactly but for characters that no database stores."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.storage.entries import canonical, storable


def row_of(endpoint_id: int, observation: Observation) -> dict[str, Any]:
    """The row of table ``observations`` that holds an observation."""
    phases = observation.phases
    return {
        "endpoint_id": endpoint_id,
        "started": observation.started,
        "duration": max(0, observation.duration),
        "verdict": observation.verdict.value,
        "reason": storable(observation.reason),
        "detail": storable(observation.detail),
        "cause": None if observation.cause is None else observation.cause.value,
        "certificate_expiry": observation.certificate_expiry,
        "phases": canonical(phases) if phases else None,
    }


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
    )
