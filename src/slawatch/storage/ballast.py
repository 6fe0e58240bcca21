"""A file that is there to be given up: when the disk is full, its room keeps the ledger going until somebody comes."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError


class Ballast:
    """``size`` bytes at ``path``, really allocated. Calls block and belong into a thread."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.there = False
        """Whether it can be given up."""

    def keep(self) -> bool:
        """Make it, where it is missing and the disk has twice its room free; whether it was made now."""
        if self.there or not self.size:
            return False
        try:
            if self.path.exists() and 512 * self.path.stat().st_blocks >= self.size:
                self.there = True
                return False
            if shutil.disk_usage(self.path.parent).free < 2 * self.size:
                return False
            self._allocate()
        except OSError:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
            return False
        self.there = True
        return True

    def give_up(self) -> bool:
        """Give its room back to the disk; whether there was any."""
        if not self.there:
            return False
        self.there = False
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            return True
        return False

    def _allocate(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self.size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def says_full(error: BaseException, folder: Path) -> bool:
    """Whether a write failed for want of room: the error says so, or the disk of ``folder`` has hardly any left.

    SQLite says "disk I/O error" for some of it, as where its shared memory cannot grow.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(error, sqlite3.OperationalError):
        return False
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return True
    with suppress(OSError):
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR and shutil.disk_usage(folder).free < _HARDLY_ANY
    return False


_HARDLY_ANY = 2**20
