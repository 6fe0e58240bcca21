"""The recorded history of an endpoint by the ledger's SQL views, on PostgreSQL and on SQLite.

No macro of either data source is used but the times of the dashboard, which Grafana itself writes into every query:
``$__from`` and ``$__to`` in milliseconds. ``${client:sqlstring}`` is Grafana's own quoting of a chosen value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slawatch.exposition.grafana.dashboard import POSTGRES, SQLITE, Dashboard, Variable
from slawatch.exposition.grafana.look import DOWN, QUIET, SECONDS, STATE_COLOURS, Json, steps, words
from slawatch.exposition.grafana.panels import Panel, coloured, curves, override, timeline
from slawatch.exposition.grafana.tables import in_colour, rows

FROM, TO = "$__from * 1000", "$__to * 1000"
"""The dashboard's time range in microseconds, as ``at`` counts them."""

_ENDPOINT = "client = ${client:sqlstring} AND endpoint = ${endpoint:sqlstring}"
_WITHIN = f"{_ENDPOINT} AND at >= {FROM} AND at < {TO}"
_LASTING = f"{_ENDPOINT} AND at < {TO} AND (until_at IS NULL OR until_at > {FROM})"

_STATE_WORDS = words({state: (state, colour) for state, colour in STATE_COLOURS.items()})

_TIMES = ("time", "ended", "until", "earliest", "latest", "starts", "ends")


@dataclass(frozen=True, slots=True)
class PostgresQuery:
    """A query for Grafana's PostgreSQL source; a ``timestamptz`` is a time there by itself."""

    text: str

    def json(self, ref: str, source: Json) -> Json:
        """As Grafana's SQL sources keep it."""
        return {
            "refId": ref,
            "datasource": source,
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": self.text,
        }


