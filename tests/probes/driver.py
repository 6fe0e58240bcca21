"""One probe in one line: ``await observe("http", url, expect={...})``."""

from __future__ import annotations

from dataclasses import dataclass

from slawatch.domain.interval import MILLISECOND, Duration
from slawatch.domain.observation import Observation
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds

PATIENT: Duration = 5_000 * MILLISECOND
"""For probes that end by themselves."""
HASTY: Duration = 80 * MILLISECOND
"""For probes that are meant to run into their deadline."""


@dataclass(frozen=True)
class Driver:
    resources: Resources

    async def __call__(self, kind: str, target: str, timeout: Duration = PATIENT, **options: object) -> Observation:
        record = kinds()[kind]
        return await observe(record, record.target(target), record.options(**options), self.resources, timeout)
