"""The texts of revision 0004: views with readable times, the same names and columns on SQLite and PostgreSQL.

Written once, like every migration. A later revision that changes a table below drops all of :data:`NAMES` first and
makes its own set afterwards; ``docs/reference/sql-views.md`` explains each column.

Views are plain joins and look-ups for each row, without aggregates and window functions around them, so that both
planners take a condition on client, endpoint or ``at`` down to the indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NAMES = (
    "v_transitions",
    "v_outages",
    "v_blips",
    "v_observations",
    "v_observation_hours",
    "v_endpoints",
    "v_days",
    "v_contracts",
    "v_events",
    "v_exclusions",
    "v_corrections",
    "v_boots",
)
"""Every view, those that others build on first."""


@dataclass(frozen=True, slots=True)
class Words:
    """How one database says what the two say differently. Each takes an expression of SQL and gives one."""

    time: Callable[[str], str]
    """Microseconds since 1970 as a readable time, exactly."""
    seconds: Callable[[str], str]
    """Microseconds as seconds."""
    text: Callable[[str, str], str]
    """A text in a JSON body, by its path."""
    whole: Callable[[str, str], str]
    """A whole number in a JSON body, by its path."""
    day: Callable[[str], str]
    """Microseconds since 1970 as a date."""
    now: str
    """The present instant in microseconds."""


def _sqlite_time(value: str) -> str:
    whole = f"strftime('%Y-%m-%dT%H:%M:%S', {value} / 1000000, 'unixepoch')"
    return f"({whole} || printf('.%06dZ', {value} % 1000000))"


def _sqlite_json(body: str, path: str) -> str:
    return f"json_extract({body}, '$.{path}')"


def _postgres_json(body: str, path: str) -> str:
    *outer, last = path.split(".")
    inside = "".join(f" -> '{key}'" for key in outer)
    return f"(slawatch_json({body}){inside} ->> '{last}')"


SQLITE = Words(
    time=_sqlite_time,
    seconds=lambda value: f"({value} / 1000000.0)",
    text=_sqlite_json,
    whole=_sqlite_json,
    now="(CAST(strftime('%s', 'now') AS INTEGER) * 1000000)",
    day=lambda value: f"strftime('%Y-%m-%d', {value} / 1000000, 'unixepoch')",
)
POSTGRESQL = Words(
    time=lambda value: f"((TIMESTAMP '1970-01-01' + {value} * INTERVAL '1 microsecond') AT TIME ZONE 'UTC')",
    seconds=lambda value: f"CAST(CAST({value} AS numeric) / 1000000 AS numeric(20, 6))",
    text=_postgres_json,
    whole=lambda body, path: f"CAST({_postgres_json(body, path)} AS bigint)",
    now="(CAST(extract(epoch FROM now()) AS bigint) * 1000000)",
    day=lambda value: f"CAST(TIMESTAMP '1970-01-01' + {value} * INTERVAL '1 microsecond' AS date)",
)

# PostgreSQL refuses to read a text out of JSON with NUL or half of a surrogate pair in it, which an entry may hold:
# one such entry would fail every query that comes by it. Backslashes that are escaped themselves are left alone.
JSON_ON_POSTGRESQL = r"""
CREATE OR REPLACE FUNCTION slawatch_json(body text) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CAST(CASE WHEN body ~ '\\u(0000|d[89a-f])' THEN
    regexp_replace(regexp_replace(regexp_replace(body,
      '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g'),
      '(?<!\\)((?:\\\\)*)\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})', '\1\\ufffd', 'g'),
      '(?<!\\ud[89ab][0-9a-f]{2})(?<!\\)((?:\\\\)*)\\ud[c-f][0-9a-f]{2}', '\1\\ufffd', 'g')
  ELSE body END AS json)