@dataclass(frozen=True, slots=True)
class SqliteQuery:
    """A query for the SQLite plugin; it has to be told which columns are times."""

    text: str

    def json(self, ref: str, source: Json) -> Json:
        """As the plugin keeps it; it runs ``rawQueryText`` and remembers the other."""
        return {
            "refId": ref,
            "datasource": source,
            "queryType": "table",
            "rawQueryText": self.text,
            "queryText": self.text,
            "timeColumns": list(_TIMES),
        }


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the two say differently."""

    source: str
    name: str
    query: Callable[[str], PostgresQuery | SqliteQuery]
    later: Callable[[str, str], str]
    """The later of two instants in microseconds."""
    moment: Callable[[str], str]
    """Microseconds as what the source takes for a time."""


ON_POSTGRES = Dialect(
    POSTGRES,
    "PostgreSQL",
    PostgresQuery,
    lambda a, b: f"greatest({a}, {b})",
    lambda us: f"to_timestamp({us} / 1000000.0)",
)
ON_SQLITE = Dialect(SQLITE, "SQLite", SqliteQuery, lambda a, b: f"max({a}, {b})", lambda us: f"{us} / 1000000.0")


def history(dialect: Dialect) -> Dashboard:
    """Variables client and endpoint, from SQL."""
    endpoints = "SELECT DISTINCT endpoint FROM v_endpoints WHERE client = ${client:sqlstring} ORDER BY endpoint"
    return Dashboard(
        f"history-{dialect.name.lower()}",
        f"slawatch / History ({dialect.name})",
        f"What was recorded, exactly? One endpoint by the ledger's SQL views on {dialect.name}, in UTC.",
        [
            ("", [_states(dialect), _days(dialect), _shares(dialect)]),
            ("On record", [_outages(dialect), _transitions(dialect), _blips(dialect)]),
            ("Probes and the daemon", [_durations(dialect), _events(dialect)]),
        ],
        source=dialect.source,
        variables=[
            Variable("client", "Client", "SELECT DISTINCT client FROM v_endpoints ORDER BY client"),
            Variable("endpoint", "Endpoint", endpoints),
        ],
        since="now-30d",
        refresh="5m",
        timezone="utc",
    )


def _states(dialect: Dialect) -> Panel:
    begins = dialect.moment(dialect.later("at", FROM))
    text = f"SELECT {begins} AS time, state FROM v_transitions WHERE {_LASTING} ORDER BY at"
    return timeline(
        "State",
        "The state on record, from change to change, by the point figure. Unknown is a state of its own.",
        [dialect.query(text)],
        height=5,
        mappings=_STATE_WORDS,
    )


def _days(dialect: Dialect) -> Panel:
    text = (
        "SELECT time, up_seconds AS up, degraded_seconds AS degraded, down_seconds AS down, unknown_seconds AS unknown "
        f"FROM v_days WHERE {_WITHIN} ORDER BY at"
    )
    return curves(
        "Each day by state",
        "How long it was in each state on each UTC day; the four add up to the day, or to the part of it that has "
        "passed.",
        SECONDS,
        [dialect.query(text)],
        stacked=True,
        custom={"drawStyle": "bars", "fillOpacity": 75},
        defaults={"min": 0},
        overrides=[coloured(state, colour) for state, colour in STATE_COLOURS.items()],
    )


def _shares(dialect: Dialect) -> Panel:
    known = "nullif(up_us + degraded_us + down_us, 0)"
    text = (
        f"SELECT CAST(day AS text) AS day, (up_us + degraded_us) * 1000000 / {known} / 1000000.0 AS available, "
        f"down_seconds AS down, unknown_seconds AS unknown FROM v_days WHERE {_WITHIN} ORDER BY at DESC"
    )
    return rows(
        "Availability by day",
        "Up and degraded time as a share of what is known of the UTC day, cut after four digits; unknown time stands "
        "beside it. A contract's figure has hours and exclusions, and is another.",
        [dialect.query(text)],
        sort="UTC day",
        width=12,
        height=8,
        overrides=[
            override("day", displayName="UTC day"),
            override("available", displayName="Available", unit="percentunit", decimals=4, noValue="not known"),
            override("down", displayName="Down", unit=SECONDS, **in_colour(thresholds=steps(QUIET, (0.000001, DOWN)))),
            override("unknown", displayName="Unknown", unit=SECONDS),
        ],
    )


_TIME = override("time", displayName="From", custom__width=190)
_STATE = override(
    "state", displayName="State", **in_colour(mappings=words({s: (s, c) for s, c in STATE_COLOURS.items()}))
)
_DETAIL = override("detail", displayName="In words", custom__minWidth=220)


def _outages(dialect: Dialect) -> Panel:
    text = (
        "SELECT time, ended, low_seconds AS low, seconds AS point, high_seconds AS high, unknown_seconds AS unknown, "
        f"reason, detail FROM v_outages WHERE {_ENDPOINT} AND at < {TO} AND (ended_at IS NULL OR ended_at > {FROM}) "
        "ORDER BY at DESC"
    )
    return rows(
        "Outages",
        "Confirmed outages, from the first failed probe to the first good one. At least: between failed probes "
        "alone; at most: from the last good probe before. An empty end: it goes on.",
        [dialect.query(text)],
        sort="From",
        overrides=[
            _TIME,
            override("ended", displayName="To", custom__width=190, noValue="goes on"),
            override("low", displayName="At least", unit=SECONDS),
            override("point", displayName="Point", unit=SECONDS),
            override("high", displayName="At most", unit=SECONDS),
            override("unknown", displayName="Unknown inside", unit=SECONDS),
            override("reason", displayName="Reason"),
            _DETAIL,
        ],
    )


def _transitions(dialect: Dialect) -> Panel:
    text = (
        "SELECT time, until, state, seconds, earliest, latest, cause, reason, detail FROM v_transitions "
        f"WHERE {_LASTING} ORDER BY at DESC"
    )
    return rows(
        "Changes of state",
        "Every state with its bracket: where its beginning lies at the earliest and at the latest. An empty end: it "
        "lasts.",
        [dialect.query(text)],
        sort="From",
        overrides=[
            _TIME,
            override("until", displayName="To", custom__width=190, noValue="lasts"),
            _STATE,
            override("seconds", displayName="How long", unit=SECONDS),
            override("earliest", displayName="At the earliest"),
            override("latest", displayName="At the latest"),
            override("cause", displayName="Cause"),
            override("reason", displayName="Reason"),
            _DETAIL,
        ],
    )


def _blips(dialect: Dialect) -> Panel:
    text = f"SELECT time, state, seen, seconds, reason, detail FROM v_blips WHERE {_WITHIN} ORDER BY at DESC"
    return rows(
        "Blips",
        "Failures that were not confirmed, and successes inside an outage. They count for nothing.",
        [dialect.query(text)],
        sort="From",
        height=7,
        overrides=[
            _TIME,
            _STATE,
            override("seen", displayName="Probes"),
            override("seconds", displayName="How long", unit=SECONDS),
            override("reason", displayName="Reason"),
            _DETAIL,
        ],
    )


def _durations(dialect: Dialect) -> Panel:
    step = "($__interval_ms * 1000)"
    text = (
        f"SELECT {dialect.moment(f'at / {step} * {step}')} AS time, max(seconds) AS slowest, avg(seconds) AS mean "
        f"FROM v_observations WHERE {_WITHIN} AND verdict IN ('up', 'degraded') "
        f"GROUP BY at / {step} ORDER BY at / {step}"
    )
    return curves(
        "Probe duration",
        "Good answers in raw observations, as far back as they are kept: the slowest and the mean of each step.",
        SECONDS,
        [dialect.query(text)],
        defaults={"min": 0},
        calcs=["max", "mean"],
    )


def _events(dialect: Dialect) -> Panel:
    text = (
        f"SELECT time, event, cause, starts, ends FROM v_events WHERE at >= {FROM} AND at < {TO} "
        "AND (client IS NULL OR client = ${client:sqlstring}) ORDER BY at DESC LIMIT 500"
    )
    return rows(
        "What happened to slawatch",
        "Starts, stalls, reloads and whatever else made time unknown: the daemon's own events, the latest 500.",
        [dialect.query(text)],
        sort="At",
        width=12,
        height=8,
        overrides=[
            override("time", displayName="At", custom__width=190),
            override("event", displayName="Event"),
            override("cause", displayName="Cause"),
            override("starts", displayName="From"),
            override("ends", displayName="To"),
        ],
    )
