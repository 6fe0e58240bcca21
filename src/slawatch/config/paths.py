"""Places on the box that belong to one daemon: the socket by which commands reach it, and its spool."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from slawatch.config.configuration import Configuration
from slawatch.storage.engine import parse_url, shown
from slawatch.storage.reserve import Reserve

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


def reserve_of(configuration: Configuration) -> Reserve | None:
    """Where facts wait while the database is away: ``slawatch.db.spool`` beside a SQLite file.

    With PostgreSQL it is in the service's state folder (``STATE_DIRECTORY``, ``/var/lib/slawatch``), named by site and
    database without its password, which may change. None where there is no folder that can be written.
    """
    box, database = configuration.box.spool, configuration.database
    if database.startswith("sqlite:///"):
        file = Path(database.removeprefix("sqlite:///")).absolute()
        folder, name = file.parent, f"{file.name}.spool"
    else:
        folder = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/slawatch").partition(":")[0])
        text = f"{configuration.site} {shown(parse_url(database))}"
        name = f"slawatch-{hashlib.sha256(text.encode()).hexdigest()[:12]}.spool"
    folder = folder if box.folder is None else Path(box.folder).absolute()
    if not os.access(folder, os.W_OK):
        return None
    return Reserve(folder / name, box.limit, box.ballast)
