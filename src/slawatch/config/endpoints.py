"""The endpoints of a client file: each with the options of its kind of probe, and who lies behind whom."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from pydantic import ValidationError

from slawatch.config.configuration import EndpointConfig
from slawatch.config.document import Document
from slawatch.config.models import Endpoint, Job
from slawatch.config.outbound import denied
from slawatch.config.probe_kinds import check_time, check_way, read_kind, read_options
from slawatch.config.sentences import report_errors, suggestion
from slawatch.config.values import parse_name, shown
from slawatch.domain.grammar import format_duration
from slawatch.domain.interval import SECOND
from slawatch.domain.state_machine import Cadence
from slawatch.probes.options import HostPort
from slawatch.probes.policy import AddressPolicy
from slawatch.probes.probe import Kind

COMMON = tuple(field.alias or name for name, field in Endpoint.model_fields.items())
"""The keys of every endpoint; the others are options of its kind."""

_LONGEST_TIMEOUT = 5 * SECOND
_LONGEST_RETRY = 10 * SECOND
_PRIVATE = [
    ip_network(block)
    for block in (
        [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ]
    )
]
"""RFC 1918, RFC 4193, loopback and link-local."""


def read_endpoints(
    document: Document, client: str, *, for_daemon: bool, policy: AddressPolicy | None = None
) -> dict[str, EndpointConfig]:
    """Every endpoint that is right; what is wrong with the others is in the document's findings.

    With a ``policy``, a target that it would deny for ever is wrong.
    """
    section = document.root.child("endpoints")
    if section is None or section.fields is None:
        return {}
    found = {}
    for name, node in section.fields.items():
        endpoint = _read(document, client, name, node.plain(), policy, for_daemon=for_daemon)
        if endpoint is not None:
            found[name] = endpoint
    _check_references(document, found, section.fields)
    return found


def _read(
    document: Document, client: str, name: str, value: Any, policy: AddressPolicy | None, *, for_daemon: bool
) -> EndpointConfig | None:
    path = ("endpoints", name)
    try:
        parse_name(name)
    except ValueError as problem:
        document.report(path, str(problem), at_key=True)
        return None
    if not isinstance(value, dict):
        document.report(path, f"{shown(value)} stands here: expected a mapping with probe and target")
        return None
    kind = read_kind(document, path, value.get("probe"), for_daemon=for_daemon)
    common = _common(document, path, {key: value[key] for key in COMMON if key in value})
    options, address = None, ""
    if kind is not None:
        own = {key: item for key, item in value.items() if key not in COMMON}
        options = read_options(document, path, kind, own, also=COMMON)
        address = _address(document, path, kind, common, policy) if common else ""
    job = _job(document, path, value) if kind is None else None
    cadence = _cadence(document, path, common) if common else None
    if options is not None and policy is not None:
        check_way(document, path, options, policy)
    if options is not None and cadence is not None:
        check_time(document, path, options, cadence.timeout)
    if common is None or cadence is None or document.has_findings(path):
        return None
    return EndpointConfig(
        client,
        name,
        common.probe,
        common.target,
        options,
        cadence,
        common.path or _way(address),
        common.behind,
        common.formerly,
        job,
        address,
    )


def _common(document: Document, path: tuple[str, str], value: dict[str, Any]) -> Endpoint | None:
    try:
        return Endpoint.model_validate(value)
    except ValidationError as error:
        report_errors(document, path, Endpoint, error)
        return None


def _job(document: Document, path: tuple[str, str], value: dict[str, Any]) -> Job | None:
    """The schedule of an endpoint that hears of a job; None for any other."""
    if "schedule" not in value:
        return None
    try:
        return Job.model_validate({key: value[key] for key in Job.model_fields if key in value})
    except ValidationError as error:
        report_errors(document, path, Job, error)
        return None


def _cadence(document: Document, path: tuple[str, str], common: Endpoint) -> Cadence | None:
    every = common.every
    timeout = min(_LONGEST_TIMEOUT, every) if common.timeout is None else common.timeout
    retry = min(_LONGEST_RETRY, every) if common.retry_every is None else common.retry_every
    sound = True
    for key, length in (("timeout", timeout), ("retry_every", retry)):
        if length > every:
            problem = f"{format_duration(length)} is longer than every: expected at most {format_duration(every)}"
            document.report((*path, key), problem)
            sound = False
    if not timeout:
        document.report((*path, "timeout"), "no time to answer in: expected a duration like 5s")
        sound = False
    return Cadence(every, timeout, retry, common.confirm, common.recover) if sound else None


def _address(
    document: Document, path: tuple[str, str], kind: Kind, common: Endpoint, policy: AddressPolicy | None
) -> str:
    """The literal address in the target, empty where it names a host. A target that is none, or that nobody may ask, is
    a finding."""
    if not common.target:
        document.report((*path, "target"), "missing: expected what to ask, an address or a URL")
        return ""
    try:
        target = kind.target(common.target)
    except ValueError as problem:
        document.report((*path, "target"), str(problem))
        return ""
    where: HostPort = target.destination
    denial = denied(where, policy) if policy else None
    if denial is not None:
        document.report((*path, "target"), denial)
    return where.host.text if where.host.family else ""


def _way(address: str) -> str:
    """The path by the target's address (S15)."""
    return "lan" if address and _is_private(ip_address(address)) else "internet"


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    return any(inner in block for block in _PRIVATE)


def _check_references(document: Document, found: dict[str, EndpointConfig], names: dict[str, Any]) -> None:
    claimed: dict[str, str] = {}
    for name, endpoint in found.items():
        path = ("endpoints", name)
        if endpoint.behind is not None and endpoint.behind not in names:
            hint = suggestion(endpoint.behind, names, without=name)
            document.report((*path, "behind"), f"{endpoint.behind!r} is no endpoint: {hint}")
        old = endpoint.formerly
        if old is None:
            continue
        if old in names:
            document.report(
                (*path, "formerly"), f"{old!r} is still an endpoint: expected a name that is no longer used"
            )
        elif old in claimed:
            document.report((*path, "formerly"), f"{claimed[old]!r} was {old!r} already: expected it once")
        claimed.setdefault(old, name)
    _check_circles(document, found)


def _check_circles(document: Document, found: dict[str, EndpointConfig]) -> None:
    seen: set[str] = set()
    for name in found:
        chain: list[str] = []
        current: str | None = name
        while current is not None and current in found and current not in seen:
            seen.add(current)
            chain.append(current)
            current = found[current].behind
        if current in chain:
            circle = chain[chain.index(current) :]
            words = " -> ".join((*circle, circle[0]))
            document.report(("endpoints", circle[0], "behind"), f"endpoints lie behind one another: {words}")
