"""``backup``, ``restore``, ``migrate``: a whole ledger, into a file, out of one, or into another database."""

from __future__ import annotations

import asyncio
from pathlib import Path

from slawatch.cli.options import configured
from slawatch.cli.output import Format, messages, print_rows
from slawatch.config.configuration import Configuration
from slawatch.config.paths import control_socket, reserve_of
from slawatch.evaluation.same_answers import Answers, answers_of
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import StorageError, UsageError
from slawatch.storage.backup import back_up, copy_into
from slawatch.storage.backup import restore as restore_file
from slawatch.storage.claim import Claim
from slawatch.storage.copying import Digests, differences, digests
from slawatch.storage.engine import parse_url, reader_engine, shown

_TABLE = ("table", "rows", "sha256")


def backup(config: Path, file: Path, *, force: bool, form: Format) -> None:
    """Write a backup, and print what it holds."""
    configuration = configured(config)
    reserve = reserve_of(configuration)
    if reserve is not None and reserve.spool.exists():
        messages.print(f"{reserve.spool} holds facts that the database has not taken yet: they are not in the backup")
    _print(asyncio.run(back_up(configuration.database, file, replace=force)), form)
    messages.print(f"{file} holds all of it, and was compared with what was read")


def restore(config: Path, file: Path, *, force: bool, form: Format) -> None:
    """Make the configured database of a backup, and print what it holds."""
    configuration = configured(config)
    _refuse_running(configuration)
    aside = f"before_{SystemClock().now()}" if force else ""
    _print(asyncio.run(restore_file(file, configuration.database, aside=aside)), form)


def migrate(source: str, target: str, *, verify: bool, form: Format) -> bool:
    """Copy a ledger into an empty database and prove that both are the same; whether they are."""
    for url in (source, target):
        try:
            parse_url(url)
        except ValueError as error:
            raise UsageError(str(error)) from None
    one, other = asyncio.run(_copied_or_read(source, target, verify=verify))
    _print(one, form)
    found = differences(one, other)
    answers = [asyncio.run(answers_of(url)) for url in (source, target)]
    for line in found:
        messages.print(f"different: {line}", markup=False)
    messages.print(_in_words(answers))
    same = not found and answers[0] == answers[1]
    messages.print("the two ledgers are the same" if same else "the two ledgers are NOT the same")
    return same


async def _copied_or_read(source: str, target: str, *, verify: bool) -> tuple[Digests, Digests]:
    if not verify:
        claim = _claim(source)
        try:
            found = await copy_into(source, target)
        finally:
            if claim is not None:
                claim.release()
        return found, await _digests(target)
    return await _digests(source), await _digests(target)


def _claim(url: str) -> Claim | None:
    """A SQLite file that a daemon writes would be left behind: it must be stopped first."""
    found = parse_url(url)
    if found.get_backend_name() != "sqlite":
        return None
    path = Path(found.database or "")
    if not path.exists():
        raise StorageError(f"{path} is not there")
    return Claim(path)


async def _digests(url: str) -> Digests:
    engine = reader_engine(parse_url(url))
    try:
        return await digests(engine)
    finally:
        await engine.dispose()


def _refuse_running(configuration: Configuration) -> None:
    if control_socket(configuration).exists():
        place = shown(parse_url(configuration.database))
        raise StorageError(f"a daemon writes to {place}: stop it first ({control_socket(configuration)} is there)")


def _print(found: Digests, form: Format) -> None:
    rows = [{"table": name, "rows": each.rows, "sha256": each.sha256} for name, each in found.items()]
    print_rows(rows, form, _TABLE)


def _in_words(answers: list[Answers]) -> str:
    one, other = answers
    history = "the same bytes" if one.history == other.history else "different bytes"
    judgement = "the same bytes" if one.judgement == other.judgement else "different bytes"
    return f"history: {one.rows} rows, {history}; judgement: {one.accounts} accounts, {judgement}"