$$
"""


def creating(words: Words) -> list[str]:
    """The statements that make the views, in order."""
    bodies = {
        "v_transitions": _transitions(words),
        "v_outages": _outages(words),
        "v_blips": _blips(words),
        "v_observations": _observations(words),
        "v_observation_hours": _hours(words),
        "v_endpoints": _endpoints(words),
        "v_days": _days(words),
        "v_contracts": _contracts(words),
        "v_events": _events(words),
        "v_exclusions": _exclusions(words),
        "v_corrections": _corrections(words),
        "v_boots": _boots(words),
    }
    return [f"CREATE VIEW {name} AS{bodies[name]}" for name in NAMES]


_ENTRY = "entries e JOIN endpoints p ON p.id = e.endpoint_id"
_WHOSE = "p.client, p.name AS endpoint"


def _instant(w: Words, value: str, name: str) -> str:
    """An instant twice: ``name_at`` in microseconds and ``name`` to be read."""
    return f"{value} AS {name}_at, {w.time(value)} AS {name}"


def _dated(w: Words, value: str) -> str:
    """The instant that a row is about: ``at``, ``time``, and ``epoch`` in whole seconds for Grafana."""
    return f"{value} AS at, {w.time(value)} AS time, {value} / 1000000 AS epoch"


def _transitions(w: Words) -> str:
    """Of several changes at one instant the latest entry holds (S17).

    Time before an instant is bounded by the latest change there to a known state, as in ``domain.timeline``.
    """
    bound = f"""(SELECT CASE WHEN y.state = e.state THEN n.at ELSE {w.whole("y.body", "earliest")} END FROM entries y
    WHERE y.endpoint_id = e.endpoint_id AND y.kind = 'state' AND y.at = n.at
    ORDER BY CASE WHEN y.state = 'unknown' THEN 1 ELSE 0 END, y.id DESC LIMIT 1)"""
    return f"""
SELECT e.id, e.endpoint_id, {_WHOSE}, {_dated(w, "e.at")}, e.state,
  (SELECT x.state FROM transitions x WHERE x.endpoint_id = e.endpoint_id AND x.at < e.at
    ORDER BY x.at DESC LIMIT 1) AS state_before,
  {_instant(w, "n.at", "until")}, {w.seconds("(n.at - e.at)")} AS seconds,
  {_instant(w, w.whole("e.body", "earliest"), "earliest")}, {_instant(w, w.whole("e.body", "latest"), "latest")},
  {bound} AS until_earliest_at,
  {_instant(w, w.whole("e.body", "confirmed_at"), "confirmed")}, {w.text("e.body", "cause")} AS cause,
  {w.text("e.body", "reason")} AS reason, {w.text("e.body", "detail")} AS detail,
  {_instant(w, "e.recorded_at", "recorded")}, e.site
FROM {_ENTRY}
LEFT JOIN transitions n ON n.endpoint_id = e.endpoint_id AND n.at = (
  SELECT x.at FROM transitions x WHERE x.endpoint_id = e.endpoint_id AND x.at > e.at ORDER BY x.at LIMIT 1)
WHERE e.kind = 'state' AND e.id = (
  SELECT max(x.id) FROM entries x WHERE x.endpoint_id = e.endpoint_id AND x.kind = 'state' AND x.at = e.at)
"""


_MARK = "(SELECT max(k.alive_until) FROM boots k)"
"""Up to here everything is recorded."""


def _between(value: str, low: str, high: str) -> str:
    """``value``, brought into the bounds; NULL is the lower one."""
    return f"CASE WHEN {value} > {high} THEN {high} WHEN {value} > {low} THEN {value} ELSE {low} END"


def _outages(w: Words) -> str:
    """An outage lasts from the first failed probe of a confirmed one to the first good one, over unknown time between.

    ``a`` is the change before it, ``b`` the one that began it, ``z`` the one that ended it or the latest there is.
    """
    is_over = "z.state IN ('up', 'degraded')"
    ended = f"CASE WHEN {is_over} THEN z.at END"
    running = f"CASE WHEN z.state = 'down' AND {_MARK} > z.at THEN {_MARK} - z.at ELSE 0 END"
    point = f"(z.down - b.down + {running})"
    earlier = f"CASE WHEN a.state <> 'unknown' THEN t.at - ({_between('t.earliest_at', 'a.at', 't.at')}) ELSE 0 END"
    latest = f"""(SELECT {w.whole("y.body", "latest")} FROM entries y
    WHERE y.endpoint_id = t.endpoint_id AND y.kind = 'state' AND y.at = z.at ORDER BY y.id DESC LIMIT 1)"""
    following = """(SELECT x.at FROM transitions x WHERE x.endpoint_id = t.endpoint_id AND x.at > z.at
    ORDER BY x.at LIMIT 1)"""
    in_time = f"CASE WHEN {following} < {latest} THEN {following} ELSE {latest} END"
    later = f"CASE WHEN {is_over} AND {latest} > z.at THEN {in_time} - z.at ELSE 0 END"
    high = f"({point} + {earlier} + {later})"
    low = _surely_down(w)
    why = f"""(SELECT {w.text("y.body", "cause")} FROM entries y WHERE y.endpoint_id = t.endpoint_id
    AND y.kind = 'state' AND y.at > t.at AND y.at <= z.at AND y.state = 'unknown' ORDER BY y.at DESC, y.id DESC LIMIT 1)"""
    failed = """(SELECT o.{} FROM observations o WHERE o.verdict = 'down' AND o.endpoint_id = t.endpoint_id
    AND o.started >= t.at AND (o.started < z.at OR z.state NOT IN ('up', 'degraded')) ORDER BY o.started DESC LIMIT 1)"""
    return f"""
