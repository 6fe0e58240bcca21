"""That no witness vouches for what it depends on itself: the rules of S15 that hold before anything is probed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from slawatch.config.configuration import EndpointConfig
from slawatch.config.document import Document
from slawatch.config.sentences import suggestion
from slawatch.probes.witness import Witness


def check_witnesses(
    document: Document, witnesses: Mapping[str, Sequence[Witness]], endpoints: Sequence[EndpointConfig]
) -> None:
    """Report, in ``slawatch.yaml``, every witness that would vouch for itself, for an endpoint that it lies behind, or,
    as a gateway, for what is beyond it."""
    known = {endpoint.key: endpoint for endpoint in endpoints}
    for path, hosts in witnesses.items():
        for number, witness in enumerate(hosts):
            place = ("witnesses", path, number)
            if witness.behind is not None and witness.behind not in known:
                document.report(place, f"{witness.behind!r} is no endpoint: {suggestion(witness.behind, known)}")
                continue
            excused = [e for e in endpoints if e.path == path]
            problem = next((text for e in excused if (text := _problem(witness, e, known))), None)
            if problem is not None:
                document.report(place, f"{problem}: expected a witness that answers whatever becomes of that endpoint")


def _problem(witness: Witness, excused: EndpointConfig, known: Mapping[str, EndpointConfig]) -> str | None:
    """Why ``witness`` cannot vouch for ``excused``; None when it can."""
    if excused.address == witness.address:
        return f"{witness} would vouch for itself, as {excused.key}"
    if any(above.address == witness.address for above in _above(excused, known)):
        return f"{witness} is a gateway and would vouch for {excused.key}, which is beyond it"
    depends_on = _depends_on(witness, known)
    if excused.key in depends_on:
        return f"{witness} lies behind {excused.key} and would vouch for it"
    return None


def _depends_on(witness: Witness, known: Mapping[str, EndpointConfig]) -> set[str]:
    """The endpoints that must be up for the witness to answer: by its own word, or as an endpoint's address."""
    found: set[str] = set()
    if witness.behind is not None:
        nearest = known[witness.behind]
        found |= {nearest.key, *(above.key for above in _above(nearest, known))}
    for endpoint in known.values():
        if endpoint.address == witness.address:
            found |= {above.key for above in _above(endpoint, known)}
    return found


def _above(endpoint: EndpointConfig, known: Mapping[str, EndpointConfig]) -> Iterator[EndpointConfig]:
    """What it lies behind, the nearest first. A circle, which is a mistake of its own, is walked once."""
    seen = {endpoint.key}
    current: EndpointConfig | None = endpoint
    while current is not None and current.behind is not None:
        current = known.get(f"{current.client}/{current.behind}")
        if current is None or current.key in seen:
            return
        seen.add(current.key)
        yield current
