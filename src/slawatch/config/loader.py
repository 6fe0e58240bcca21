"""The configuration of a box: ``slawatch.yaml`` and the files of its clients, read and checked as a whole."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from pydantic import ValidationError

from slawatch.config.clients import read_client
from slawatch.config.configuration import ClientConfig, Configuration
from slawatch.config.document import Document, Node, Place, parse
from slawatch.config.models import Box
from slawatch.config.outbound import idle_entries, policy_of
from slawatch.config.probe_door import read_modules
from slawatch.config.schema import json_schema
from slawatch.config.sentences import report_errors
from slawatch.config.vouching import check_witnesses
from slawatch.probes.options import split_port
from slawatch.probes.policy import AddressPolicy
from slawatch.runtime.errors import ConfigurationError, Finding

__all__ = ["json_schema", "load", "load_client", "load_client_text", "render_findings"]

FILE_NAME = "slawatch.yaml"
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes in one file."""

NOT_YET = {
    "notify": "this version cannot send notifications yet: leave the key out",
}
"""Keys of ``slawatch.yaml`` that a later version will read, each with the sentence that refuses it."""


def load(path: Path, *, for_daemon: bool = True) -> Configuration:
    """The configuration in a folder, or of one ``slawatch.yaml``.

    ``ConfigurationError`` lists every mistake in every file. With ``for_daemon`` what only ``slawatch evaluate`` can
    judge is one.
    """
    file = path / FILE_NAME if path.is_dir() else path
    document = _document(file)
    findings = document.findings
    box = None if findings and document.root.fields is None else _box(document)
    clients = _clients(document, file, box, for_daemon=for_daemon) if box else []
    modules = read_modules(document, _policy(document, box, for_daemon=for_daemon)) if box else {}
    if box is not None:
        check_witnesses(document, box.witnesses, [e for _, client in clients if client for e in client.endpoints])
    for client in clients:
        findings += client[0].findings
    findings += [finding for finding in document.findings if finding not in findings]
    if findings or box is None:
        raise ConfigurationError(findings)
    return Configuration(box, tuple(config for _, config in clients if config is not None), modules)


def load_client(path: Path, *, for_daemon: bool = False) -> ClientConfig:
    """One client file alone, as ``slawatch evaluate`` reads it; ``ConfigurationError`` lists every mistake."""
    document = _document(path)
    client = _client(document, for_daemon=for_daemon)
    if client is None:
        raise ConfigurationError(document.findings)
    return client


def load_client_text(text: str, file: str = "client.yaml", *, for_daemon: bool = True) -> ClientConfig:
    """A client file that is not on disk; ``file`` is what findings call it."""
    document = parse(text, file)
    client = _client(document, for_daemon=for_daemon)
    if client is None:
        raise ConfigurationError(document.findings)
    return client


def render_findings(findings: Iterable[Finding]) -> str:
    """A line for each mistake, sorted by place: ``file:line:column: key: what is wrong, and what is expected``."""
    return "\n".join(map(str, sorted(findings)))


def _document(file: Path) -> Document:
    """The parsed file. That it cannot be read is a finding like any other."""
    empty = Document(str(file), Node(Place(0, 0)))
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        empty.report_at(Place(0, 0), "file", f"cannot be read ({reason}): expected a readable file")
        return empty
    if len(raw) > LARGEST_FILE:
        empty.report_at(Place(0, 0), "file", f"expected at most {LARGEST_FILE} bytes")
        return empty
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8")
        place = Place(good.count("\n") + 1, len(good) - (good.rfind("\n") + 1) + 1)
        empty.report_at(place, "file", "no UTF-8 here: expected text in UTF-8")
        return empty
    return parse(text, str(file))


def _client(document: Document, *, for_daemon: bool, policy: AddressPolicy | None = None) -> ClientConfig | None:
    if document.findings and document.root.fields is None:
        return None
    return read_client(document, for_daemon=for_daemon, policy=policy)


def _box(document: Document) -> Box | None:
    """The box, or one with the defaults of what is wrong, so that the clients are read too."""
    if document.root.fields is None and document.root.scalar is not None:
        document.report((), "expected a mapping with keys like site and database")
        return Box()
    plain = {key: node.plain() for key, node in (document.root.fields or {}).items()}
    try:
        box = Box.model_validate(plain)
    except ValidationError as error:
        report_errors(document, (), Box, error, not_yet=NOT_YET)
        wrong = {str(details["loc"][0]) for details in error.errors()}
        kept = {key: value for key, value in plain.items() if key not in wrong}
        box = Box.model_validate(kept)
    _check_access(document, box)
    for index in idle_entries(box):
        problem = "nothing is denied there, so it opens nothing: expected an address that is denied, or a port of ours"
        document.report(("outbound", "allow", index), problem)
    return box


def _check_access(document: Document, box: Box) -> None:
    if box.access == "users":
        document.report(("access",), "this version knows no users yet: expected open, with listen on loopback")
    host, _ = split_port(box.listen)
    if not ip_address(host.strip("[]")).is_loopback:
        problem = "others could read without signing in (access: open): expected a loopback address, as 127.0.0.1:9797"
        document.report(("listen",), problem)


def _policy(document: Document, box: Box, *, for_daemon: bool) -> AddressPolicy | None:
    return None if not for_daemon or document.has_findings(("outbound",)) else policy_of(box)


def _clients(
    document: Document, file: Path, box: Box, *, for_daemon: bool
) -> list[tuple[Document, ClientConfig | None]]:
    pattern = box.clients if Path(box.clients).is_absolute() else str(Path(glob.escape(str(file.parent))) / box.clients)
    files = sorted(glob.glob(pattern))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not files:
        document.report(("clients",), f"no file matches {box.clients}: expected at least one client file")
    policy = _policy(document, box, for_daemon=for_daemon)
    read: list[tuple[Document, ClientConfig | None]] = []
    owners: dict[str, str] = {}
    for name in files:
        client = _document(Path(name))
        config = _client(client, for_daemon=for_daemon, policy=policy)
        read.append((client, config))
        node = client.root.child("client")
        if node is None or not isinstance(node.scalar, str):
            continue
        if node.scalar in owners:
            problem = f"{node.scalar!r} is already the client of {owners[node.scalar]}: expected another name"
            client.report(("client",), problem)
        owners.setdefault(node.scalar, name)
    return read
