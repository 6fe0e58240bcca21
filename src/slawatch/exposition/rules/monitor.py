"""Alerts about slawatch itself: whether its figures can be relied upon, and whether alerts arrive at all."""

from __future__ import annotations

from slawatch.exposition import metrics as m
from slawatch.exposition.promql import series
from slawatch.exposition.rules.recordings import LATENESS
from slawatch.exposition.rules.rule import NONE, PAGE, TICKET, Alert

MONITOR_ALERTS = (
    Alert(
        "SlawatchStale",
        f"time() - {series(m.EVALUATION_TIME)} > 60",
        "1m",
        PAGE,
        "slawatch has judged nothing for {{ $value | humanizeDuration }}",
        "Figures that are shown are old, and alerts that rest on them would come too late.",
        "The daemon answers and does not judge, or its clock is behind Prometheus's.",
        "`journalctl -u slawatch`; compare the clocks of both machines.",
    ),
    Alert(
        "SlawatchAbsent",
        f"absent({series(m.EVALUATION_TIME)})",
        "2m",
        PAGE,
        "Prometheus gets nothing from slawatch",
        "It does not run, cannot be reached, or refuses the token.",
        "No other rule of this file can fire now.",
        "`systemctl status slawatch`, then the target's page in Prometheus: it says why a scrape fails.",
    ),
    Alert(
        "SlawatchResolverLost",
        f"max by (site) ({series(m.RESOLVER_UP)}) == 0",
        "1m",
        PAGE,
        "No DNS server of {{ $labels.site }} answers",
        "Nothing is known of endpoints that are given by name.",
        "Our own resolvers are gone. That is nobody's downtime, and nobody's uptime.",
        "`slawatch doctor` asks each of them. Name others under `resolvers` if these stay away.",
    ),
    Alert(
        "SlawatchSpooling",
        f"{series(m.LEDGER_SPOOLING)} == 1",
        "5m",
        TICKET,
        "slawatch's database does not take facts",
        "They wait in the spool on disk, in order, and nothing is lost while that has room.",
        "The database is away, locked or full.",
        "`slawatch doctor` says why. See docs/how-to/when-the-database-is-away.md.",
    ),
    Alert(
        "SlawatchBallastGone",
        f"{series(m.BALLAST)} == 0",
        "",
        PAGE,
        "slawatch's disk is full",
        "The ballast was given up so that facts could still be written. There is no second one.",
        "A full disk took the reserve.",
        "Make room now; the ballast comes back by itself.",
    ),
    Alert(
        "SlawatchObservationsDropped",
        f"increase({series(m.OBSERVATIONS_DROPPED)}[15m]) > 0",
        "",
        TICKET,
        "slawatch has given up {{ $value | humanize }} raw observations",
        "Facts and figures are whole; single probes of that time cannot be shown any more.",
        "The spool had no room for raw observations.",
        "Bring the database back, or give the spool more room.",
    ),
    Alert(
        "SlawatchProbesLate",
        f"{LATENESS} > 1",
        "10m",
        TICKET,
        "One probe in a hundred of {{ $labels.site }} begins {{ $value | humanizeDuration }} late",
        "This machine is too busy for its schedule. Figures stay right, but brackets around outages grow.",
        "There is more to probe than this box can do in time.",
        "Look at its load and at `slawatch_event_loop_lag_seconds`; probe less often, or give it more processor.",
    ),
    Alert(
        "SlawatchConfigurationRefused",
        f"{series(m.CONFIGURATION_OK)} == 0",
        "5m",
        TICKET,
        "slawatch runs on an old configuration",
        "The newest was refused, and the one before it stays in force.",
        "A reload failed.",
        "`slawatch check-config` lists every mistake with its line.",
    ),
    Alert(
        "Watchdog",
        "vector(1)",
        "",
        NONE,
        "The way from Prometheus to you works",
        "It always fires. Send it to something that calls you when it stops.",
        "It fires all the time, to prove that alerts arrive.",
        "Nothing, while it fires. When it is missing, Prometheus or Alertmanager is.",
    ),
)
