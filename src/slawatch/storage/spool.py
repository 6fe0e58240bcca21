"""Where facts wait on disk while the database does not take them: a SQLite file of its own, bounded.

What is in it is durable, in the order in which it came. It is written by this process alone (see ``Claim``), through
one connection, one call at a time; each call blocks and belongs into a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slawatch.domain.interval import Instant
from slawatch.storage.group import Group, body_of, group_of, observations_of, packed_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  site TEXT NOT NULL,
  entries INTEGER NOT NULL,
  body BLOB NOT NULL,
  observations BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS groups_with_observations ON groups (number) WHERE length(observations) > 0;
"""
_OVERHEAD = 64 * 1024
"""What SQLite may need beside the texts themselves: pages of the index, a page that is split."""


class SpoolFull(Exception):
    """There is no room for a group, although every observation in the spool was given up."""


class SpoolBroken(Exception):
    """The file is no spool, or damaged."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Raw observations that were given up, and when the first and the last of them started."""

    count: int = 0
    first: Instant = 0
    last: Instant = 0

    @classmethod
    def of(cls, started: Sequence[Instant]) -> Loss:
        """The loss of observations that started at these instants."""
        return cls(len(started), min(started), max(started)) if started else cls()

    def __add__(self, other: Loss) -> Loss:
        if not (self.count and other.count):
            return self if self.count else other
        return Loss(self.count + other.count, min(self.first, other.first), max(self.last, other.last))


class Spool:
    """The file at ``path``, of at most ``limit`` bytes. ``sqlite3.Error`` and ``OSError`` say that the disk failed."""

    def __init__(self, path: Path, limit: int, site: str) -> None:
        self.path, self.limit = path, limit
        self.groups = 0
        """How many groups wait in it."""
        self.entries = 0
        """How many entries wait in it."""
        self.size = 0
        """Bytes that are in use."""
        self.held = 0
        """The number of the latest group that is on its way into the database: until there, nothing is given up."""
        self._site = site
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Look for what an earlier run left; a file that is not there is not made.

        :class:`SpoolBroken` where it cannot be read, or holds what another site wrote.
        """
        if not self.path.exists():
            return
        with _broken():
            connection = self._connected()
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise SpoolBroken("it is damaged")
            foreign = connection.execute("SELECT site FROM groups WHERE site <> ? LIMIT 1", [self._site]).fetchone()
        if foreign:
            raise SpoolBroken(f"it holds what site {foreign[0]!r} wrote")
        self._count()

    def append(self, group: Group) -> Loss:
        """Add a group, durably. Where there is no room the oldest observations go first, the group's own last."""
        body, observations = body_of(group), observations_of(group)
        connection, loss = self._connected(), Loss()
        try:
            connection.execute("BEGIN IMMEDIATE")
            while not self._has_room(connection, len(body) + len(observations)):
                lost = self._give_up_oldest(connection)
                if lost is None and not observations:
                    raise SpoolFull
                if lost is None:
                    lost, observations = packed_of(observations).started(), b""
                loss += Loss.of(lost)
            values = [self._site, len(group.rows), body, observations]
            connection.execute("INSERT INTO groups (site, entries, body, observations) VALUES (?, ?, ?, ?)", values)
            connection.execute("COMMIT")
        except BaseException:
            self.close()  # a connection on which something failed is not used again
            raise
        self.groups += 1
        self.entries += len(group.rows)
        self.size = self._used(connection)
        return loss

    def oldest(self, groups: int, size: int) -> list[tuple[int, Group]]:
        """The oldest groups with their numbers: at most so many, and no more once they have ``size`` bytes."""
        if not self.groups:
            return []
        found, bytes_ = [], 0
        with _broken():
            query = "SELECT number, body, observations FROM groups ORDER BY number LIMIT ?"
            for number, body, observations in self._connected().execute(query, [groups]):
                found.append((number, group_of(body, observations)))
                bytes_ += len(body) + len(observations)
                if bytes_ >= size:
                    break
        return found

    def remove(self, until: int) -> None:
        """Remove all groups up to a number: they are in the database."""
        try:
            connection = self._connected()
            connection.execute("DELETE FROM groups WHERE number <= ?", [until])
            self._count()
        except BaseException:
            self.close()
            raise
        if not self.groups:
            self.discard()

    def discard(self) -> None:
        """Let go of the file of an empty spool. What it held was removed durably, so that nothing can come back."""
        if self._connection is not None:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close()
        for path in self._files():
            path.unlink(missing_ok=True)
        self.size = 0

    def set_aside(self, name: str) -> Path:
        """Move a broken file out of the way, under its name with another ending; nothing is deleted."""
        self.close()
        aside = self.path.with_name(f"{self.path.name}.{name}")
        for path in self._files():
            with suppress(FileNotFoundError):
                path.rename(path.with_name(path.name.replace(self.path.name, aside.name)))
        self.groups = self.entries = self.size = 0
        return aside

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    # --- Inside ---------------------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                for pragma in ("mmap_size = 0", "journal_mode = WAL", "synchronous = FULL", "auto_vacuum = NONE"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.executescript(_SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _has_room(self, connection: sqlite3.Connection, more: int) -> bool:
        return self._used(connection) + more + _OVERHEAD <= self.limit

    def _used(self, connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _give_up_oldest(self, connection: sqlite3.Connection) -> list[Instant] | None:
        """Empty the oldest group that holds observations: when they started; None when there is none."""
        oldest = (
            "SELECT number, observations FROM groups WHERE length(observations) > 0 AND number > ? "
            "ORDER BY number LIMIT 1"
        )
        row = connection.execute(oldest, [self.held]).fetchone()
        if row is None:
            return None
        connection.execute("UPDATE groups SET observations = x'' WHERE number = ?", [row[0]])
        return packed_of(row[1]).started()

    def _count(self) -> None:
        connection = self._connected()
        row = connection.execute("SELECT count(*), coalesce(sum(entries), 0) FROM groups").fetchone()
        self.groups, self.entries = row
        self.size = self._used(connection)

    def _files(self) -> list[Path]:
        return [self.path.with_name(self.path.name + ending) for ending in ("", "-wal", "-shm")]


class _broken:  # noqa: N801 - reads as a statement
    """Turns what sqlite3 and a damaged text raise into :class:`SpoolBroken`; a failing disk stays what it is."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        if damaged or isinstance(error, ValueError | TypeError | KeyError):
            raise SpoolBroken(f"it cannot be read: {error}") from error