SELECT t.id, t.endpoint_id, t.client, t.endpoint, t.at, t.time, t.epoch, t.confirmed_at, t.confirmed,
  {_instant(w, f"({ended})", "ended")}, NOT ({is_over}) AS open,
  {low} AS low_us, {point} AS point_us, {high} AS high_us,
  {w.seconds(low)} AS low_seconds, {w.seconds(point)} AS seconds, {w.seconds(high)} AS high_seconds,
  {w.seconds("(z.unknown - b.unknown)")} AS unknown_seconds, {why} AS cause, t.state_before, t.reason, t.detail,
  {failed.format("reason")} AS last_reason, {failed.format("detail")} AS last_detail
FROM v_transitions t
JOIN transitions b ON b.endpoint_id = t.endpoint_id AND b.at = t.at
JOIN transitions z ON z.endpoint_id = t.endpoint_id AND z.at = COALESCE(
  (SELECT x.at FROM transitions x WHERE x.endpoint_id = t.endpoint_id AND x.at > t.at AND x.state IN ('up', 'degraded')
    ORDER BY x.at LIMIT 1),
  (SELECT max(x.at) FROM transitions x WHERE x.endpoint_id = t.endpoint_id))
LEFT JOIN transitions a ON a.endpoint_id = t.endpoint_id AND a.at = (
  SELECT x.at FROM transitions x WHERE x.endpoint_id = t.endpoint_id AND x.at < t.at ORDER BY x.at DESC LIMIT 1)
WHERE t.state = 'down' AND COALESCE((SELECT x.state FROM transitions x WHERE x.endpoint_id = t.endpoint_id
  AND x.at < t.at AND x.state <> 'unknown' ORDER BY x.at DESC LIMIT 1), '') <> 'down'
"""


def _surely_down(w: Words) -> str:
    """Between consecutive failed probes alone (the high version of S8): each stretch of the outage without what may
    belong to its neighbours, and without lone successes inside."""
    last_failed = f"""(SELECT o.started FROM observations o WHERE o.verdict = 'down' AND o.endpoint_id = s.endpoint_id
        AND o.started >= s.at AND o.started <= {_MARK} ORDER BY o.started DESC LIMIT 1)"""
    begins = """CASE WHEN s.state_before = 'down' OR s.latest_at <= s.at THEN s.at
        WHEN s.until_at < s.latest_at THEN s.until_at ELSE s.latest_at END"""
    finishes = f"""CASE WHEN s.until_at IS NOT NULL THEN {_between("s.until_earliest_at", "s.at", "s.until_at")}
        ELSE COALESCE({last_failed}, s.at) END"""
    opens = _between(w.whole("y.body", "earliest"), "c.begins", "c.finishes")
    closes = _between(w.whole("y.body", "latest"), "c.begins", "c.finishes")
    successes = f"""(SELECT COALESCE(SUM({closes} - {opens}), 0) FROM entries y WHERE y.endpoint_id = c.endpoint_id
      AND y.kind = 'blip' AND y.at >= c.begins AND y.at <= c.finishes AND y.state <> 'down')"""
    return f"""(SELECT CAST(COALESCE(SUM(CASE WHEN c.finishes > c.begins THEN c.finishes - c.begins - {successes}
    ELSE 0 END), 0) AS bigint) FROM (
      SELECT s.endpoint_id, {begins} AS begins, {finishes} AS finishes FROM v_transitions s
      WHERE s.endpoint_id = t.endpoint_id AND s.at >= t.at AND s.at <= z.at AND s.state = 'down') c)"""


def _blips(w: Words) -> str:
    earliest, latest = w.whole("e.body", "earliest"), w.whole("e.body", "latest")
    return f"""
SELECT e.id, e.endpoint_id, {_WHOSE}, {_dated(w, "e.at")}, e.state, {w.whole("e.body", "seen")} AS seen,
  {_instant(w, earliest, "earliest")}, {_instant(w, latest, "latest")}, {w.seconds(f"({latest} - {earliest})")} AS seconds,
  {w.text("e.body", "reason")} AS reason, {w.text("e.body", "detail")} AS detail,
  {_instant(w, "e.recorded_at", "recorded")}, e.site
