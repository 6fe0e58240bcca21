"""YAML with places: a text → a tree in which every key and value knows its line and column.

What is read is narrower than YAML, so that a value never means something else than it looks like. A plain
``true`` or ``false`` is a truth value, a plain decimal whole number an integer, nothing (or ``null``) is
null; everything else is a text, exactly as it was written: ``0.1``, ``99.95%`` and ``2026-01-05`` are no floats or
dates here. Where YAML programs would read another value (``1:30``, ``no``, ``012``), it is refused with a
word on how to write it. So are duplicate keys, merge keys, tags, several documents, and aliases that
blow a text up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from slawatch.domain.terms_reading import Path, key_text
from slawatch.runtime.errors import Finding

DEEPEST = 32
"""Levels of nesting; a configuration needs about eight."""
LARGEST = 500_000
"""Values in one file, those that aliases repeat counted each time."""

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Node:
    """A value and where it stands. ``keys`` are the places of a mapping's keys."""

    place: Place
    scalar: str | int | bool | None = None
    items: list[Node] | None = None
    fields: dict[str, Node] | None = None
    keys: dict[str, Place] = field(default_factory=dict)
    size: int = 1

    def child(self, step: str | int) -> Node | None:
        """The value at a key or an index; None where there is none."""
        if isinstance(step, str):
            return self.fields.get(step) if self.fields is not None else None
        return self.items[step] if self.items is not None and step < len(self.items) else None

    def plain(self) -> Plain:
        """The value without its places."""
        if self.fields is not None:
            return {key: node.plain() for key, node in self.fields.items()}
        if self.items is not None:
            return [node.plain() for node in self.items]
        return self.scalar


class Document:
    """One file: its tree and the findings about it. A finding for a key that already has one there is dropped."""

    def __init__(self, file: str, root: Node) -> None:
        self.file, self.root = file, root
        self._findings: dict[tuple[Place, str], Finding] = {}
        self._above: set[str] = set()

    @property
    def findings(self) -> list[Finding]:
        """Every mistake so far."""
        return list(self._findings.values())

    def report(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """A mistake in the value at a path, or in the key itself. Where the path ends in a key that is missing,
        the place is that of the mapping's own key.
        """
        known = self.known(path)
        complete = len(known) == len(path)
        place = self._place_of(known, at_key=at_key or not complete)
        self.report_at(place, key_text(path), message)

    def report_at(self, place: Place, key: str, message: str) -> None:
        """A mistake at a place."""
        finding = Finding(self.file, *place, key or "file", message)
        self._findings.setdefault((place, finding.key), finding)
        self._above.update(finding.key[: match.start()] for match in re.finditer(r"[.\[]|$", finding.key))

    def has_findings(self, path: Path) -> bool:
        """Whether a finding stands at or below a path."""
        return key_text(path) in self._above

    def names(self, section: str) -> list[str]:
        """The keys of a mapping at the top, right or wrong."""
        node = self.root.child(section)
        return list(node.fields or {}) if node else []

    def known(self, path: Path) -> Path:
        """The longest beginning of a path that the tree has."""
        node = self.root
        for number, step in enumerate(path):
            below = node.child(step)
            if below is None:
                return path[:number]
            node = below
        return path

    def node(self, path: Path) -> Node:
        """The node at a path that the tree has."""
        node = self.root
        for step in path:
            node = node.child(step) or node
        return node

    def _place_of(self, path: Path, *, at_key: bool) -> Place:
        if at_key and path and isinstance(path[-1], str):
            return self.node(path[:-1]).keys[path[-1]]
        return self.node(path).place


def parse(text: str, file: str) -> Document:
    """The tree of a YAML text. Mistakes, of syntax too, are findings of the document, never exceptions."""
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if not builder.take(event):
                break
    except yaml.reader.ReaderError as error:
        builder.document.report_at(_place_of(text, error.position), "file", f"{error.reason}: expected printable text")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        builder.document.report_at(place, "file", f"no YAML: {said}")
    except yaml.YAMLError as error:
        builder.document.report_at(Place(1, 1), "file", f"no YAML: {error}")
    return builder.document


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OTHER_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-9_]+|[0-9][0-9_]*)")
_SEXAGESIMAL_TEXT = re.compile(r"0[0-9](?::[0-5][0-9])+")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "false": False}
_OTHER_TRUTH = re.compile(r"(?i:yes|no|on|off|true|false)")


_SECRET = re.compile("password|token|secret|bearer")
"""Keys whose values are never repeated in a message, even where they should not stand."""


def _resolve(text: str) -> tuple[str | int | bool | None, str]:
    """What a plain scalar means here, and the trap that it is, if any."""
    first = text[:1]
    if first.isdigit() or first in ("+", "-"):
        if _INTEGER.fullmatch(text):
            return int(text), ""
        if _SEXAGESIMAL.fullmatch(text) and not _SEXAGESIMAL_TEXT.fullmatch(text):
            return text, f'YAML reads an unquoted {text} as a number in base 60: write "{text}" in quotes'
        if _OTHER_INTEGER.fullmatch(text):
            return text, f'YAML programs read an unquoted {text} differently: write a plain decimal number, or "{text}"'
        return text, ""
    if text in _NULLS:
        return None, ""
    if text in _TRUTH:
        return _TRUTH[text], ""
    if len(text) <= 5 and _OTHER_TRUTH.fullmatch(text):
        meant = "true" if text.lower() in ("yes", "on", "true") else "false"
        return text, f'YAML reads an unquoted {text} as {meant}: write {meant}, or "{text}" in quotes for the text'
    return text, ""


