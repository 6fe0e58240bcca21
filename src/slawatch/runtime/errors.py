"""The exceptions that cross a floor.

::

    SlawatchError
    ├── ConfigurationError   the operator wrote something impossible; exit 78; lists every finding
    ├── UsageError           a command was called wrongly; exit 2
    ├── InputError           a file that was given as data cannot be read; says file, line and what is expected
    ├── StorageError         the database refused or is away; recoverable: retried, never a verdict
    │   ├── SchemaTooNew     a newer slawatch wrote this database; not recoverable: stop
    │   └── SiteTaken        another daemon writes for this site: one of the two has to stop
    └── Unavailable          this box lacks a right or a resource (ICMP sockets, descriptors): says which

A probe's failure is not an exception: it is an :class:`~slawatch.domain.observation.Observation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SlawatchError(Exception):
    """The root: everything that slawatch raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in a configuration file: where, which key, what is wrong and what is expected.

    ``line`` and ``column`` count from 1; 0 where a file as a whole is meant.
    """

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.key}: {self.message}"


class ConfigurationError(SlawatchError):
    """The configuration cannot be used. ``findings`` holds every mistake, sorted by place."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(map(str, self.findings)))


class UsageError(SlawatchError):
    """A command was called with arguments that cannot be served."""


class InputError(SlawatchError):
    """Data that was handed in cannot be read. The message says where and what is expected."""


class StorageError(SlawatchError):
    """The database refused or cannot be reached. Recoverable: the caller keeps the facts and tries again."""


class SchemaTooNew(StorageError):
    """The database was written by a newer slawatch. Not recoverable by waiting."""


class SiteTaken(StorageError):
    """Another daemon writes for the same site into the same database."""


class Unavailable(SlawatchError):
    """This box lacks a right or a resource; the message names it and says how to grant it."""
