"""``blackbox.yml``: a module of blackbox_exporter and a target make an endpoint.

Its keys are those of ``CONFIGURATION.md`` in the repository prometheus/blackbox_exporter (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import MINUTE, SECOND, Duration
from slawatch.moving.carried import Carried, pace, without_login
from slawatch.runtime.errors import InputError, UsageError

Row = Mapping[str, Any]


def read_modules(path: Path) -> Mapping[str, Row]:
    """The modules by name."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    modules = document.get("modules") if isinstance(document, dict) else None
    if not isinstance(modules, dict) or not all(isinstance(each, dict) for each in modules.values()):
        raise InputError(f"{path}: has no modules: expected a configuration of blackbox_exporter")
    return modules


def read_configuration(path: Path, targets: Sequence[str]) -> list[Carried]:
    """An endpoint of each ``MODULE=TARGET``."""
    modules, found = read_modules(path), []
    for text in targets:
        module, mark, target = text.partition("=")
        if not (module and mark and target):
            raise UsageError(f"--target: {text!r}: expected MODULE=TARGET, as http_2xx=https://acme.example/")
        if module not in modules:
            raise UsageError(f"--target: there is no module {module!r} in {path}: it has {', '.join(modules)}")
        found.append(_carried(module, modules[module], target))
    return found


def _carried(name: str, module: Row, target: str) -> Carried:
    prober = str(module.get("prober"))
    settings = module.get(prober) or {}
    make = {"http": _http, "tcp": _tcp, "icmp": _icmp, "dns": _dns}.get(prober)
    title = f"{without_login(target)[0]} ({name})"
    if make is None:
        return Carried(title, {}, (f"the prober {prober} has no counterpart here",))
    options, known = make(settings, target)
    notes = tuple(f"{prober}.{key} is not carried over" for key in settings if key not in known)
    timeout = _duration(module.get("timeout"), 10 * SECOND)
    return Carried(title, {**options, **pace(MINUTE, timeout, 1, 10 * SECOND)}, notes)


def _duration(text: object, otherwise: Duration) -> Duration:
    try:
        return parse_duration(str(text)) if text else otherwise
    except ValueError:
        return otherwise


def _http(settings: Row, target: str) -> tuple[dict[str, Any], set[str]]:
    expect: dict[str, Any] = {"status": list(settings.get("valid_status_codes") or ["200-299"])}
    patterns = settings.get("fail_if_body_not_matches_regexp") or []
    known = {"valid_status_codes", "method", "preferred_ip_protocol", "ip_protocol_fallback"}
    if len(patterns) == 1:
        expect["regex"] = str(patterns[0])
        known.add("fail_if_body_not_matches_regexp")
    url, _ = without_login(target if "://" in target else f"http://{target}")
    options: dict[str, Any] = {"probe": "http", "target": url, "expect": expect}
    if settings.get("method", "GET") != "GET":
        options["method"] = str(settings["method"])
    if settings.get("follow_redirects") is False:
        known.add("follow_redirects")
    if settings.get("fail_if_not_ssl") and url.startswith("https://"):
        known.add("fail_if_not_ssl")
    return options, known


def _tcp(settings: Row, target: str) -> tuple[dict[str, Any], set[str]]:
    options: dict[str, Any] = {"probe": "tcp", "target": target}
    steps: list[dict[str, Any]] = []
    for each in settings.get("query_response") or ():
        if each.get("expect"):
            steps.append({"expect": str(each["expect"])})
        if each.get("send"):
            steps.append({"send": f"{each['send']}\\n"})
        if each.get("starttls"):
            steps.append({"starttls": True})
    if steps:
        options["steps"] = steps
    if settings.get("tls"):
        options["tls_from_start"] = True
    return options, {"query_response", "tls", "preferred_ip_protocol", "ip_protocol_fallback"}


def _icmp(settings: Row, target: str) -> tuple[dict[str, Any], set[str]]:
    options: dict[str, Any] = {"probe": "icmp", "target": target}
    for theirs, ours in (("payload_size", "size"), ("ttl", "ttl"), ("dont_fragment", "dont_fragment")):
        if theirs in settings:
            options[ours] = settings[theirs]
    return options, {"payload_size", "ttl", "dont_fragment", "preferred_ip_protocol", "ip_protocol_fallback"}


def _dns(settings: Row, target: str) -> tuple[dict[str, Any], set[str]]:
    options: dict[str, Any] = {"probe": "dns", "target": f"{target}/{settings.get('query_name', '')}".rstrip(".")}
    options["type"] = str(settings.get("query_type", "ANY"))
    codes = settings.get("valid_rcodes") or ["NOERROR"]
    known = {"query_name", "query_type", "preferred_ip_protocol", "ip_protocol_fallback"}
    if len(codes) == 1:
        options["expect"] = {"rcode": str(codes[0])}
        known.add("valid_rcodes")
    if "recursion_desired" in settings:
        options["recursion"] = bool(settings["recursion_desired"])
        known.add("recursion_desired")
    if settings.get("transport_protocol") == "tcp":
        options["transport"] = "tcp"
    return options, known | {"transport_protocol"}