FROM {_ENTRY}
WHERE e.kind = 'blip'
"""


def _observations(w: Words) -> str:
    return f"""
SELECT o.endpoint_id, {_WHOSE}, {_dated(w, "o.started")}, o.verdict, o.reason, o.detail, o.cause,
  o.duration AS duration_us, {w.seconds("o.duration")} AS seconds,
  {_instant(w, "o.certificate_expiry", "certificate_expiry")}, o.phases, o.address
FROM observations o JOIN endpoints p ON p.id = o.endpoint_id
"""


def _hours(w: Words) -> str:
    """What is left of observations that retention took, by UTC hour; those that are kept are in no hour."""
    mean = "(CASE WHEN h.up + h.degraded > 0 THEN h.total / (h.up + h.degraded) END)"
    return f"""
SELECT h.endpoint_id, {_WHOSE}, {_dated(w, "h.hour")}, {_instant(w, 'h."first"', "first")},
  {_instant(w, 'h."last"', "last")}, h.up, h.degraded, h.down, h.void,
  {mean} AS mean_us, h.shortest AS shortest_us, h.longest AS longest_us, h.took
FROM observation_hours h JOIN endpoints p ON p.id = h.endpoint_id
"""


_SILENT_AFTER = 60_000_000
"""A daemon that runs marks that it lives every ten seconds: after a minute without a mark nobody is looking."""


def _endpoints(w: Words) -> str:
    """The last state is no present one when nobody is looking any more (S5)."""
    watched = f"{_MARK} >= {w.now} - {_SILENT_AFTER}"
    word = "(SELECT {} FROM entries y WHERE y.endpoint_id = p.id AND y.kind = 'state' ORDER BY y.at DESC, y.id DESC LIMIT 1)"
    cause = word.format(w.text("y.body", "cause"))
    return f"""
SELECT p.id AS endpoint_id, {_WHOSE},
  CASE WHEN t.state IS NOT NULL AND {watched} THEN t.state ELSE 'unknown' END AS state,
  t.state AS last_state, {_dated(w, "t.at")},
  CASE WHEN t.at IS NULL THEN 'never_observed' WHEN {watched} THEN {cause} ELSE 'monitor_stopped' END AS cause,
  {word.format(w.text("y.body", "reason"))} AS reason, {word.format(w.text("y.body", "detail"))} AS detail,
  {_instant(w, "o.started", "observed")}, o.verdict AS last_verdict, o.reason AS last_reason, o.detail AS last_detail,
  o.duration AS last_duration_us, {_instant(w, "o.certificate_expiry", "certificate_expiry")},
  {_instant(w, _MARK, "watched_until")}
FROM endpoints p
LEFT JOIN transitions t ON t.endpoint_id = p.id AND t.at = (
  SELECT max(x.at) FROM transitions x WHERE x.endpoint_id = p.id)
LEFT JOIN observations o ON o.endpoint_id = p.id AND o.started = (
  SELECT max(x.started) FROM observations x WHERE x.endpoint_id = p.id)
"""


def _days(w: Words) -> str:
    """Two look-ups for each day: the change that holds at its start (``a``) and the one at its end (``b``)."""
    day = "86400000000"
    ends = f"CASE WHEN d.at + {day} < d.until THEN d.at + {day} ELSE d.until END"

    def lasted(state: str) -> str:
        since = f"CASE WHEN b.state = '{state}' THEN ({ends}) - b.at ELSE 0 END"
        before = f"COALESCE(a.{state} + CASE WHEN a.state = '{state}' THEN d.at - a.at ELSE 0 END, 0)"
        return f"(b.{state} + {since} - {before})"

    up, degraded, down = lasted("up"), lasted("degraded"), lasted("down")
    unknown = f"(({ends}) - d.at - {up} - {degraded} - {down})"
    times = {"up": up, "degraded": degraded, "down": down, "unknown": unknown}
    return f"""
WITH RECURSIVE bounds (first, until) AS (
  SELECT m.first, CASE WHEN {_MARK} > m.last THEN {_MARK} ELSE m.last END
  FROM (SELECT (SELECT min(x.at) FROM entries x WHERE x.kind = 'state') AS first,
    (SELECT max(x.at) FROM entries x WHERE x.kind = 'state') AS last) m
), days (at, until) AS (
  SELECT first - first % {day}, until FROM bounds WHERE first - first % {day} < until
  UNION ALL SELECT at + {day}, until FROM days WHERE at + {day} < until
)
SELECT p.id AS endpoint_id, {_WHOSE}, {w.day("d.at")} AS day, {_dated(w, "d.at")},
  {_instant(w, f"({ends})", "until")},
  {", ".join(f"{value} AS {name}_us" for name, value in times.items())},
  {", ".join(f"{w.seconds(value)} AS {name}_seconds" for name, value in times.items())}
