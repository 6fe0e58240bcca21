"""One daemon to a SQLite file: a second writer could corrupt it (see ``engine``)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from slawatch.runtime.errors import StorageError


class Claim:
    """An exclusive lock on ``<database>.lock``. It ends with :meth:`release` or with the process, however that ends.

    The lock is on a file of its own: closing a file drops every lock that SQLite holds on it in this process.
    """

    def __init__(self, database: Path) -> None:
        self._descriptor = -1
        path = database.with_name(database.name + ".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StorageError(f"another slawatch writes to {database}: stop it first") from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another daemon have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
