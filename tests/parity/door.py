"""Puts rows to the door ``/probe``, served as the daemon serves it, and to one exporter; both answer with metrics."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from parity.both import deadline, modules, their_deadline
from parity.row import Place, Row, placed
from probes.certificates import Authority
from probes.nameservers import Farm
from probes.servers import Servers
from slawatch.domain.interval import SECOND
from slawatch.operations.probe_door import Book, ProbeDoor
from slawatch.operations.probe_modules import Module, built_in
from slawatch.probes.probe import Resources
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from slawatch.web.probe_door import probe_route
from support.blackbox import Blackbox, MakeBlackbox
from support.gate import loopback_allowed
from support.process import free_port
from support.servers import Knot, Nginx, fetch, own_folder

AT_ONCE = 8

BUILT_IN = "built in"
"""Stands in a row's options for the name of a module that is there without being configured."""

PAGES = """\
default_type text/plain;
    location = / { return 200 "Welcome\\n"; }
    location = /moved { return 301 /; }
    location = /chain { return 302 /moved; }
    location = /other-method { return 307 /; }
    location = /missing { return 404 "Nothing\\n"; }
    location = /broken { return 500 "Sorry\\n"; }
    location = /empty { return 204; }
    location = /file { alias %(folder)s/page.html; }
    location = /packed { gzip on; gzip_min_length 1; gzip_types text/plain; alias %(folder)s/page.txt; }
    location = /closes { return 444; }
"""

ZONE = """\
@ SOA ns1.acme.test. admin.acme.test. 2026010101 3600 600 86400 60
@ NS ns1.acme.test.
ns1 A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
six AAAA 2001:db8::1
@ MX 10 mail.acme.test.
mail A 192.0.2.25
alias CNAME www.acme.test.
text TXT "v=spf1 -all"
"""


@dataclass(frozen=True)
class Real(Place):
    """Real servers beside those that a row starts for itself."""

    web: Nginx
    secure: Nginx
    zone: Knot
    modern: int
    """A port at which the one with TLS speaks HTTP/2 as well."""


@contextmanager
def real_servers(folder: Path, authority: Authority) -> Iterator[tuple[Nginx, Nginx, Knot, int]]:
    """A web server in the clear, one with TLS, the name server of ``acme.test``, and a port with HTTP/2."""
    (authority.folder / "page.html").write_text("<h1>Welcome</h1>\n" * 20, encoding="utf-8")
    (authority.folder / "page.txt").write_text("Welcome\n" * 500, encoding="utf-8")
    pages = PAGES % {"folder": authority.folder}
    modern = free_port()
    leaf = authority.leaf("127.0.0.1", "host.example", "www.host.example")
    with (
        Nginx(own_folder(folder, "nginx"), f"listen 127.0.0.1:{modern} ssl http2; {pages}", tls=(leaf, leaf)) as secure,
        Nginx(own_folder(folder, "nginx"), pages, files=authority.folder) as plain,
        Knot(own_folder(folder, "knot"), ZONE) as zone,
    ):
        yield plain, secure, zone, modern


Samples = Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]
"""By metric, by labels."""


@dataclass(frozen=True)
class Told:
    """What one of the two said: samples, and HELP and TYPE by metric."""

    samples: Samples
    heads: Mapping[str, tuple[str, str]]
    text: str

    @property
    def shapes(self) -> set[tuple[str, tuple[tuple[str, ...], ...]]]:
        """Each metric with its label names, and with the phases where it has some."""
        return {(name, tuple(sorted(map(_shape, found)))) for name, found in self.samples.items()}

    def value(self, name: str) -> float | None:
        """The sample of a metric without labels."""
        return self.samples.get(name, {}).get(())


def _shape(labels: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" if name == "phase" else name for name, value in labels)


def read(text: str) -> Told:
    """Samples of the text format."""
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    heads: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            heads.setdefault(name, []).append(f"{word} {rest}")
            continue
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        assert match, line
        labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")
        samples.setdefault(match[1], {})[tuple(labels)] = float(match[3])
    return Told(samples, {name: (lines[0], lines[1]) for name, lines in heads.items()}, text)


@dataclass(frozen=True)
class Both:
    """What both said of a row."""

    ours: Told
    theirs: Told
    words: str
    """What the door says with ``debug=true``, of a row that asks for it."""


def our_modules(rows: Sequence[Row], authority: Authority) -> dict[str, Module]:
    """A module of ours for every row, by the row's number."""
    return {str(number): _module(row, authority) for number, row in enumerate(rows)}


def _module(row: Row, authority: Authority) -> Module:
    ask = row.ask
    if BUILT_IN in ask.options:
        return replace(built_in()[ask.options[BUILT_IN]], timeout=deadline(row))
    options: Any = kinds()[ask.kind].options.model_validate(placed(ask.options, authority))
    name = ask.target.partition("/")[2] if ask.kind == "dns" else ""
    return Module(ask.kind, options, deadline(row), name)


async def put_to_door(
    rows: Sequence[Row], make: MakeBlackbox, authority: Authority, folder: Path, debugged: Sequence[Row] = ()
) -> dict[str, Both]:
    """Every row, several at a time; ``debugged`` ones once more for their words."""
    exporter = make(modules(rows, authority), [authority.folder])
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        plain, secure, zone, modern = stack.enter_context(real_servers(folder, authority))
        farm = Farm()
        stack.callback(_stop, farm)
        servers = await stack.enter_async_context(Servers())
        resources = await stack.enter_async_context(
            Resources(clock, resolver=Resolver(clock, (), Path("/dev/null")), policy=loopback_allowed())
        )
        client = await stack.enter_async_context(_served(our_modules(rows, authority), resources))
        place = Real(servers, farm, authority, plain, secure, zone, modern)
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, row: Row) -> Both:
            async with turn, asyncio.timeout(60):
                where = await row.serve(place)
                where = f"127.0.0.1:{where}" if isinstance(where, int) else where
                question = {"target": row.ask.theirs.format(where), "module": str(number)}
                async with client.get("/probe", params=question) as answer:
                    ours = await answer.text()
                    assert answer.status == 200, ours
                words = ""
                if row in debugged:
                    async with client.get("/probe", params={**question, "debug": "true"}) as answer:
                        words = await answer.text()
                theirs = await asyncio.to_thread(_theirs, exporter, row, question)
                return Both(read(ours), read(theirs), words)

        async with asyncio.TaskGroup() as group:
            seen = {str(row): group.create_task(one(number, row)) for number, row in enumerate(rows)}
    return {name: task.result() for name, task in seen.items()}


def _stop(farm: Farm) -> None:
    for server in farm.servers:
        server.stop()


def _theirs(exporter: Blackbox, row: Row, question: Mapping[str, str]) -> str:
    url = exporter.probe_url(question["target"], question["module"])
    return fetch(url, their_deadline(row) / SECOND + 5)


def _served(found: Mapping[str, Module], resources: Resources) -> TestClient[web.Request, web.Application]:
    """The route alone, as the daemon's application has it."""
    page = Book({}, found, any_target=True)

    async def book() -> Book:
        return page

    app = web.Application()
    app.add_routes([probe_route(ProbeDoor(book, resources))])
    return TestClient(TestServer(app, host="127.0.0.1"))
