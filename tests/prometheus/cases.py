"""For each alert, a story in which it fires and clears: what Prometheus sees, and what must be said.

Stories begin at the epoch, so ``time()`` is the number of seconds since. A minute is one sample; ``1x9`` is a one and
nine more of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CONTRACT = 'client="acme",service="network",contract="network"'
ENDPOINT = 'client="acme",endpoint="website",probe="http",site="hq"'
OF_CONTRACT = {"client": "acme", "service": "network", "contract": "network"}
OF_ENDPOINT = {"client": "acme", "endpoint": "website", "probe": "http", "site": "hq"}


@dataclass(frozen=True)
class Case:
    """Quiet at ``before`` and at ``clears``, firing at ``fires`` (all in minutes), then saying ``summary``."""

    alert: str
    series: Mapping[str, str]
    before: int | None
    fires: int
    clears: int | None
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    """Where it is a template; else it is the rule's own text."""


def risk(level: str) -> str:
    return f'slawatch_sla_risk{{{CONTRACT},level="{level}"}}'


def burning(long: str, short: str) -> dict[str, str]:
    """Burns at 7 over both windows from minute 5 to 9; the long window alone goes on."""
    return {
        f'slawatch_sla_burn_rate{{{CONTRACT},window="{long}"}}': "0x4 7x20",
        f'slawatch_sla_burn_rate{{{CONTRACT},window="{short}"}}': "0x4 7x4 0x20",
        f'slawatch_sla_burn_threshold{{{CONTRACT},window="{long}",short="{short}"}}': "6.72x30",
        # Another contract's lower threshold is nothing to this one, nor this one's for another window.
        f'slawatch_sla_burn_threshold{{client="b",service="w",contract="w",window="{long}",short="{short}"}}': "1x30",
        f'slawatch_sla_burn_threshold{{{CONTRACT},window="12h",short="{long}"}}': "1x30",
    }


def burns(long: str, short: str) -> str:
    return f"Downtime within {long} and within {short} is more than 6.72 times what the standard allows in such a time."


