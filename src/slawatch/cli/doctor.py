"""What this box can and cannot do: rights, clock, resolver, descriptors, disk, database."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from slawatch.cli.options import configured
from slawatch.cli.output import Format, print_rows
from slawatch.config.configuration import Configuration
from slawatch.domain.local_time import tzdata_version
from slawatch.probes.echo import icmp_rights
from slawatch.runtime.errors import SlawatchError
from slawatch.runtime.synchronised import clock_is_synchronised
from slawatch.storage.ledger import Ledger

Row = dict[str, str]

_FEWEST_DESCRIPTORS = 1024
_SMALLEST_DISK = 1024**3


def print_findings(config: Path, form: Format) -> bool:
    """Print one row a check; whether nothing fails."""
    rows = examine(lambda: configured(config) if config.exists() else None)
    print_rows(rows, form, ("check", "result", "detail"))
    return all(row["result"] != "fails" for row in rows)


def examine(configuration: Callable[[], Configuration | None]) -> list[Row]:
    """One row a check: ``fine``, ``weak`` (works, and should be better) or ``fails``. Nothing leaves the box."""
    rows = list(_box())
    try:
        found = configuration()
    except SlawatchError as error:
        return [*rows, _row("configuration", "fails", str(error).splitlines()[0])]
    if found is None:
        return [*rows, _row("configuration", "weak", "there is none at that place: `slawatch new client` writes one")]
    rows.append(_row("configuration", "fine", f"{len(found.endpoints)} endpoints, {len(found.contracts)} contracts"))
    rows += [_disk(found), _database(found)]
    return rows


def _row(check: str, result: str, detail: str) -> Row:
    return {"check": check, "result": result, "detail": detail}


def _box() -> Iterator[Row]:
    yield _row("python", "fine", f"{sys.version.split()[0]}, tzdata {tzdata_version()}")
    rights = icmp_rights()
    yield _row("icmp", "fails" if "not" in rights else "fine", rights)
    yield _clock()
    yield _resolver()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= _FEWEST_DESCRIPTORS
    yield _row("descriptors", "fine" if enough else "weak", f"{soft} of at most {hard} (LimitNOFILE=)")
    yield _row("sqlite", "fine", sqlite3.sqlite_version)


def _clock() -> Row:
    synchronised = clock_is_synchronised()
    if synchronised is None:
        return _row("clock", "weak", "the kernel does not say whether it is synchronised")
    if synchronised:
        return _row("clock", "fine", "synchronised")
    return _row("clock", "weak", "not synchronised: every instant is as wrong as this clock; run chrony or timesyncd")


def _resolver() -> Row:
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        return _row("resolver", "weak", f"/etc/resolv.conf: {error.strerror}")
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]
    if not servers:
        return _row("resolver", "weak", "/etc/resolv.conf names no server: only addresses can be probed")
    return _row("resolver", "fine" if len(servers) > 1 else "weak", f"{len(servers)} in /etc/resolv.conf")


def _disk(configuration: Configuration) -> Row:
    database = configuration.database
    if not database.startswith("sqlite:///"):
        return _row("disk", "fine", "facts are kept by PostgreSQL")
    folder = Path(database.removeprefix("sqlite:///")).absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return _row("disk", "fails", f"{folder} cannot be written")
    free = shutil.disk_usage(folder).free
    return _row("disk", "fine" if free >= _SMALLEST_DISK else "weak", f"{free // 1024**2} MiB free in {folder}")


def _database(configuration: Configuration) -> Row:
    async def describe() -> str:
        async with await Ledger.open(configuration.database, read_only=True) as ledger:
            return await ledger.describe()

    try:
        return _row("database", "fine", asyncio.run(describe()))
    except SlawatchError as error:
        return _row("database", "weak", f"{error} (`slawatch run` makes it)")
