"""What is probed, and what the dispatcher remembers of it between two probes."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field

from slawatch.domain.state_machine import Cadence
from slawatch.scheduling.runner import OVERRUN, Probe, Vouch


@dataclass(frozen=True, slots=True)
class Target:
    """What is probed, how often, and by whom.

    ``key`` is whatever makes it another probe: address, options. While identity, cadence and key are equal the
    endpoint is untouched by a new plan; its probe is replaced by the new plan's without a word, and so is ``vouch``,
    which answers for the way to the endpoint; None where nobody does.
    """

    identity: str
    cadence: Cadence
    probe: Probe = field(compare=False)
    key: Hashable = None
    vouch: Vouch | None = field(default=None, compare=False)


@dataclass(slots=True, eq=False)
class Entry:
    """One endpoint of the dispatcher. Instants are microseconds of the monotonic clock.

    ``target`` is None once it was removed; the entry leaves when its last probe has ended.
    """

    number: int
    target: Target | None = None
    due: int | None = None
    """When its next probe is due; None while one runs."""
    task: asyncio.Task[None] | None = None
    entered: bool = False
    """Whether the task has taken its first step. Cancelled before, it would end without a trace."""
    ending: bool = False
    """Whether the task was told to end."""
    answered: bool = False
    """Whether the probe itself has come to its end, and what it said is being judged."""
    cut_off: bool = False
    """Whether it was told so for outliving its timeout."""
    began: int = 0
    suspect: bool = False
    hurry: int | None = None
    """The next probe is wanted at this instant already, where that is earlier."""
    hurried: int | None = None
    """The latest instant for which a probe was wanted ahead of its time."""

    def begin(self, now: int, task: asyncio.Task[None]) -> None:
        """Its probe begins."""
        self.due, self.began, self.task = None, now, task
        self.suspect = self.entered = self.ending = self.answered = self.cut_off = False

    def wants(self, target: Target) -> bool:
        """Whether a probe of ``target`` is still what the plan asks for."""
        return self.target is target or self.target == target

    def outlived(self, now: int) -> bool:
        """Whether its probe should have ended long ago and has not been told so."""
        if self.target is None or self.ending or self.answered:
            return False
        return now - self.began > self.target.cadence.timeout + OVERRUN

    def cancel(self) -> None:
        """End its running probe. A task that has not begun sees for itself that it is not wanted."""
        if self.task is not None and self.entered:
            self.ending = True
            self.task.cancel()
