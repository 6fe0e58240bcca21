"""The monitor itself: can its word be trusted now?"""

from __future__ import annotations

from collections.abc import Sequence

from slawatch.exposition import metrics as m
from slawatch.exposition.grafana.dashboard import Dashboard, Variable
from slawatch.exposition.grafana.look import (
    BYTES,
    COUNT,
    DEGRADED,
    DOWN,
    QUIET,
    RATE,
    SECONDS,
    UNKNOWN,
    UP,
    Json,
    steps,
    words,
    yes_no,
)
from slawatch.exposition.grafana.panels import (
    Panel,
    Prom,
    coloured,
    curves,
    figure,
    heatmap,
    thresholds_shown,
    timeline,
)
from slawatch.exposition.grafana.selectors import largest
from slawatch.exposition.grafana.tables import Column, figures
from slawatch.exposition.metrics import Metric
from slawatch.exposition.promql import buckets, series

_HERE = {"site": "=~$site"}
_RATE = "[$__rate_interval]"


def monitor() -> Dashboard:
    """Variable site: the vantage point."""
    return Dashboard(
        "monitor",
        "slawatch / Monitor",
        "Can slawatch's word be trusted now? Its own punctuality, ledger, resolvers, paths and configuration.",
        [
            ("", [*_now(), _about()]),
            ("Punctuality", [_heat(), _quantiles(), _lag(), _missed()]),
            ("Ledger", [_queue(), _commits(), _spool(), _losses()]),
            ("What it asks the world by", [_resolvers(), _answers(), _questions(), _paths()]),
            ("What Prometheus is given", [_series()]),
        ],
        variables=[Variable("site", "Site", f"label_values({series(m.BUILD_INFO)}, site)", every=True)],
        since="now-6h",
    )


def _now() -> list[Panel]:
    age = f"time() - max({series(m.EVALUATION_TIME)})"
    return [
        _word(
            "Configuration",
            "Whether the newest configuration is in force.",
            m.CONFIGURATION_OK,
            yes_no(("in force", QUIET), ("refused", DOWN)),
        ),
        figure(
            "Configurations taken up",
            "How many configurations have been in force since the daemon started.",
            COUNT,
            f"max({series(m.CONFIGURATION_GENERATION)})",
        ),
        figure(
            "Latest judgement",
            "How long ago slawatch last judged. From a minute on its figures are old.",
            SECONDS,
            age,
            defaults={"thresholds": steps(QUIET, (15, DEGRADED), (60, DOWN))},
        ),
        _word(
            "Ledger",
            "Whether the database takes facts, or they wait in the spool on disk.",
            m.LEDGER_SPOOLING,
            yes_no(("spooling", DOWN), ("writing", QUIET)),
        ),
        _word(
            "Ballast",
            "Whether the ballast still lies on the disk; a full disk takes it first.",
            m.BALLAST,
            yes_no(("in place", QUIET), ("taken", DOWN)),
            absent="none kept",
        ),
        figure(
            "Latest commit",
            "How long ago the ledger last committed.",
            SECONDS,
            f"max({series(m.LEDGER_COMMIT_AGE)})",
            defaults={"thresholds": steps(QUIET, (60, DEGRADED)), "noValue": "none yet"},
        ),
    ]


def _word(title: str, text: str, metric: Metric, mappings: Sequence[Json], *, absent: str = "no data") -> Panel:
    return figure(title, text, "none", f"max({series(metric)})", defaults={"mappings": mappings, "noValue": absent})


def _about() -> Panel:
    keys = {"site": "Site", "version": "slawatch", "python": "Python", "database": "Database"}
    return figures(
        "What runs here",
        "The versions of slawatch, Python and the database.",
        keys,
        [
            Column(
                "Running",
                largest(tuple(keys), series(m.BUILD_INFO, _HERE)),
                "none",
                {"mappings": words({"1": ("yes", QUIET)})},
            )
        ],
        sort="Site",
        height=4,
    )


# --- Punctuality -----------------------------------------------------------------------------------------------------


def _heat() -> Panel:
    fell = f"sum by (le) (increase({buckets(m.PROBE_LATENESS, _HERE)}{_RATE}))"
    return heatmap(
        "Lateness of probes",
        "How many probes began how long after they were due. What is late says less: slow answers then are void.",
        SECONDS,
        Prom(fell, "{{le}}", form="heatmap"),
    )


def _quantiles() -> Panel:
    rate = f"sum by (le) (rate({buckets(m.PROBE_LATENESS, _HERE)}{_RATE}))"
    return curves(
        "Lateness, quantiles",
        "Half, 95 % and 99 % of all probes began at most so late.",
        SECONDS,
        [
            Prom(f"histogram_quantile({share}, {rate})", name)
            for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
        ],
        defaults={"min": 0},
        calcs=["lastNotNull", "max"],
    )


