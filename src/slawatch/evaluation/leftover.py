"""What a run that has ended still knew when it was last known to be alive."""

from __future__ import annotations

from collections.abc import Mapping

from slawatch.domain.facts import Change
from slawatch.domain.state_machine import Cadence, expire, resume
from slawatch.evaluation.history_export import Cut
from slawatch.storage.entries import EndpointKey
from slawatch.storage.ledger import Ledger


async def cut_of_ended_run(ledger: Ledger, site: str, cadences: Mapping[EndpointKey, Cadence]) -> Cut | None:
    """Where the latest run of a site ended, and the edge of every endpoint that was known then; None if none ran.

    Where none ran yet, what was imported is known as of the import.
    """
    boot = await ledger.latest_boot(site)
    if boot is None:
        imported = await ledger.imported_at()
        return None if imported is None else Cut(imported)
    edges: dict[str, Change] = {}
    for key, material in (await ledger.resume_materials(list(cadences))).items():
        cadence = cadences[key]
        state = resume(material.changes, material.suspicion, material.last_good, material.last_failed, cadence)
        state, facts = expire(state, boot.alive_until)
        silent = next((fact for fact in facts if isinstance(fact, Change)), None)
        edge = silent or state.closing_edge(boot.alive_until)
        if edge is not None:
            edges[str(key)] = edge
    return Cut(boot.alive_until, edges)
