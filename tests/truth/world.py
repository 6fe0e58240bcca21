"""What targets truly are: step functions of time, and who decides them.

Nothing here knows how slawatch counts. An instant is microseconds since 1970 on the wall clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from random import Random
from typing import Protocol

from slawatch.domain.facts import State
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Observation, Verdict

DOWN, DEGRADED, UP = State.DOWN, State.DEGRADED, State.UP
LEVELS = (DOWN, DEGRADED, UP)
LABELS = {Verdict.UP: UP, Verdict.DEGRADED: DEGRADED, Verdict.DOWN: DOWN}


class Truth:
    """From each flip on the target is in its state, until the next flip."""

    def __init__(self, begin: Instant, state: State) -> None:
        self.instants = [begin]
        self.states = [state]

    def flip(self, at: Instant, state: State) -> None:
        """From ``at`` on it is ``state``. Flips come in order; the later one of two at one instant counts."""
        assert at >= self.instants[-1], "the past is settled"
        if at == self.instants[-1]:
            self.states[-1] = state
        elif state is not self.states[-1]:
            self.instants.append(at)
            self.states.append(state)

    def at(self, instant: Instant) -> State:
        """What it is at an instant."""
        return self.states[max(0, bisect_right(self.instants, instant) - 1)]

    def spans(self, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, State]]:
        """The pieces of ``[start, end)`` in which it does not change."""
        cuts = [start, *(at for at in self.instants if start < at < end), end]
        for index in range(len(cuts) - 1):
            if cuts[index] < cuts[index + 1]:
                yield cuts[index], cuts[index + 1], self.at(cuts[index])


class Will(Protocol):
    """Decides what one target is, and what a probe hears of it."""

    truth: Truth

    def ask(self, at: Instant) -> State:
        """A probe reaches the target: what it is told."""

    def took(self, observation: Observation, speaks_for: Duration) -> None:
        """A probe ended so, and what it saw counts for so long (S13)."""

    def interrupted(self) -> None:
        """The daemon ended, or stopped following the target."""

    def until(self, end: Instant) -> None:
        """The history ends here."""


class Fate:
    """Flips that were drawn beforehand and know nothing of probes: several between two of them, and under one."""

    def __init__(self, random: Random, begin: Instant, end: Instant, every: Duration) -> None:
        self.truth = Truth(begin, random.choice(LEVELS))
        at = begin
        while at < end:
            pace = random.choice((every // 3, every, 2 * every, 6 * every, 20 * every))
            at += 1 + int(random.expovariate(1.0) * pace)
            self.truth.flip(at, random.choice(LEVELS))

    def ask(self, at: Instant) -> State:
        return self.truth.at(at)

    def took(self, observation: Observation, speaks_for: Duration) -> None: ...

    def interrupted(self) -> None: ...

    def until(self, end: Instant) -> None: ...


class Adversary:
    """Decides what a target was *after* it has seen when the probes came, and keeps to one rule alone (S8): between
    two neighbouring observations the target is nothing that is worse or better than both of them.

    So between two equal neighbours nothing changes; between two that differ it flips to and fro as it likes; where
    the next thing is a void probe, silence or a restart, it does what it likes. And where the rule of confirmation
    (S12) says that observations do not count, they lie: fewer than ``confirm`` failures in a row are told of a
    target that may be up all along, fewer than ``recover`` good answers of one that is down.
    """

    def __init__(self, random: Random, begin: Instant, *, confirm: int, recover: int, outages: float) -> None:
        """``outages`` is the share of episodes in which it is down."""
        self.truth = Truth(begin, random.choice(LEVELS))
        self._random = random
        self._confirm, self._recover, self._outages = confirm, recover, outages
        self._settled = begin
        self._label = UP
        self._bounded_until = begin
        """Until when the next observation would be a neighbour of the latest one."""
        self._good = self._failed = 0
        """How many observations in a row said so, with nothing void, silent or interrupted among them."""
        self._says = UP
        self._left = 0
        """How many more observations will say so."""
        self._lying = False
        self._lie: tuple[State, State] | None = None
        """What the target may be while observations lie, until the truth is told again."""

    def ask(self, at: Instant) -> State:
        if self._left <= 0:
            self._begin_episode()
        low, high = self._range(at)
        self._fill(at, low, high, self._somewhere(*self._lie) if self._lying and self._lie else self._says)
        return self._says

    def took(self, observation: Observation, speaks_for: Duration) -> None:
        label = LABELS.get(observation.verdict)
        self._left -= self._lying
        if label is None:
            self._unseen_from(observation.started)
            return
        if observation.started > self._bounded_until:
            self._good = self._failed = 0
        self._label, self._bounded_until = label, observation.started + speaks_for
        self._good, self._failed = (0, self._failed + 1) if label is DOWN else (self._good + 1, 0)
        if not self._lying:
            self._left -= 1
            self._lie = None

    def interrupted(self) -> None:
        self._unseen_from(self._settled)

    def _unseen_from(self, at: Instant) -> None:
        self._bounded_until = min(self._bounded_until, at)
        self._good = self._failed = 0

    def until(self, end: Instant) -> None:
        """After the last observation nothing bounds it."""
        self._fill(end, DOWN, UP, self._somewhere(DOWN, UP))

    def _somewhere(self, low: State, high: State) -> State:
        return self._random.choice([level for level in LEVELS if low <= level <= high])

    def _begin_episode(self) -> None:
        draw, confirm, recover = self._random, self._confirm, self._recover
        lied, self._lying = self._lying, False
        if lied:  # and now the truth, at least once
            assert self._lie is not None
            self._says, self._left = self._lie[1] if self._says is DOWN else DOWN, draw.randint(1, 3)
        elif self._good > recover and draw.random() < 0.25:
            self._lie, self._lying = (DOWN, self._label), True
            self._says, self._left = DOWN, draw.randint(1, max(1, confirm - 1))
        elif self._failed > confirm and recover > 1 and draw.random() < 0.4:
            self._lie, self._lying = (DOWN, UP), True
            self._says, self._left = draw.choice((UP, DEGRADED)), draw.randint(1, recover - 1)
        elif draw.random() < self._outages:
            self._says, self._left = DOWN, draw.choice((1, 2, 3, 4, 8))
        else:
            self._says, self._left = draw.choice((UP, UP, DEGRADED)), draw.choice((1, 2, 4, 10))

    def _range(self, at: Instant) -> tuple[State, State]:
        """The worst and the best that the target may have been since the latest probe."""
        if at > self._bounded_until:
            return DOWN, UP
        if self._lie is not None:
            return self._lie
        return min(self._label, self._says), max(self._label, self._says)

    def _fill(self, at: Instant, low: State, high: State, now: State) -> None:
        """Flip between the latest probe and ``at``, and be ``now`` there."""
        draw, after = self._random, self._settled + 1
        if at < after:
            return
        if low < high:
            for instant in sorted(draw.randint(after, at) for _ in range(draw.choice((0, 1, 1, 2, 3, 6)))):
                self.truth.flip(instant, self._somewhere(low, high))
        self.truth.flip(draw.randint(max(after, self.truth.instants[-1]), at), now)
        self._settled = at
