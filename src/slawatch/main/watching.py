"""``slawatch watch``: addresses on the command line → a configuration, a daemon, and a line for every change."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from slawatch.cli.running import WatchRequest
from slawatch.config.configuration import Configuration, EndpointConfig
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box, Outbound
from slawatch.config.outbound import typed
from slawatch.domain.facts import State
from slawatch.domain.interval import to_datetime
from slawatch.evaluation.board import EndpointStatus
from slawatch.main.daemon import Daemon
from slawatch.main.running import run_loop, until_stopped
from slawatch.probes.options import quoted
from slawatch.probes.registry import kind_of_url, kinds
from slawatch.runtime.errors import UsageError
from slawatch.runtime.logs import set_up_logging

_CLIENT = "watch"


def watch(request: WatchRequest) -> int:
    """Monitor addresses until stopped; with ``save`` also write what is watched as configuration."""
    set_up_logging("warning")
    text = client_text(request, datetime.now(UTC))
    client = load_client_text(text, "the addresses given")
    with tempfile.TemporaryDirectory(prefix="slawatch-") as folder:
        database = request.database.absolute() if request.database else Path(folder) / "slawatch.db"
        allow = [entry for endpoint in client.endpoints for entry in _typed(endpoint)]
        outbound = Outbound(allow=list(dict.fromkeys(allow)))
        box = Box(site="here", database=f"sqlite:///{database}", listen=request.listen, outbound=outbound)
        if request.save is not None:
            _save(request, text, outbound.allow)
        return run_loop(until_stopped(lambda: Configuration(box, (client,)), beside=_report))


def _typed(endpoint: EndpointConfig) -> list[str]:
    """Who types an address of this very machine means it: that address and port are let through."""
    return typed(kinds()[endpoint.kind].target(endpoint.target).destination)


def client_text(request: WatchRequest, now: datetime) -> str:
    """The client file that says the same as the command line."""
    names: dict[str, str] = {}
    for url in request.urls:
        name = _name(url, names)
        names[name] = url
    lines = [f"client: {_CLIENT}", "name: Watched from the command line", "timezone: UTC", "", "endpoints:"]
    for name, url in names.items():
        kind, target = _target(url)
        lines.append(f'  {name}: {{probe: {kind}, target: "{target}", every: {request.every}}}')
    lines += ["", "services:"]
    lines += [
        f"  {name}_service: {{kind: network, definition: {_quoted(url)}, up_when: {name}}}"
        for name, url in names.items()
    ]
    lines += ["", "contracts:"]
    period = _period(request.period, now)
    for name in names:
        lines.append(f"  {name}: {{service: {name}_service, standard: {request.standard}, period: {period}}}")
    return "\n".join(lines) + "\n"


def _target(url: str) -> tuple[str, str]:
    try:
        kind = kind_of_url(url)
        rest = url.partition("://")[2]
        target = url if len(kind.schemes) > 1 else rest
        kind.target(target)
    except ValueError as error:
        raise UsageError(f"{quoted(url)}: {error}") from None
    if '"' in target or "\\" in target:
        raise UsageError(f"{quoted(url)}: holds a quotation mark or a backslash: expected an address")
    return kind.name, target


def _quoted(url: str) -> str:
    return '"' + url.replace("\\", "").replace('"', "") + '"'


def _name(url: str, taken: dict[str, str]) -> str:
    """A name for an address: its host, with what a name may not hold left out."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", host).strip("_") or "address"
    name = plain if plain[0].isalpha() else f"{scheme}_{plain}"
    name = name[:48]
    return name if name not in taken else f"{name}_{len(taken) + 1}"


def _period(text: str, now: datetime) -> str:
    words = text.strip().lower()
    if re.fullmatch(r"\d+ (days?|weeks?)", words):
        return f"every {words} from {now.date().isoformat()}"
    return words


def _save(request: WatchRequest, text: str, allow: Sequence[str]) -> None:
    assert request.save is not None
    box, client = request.save / "slawatch.yaml", request.save / "clients" / f"{_CLIENT}.yaml"
    for path in (box, client):
        if path.exists():
            raise UsageError(f"--save: {path} exists: choose another folder")
    database = request.database or request.save.absolute() / "slawatch.db"
    lines = ["site: here", f"database: sqlite:///{database}", f"listen: {request.listen}"]
    if allow:
        lines.append("outbound: {allow: [" + ", ".join(f'"{entry}"' for entry in allow) + "]}")
    try:
        client.parent.mkdir(parents=True, exist_ok=True)
        box.write_text("\n".join(lines) + "\n", encoding="utf-8")
        client.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--save: {error.filename}: {error.strerror}") from None
    sys.stderr.write(f"wrote {box} and {client}; from now on: slawatch run --config {request.save}\n")


async def _report(daemon: Daemon) -> None:
    """Say where to look, then a line for every change of state."""
    host, port = daemon.address
    sys.stderr.write(f"watching {len(daemon.configuration.endpoints)} addresses; look at http://{host}:{port}/\n")
    shown: dict[str, State] = {}
    generation = 0
    while True:
        snapshot = await daemon.board.newer_than(generation)
        generation = snapshot.generation
        for endpoint in snapshot.endpoints:
            if endpoint.last is not None and shown.get(endpoint.key) is not endpoint.state:
                shown[endpoint.key] = endpoint.state
                sys.stdout.write(_line(endpoint) + "\n")
                sys.stdout.flush()


def _line(endpoint: EndpointStatus) -> str:
    last = endpoint.last
    assert last is not None
    when = to_datetime(last.started).strftime("%Y-%m-%d %H:%M:%SZ")
    detail = f": {last.detail}" if last.detail else ""
    took = f"{last.duration / 1000:.1f} ms"
    return f"{when}  {endpoint.state.word:8}  {endpoint.target}  ({last.reason}, {took}{detail})"
