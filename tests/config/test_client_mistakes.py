# ruff: noqa: E501 - in the tables a row is a line
"""Every rule of a client file, broken once: one finding, at its place, with what is expected."""

from __future__ import annotations

import pytest

from slawatch.config.loader import load_client_text
from slawatch.runtime.errors import ConfigurationError

GOOD = """\
client: acme
timezone: Europe/Berlin
calendars:
  office: {mon-fri: "08:00-18:00"}
endpoints:
  router: {probe: icmp, target: 192.0.2.1, every: 10s}
  isp: {probe: icmp, target: 198.51.100.1, behind: router}
services:
  network: {kind: network, up_when: router and isp}
contracts:
  network:
    service: network
    standard: 99%
    period: month
    penalty: 10% of charges
    charges: 1200.00 EUR per month
"""


def _lines(text: str, *, for_daemon: bool = True) -> list[str]:
    try:
        load_client_text(text, "f", for_daemon=for_daemon)
    except ConfigurationError as error:
        return [str(finding) for finding in error.findings]
    return []


def _replaced(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_good_one_has_no_findings() -> None:
    """So that each finding below comes from what was changed."""
    assert _lines(GOOD) == []


ROUTER = "every: 10s}"
CONTRACT = "    charges: 1200.00 EUR per month\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        # the client
        ("client: acme\n", "", "1:1: client: missing: expected the client's name in metrics"),
        ("client: acme", "client: Acme & Co", "1:9: client: 'Acme & Co' is no name: expected 1 to 64 letters"),
        ("client: acme", "client: ..", "1:9: client: '..' is no name"),
        ("client: acme", "client: 365", "1:9: client: 365 stands here: expected a text like acme"),
        ("client: acme", "client:", "1:8: client: has no value: give it one, or leave the key out"),
        ("client: acme", "client: acme\nzone: UTC", "2:1: zone: unknown key: "),
        ("client: acme", "client: acme\ncredit_cap: 500", "2:13: credit_cap: 500 stands here: expected a text like 1200"),
        ("client: acme", "client: acme\nsame_incident: both", "2:16: same_incident: expected 'sum' or 'highest'"),
        ("client: acme", "client: acme\nmaintenance: monday", "2:14: maintenance: 'monday' stands here: expected a list"),
        ("services:\n", "services:\n  5\nx:\n", None),
        # endpoints
        (ROUTER, "every: 500ms}", "6:51: endpoints.router.every: '500ms' is too short: expected at least 1s"),
        (ROUTER, "every: 0.5}", "6:51: endpoints.router.every: '0.5' is no duration"),
        (ROUTER, "timeout: 2m}", "6:53: endpoints.router.timeout: 2m is longer than every: expected at most 1m"),
        (ROUTER, "retry_every: 2m}", "6:57: endpoints.router.retry_every: 2m is longer than every"),
        (ROUTER, "timeout: 0s}", "6:53: endpoints.router.timeout: no time to answer in"),
        (ROUTER, "count: 9, interval: 600ms}", "6:3: endpoints.router.timeout: 5s is too short for these options: expected at least 5s400ms"),
        (ROUTER, "count: 2, timeout: 300ms}", "6:63: endpoints.router.timeout: 300ms is too short for these options: expected at least 400ms"),
        (ROUTER, "loss: {down: 50%}}", "6:50: endpoints.router.loss: says nothing of a single ping: expected a count of 2 or more"),
        (ROUTER, "confirm: 0}", "6:53: endpoints.router.confirm: expected at least 1"),
        (ROUTER, "confirm: two}", "6:53: endpoints.router.confirm: expected a whole number"),
        (ROUTER, "behind: isp}", "6:52: endpoints.router.behind: endpoints lie behind one another: router -> isp"),
        (ROUTER, "formerly: isp}", "6:54: endpoints.router.formerly: 'isp' is still an endpoint"),
        (ROUTER, "methd: GET}", "6:44: endpoints.router.methd: unknown key"),
        (ROUTER, "size: big}", "6:50: endpoints.router.size: expected a whole number"),
        ("probe: icmp, target: 192.0.2.1", "probe: ping, target: 192.0.2.1", "6:19: endpoints.router.probe: this version"),
        ("probe: icmp, target: 192.0.2.1", "target: 192.0.2.1", "6:3: endpoints.router.probe: missing"),
        ("target: 192.0.2.1, ", "", "6:3: endpoints.router.target: missing: expected what to ask"),
        ("192.0.2.1", "192.0.2.256", "6:33: endpoints.router.target: '192.0.2.256' is no host"),
        ("  router: {", "  1r: {probe: icmp, target: 192.0.2.3}\n  router: {", "6:3: endpoints.1r: '1r' cannot be named in up_when"),
        ("  router: {", "  of: {probe: icmp, target: 192.0.2.3}\n  router: {", "6:3: endpoints.of: 'of' is a word"),
        ("  router: {", "  odd: ping\n  router: {", "6:8: endpoints.odd: 'ping' stands here: expected a mapping"),
        ("behind: router", "behind: ruter", "7:52: endpoints.isp.behind: 'ruter' is no endpoint: did you mean router?"),
        # services
        ("router and isp", "router and", "9:37: services.network.up_when: the expression ends: expected the name"),
        ("router and isp", "router or not isp", "9:37: services.network.up_when: 'not' at column 11: expected a name"),
        ("router and isp", "router and network", "9:37: services.network.up_when: services contain one another: network"),
        ("kind: network,", "kind: internet,", "9:19: services.network.kind: 'internet' is not known: expected network"),
        ("kind: network,", "", "9:3: services.network.kind: missing"),
        ("services:\n", "services:\n  isp: {kind: network, up_when: router}\n", "9:3: services.isp: 'isp' is an endpoint"),
        # contracts
        ("service: network", "service: net", "12:14: contracts.network.service: 'net' is no service: did you mean network?"),
        ("standard: 99%", "standard: 0%", "13:15: contracts.network.standard: '0%' promises nothing"),
        ("standard: 99%", "standard: 100.1%", "13:15: contracts.network.standard: '100.1%' is no percentage"),
        ("standard: 99%", "standard: 99", "13:15: contracts.network.standard: 99 stands here: expected a text like 99%"),
        ("    standard: 99%\n", "", "11:3: contracts.network.standard: missing: expected the percentage that is promised"),
        ("period: month", "period: monthly", "14:13: contracts.network.period: 'monthly' is no period"),
        ("period: month", "period: every 2 weeks from 2026-13-01", "14:13: contracts.network.period: '2026-13-01' is no date"),
        ("period: month", "period: every 2 weeks from 9999-12-31", "14:13: contracts.network.period: 'every 2 weeks from 9999-12-31' is out"),
        ("period: month", "period: from 0001-01-01 to 2026-01-01", "14:13: contracts.network.period: 'from 0001-01-01 to 2026-01-01' is out"),
        (CONTRACT, CONTRACT + "    valid: {from: 0001-01-01}\n", "17:19: contracts.network.valid.from: '0001-01-01' is out of reach"),
        ("10% of charges", "lots", "15:14: contracts.network.penalty: 'lots' is no credit"),
        ("10% of charges", "{tiers: [{below: 99%, credit: 5%}, {below: 98%, credit: 1%}]}", "15:44: contracts.network.penalty.tiers[0].credit"),
        ("10% of charges", "{per_block: {block: 1h, creddit: 5%}}", "15:38: contracts.network.penalty.per_block.creddit: unknown key"),
        ("10% of charges", "{per_block: {block: 1h}}", "15:15: contracts.network.penalty.per_block.credit: missing"),
        ("10% of charges", "5", "15:14: contracts.network.penalty: 5 stands here: expected none"),
        (CONTRACT, "", "15:14: contracts.network.penalty: it is a share of the charges: expected charges"),
        (CONTRACT, "    charges: 1200 per month\n", "16:14: contracts.network.charges: '1200' is no amount of money"),
        (CONTRACT, "    charges: [{amount: 5.00 EUR per month}, {amount: 6.00 EUR per month}]\n", "16:45: contracts.network.charges[1]: not after"),
        (CONTRACT, "    charges: [{from: soon, amount: 5.00 EUR per month}]\n", "16:22: contracts.network.charges[0].from: 'soon' is no local"),
        (CONTRACT, CONTRACT + "    hours: offices\n", "17:12: contracts.network.hours: 'offices' is no calendar: did you mean office?"),
        (CONTRACT, CONTRACT + "    valid: {from: 2026-02-01, to: 2026-01-01}\n", "17:35: contracts.network.valid.to: '2026-01-01' is not after"),
        (CONTRACT, CONTRACT + "    timezone: CET+1\n", "17:15: contracts.network.timezone: 'CET+1' is no time zone"),
        (CONTRACT, CONTRACT + '    review_at: ["09:00"]\n', "17:16: contracts.network.review_at: expected at least two"),
        (CONTRACT, CONTRACT + "    degraded: 1.5\n", "17:15: contracts.network.degraded: '1.5' is no weight"),
        (CONTRACT, CONTRACT + "    settle_on: best\n", "17:16: contracts.network.settle_on: expected 'point', 'low' or 'high'"),
        (CONTRACT, CONTRACT + "    grace: 3\n", "17:12: contracts.network.grace: 3 stands here: expected a text like 10s"),
        (CONTRACT, CONTRACT + "    measurement: on_time\n", "17:18: contracts.network.measurement: 'on_time': this version measures it only in"),
        (CONTRACT, CONTRACT + "    measurement: uptime\n", "17:18: contracts.network.measurement: 'uptime' is not known"),
        # calendars
        ('"08:00-18:00"', '"8-18"', "4:21: calendars.office.mon-fri: '8-18' is no range of time"),
        ('"08:00-18:00"', "9", "4:21: calendars.office.mon-fri: 9 stands here: expected a text like"),
        ("mon-fri:", "mon-fry:", "4:12: calendars.office.mon-fry: unknown key: expected weekdays"),
        ('"08:00-18:00"', '["08:00-12:00", "11:00-13:00"]', "4:21: calendars.office.mon-fri: 08:00-12:00, 11:00-13:00: these"),
        ('"08:00-18:00"', '"08:00-18:00", tue: closed', "4:41: calendars.office.tue: tue already has ranges"),
        ('"08:00-18:00"', '"08:00-18:00", holidays: ZZ', "4:46: calendars.office.holidays: 'ZZ': no such holidays"),
        ('"08:00-18:00"', '"08:00-18:00", closed: [soon]', "4:45: calendars.office.closed[0]: 'soon' is no date"),
        ('"08:00-18:00"', '"08:00-18:00", open: {soon: closed}', "4:43: calendars.office.open.soon: 'soon' is no date"),
        ("  office:", "  always:", "4:3: calendars.always: 'always' means around the clock"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_finding(old: str, new: str, told: str | None) -> None:
    """The place is that of the key or value itself, or of the mapping in which a key is missing."""
    lines = _lines(_replaced(old, new))
    if told is None:
        assert lines
        return
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"f:{told}"), lines[0]


ANNOUNCED = "  - {services: [network], start: 2026-02-01 22:00, duration: 4h, reason: firmware}\n"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{services: [net], start: 2026-02-01, duration: 4h}", "18:17: maintenance[0].services[0]: 'net' is no service"),
        ("{contracts: [net], start: 2026-02-01, duration: 4h}", "18:18: maintenance[0].contracts[0]: 'net' is no contract"),
        ("{services: [network], start: soon, duration: 4h}", "18:34: maintenance[0].start: 'soon' is no local time"),
        ("{services: [network], start: 2026-02-01}", "18:5: maintenance[0].duration: expected either"),
        ("{services: [network], start: 2026-02-01, duration: 4}", "18:56: maintenance[0].duration: 4 stands here"),
        ("{services: [network], start: 2026-02-02, end: 2026-02-01}", "18:51: maintenance[0].end: is not after"),
        ("{services: [network], from: 2026-01-04, rrule: FREQ=SOMETIMES, duration: 2h}", "18:52: maintenance[0].rrule: "),
        ("{services: [network], from: 2026-01-04, duration: 2h}", "18:5: maintenance[0].rrule: missing"),
        ("{services: [network], start: 2026-02-01, duration: 4h, type: other}", "18:60: maintenance[0].type: unknown key"),
        ("{services: [network], start: 9999-12-31 23:59:59, duration: 1h}", "18:5: maintenance[0]: out of reach"),
        ("{services: [network], start: 2026-01-01, duration: 99999999w}", "18:5: maintenance[0]: out of reach"),
        ("{services: [network], from: 0001-01-01, rrule: FREQ=DAILY, duration: 1h}", "18:5: maintenance[0]: out of reach"),
        ("monday", "18:5: maintenance[0]: expected a mapping"),
    ],
)  # fmt: skip
def test_one_mistake_in_maintenance_is_one_finding(entry: str, told: str) -> None:
    """S25: what cannot be announced is refused where it stands."""
    [line] = _lines(f"{GOOD}maintenance:\n  - {entry}\n")
    assert line.startswith(f"f:{told}"), line


