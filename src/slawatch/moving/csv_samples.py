"""A CSV file of another monitor's history: states, as ``slawatch evaluate`` reads them, or one sample a row.

Samples have a header with ``at`` and one of ``ok`` (1, 0, true, false, up, down, yes, no) and ``latency`` (a
number where it answered, empty where it did not); ``endpoint`` may be a column or be given. Rows may come in any
order; a row that stands there twice counts once. Mistakes are ``FILE:LINE:COLUMN``, columns counted in fields from 1.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from slawatch.domain.facts import Change
from slawatch.domain.interval import Instant, parse_instant
from slawatch.domain.observation import Verdict
from slawatch.domain.retold import Sample
from slawatch.evaluation.history_file import read_history
from slawatch.moving.series import Series, Tally, sampled, stated
from slawatch.runtime.errors import InputError, UsageError

SOURCE = "csv"
_YES = frozenset({"1", "true", "up", "yes", "ok"})
_NO = frozenset({"0", "false", "down", "no"})


class _Samples:
    """The samples of one endpoint, nine bytes each."""

    def __init__(self) -> None:
        self._at = array("q")
        self._good = array("b")

    def add(self, at: Instant, good: bool) -> None:
        self._at.append(at)
        self._good.append(good)

    def __call__(self, tally: Tally) -> Iterator[Sample]:
        previous: tuple[Instant, int] | None = None
        for index in sorted(range(len(self._at)), key=self._at.__getitem__):
            this = self._at[index], self._good[index]
            if this == previous:
                tally.pass_over("rows that stand there twice")
                continue
            previous = this
            verdict = Verdict.UP if this[1] else Verdict.DOWN
            yield Sample(this[0], verdict, None, "reported", "" if this[1] else "no alibi")


def read_csv(path: Path, endpoint: str | None) -> list[Series]:
    """The series in a file, one for each endpoint. Of samples it does not say how often they were taken."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), [])
            if "state" in header or not {"ok", "latency"} & set(header):
                return _states(path, endpoint)
            found = _read(stream, header, str(path), endpoint)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}): expected CSV") from None
    except csv.Error as error:
        raise InputError(f"{path}:1:1: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return [sampled(SOURCE, name, name, samples) for name, samples in sorted(found.items())]


def _states(path: Path, endpoint: str | None) -> list[Series]:
    """Rows of a history file. Those that say something else than what an endpoint was are refused."""
    history = read_history(path)
    if history.blips or history.announcements or history.corrections or history.versions or history.events:
        raise InputError(f"{path}: has rows of other types: expected endpoint, at and state")
    if endpoint is not None and set(history.changes) - {endpoint}:
        raise UsageError(f"--endpoint: {path} names its endpoints itself")
    history.seal()

    def before(name: str, instant: Instant) -> Iterable[Change]:
        known = history.changes[name]
        return known if not known or known[-1].latest < instant else known.until(instant - 1)

    return [
        stated(SOURCE, name, lambda instant, name=name: before(name, instant))  # type: ignore[misc]
        for name in sorted(history.changes)
    ]


def _read(stream: IO[str], header: Sequence[str], name: str, endpoint: str | None) -> dict[str, _Samples]:
    columns = {column.strip(): index for index, column in enumerate(header)}
    if "at" not in columns:
        raise InputError(f"{name}:1:1: there is no column at: expected at, endpoint, ok (or latency)")
    if ("endpoint" in columns) == (endpoint is not None):
        raise UsageError("the endpoint: expected a column of that name, or --endpoint, and not both")
    found: dict[str, _Samples] = {}
    reader = csv.reader(stream, strict=True)
    try:
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(f"{name}:{reader.line_num + 1}:1: {len(cells)} columns: expected {len(header)}")
            at, who, good = _row(cells, columns, f"{name}:{reader.line_num + 1}", endpoint)
            found.setdefault(who, _Samples()).add(at, good)
    except csv.Error as error:
        raise InputError(f"{name}:{reader.line_num + 1}:1: {error}") from None
    return found


def _row(
    cells: Sequence[str], columns: Mapping[str, int], place: str, endpoint: str | None
) -> tuple[Instant, str, bool]:
    def wrong(column: str, problem: object) -> InputError:
        return InputError(f"{place}:{columns[column] + 1}: {column}: {problem}")

    try:
        at = parse_instant(cells[columns["at"]].strip())
    except ValueError as error:
        raise wrong("at", error) from None
    who = cells[columns["endpoint"]].strip() if endpoint is None else endpoint
    if not who:
        raise wrong("endpoint", "empty: expected a name")
    if "ok" in columns:
        word = cells[columns["ok"]].strip().lower()
        if word not in _YES | _NO:
            raise wrong("ok", f"{word!r} is neither yes nor no: expected 1 or 0, true or false, up or down")
        return at, who, word in _YES
    latency = cells[columns["latency"]].strip()
    try:
        good = bool(latency) and float(latency) >= 0
    except ValueError:
        raise wrong("latency", f"{latency!r} is no number: expected one, or nothing where no answer came") from None
    return at, who, good