class _Open(NamedTuple):
    """A mapping or list that is being read; ``key`` holds the key whose value comes next."""

    node: Node
    anchor: str | None
    key: list[tuple[str, Place]]


class _Builder:
    """Events → tree. Not recursive, so depth is bounded before memory is."""

    def __init__(self, file: str) -> None:
        self.document = Document(file, Node(Place(1, 1)))
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0
        self.total = 0

    def take(self, event: yaml.Event) -> bool:
        """Build one event in; False when reading on is useless."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.CollectionStartEvent):
            return self._begin(event)
        if isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            return self._place(done.node, done.anchor)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._report(_start(event), "a second document begins: expected one in each file")
                return False
        return True

    def _scalar(self, event: yaml.ScalarEvent) -> bool:
        place = _start(event)
        is_key = self._awaits_key()
        value: str | int | bool | None = event.value
        trap = ""
        if event.tag is not None:
            trap = f"the tag {event.tag} is not read here: expected a plain value"
        elif event.implicit[0]:
            value, trap = _resolve(event.value)
        if is_key:
            return self._key(event.value, place, "'<<' merges mappings: write the keys out" if value == "<<" else trap)
        node = Node(place, value)
        placed = self._place(node, event.anchor)
        if trap:
            path = self._path_of(node)
            secret = bool(path) and bool(_SECRET.search(str(path[-1])))
            self._report(place, "expected a secret, as {env: NAME}" if secret else trap, path)
        return placed

    def _key(self, text: str, place: Place, trap: str) -> bool:
        current = self.open[-1]
        if trap:
            merge = text == "<<"
            problem = trap if merge else f'YAML reads an unquoted {text} as no text: write "{text}" in quotes'
            self._report(place, problem, (*self._path(), text))
        elif current.node.fields is not None and text in current.node.fields:
            line = current.node.keys[text].line
            self._report(place, f"given twice, first on line {line}: expected once", (*self._path(), text))
        current.key.append((text, place))
        return True

    def _begin(self, event: yaml.CollectionStartEvent) -> bool:
        place = _start(event)
        if self._awaits_key():
            self._report(place, "a list or mapping as a key: expected a name")
            return False
        if len(self.open) >= DEEPEST:
            self._report(place, f"nested more than {DEEPEST} deep")
            return False
        if event.tag is not None:
            self._report(place, f"the tag {event.tag} is not read here: expected a plain value", self._path())
        node = Node(place)
        if isinstance(event, yaml.MappingStartEvent):
            node.fields = {}
        else:
            node.items = []
        self.open.append(_Open(node, event.anchor, []))
        return True

    def _alias(self, event: yaml.AliasEvent) -> bool:
        place = _start(event)
        known = self.anchors.get(event.anchor or "")
        if self._awaits_key() or known is None:
            self._report(place, f"*{event.anchor} stands for nothing here: expected an anchor before it")
            return False
        copy = Node(place, known.scalar, known.items, known.fields, known.keys, known.size)
        return self._place(copy, None)

    def _place(self, node: Node, anchor: str | None) -> bool:
        """Put a complete node where it belongs."""
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.document.root = node
            return True
        current = self.open[-1]
        current.node.size += node.size
        if current.node.items is not None:
            current.node.items.append(node)
        elif current.node.fields is not None:
            key, place = current.key.pop()
            current.node.fields.setdefault(key, node)
            current.node.keys.setdefault(key, place)
        self.total += 1
        if current.node.size > LARGEST or self.total > LARGEST:
            self._report(node.place, f"more than {LARGEST} values: expected a smaller file, with fewer aliases")
            return False
        return True

    def _awaits_key(self) -> bool:
        return bool(self.open) and self.open[-1].node.fields is not None and not self.open[-1].key

    def _path(self) -> Path:
        """Where the innermost open collection stands."""
        return tuple(self._steps())

    def _steps(self) -> Iterator[str | int]:
        for outer in self.open[:-1]:
            if outer.node.items is not None:
                yield len(outer.node.items)
            else:
                yield outer.key[-1][0]

    def _path_of(self, node: Node) -> Path:
        """Where a node that has just been placed stands."""
        if not self.open:
            return ()
        inner = self.open[-1].node
        if inner.items is not None:
            return (*self._path(), len(inner.items) - 1)
        key = next((key for key, value in reversed((inner.fields or {}).items()) if value is node), None)
        return self._path() if key is None else (*self._path(), key)

    def _report(self, place: Place, message: str, path: Path = ()) -> None:
        self.document.report_at(place, key_text(path), message)


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
