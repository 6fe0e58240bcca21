"""Endpoints: what is up, what is unknown, how slow, how long the certificates last."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.common import (
    OF_ENDPOINT,
    TO_BUSINESS,
    TO_CONTRACTS,
    TO_MONITOR,
    client_variable,
    date_of,
)
from slawatch.exposition.grafana.dashboard import Annotation, Dashboard, Variable
from slawatch.exposition.grafana.look import (
    DATE,
    DEGRADED,
    DOWN,
    QUIET,
    RATE,
    SECONDS,
    STATES,
    UNKNOWN,
    UP,
    state_words,
    steps,
)
from slawatch.exposition.grafana.panels import Panel, Prom, coloured, curves, override, timeline
from slawatch.exposition.grafana.selectors import largest
from slawatch.exposition.grafana.tables import Column, figures, in_colour
from slawatch.exposition.promql import series

_CHOSEN = {"client": "=~$client", "endpoint": "=~$endpoint"}
_KEYS = {"client": "Client", "endpoint": "Endpoint", "probe": "Probe", "site": "Site"}
_WEEK = 7 * 86_400


def endpoints() -> Dashboard:
    """Variables client and endpoint."""
    of_client = series(m.ENDPOINT_KNOWN, {"client": "=~$client"})
    return Dashboard(
        "endpoints",
        "slawatch / Endpoints",
        "What happened, exactly? States, the reasons for unknown time, probes and certificates.",
        [
            ("", [_states(), _unknown()]),
            ("Probes", [_total(), _phases(), _results(), _last()]),
            ("Certificates", [_certificates()]),
        ],
        links=[TO_CONTRACTS, TO_BUSINESS, TO_MONITOR],
        variables=[
            client_variable(m.ENDPOINT_KNOWN),
            Variable("endpoint", "Endpoint", f"label_values({of_client}, endpoint)", every=True),
        ],
        annotations=[
            Annotation(
                "Down",
                f"{largest(('client', 'endpoint'), series(m.ENDPOINT_UP, _CHOSEN))} == 0",
                DOWN,
                "Down",
                "{{client}} {{endpoint}}",
            ),
            Annotation(
                "Blind paths",
                f"{largest(('path',), series(m.PATH_BLIND))} == 1",
                UNKNOWN,
                "Blind",
                "No witness of {{path}} answers",
            ),
        ],
    )


def _states() -> Panel:
    seen = largest(OF_ENDPOINT, f"{series(m.ENDPOINT_UP, _CHOSEN)} + {series(m.ENDPOINT_DEGRADED, _CHOSEN)}")
    unseen = largest(OF_ENDPOINT, f"{series(m.ENDPOINT_KNOWN, _CHOSEN)} == 0")
    return timeline(
        "State",
        "Up, degraded, down, or unknown. Unknown is neither up nor down: its series is absent, and it is drawn from "
        "slawatch_endpoint_known, never as 0. Blank: slawatch itself was not read.",
        [Prom(f"{seen} or ({unseen}) + {STATES['unknown']}", "{{client}} {{endpoint}}")],
        mappings=state_words(),
    )


def _unknown() -> Panel:
    causes = largest((*OF_ENDPOINT, "cause"), series(m.ENDPOINT_UNKNOWN, _CHOSEN))
    return timeline(
        "Why unknown",
        "Each cause of unknown time while it lasts. Empty: everything chosen is known.",
        [Prom(causes, "{{client}} {{endpoint}}: {{cause}}")],
        height=6,
        mappings=[{"type": "value", "options": {"1": {"text": "unknown", "color": UNKNOWN, "index": 0}}}],
    )


def _total() -> Panel:
    total = largest(OF_ENDPOINT, series(m.PROBE_DURATION, {**_CHOSEN, "phase": "total"}))
    return curves(
        "Probe duration",
        "How long the latest probe took in all. A failed probe counts with its timeout.",
        SECONDS,
        [Prom(total, "{{client}} {{endpoint}}")],
        defaults={"min": 0},
        calcs=["lastNotNull", "max"],
    )


def _phases() -> Panel:
    phases = f"avg by (phase) ({series(m.PROBE_DURATION, {**_CHOSEN, 'phase': '!=total'})})"
    return curves(
        "Probe duration by phase",
        "Name, connection, TLS, waiting and whatever else the kind of probe has: the mean over what is chosen. "
        "Choose one endpoint to read it as it is.",
        SECONDS,
        [Prom(phases, "{{phase}}")],
        stacked=True,
        defaults={"min": 0},
        calcs=["lastNotNull", "max"],
    )


def _results() -> Panel:
    rate = f"sum by (result) (rate({series(m.PROBES, _CHOSEN)}[$__rate_interval]))"
    return curves(
        "Probes by result",
        "Probes a second: up, degraded, down, or void, which is a probe that says nothing since slawatch itself was "
        "not well.",
        RATE,
        [Prom(rate, "{{result}}")],
        stacked=True,
        defaults={"min": 0},
        overrides=[
            coloured("up", UP),
            coloured("degraded", DEGRADED),
            coloured("down", DOWN),
            coloured("void", UNKNOWN),
        ],
    )


def _last() -> Panel:
    changed = date_of(m.ENDPOINT_LAST_TRANSITION, OF_ENDPOINT, _CHOSEN)
    return figures(
        "Latest change of state",
        "When the state last changed, dated at the first probe that saw it.",
        _KEYS,
        [
            Column("Changed at", changed, DATE),
            Column(
                "Known", largest(OF_ENDPOINT, series(m.ENDPOINT_KNOWN, _CHOSEN)), "none", in_colour(mappings=_known())
            ),
        ],
        sort="Changed at",
        width=12,
        height=8,
    )


def _known() -> list[dict[str, object]]:
    options = {
        "1": {"text": "known", "color": QUIET, "index": 0},
        "0": {"text": "unknown", "color": UNKNOWN, "index": 1},
    }
    return [{"type": "value", "options": options}]


def _certificates() -> Panel:
    left = f"{largest(OF_ENDPOINT, series(m.TLS_EXPIRY, _CHOSEN))} - time()"
    ends = steps(DOWN, (_WEEK, DEGRADED), (3 * _WEEK, QUIET))
    return figures(
        "Certificates",
        "When the certificate that the latest probe saw expires, and how long that is. Under three weeks, and under "
        "one, it is coloured.",
        _KEYS,
        [
            Column("Expires at", date_of(m.TLS_EXPIRY, OF_ENDPOINT, _CHOSEN), DATE),
            Column("Left", left, SECONDS, in_colour(thresholds=ends)),
        ],
        sort="Left",
        height=8,
        overrides=[override("Endpoint", custom__width=220)],
    )
