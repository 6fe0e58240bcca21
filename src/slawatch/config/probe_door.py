"""The modules of ``/probe`` in ``slawatch.yaml``: each a kind of probe with its options."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from slawatch.config.document import Document
from slawatch.config.door_models import ProbeModule
from slawatch.config.probe_kinds import check_time, check_way, read_kind, read_options
from slawatch.config.sentences import report_errors
from slawatch.config.values import shown
from slawatch.domain.terms_reading import Path
from slawatch.operations.probe_door import USUAL
from slawatch.operations.probe_modules import Module
from slawatch.probes.policy import AddressPolicy
from slawatch.probes.registry import kinds

COMMON = tuple(ProbeModule.model_fields)
"""The keys of every module; the others are options of its kind."""


def read_modules(document: Document, policy: AddressPolicy | None) -> dict[str, Module]:
    """Every module that is right; what is wrong with the others is in the document's findings.

    With a ``policy``, a proxy that it would deny for ever is wrong.
    """
    door = document.root.child("probe_door")
    section = door.child("modules") if door else None
    found = {}
    for name, node in (section.fields or {}).items() if section else ():
        module = _read(document, ("probe_door", "modules", name), node.plain(), policy)
        if module is not None:
            found[name] = module
    return found


def _read(document: Document, path: Path, value: Any, policy: AddressPolicy | None) -> Module | None:
    if not isinstance(value, dict):
        document.report(path, f"{shown(value)} stands here: expected a mapping with probe and its options")
        return None
    common = _common(document, path, {key: value[key] for key in COMMON if key in value})
    kind = read_kind(document, path, value.get("probe"), for_daemon=True)
    if kind is None:
        return None
    own = {key: item for key, item in value.items() if key not in COMMON}
    options = read_options(document, path, kind, own, also=COMMON)
    if common is not None:
        _check_query(document, path, common)
    if options is not None and common is not None:
        check_time(document, path, options, common.timeout or USUAL)
    if options is not None and policy is not None:
        check_way(document, path, options, policy)
    if options is None or common is None or document.has_findings(path):
        return None
    return Module(kind.name, options, common.timeout, common.query_name)


def _common(document: Document, path: Path, value: dict[str, Any]) -> ProbeModule | None:
    try:
        return ProbeModule.model_validate(value)
    except ValidationError as error:
        report_errors(document, path, ProbeModule, error)
        return None


def _check_query(document: Document, path: Path, common: ProbeModule) -> None:
    where = (*path, "query_name")
    if common.probe != "dns":
        if common.query_name:
            document.report(where, "only dns asks for a name: expected none here", at_key=True)
    elif not common.query_name:
        document.report(where, "missing: expected the name that is asked for, as host.example")
    else:
        try:
            kinds()["dns"].target(f"192.0.2.53/{common.query_name}")
        except ValueError as problem:
            document.report(where, str(problem))
