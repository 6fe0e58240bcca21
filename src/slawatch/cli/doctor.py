"""What this box can and cannot do: rights, clock, resolver, descriptors, witnesses, disk, spool, database."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

from slawatch.cli.options import configured
from slawatch.cli.output import Format, print_rows
from slawatch.config.configuration import Configuration
from slawatch.config.paths import reserve_of
from slawatch.domain.interval import MILLISECOND
from slawatch.domain.local_time import tzdata_version
from slawatch.probes.echo_socket import icmp_rights
from slawatch.probes.name_answer import Reply, Useless
from slawatch.probes.policy import OwnAddresses
from slawatch.probes.resolver import resolver_for
from slawatch.probes.server_health import ServerHealth
from slawatch.probes.system_names import spell_server
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import SlawatchError
from slawatch.runtime.synchronised import clock_is_synchronised
from slawatch.storage.ledger import Ledger
from slawatch.storage.reserve import MIB

Row = dict[str, str]

_FEWEST_DESCRIPTORS = 1024
_SMALLEST_DISK = 1024**3
_RESOLVER_MAY_TAKE = 2.0
"""Seconds."""


def print_findings(config: Path, form: Format) -> bool:
    """Print one row a check; whether nothing fails."""
    rows = examine(lambda: configured(config) if config.exists() else None)
    print_rows(rows, form, ("check", "result", "detail"))
    return all(row["result"] != "fails" for row in rows)


def examine(configuration: Callable[[], Configuration | None]) -> list[Row]:
    """One row a check: ``fine``, ``weak`` (works, and should be better) or ``fails``.

    Nothing leaves the box but one question to each DNS server of the configuration.
    """
    rows = list(_box())
    try:
        found = configuration()
    except SlawatchError as error:
        return [*rows, _row("configuration", "fails", str(error).splitlines()[0])]
    if found is None:
        return [*rows, _row("configuration", "weak", "there is none at that place: `slawatch new client` writes one")]
    rows.append(_row("configuration", "fine", f"{len(found.endpoints)} endpoints, {len(found.contracts)} contracts"))
    rows += [*_resolvers(found), _witnesses(found), _outbound(found), _disk(found), *_reserve(found), _database(found)]
    return rows


def _row(check: str, result: str, detail: str) -> Row:
    return {"check": check, "result": result, "detail": detail}


def _box() -> Iterator[Row]:
    yield _row("python", "fine", f"{sys.version.split()[0]}, tzdata {tzdata_version()}")
    rights = icmp_rights()
    yield _row("icmp", "fails" if "not" in rights else "fine", rights)
    yield _clock()
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


def _resolvers(configuration: Configuration) -> list[Row]:
    """Each DNS server, by what it says of the root of all names: the one question that leaves this box."""

    async def ask() -> list[tuple[ServerHealth, Reply]]:
        resolver = resolver_for(configuration.resolvers, SystemClock())
        try:
            return await resolver.check(_RESOLVER_MAY_TAKE)
        finally:
            resolver.close()

    seen = asyncio.run(ask())
    answering = any(health.last_answer is not None for health, _ in seen)
    rows = [_server(health, reply, answering) for health, reply in seen]
    if len(rows) == 1 and answering:
        rows[0] = {**rows[0], "result": "weak", "detail": f"{rows[0]['detail']}; it is the only one"}
    return rows


def _server(health: ServerHealth, reply: Reply, answering: bool) -> Row:
    check = f"resolver {spell_server(health.server)}"
    if not isinstance(reply, Useless):
        return _row(check, "fine", f"answers in {(health.answer_time or 0) / MILLISECOND:.1f} ms")
    heard = health.last_answer is not None
    detail = f"{reply.words}, when asked for the root of all names" if heard else reply.words
    return _row(check, "weak" if answering else "fails", detail)


def _witnesses(configuration: Configuration) -> Row:
    """Nobody is asked: whether they answer, the running daemon knows (`slawatch status`)."""
    own = OwnAddresses(SystemClock())
    mine = [str(w) for hosts in configuration.witnesses.values() for w in hosts if ip_address(w.address) in own]
    if mine:
        return _row("witnesses", "fails", f"{', '.join(mine)}: this machine itself, which vouches for nothing")
    bare = sorted({endpoint.path for endpoint in configuration.endpoints} - set(configuration.witnesses))
    if bare:
        return _row("witnesses", "weak", f"none for the path {', '.join(bare)}: if it is lost, what lies on it is down")
    return _row("witnesses", "fine", f"for the paths {', '.join(configuration.witnesses) or 'none'}")


def _outbound(configuration: Configuration) -> Row:
    allow = configuration.box.outbound.allow
    opened = f"probes may talk to {', '.join(allow)}, too" if allow else "nothing that is denied is opened to probes"
    return _row("outbound", "fine", opened)


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


def _reserve(configuration: Configuration) -> Iterator[Row]:
    """Where facts wait while the database is away, and what a full disk gives up first."""
    reserve = reserve_of(configuration)
    if reserve is None:
        yield _row("spool", "weak", "its folder is not there or cannot be written by this user (`spool: {folder: …}`)")
        return
    used = sum(path.stat().st_size for path in reserve.spool.parent.glob(f"{reserve.spool.name}*")) // MIB
    holds = f"{used} MiB, of" if used else "empty,"
    yield _row("spool", "fine", f"{holds} up to {reserve.limit // MIB} MiB in {reserve.spool}")
    if not reserve.ballast:
        yield _row("ballast", "weak", "none is kept: a full disk stops the ledger at once")
    elif reserve.ballast_file.exists():
        yield _row("ballast", "fine", f"{reserve.ballast // MIB} MiB in {reserve.ballast_file}")
    else:
        missing = f"{reserve.ballast // MIB} MiB are not in {reserve.ballast_file}"
        yield _row("ballast", "weak", f"{missing} (`slawatch run` makes it)")


def _database(configuration: Configuration) -> Row:
    async def describe() -> str:
        async with await Ledger.open(configuration.database, read_only=True) as ledger:
            return await ledger.describe()

    try:
        return _row("database", "fine", asyncio.run(describe()))
    except SlawatchError as error:
        return _row("database", "weak", f"{error} (`slawatch run` makes it)")
