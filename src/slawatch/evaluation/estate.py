"""What is judged, as the configuration in force and the ledger name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slawatch.domain.exclusions import Announcement
from slawatch.domain.history import Correction
from slawatch.domain.interval import Duration, Instant
from slawatch.evaluation.board import Vouched
from slawatch.evaluation.book import Book


@dataclass(frozen=True, slots=True)
class Subject:
    """One configured contract: its versions, and how its client is called."""

    client: str
    client_name: str
    name: str
    book: Book

    @property
    def key(self) -> str:
        return f"{self.client}/{self.name}"


@dataclass(frozen=True, slots=True)
class EndpointFace:
    """What pages say of an endpoint beside its state."""

    client: str
    name: str
    probe: str
    target: str
    path: str
    behind: str | None
    every: Duration
    vouched: Vouched = Vouched.NOBODY
    key: str = field(init=False, compare=False)
    """``client/endpoint``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", f"{self.client}/{self.name}")


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that is judged, as the configuration in force names it."""

    subjects: tuple[Subject, ...] = ()
    endpoints: tuple[EndpointFace, ...] = ()
    client_names: Mapping[str, str] = field(default_factory=dict)
    announcements: Mapping[str, Sequence[Announcement]] = field(default_factory=dict)
    """By client, in ledger order."""
    corrections: Mapping[str, Sequence[Correction]] = field(default_factory=dict)
    """By ``client/endpoint``, in ledger order."""
    reviews: Mapping[str, Instant] = field(default_factory=dict)
    """By ``client/contract``: when it was reviewed last, or when it first came to the ledger."""
    generation: int = 0
    error: str = ""