def test_an_exclusion_needs_a_reason_and_an_approver() -> None:
    """S28: typed, with a reason and who approved it."""
    lines = _lines(f"{GOOD}exclusions:\n  - {{services: [network], start: 2026-02-01, duration: 4h}}\n")
    assert [line.split(": ")[1] for line in lines] == [
        f"exclusions[0].{key}" for key in ("approved_by", "reason", "type")
    ]


def test_a_mistake_does_not_hide_others() -> None:
    """A contract on a service that is wrong makes no finding of its own, and the others are still checked."""
    text = _replaced("router and isp", "router and ips").replace("standard: 99%", "standard: 101%")
    assert [line.split(": ")[1] for line in _lines(text)] == ["services.network.up_when", "contracts.network.standard"]


def test_counted_measurements_and_other_probes_are_for_evaluate_only() -> None:
    """A history file knows of runs and tickets what this version's daemon cannot find out."""
    text = _replaced(
        "{probe: icmp, target: 192.0.2.1, every: 10s}", '{probe: heartbeat, schedule: "0 2 * * *", deadline: 4h}'
    )
    text = text.replace("router and isp", "router") + "    measurement: on_time\n"
    assert _lines(text, for_daemon=False) == []
    assert [line.split(": ")[1] for line in _lines(text)] == [
        "endpoints.router.probe",
        "contracts.network.measurement",
    ]


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "5", "# nothing\n"])
def test_a_file_that_is_no_mapping_is_told(text: str) -> None:
    """An empty file too."""
    assert any("expected a mapping" in line or "client: missing" in line for line in _lines(text))
