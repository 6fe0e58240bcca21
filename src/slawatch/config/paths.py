"""Where the running daemon can be reached by commands on the same box."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from slawatch.config.configuration import Configuration

_LONGEST = 100
"""A Unix socket's path holds 107 bytes at most (unix(7)); some is left for the file's own name while it is made."""


def control_socket(configuration: Configuration) -> Path:
    """The Unix socket beside the database: ``slawatch.db.sock``.

    With PostgreSQL it is in the service's runtime folder (``RUNTIME_DIRECTORY``, ``/run/slawatch``). A path that is too
    long for a socket is replaced by one in the temporary folder, named by its digest.
    """
    database = configuration.database
    if database.startswith("sqlite:///"):
        path = Path(database.removeprefix("sqlite:///") + ".sock").absolute()
    else:
        folder = os.environ.get("RUNTIME_DIRECTORY", "/run/slawatch")
        named = hashlib.sha256(f"{configuration.site} {database}".encode()).hexdigest()[:12]
        path = Path(folder) / f"slawatch-{named}.sock"
        if not Path(folder).is_dir():
            path = Path(tempfile.gettempdir()) / path.name
    if len(os.fsencode(path)) > _LONGEST:
        path = Path(tempfile.gettempdir()) / f"slawatch-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"
    return path
