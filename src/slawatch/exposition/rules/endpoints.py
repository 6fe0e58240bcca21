"""Alerts about endpoints, and about the ways to them."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.promql import series
from slawatch.exposition.rules.rule import PAGE, TICKET, Alert

WHICH = "{{ $labels.client }}/{{ $labels.endpoint }}"

ENDPOINT_ALERTS = (
    Alert(
        "SlawatchEndpointDown",
        f"{series(m.ENDPOINT_UP)} == 0",
        "1m",
        TICKET,
        f"{WHICH} is down",
        "The failure is confirmed, and slawatch itself was well when it saw it.",
        "An endpoint is down. Whether that costs anything, its contracts' own alerts say.",
        "`slawatch probe CLIENT/ENDPOINT` asks it once more and names the reason, with each phase.",
    ),
    Alert(
        "SlawatchEndpointUnknown",
        f"{series(m.ENDPOINT_KNOWN)} == 0",
        "10m",
        TICKET,
        f"Nothing is known of {WHICH}",
        "Its time counts as unknown: neither up nor down, and less of its period is covered.",
        "slawatch could not judge for ten minutes. `slawatch_endpoint_unknown` has the cause.",
        "`slawatch probe CLIENT/ENDPOINT` and `slawatch doctor` say what is missing: rights, a name server, a way.",
    ),
    Alert(
        "SlawatchCertificateExpires",
        f"{series(m.TLS_EXPIRY)} - time() < 14 * 86400",
        "1h",
        TICKET,
        f"The certificate of {WHICH} expires in {{{{ $value | humanizeDuration }}}}",
        "When it has expired, every verified probe of it is down.",
        "A certificate that a probe saw ends within a fortnight.",
        "Renew it; if that is automatic, find out why it has not happened yet. Then `slawatch probe CLIENT/ENDPOINT`.",
    ),
    Alert(
        "SlawatchCertificateExpiresSoon",
        f"{series(m.TLS_EXPIRY)} - time() < 3 * 86400",
        "",
        PAGE,
        f"The certificate of {WHICH} expires in {{{{ $value | humanizeDuration }}}}",
        "When it has expired, every verified probe of it is down.",
        "The same, and within three days.",
        "Renew it now.",
    ),
    Alert(
        "SlawatchPathBlind",
        f"{series(m.PATH_BLIND)} == 1",
        "1m",
        PAGE,
        "No witness of the path {{ $labels.path }} answers",
        "Failures on it say nothing about the endpoints behind it, and count as unknown.",
        "The way out is gone, as far as the witnesses tell: our line, our router, or the witnesses themselves.",
        "Look at our own line first. Everything on that path is unknown until a witness answers.",
    ),
)
