"""Every kind of probe by name, read from the folder ``kinds/``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from inspect import getdoc
from types import MappingProxyType, ModuleType

from slawatch.probes import kinds as folder
from slawatch.probes.options import quoted
from slawatch.probes.probe import Kind
from slawatch.runtime.kinds import modules_of


@cache
def kinds() -> Mapping[str, Kind]:
    """Kind by name, in alphabetical order. A module that lacks a part of the contract is an ``AttributeError``."""
    return MappingProxyType({name: _kind(name, module) for name, module in modules_of(folder).items()})


def kind_of_url(url: str) -> Kind:
    """The kind that answers for a URL's scheme; ``ValueError`` names the schemes that there are."""
    scheme, mark, _ = url.partition("://")
    for kind in kinds().values():
        if mark and scheme.lower() in kind.schemes:
            return kind
    known = ", ".join(f"{scheme}://" for kind in kinds().values() for scheme in kind.schemes)
    raise ValueError(f"{quoted(url)} cannot be probed: expected one of {known}")


def _kind(name: str, module: ModuleType) -> Kind:
    return Kind(
        name=name,
        summary=(getdoc(module) or "").partition("\n")[0],
        options=module.Options,
        target=module.target,
        probe=module.probe,
        schemes=tuple(module.SCHEMES),
        reasons=module.REASONS,
    )