CASES = [
    Case(
        "SlaAtRisk",
        {risk("at_risk"): "0x4 1x10 0x20", risk("on_track"): "1x4 0x10 1x20"},
        before=9,  # at risk since minute 5: not yet for five minutes
        fires=10,
        clears=16,
        summary="acme/network is at risk",
        labels=OF_CONTRACT | {"level": "at_risk"},
    ),
    Case(
        "SlaBreaching",
        {
            f"slawatch_sla_breach_timestamp_seconds{{{CONTRACT}}}": "_x4 4500x10 _x5 stale",
            risk("breaching"): "0x4 1x10 0x20",
        },
        before=4,
        fires=15,  # 4,500 s - 15 x 60 s = 3,600 s
        clears=16,
        summary="acme/network breaches in 1h 0m 0s if its outage goes on",
        labels=OF_CONTRACT,
    ),
    Case(
        "SlaLost",
        {risk("lost"): "0x4 1x10 0x20"},
        before=4,
        fires=5,
        clears=16,
        summary="acme/network is lost for this period",
        labels=OF_CONTRACT | {"level": "lost"},
    ),
    Case(
        "SlaCoverageLow",
        {
            f"slawatch_sla_coverage_ratio{{{CONTRACT}}}": "0.97x4 0.9x20 0.96x9",
            f"slawatch_sla_coverage_floor_ratio{{{CONTRACT}}}": "0.95x60",
        },
        before=19,
        fires=20,
        clears=26,
        summary="acme/network: only 90% of its time is measured",
        labels=OF_CONTRACT,
    ),
    Case(
        "SlaReviewOverdue",
        {f"slawatch_review_overdue_seconds{{{CONTRACT}}}": "0+60x20 0x9"},
        before=15,  # 900 s: a quarter of an hour is left to whoever is on the way
        fires=16,
        clears=22,
        summary="acme/network: a review is overdue by 16m 0s",
        labels=OF_CONTRACT,
    ),
    Case(
        "SlaBurningFast",
        burning("1h", "5m"),
        before=4,
        fires=5,
        clears=10,  # the short window is quiet again
        summary="acme/network: its budget burns too fast",
        labels=OF_CONTRACT | {"window": "1h", "short": "5m"},
        description=burns("1h", "5m"),
    ),
    Case(
        "SlaBurningSlowly",
        burning("1d", "2h"),
        before=4,
        fires=5,
        clears=10,
        summary="acme/network: its budget burns too fast",
        labels=OF_CONTRACT | {"window": "1d", "short": "2h"},
        description=burns("1d", "2h"),
    ),
    Case(
        "SlawatchEndpointDown",
        {f"slawatch_endpoint_up{{{ENDPOINT}}}": "1x4 0x9 1x9"},
        before=5,
        fires=6,
        clears=15,
        summary="acme/website is down",
        labels=OF_ENDPOINT,
    ),
    Case(
        "SlawatchEndpointUnknown",
        {f"slawatch_endpoint_known{{{ENDPOINT}}}": "1x4 0x19 1x9"},
        before=14,
        fires=15,
        clears=25,
        summary="Nothing is known of acme/website",
        labels=OF_ENDPOINT,
    ),
    Case(
        "SlawatchCertificateExpires",
        {
            # A fortnight is 1,209,600 s: at minute 5 (300 s) this certificate has that and no second more.
            f"slawatch_tls_certificate_expiry_timestamp_seconds{{{ENDPOINT}}}": "1209900x90 9000000x30",
        },
        before=65,
        fires=66,  # below a fortnight since minute 6, for an hour; 1,209,900 s - 3,960 s = 13 d 22 h 59 m
        clears=91,
        summary="The certificate of acme/website expires in 13d 22h 59m 0s",
        labels=OF_ENDPOINT,
    ),
    Case(
        "SlawatchCertificateExpiresSoon",
        {f"slawatch_tls_certificate_expiry_timestamp_seconds{{{ENDPOINT}}}": "259500x9 9000000x30"},
        before=5,
        fires=6,  # three days are 259,200 s; 259,500 s - 360 s = 2 d 23 h 59 m
        clears=10,
        summary="The certificate of acme/website expires in 2d 23h 59m 0s",
        labels=OF_ENDPOINT,
    ),
    Case(
        "SlawatchPathBlind",
        {'slawatch_path_blind{path="internet"}': "0x4 1x9 0x9"},
        before=5,
        fires=6,
        clears=15,
        summary="No witness of the path internet answers",
        labels={"path": "internet"},
    ),
    Case(
        "SlawatchStale",
        {"slawatch_evaluation_timestamp_seconds": "0 60 120 180 240 240x9 840+60x20"},
        before=6,  # 360 s - 240 s > 60 s, for the first time
        fires=7,  # 420 s - 240 s
        clears=16,
        summary="slawatch has judged nothing for 3m 0s",
    ),
    Case(
        "SlawatchAbsent",
        {"slawatch_evaluation_timestamp_seconds": "0 60 120 stale _x9 840+60x20"},
        before=4,
        fires=5,
        clears=14,
        summary="Prometheus gets nothing from slawatch",
    ),
    Case(
        "SlawatchResolverLost",
        {
            'slawatch_resolver_up{server="192.0.2.53",site="hq"}': "1x4 0x9 1x9",
            'slawatch_resolver_up{server="192.0.2.54",site="hq"}': "0x2 1x2 0x20",  # one of two is no loss
        },
        before=6,
        fires=7,
        clears=15,
        summary="No DNS server of hq answers",
        labels={"site": "hq"},
    ),
    Case(
        "SlawatchSpooling",
        {"slawatch_ledger_spooling": "0x4 1x9 0x9"},
        before=9,
        fires=10,
        clears=15,
        summary="slawatch's database does not take facts",
    ),
    Case(
        "SlawatchBallastGone",
        {"slawatch_ballast_present": "1x4 0x4 1x9"},
        before=4,
        fires=5,
        clears=10,
        summary="slawatch's disk is full",
    ),
    Case(
        "SlawatchObservationsDropped",
        {"slawatch_observations_dropped_total": "0x19 2000x60"},
        before=19,
        fires=25,
        clears=40,
        summary="slawatch has given up 2k raw observations",
    ),
    Case(
        "SlawatchProbesLate",
        {
            # Half of the probes begin within half a second, the other half between one second and five: the 99th of a
            # hundred lies at 1 + 4 x (99 - 50) / 50 = 4.92 s.
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="0.5"}': "0+50x60",
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="1"}': "0+50x20 1050+100x40",
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="5"}': "0+100x60",
            'slawatch_probe_lateness_seconds_bucket{site="hq",le="+Inf"}': "0+100x60",
        },
        before=10,
        fires=12,
        clears=30,
        summary="One probe in a hundred of hq begins 4.92s late",
        labels={"site": "hq"},
    ),
    Case(
        "SlawatchConfigurationRefused",
        {"slawatch_configuration_last_reload_successful": "1x4 0x9 1x9"},
        before=9,
        fires=10,
        clears=15,
        summary="slawatch runs on an old configuration",
    ),
    Case("Watchdog", {}, before=None, fires=0, clears=None, summary="The way from Prometheus to you works"),
]
"""Watchdog never clears: that it is missing is what it says."""
