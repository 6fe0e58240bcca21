"""kill -9 at any instant and at every named place: nothing acknowledged is lost, nothing is invented."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crash import judge
from crash.driver import Record, Torture, spread
from crash.injected.sitecustomize import PLACES

FIRST = "before the migration's end"
OTHERS = [place for place in PLACES if place != FIRST]
IN_POSTGRESQL = [
    "between suspicion and confirmation",
    "before COMMIT",
    "after COMMIT",
    "after the spool has it",
    "before the spool lets go",
    "between observations and the mark",
    "while observations are pruned",
]
"""Where the database matters most; all of them run on SQLite."""

MakeTorture = Callable[[int, str | None], Torture]


@pytest.fixture
def torture(tmp_path: Path) -> Iterator[MakeTorture]:
    """Makes a daemon and its targets; the fixture ends them."""
    made: list[Torture] = []

    def make(seed: int, database: str | None) -> Torture:
        folder = tmp_path / f"torture{len(made)}"
        folder.mkdir()
        made.append(Torture(folder, seed, database))
        return made[-1]

    yield make
    for each in made:
        each.close()


def killed(subject: Torture, places: list[str]) -> Record:
    """The record of a ledger over which the daemon died at each place; an empty name is any instant."""
    for place in places:
        if place:
            subject.die_at(place, subject.dice.randint(1, 3) if place in REPEATED else 1)
        else:
            subject.die_at_random()
    return subject.stop()


REPEATED = {
    "before a commit",
    "before COMMIT",
    "after COMMIT",
    "after an acknowledgement",
    "while endpoints are taken up",
    "between entries and their roll-up",
    "between observations and the mark",
}
"""Passed often enough to die at the second or third time."""


def is_right(record: Record, deaths: int) -> None:
    assert len(record.runs) == deaths + 1
    assert len(record.acknowledged) > 100
    assert any(flip["up"] for flip in record.truth[len(record.ports) :])
    assert judge.findings(record) == []


def test_every_named_place_and_any_instant(torture: MakeTorture) -> None:
    """20 deaths over one SQLite ledger: each named place once, the rest at random."""
    subject = torture(1, None)
    subject.die_at(FIRST)
    places = spread(OTHERS, 20 - 1 - len(OTHERS), random.Random(1))
    is_right(killed(subject, places), 20)


@pytest.mark.server("postgres")
def test_the_same_on_postgresql(torture: MakeTorture, postgres_url: str) -> None:
    """20 deaths: at random, and where the database matters most."""
    places = spread(IN_POSTGRESQL, 20 - len(IN_POSTGRESQL), random.Random(2))
    is_right(killed(torture(2, postgres_url), places), 20)


@pytest.mark.deep
@pytest.mark.server("postgres")
@pytest.mark.parametrize("round_", range(5))
def test_three_hundred_deaths(round_: int, torture: MakeTorture, postgres_url: str) -> None:
    """Five times 30 on each database."""
    for database in (None, postgres_url):
        seed = 100 + 2 * round_ + (database is None)
        places = spread(OTHERS, 30 - len(OTHERS), random.Random(seed))
        is_right(killed(torture(seed, database), places), 30)