FROM days d JOIN endpoints p ON d.at + {day} > (SELECT min(x.at) FROM transitions x WHERE x.endpoint_id = p.id)
JOIN transitions b ON b.endpoint_id = p.id AND b.at = (
  SELECT max(x.at) FROM transitions x WHERE x.endpoint_id = p.id AND x.at <= ({ends}))
LEFT JOIN transitions a ON a.endpoint_id = p.id AND a.at = (
  SELECT max(x.at) FROM transitions x WHERE x.endpoint_id = p.id AND x.at <= d.at)
"""


def _contracts(w: Words) -> str:
    terms = ("service", "kind", "measurement", "standard", "period", "timezone")
    following = """(SELECT min(x.at) FROM entries x WHERE x.client = e.client AND x.contract = e.contract
    AND x.contract IS NOT NULL AND x.kind = 'contract' AND x.at > e.at)"""
    return f"""
SELECT e.id, e.client, e.contract, {_dated(w, "e.at")}, {_instant(w, following, "until")},
  {", ".join(f"{w.text('e.body', f'terms.{term}')} AS {term}" for term in terms)},
  {w.text("e.body", "sha256")} AS sha256, {w.text("e.body", "terms")} AS terms,
  {_instant(w, "e.recorded_at", "recorded")}, e.site
FROM entries e
WHERE e.kind = 'contract'
"""


def _events(w: Words) -> str:
    return f"""
SELECT e.id, e.site, e.boot, {_dated(w, "e.at")}, {w.text("e.body", "event")} AS event, e.client,
  {_instant(w, w.whole("e.body", "start"), "starts")}, {_instant(w, w.whole("e.body", "end"), "ends")},
  {w.text("e.body", "cause")} AS cause, e.body, {_instant(w, "e.recorded_at", "recorded")}
FROM entries e
WHERE e.kind = 'event'
"""


def _exclusions(w: Words) -> str:
    """An announcement, and when it was first taken back after it was made."""
    identity, withdraws = w.text("e.body", "id"), w.text("y.body", "withdraws")
    withdrawn = f"""(SELECT min(y.recorded_at) FROM entries y WHERE y.kind = 'exclusion' AND y.client = e.client
    AND y.id > e.id AND {withdraws} = {identity})"""
    document = {name: w.text("e.body", f"document.{name}") for name in _IN_A_DOCUMENT}
    return f"""
SELECT e.id, e.client, {identity} AS announcement, {_dated(w, "e.recorded_at")},
  COALESCE({document["type"]}, 'maintenance') AS type, {document["services"]} AS services,
  {document["contracts"]} AS contracts, COALESCE({document["start"]}, {document["from"]}) AS starts_local,
  {document["end"]} AS ends_local, {document["duration"]} AS duration, {document["rrule"]} AS rrule,
  COALESCE({document["zone"]}, {w.text("e.body", "zone")}) AS zone, {document["reason"]} AS reason,
  {document["approved_by"]} AS approved_by, {_instant(w, withdrawn, "withdrawn")}, e.site
FROM entries e
WHERE e.kind = 'exclusion' AND {w.text("e.body", "withdraws")} IS NULL
"""


_IN_A_DOCUMENT = (
    "type",
    "services",
    "contracts",
    "start",
    "from",
    "end",
    "duration",
    "rrule",
    "zone",
    "reason",
    "approved_by",
)


def _corrections(w: Words) -> str:
    return f"""
SELECT e.id, e.client, {w.text("e.body", "endpoint")} AS endpoint, {_dated(w, "e.recorded_at")},
  {_instant(w, w.whole("e.body", "start"), "starts")}, {_instant(w, w.whole("e.body", "end"), "ends")},
  {w.text("e.body", "state")} AS state, {w.text("e.body", "reason")} AS reason,
  {w.text("e.body", "approved_by")} AS approved_by, {w.text("e.body", "by")} AS entered_by,
  {w.text("e.body", "evidence")} AS evidence, e.site
FROM entries e
WHERE e.kind = 'correction'
"""


def _boots(w: Words) -> str:
    return f"""
SELECT b.id, b.site, b.boot, {_dated(w, "b.started_at")}, {_instant(w, "b.alive_until", "watched_until")},
  {_instant(w, "b.stopped_at", "stopped")}, b.software, b.tzdata
FROM boots b
"""
