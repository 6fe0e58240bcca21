"""What a disk may hold after the power failed: made from the journal that ``shim.c`` writes.

What was synced is there. Of what was written since, each sector of 512 bytes is there or not, by a seeded dice; so is
each change of a file's length. A file's name is on the disk once its folder was synced after it was made, and until the
folder was synced after it was taken away; before that either may be so.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from support.servers import TREE


class Call(IntEnum):
    """What ``shim.c`` writes down, by its numbers."""

    WRITE = 1
    SYNC = 2
    TRUNCATE = 3
    CREATE = 4
    UNLINK = 5
    RENAME = 6
    SYNC_FOLDER = 7
    FAULT = 8
    """A call that was made to fail; its offset is 1 for a sync."""
    OPEN = 9
    CLOSE = 10


SECTOR = 512
_HEAD = struct.Struct("=IIQQ")


@dataclass(frozen=True, slots=True)
class Record:
    """One call. ``data`` are the bytes of a write, or the new name."""

    kind: int
    path: str
    offset: int
    data: bytes = b""

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    named: bool = False
    """Whether its name is on the disk for certain."""
    gone: bool = False
    """Whether it was taken away, which the disk may not know yet."""
    pending: list[Record] = field(default_factory=list)


def compile_shim(folder: Path) -> Path:
    """The shared object, compiled in the tests' tree for the machine's own C library."""
    source, made = Path(__file__).with_name("shim.c"), folder / "shim.so"
    (folder / source.name).write_bytes(source.read_bytes())
    done = TREE.run(["tcc", "-shared", "-o", made, folder / source.name, "-ldl", "-lpthread"], bind=[folder])
    assert done.returncode == 0, done.stderr
    return made


def environment(shim: Path, folder: Path, journal: Path, fault: str = "") -> dict[str, str]:
    """What a process needs to be written down."""
    shimmed = {"LD_PRELOAD": str(shim), "SHIM_FOLDER": f"{folder}/", "SHIM_JOURNAL": str(journal), "SHIM_FAULT": fault}
    return {**os.environ, **shimmed}


def records(journal: Path) -> list[Record]:
    """All records of a journal; the last one may be cut off."""
    return list(_parse(journal.read_bytes()))


def _parse(content: bytes) -> Iterator[Record]:
    place = 0
    while place + _HEAD.size <= len(content):
        kind, path, offset, length = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        data = length if kind in (Call.WRITE, Call.RENAME) else 0
        if place + path + data > len(content):
            return
        name = content[place : place + path].decode()
        yield Record(kind, name, offset, content[place + path : place + path + data])
        place += path + data


class Disk:
    """Follows a journal, and says at any point what may be on the disk."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def hold(self, folder: Path) -> None:
        """Begin with the files that are there, all of them synced."""
        for path in folder.iterdir():
            if path.is_file() and not path.name.endswith("-shm"):
                self._files[path.name] = _File(bytearray(path.read_bytes()), named=True)

    def take(self, record: Record) -> None:
        """Follow one call."""
        file = self._files.get(record.name)
        match record.kind:
            case Call.CREATE | Call.OPEN if file is None or (file.gone and record.kind == Call.CREATE):
                self._files[record.name] = _File(named=record.kind == Call.OPEN)
            case Call.WRITE | Call.TRUNCATE if file is not None:
                file.pending.append(record)
            case Call.SYNC if file is not None:
                for each in file.pending:
                    _apply(file.durable, each)
                file.pending.clear()
            case Call.FAULT if file is not None and record.offset:
                file.pending.clear()  # the kernel forgets what it could not write
            case Call.UNLINK if file is not None:
                file.gone = True
            case Call.RENAME if file is not None:
                self._files[Path(record.data.decode()).name] = self._files.pop(record.name)
            case Call.SYNC_FOLDER:
                self._files = {name: there for name, there in self._files.items() if not there.gone}
                for there in self._files.values():
                    there.named = True

    def crash(self, dice: random.Random, folder: Path) -> None:
        """Fill ``folder`` with what may be left if the power fails now."""
        folder.mkdir()
        for name, file in self._files.items():
            there = file.named or dice.random() < 0.5
            if there and not (file.gone and dice.random() < 0.5):
                (folder / name).write_bytes(_content(file, dice))


def cuts(journal: Sequence[Record], points: Sequence[int], dice: random.Random, folder: Path) -> Iterator[int]:
    """At each of some points in turn: ``folder`` holds what may be left when the power fails after so many records."""
    disk, wanted = Disk(), set(points)
    for place, record in enumerate(journal, start=1):
        disk.take(record)
        if place in wanted:
            disk.crash(dice, folder)
            yield place
            shutil.rmtree(folder)


def _apply(content: bytearray, record: Record) -> None:
    if record.kind == Call.TRUNCATE:
        del content[record.offset :]
    if len(content) < record.offset:
        content.extend(bytes(record.offset - len(content)))
    content[record.offset : record.offset + len(record.data)] = record.data


def _content(file: _File, dice: random.Random) -> bytearray:
    """Each unsynced write by sectors, each unsynced change of length or not."""
    content = bytearray(file.durable)
    for record in file.pending:
        if record.kind == Call.TRUNCATE:
            if dice.random() < 0.5:
                _apply(content, record)
            continue
        for start in range(0, len(record.data), SECTOR):
            if dice.random() < 0.5:
                part = record.data[start : start + SECTOR]
                _apply(content, Record(Call.WRITE, record.path, record.offset + start, part))
    return content


def run(command: Sequence[str], settings: Mapping[str, str], within: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(command, env=dict(settings), capture_output=True, text=True, timeout=within, check=False)
