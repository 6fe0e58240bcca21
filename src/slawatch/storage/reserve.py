"""What a ledger falls back on when its database takes nothing: a spool, and ballast for a full disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Reserve:
    """Where facts wait while the database is away, and how much room they may take. Sizes in bytes."""

    spool: Path
    """The spool's file; the ballast lies beside it."""
    limit: int = 256 * MIB
    """The spool's greatest size."""
    ballast: int = 32 * MIB
    """The size of the file that is given up when the disk is full; 0 for none."""

    @property
    def ballast_file(self) -> Path:
        """``slawatch.db.spool`` has its ballast in ``slawatch.db.ballast``."""
        return self.spool.with_suffix(".ballast")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a ledger's writing stands, for metrics and pages. Sizes in bytes."""

    spooling: bool = False
    """Whether facts go to the spool at present."""
    spooled_entries: int = 0
    spool_bytes: int = 0
    failures: int = 0
    """Attempts to write to the database that failed, since the run began."""
    observations_dropped: int = 0
    """Raw observations that were given up for want of room, since the run began."""
    ballast: bool | None = None
    """Whether the ballast is there; None where none is kept."""


NOTHING_WAITS = Standing()
