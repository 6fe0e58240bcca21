"""What another monitor watched, as endpoints of a client file: commented, and accepted by ``check-config``.

What has no counterpart here is named with its reason, in the file and to whoever asked; nothing is dropped in silence,
and no secret is copied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from slawatch.config.newclient import identifier_of
from slawatch.domain.grammar import format_duration
from slawatch.domain.interval import SECOND, Duration


@dataclass(frozen=True, slots=True)
class Carried:
    """One endpoint. ``notes`` say what could not be carried over; without ``options`` nothing could."""

    name: str
    """As the other monitor calls it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def endpoint_names(names: Sequence[str]) -> list[str]:
    """Names of endpoints that these suggest, no two alike."""
    made: list[str] = []
    for name in names:
        stem = _identifier(name)
        number = 2
        made.append(stem)
        while made[-1] in made[:-1]:
            made[-1] = f"{stem}_{number}"
            number += 1
    return made


def _identifier(name: str) -> str:
    try:
        found = identifier_of(name).replace("-", "_")
    except ValueError:
        return "endpoint"
    return found if found[0].isalpha() else f"e_{found}"


def without_login(url: str) -> tuple[str, tuple[str, ...]]:
    """A URL without the user and password in it, and a note where it had some."""
    parts = urlsplit(url)
    login, mark, place = parts.netloc.rpartition("@")
    if not (mark and login):
        return url, ()
    return urlunsplit(parts._replace(netloc=place)), ("the login in its URL is not copied: name it under auth",)


def harmless(words: str) -> str:
    """What another monitor wrote down of a failure: without control characters, and of a URL no more than its scheme,
    since the rest may hold secrets."""
    printable = re.sub(r"[^\x20-\x7e\xa0-\uffff]", " ", words)
    return re.sub(r"(\w+://)[^\s'\"]+", r"\1…", printable)[:200]


def pace(every: Duration, timeout: Duration, retries: int, retry: Duration) -> dict[str, Any]:
    """How often it is asked; lengths in microseconds, at least a second each."""
    every = max(every, SECOND)
    options: dict[str, Any] = {"every": length(every), "timeout": length(min(max(timeout, SECOND), every))}
    options["confirm"] = retries + 1
    if retries:
        options["retry_every"] = length(min(max(retry or every, SECOND), every))
    return options


def length(duration: Duration) -> str:
    """A length as a configuration writes it."""
    return format_duration(duration)


def client_file(client: str, source: str, carried: Iterable[Carried]) -> str:
    """The text of ``clients/<client>.yaml``."""
    found = list(carried)
    lines = [
        f"# Brought along from {source}. Read it before it counts: what a comment says of an endpoint could not be",
        "# carried over. Services and contracts are yours to add; `slawatch new client` shows some.",
        f"client: {client}",
        "endpoints:",
    ]
    for name, each in zip(endpoint_names([each.name for each in found]), found, strict=True):
        lines += [f"  # {_one_line(each.name)}", *(f"  #   {_one_line(note)}" for note in each.notes)]
        options = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in each.options.items())
        lines.append(f"  {name}: {{{options}}}" if each.options else f"  # {name}: left out")
    if not any(each.options for each in found):
        lines[3] = "endpoints: {}"
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())