def _lag() -> Panel:
    return curves(
        "Delay of the event loop",
        "The longest in each ten seconds. From a tenth of a second on probes suffer.",
        SECONDS,
        [Prom(f"max({series(m.LOOP_LAG)})", "longest delay")],
        custom=thresholds_shown(),
        defaults={"min": 0, "thresholds": steps(QUIET, (0.1, DEGRADED), (1, DOWN))},
    )


def _missed() -> Panel:
    return curves(
        "Probes that were not made",
        "Due times that passed without a probe, a second. More than none: this box has too much to do.",
        RATE,
        [Prom(f"sum by (site) (rate({series(m.PROBE_SLOTS_MISSED, _HERE)}{_RATE}))", "{{site}}")],
        defaults={"min": 0},
    )


# --- Ledger ----------------------------------------------------------------------------------------------------------


def _queue() -> Panel:
    return curves(
        "Entries that wait",
        "For the ledger in memory, and in the spool on disk while the database is away.",
        COUNT,
        [
            Prom(f"max({series(m.LEDGER_QUEUE)})", "in memory"),
            Prom(f"max({series(m.LEDGER_SPOOLED)})", "in the spool"),
        ],
        defaults={"min": 0},
    )


def _commits() -> Panel:
    return curves(
        "Commits",
        "Commits to the ledger, and attempts that failed, a second.",
        RATE,
        [
            Prom(f"sum(rate({series(m.LEDGER_COMMITS)}{_RATE}))", "commits"),
            Prom(f"sum(rate({series(m.LEDGER_WRITE_FAILURES)}{_RATE}))", "failed attempts"),
        ],
        defaults={"min": 0},
        overrides=[coloured("commits", UP), coloured("failed attempts", DOWN)],
    )


def _spool() -> Panel:
    return curves(
        "Spool",
        "How much of the spool on disk is in use.",
        BYTES,
        [Prom(f"max({series(m.LEDGER_SPOOL_BYTES)})", "in use")],
        defaults={"min": 0},
    )


def _losses() -> Panel:
    return curves(
        "Observations given up",
        "Raw observations that were given up for want of room, a second. Facts never are.",
        RATE,
        [Prom(f"sum(rate({series(m.OBSERVATIONS_DROPPED)}{_RATE}))", "given up")],
        defaults={"min": 0},
        overrides=[coloured("given up", DEGRADED)],
    )


# --- The world -------------------------------------------------------------------------------------------------------


def _resolvers() -> Panel:
    return timeline(
        "Our own DNS servers",
        "Whether each can be counted on. Without any, nothing is known of endpoints that are given by name.",
        [Prom(largest(("server", "site"), series(m.RESOLVER_UP, _HERE)), "{{server}}")],
        width=12,
        height=8,
        mappings=yes_no(("counted on", UP), ("lost", DOWN)),
    )


def _answers() -> Panel:
    return curves(
        "How long our DNS servers take",
        "The latest answer counts a quarter.",
        SECONDS,
        [Prom(largest(("server", "site"), series(m.RESOLVER_ANSWER, _HERE)), "{{server}}")],
        defaults={"min": 0},
    )


def _questions() -> Panel:
    return curves(
        "Questions to our DNS servers",
        "A second, by result: answered; unhelpful (SERVFAIL, REFUSED, nothing proven); silent.",
        RATE,
        [
            Prom(
                f"sum by (server, result) (rate({series(m.RESOLVER_QUESTIONS, _HERE)}{_RATE}))", "{{server}} {{result}}"
            )
        ],
        defaults={"min": 0},
    )


def _paths() -> Panel:
    return timeline(
        "Paths",
        "A path is blind while none of its witnesses answers: failures on it then say nothing. Paths without "
        "witnesses are not here.",
        [Prom(largest(("path",), series(m.PATH_BLIND)), "{{path}}")],
        width=12,
        height=8,
        mappings=yes_no(("blind", UNKNOWN), ("sees", UP)),
    )


def _series() -> Panel:
    return curves(
        "Series in an answer",
        "How many series slawatch answers a scrape with, and how many it leaves out since a probe has too many phases.",
        COUNT,
        [
            Prom(f"max({series(m.EXPOSED_SERIES)})", "exposed"),
            Prom(f"max({series(m.WITHHELD_SERIES)})", "left out"),
        ],
        width=24,
        height=6,
        defaults={"min": 0, "decimals": 0},
    )
