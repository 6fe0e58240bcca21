"""What the documents and the repository show loads, and what this version cannot do is refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slawatch.config.configuration import Configuration
from slawatch.config.loader import load, load_client, load_client_text
from slawatch.domain.contract import Measurement
from slawatch.domain.interval import DAY, HOUR, SECOND
from slawatch.domain.state_machine import Cadence
from slawatch.domain.terms import contract_of, digest
from slawatch.runtime.errors import ConfigurationError, Unavailable
from slawatch.runtime.secrets import Secret
from slawatch.storage.facts import contract_entry

ROOT = Path(__file__).parents[2]

BOX = """\
site: hq
database: sqlite:////var/lib/slawatch/slawatch.db
listen: 127.0.0.1:9797
access: open
metrics_token: {credential: metrics}
resolvers: system
witnesses:
  lan: [192.0.2.10, 192.0.2.11]
  internet: [198.51.100.53, 203.0.113.53]
clients: clients/*.yaml
retention: 30d
"""
LATER_BOX = """\
access: users
notify:
  ops: {email: {to: [ops@msp.example], server: {host: mail.msp.example}}}
"""
CLIENT = """\
client: acme
name: Acme Logistics
timezone: Europe/Berlin

calendars:
  office: {mon-fri: "08:00-18:00", sat: "09:00-13:00", holidays: DE-HH, closed: ["2026-12-24"]}

endpoints:
  router:   {probe: icmp, target: 192.0.2.1, every: 10s, path: lan}
  isp_a:    {probe: icmp, target: 198.51.100.1, every: 10s, behind: router}
  isp_b:    {probe: icmp, target: 203.0.113.1, every: 10s, behind: router}
  website:  {probe: http, target: "https://acme.example/", every: 30s, expect: {status: 200, body: Welcome}}

services:
  network:
    kind: network            # network | email | break_fix | applications | help_desk | batch
    definition: Ensure network up-time.
    up_when: router and (isp_a or isp_b)

contracts:
  network:
    service: network
    measurement: availability          # | on_time | response_in_time | restore_in_time | delivery_in_time
    standard: 99%
    period: every 2 weeks from 2026-01-05
    hours: always                      # or a calendar's name
    penalty: 10% of charges            # or tiers, blocks, caps: below
    charges: 1200.00 EUR per month     # | per period
    owner: owner@msp.example
    review_at: ["09:00", "15:00"]

maintenance:
  - {services: [network], start: "2026-02-01 22:00", duration: 4h, reason: firmware}
  - {services: [network], from: "2026-01-04 02:00", rrule: "FREQ=MONTHLY;BYDAY=1SU", duration: 2h, reason: patch day}
"""
LATER_ENDPOINTS = """\
  backup:   {probe: heartbeat, schedule: "0 2 * * *", deadline: "06:00"}
  desk:     {probe: helpdesk, system: request_tracker, target: "https://rt.acme.example", token: {credential: acme_rt}}
"""
FULL_PENALTY = """\
    penalty:
      tiers: [{below: 99.99%, credit: 10%}, {below: 99%, credit: 30%}, {at_most: 95%, credit: 100%}]
      per_block: {block: 1h, started: false, beyond: budget, credit: 5%}
      per_outage: {longer_than: 5m, credit: 50 x prorata}
      prorata: {beyond: budget, factor: 10}
      per_miss: {credit: 25.00 EUR}
      stack: highest
      cap: 100%
      minimum: 1.00 EUR
"""


def _folder(path: Path, box: str = BOX, client: str = CLIENT) -> Path:
    (path / "clients").mkdir()
    (path / "slawatch.yaml").write_text(box, encoding="utf-8")
    (path / "clients" / "acme.yaml").write_text(client, encoding="utf-8")
    return path


@pytest.fixture
def example(tmp_path: Path) -> Configuration:
    """The example of the documents, without what this version refuses."""
    return load(_folder(tmp_path))


def test_the_repository_s_own_example_loads() -> None:
    """``config/`` is what an installation starts from."""
    configuration = load(ROOT / "config")
    assert [client.id for client in configuration.clients] == ["acme"]
    assert configuration.contracts


def test_the_box_is_read(example: Configuration) -> None:
    """Every setting as the daemon needs it."""
    assert example.site == "hq"
    assert example.database == "sqlite:////var/lib/slawatch/slawatch.db"
    assert example.listen == ("127.0.0.1", 9797)
    assert example.metrics_token == Secret("credential", "metrics")
    assert example.resolvers == ()
    assert example.retention == 30 * DAY


def test_endpoints_have_their_defaults(example: Configuration) -> None:
    """S12, S13: timeout 5s but at most every, retry_every the lesser of every and 10s."""
    by_name = {endpoint.name: endpoint for endpoint in example.endpoints}
    assert by_name["router"].cadence == Cadence(10 * SECOND, 5 * SECOND, 10 * SECOND, 2, 1)
    assert by_name["website"].cadence == Cadence(30 * SECOND, 5 * SECOND, 10 * SECOND, 2, 1)
    assert by_name["isp_a"].behind == "router"
    assert by_name["website"].key == "acme/website"
    quick = load_client_text("client: a\nendpoints:\n  x: {probe: icmp, target: 192.0.2.1, every: 2s}")
    assert quick.endpoints[0].cadence == Cadence(2 * SECOND, 2 * SECOND, 2 * SECOND, 2, 1)


@pytest.mark.parametrize(
    ("probe", "target", "path"),
    [
        ("icmp", "10.1.2.3", "lan"),
        ("icmp", "172.31.255.255", "lan"),
        ("icmp", "172.32.0.1", "internet"),
        ("icmp", "192.168.0.1", "lan"),
        ("icmp", "127.0.0.1", "lan"),
        ("icmp", "198.51.100.1", "internet"),
        ("icmp", "fd00::1", "lan"),
        ("icmp", "2001:db8::1", "internet"),
        ("icmp", "router.example", "internet"),
        ("tcp", "192.168.0.1:25", "lan"),
        ("tcp", "[fc00::1]:25", "lan"),
        ("http", "https://10.0.0.1:8443/x", "lan"),
        ("http", "https://10.example/", "internet"),
    ],
)
def test_the_path_follows_the_address(probe: str, target: str, path: str) -> None:
    """S15: a private address lies on the local network, everything else beyond it."""
    client = load_client_text(f"client: a\nendpoints:\n  x: {{probe: {probe}, target: '{target}'}}")
    assert client.endpoints[0].path == path


def test_terms_are_complete_and_alone(example: Configuration) -> None:
    """S29: what the ledger stores describes the contract without the file that it came from."""
    [item] = example.contracts
    assert item.contract is contract_of(item.terms)
    assert item.terms["parents"] == {"isp_a": "router", "isp_b": "router"}
    assert item.terms["penalty"] == "10% of charges"
    assert item.contract.review_at == ("09:00", "15:00")
    # 10s + 2·10s + 5s of the slowest endpoint that it names; the website (30s) is not one of them
    assert item.contract.confirmation_span == 35 * SECOND
    assert item.contract.key == item.key == "acme/network"


def test_the_ledger_knows_the_version_by_the_same_digest(example: Configuration) -> None:
    """Configuration and ledger agree on when terms are new."""
    [item] = example.contracts
    assert item.digest == digest(item.terms)
    assert contract_entry("acme", "network", item.terms, 0).body["sha256"] == item.digest


def test_maintenance_is_read_in_the_client_s_zone(example: Configuration) -> None:
    """S25: 22:00 in Berlin in February is 21:00 UTC, for four hours."""
    first, second = (item.announcement for item in example.clients[0].announcements)
    [span] = first.spans
    assert span.length == 4 * HOUR
    assert span.start // HOUR % 24 == 21
    assert second.recurrence is not None
    assert second.services == {"network"}


def test_a_calendar_and_a_whole_penalty_become_terms() -> None:
    """The grammar of penalties passes as it is written; numbers and truth values become texts."""
    text = CLIENT.replace("    hours: always ", "    hours: office ")
    text = text.replace("    penalty: 10% of charges            # or tiers, blocks, caps: below\n", FULL_PENALTY)
    [item] = load_client_text(text).contracts
    assert item.terms["hours"] == {
        "name": "office",
        "timezone": "Europe/Berlin",
        "days": {"mon-fri": ["08:00-18:00"], "sat": ["09:00-13:00"]},
        "holidays": "DE-HH",
        "closed": ["2026-12-24"],
        "open": {},
    }
    penalty = item.contract.penalty
    assert [str(tier) for tier in penalty.tiers] == [
        "100% of charges at or below 95%",
        "30% of charges below 99%",
        "10% of charges below 99.99%",
    ]
    assert penalty.prorata is not None
    assert penalty.prorata.factor == 10
    assert penalty.per_block is not None
    assert not penalty.per_block.started


def test_what_this_version_cannot_do_is_refused_in_words(tmp_path: Path) -> None:
    """Never silently ignored: users, notifications, and probes that are not built."""
    box = BOX.replace("access: open\n", LATER_BOX)
    client = CLIENT.replace("\nservices:\n", f"{LATER_ENDPOINTS}\nservices:\n")
    with pytest.raises(ConfigurationError) as caught:
        load(_folder(tmp_path, box, client))
    told = {finding.key: finding.message for finding in caught.value.findings}
    assert told == {
        "access": "this version knows no users yet: expected open, with listen on loopback",
        "notify": "this version cannot send notifications yet: leave the key out",
        "endpoints.backup.probe": "this version has no probe 'heartbeat': expected one of dns, http, icmp, tcp, tls",
        "endpoints.desk.probe": "this version has no probe 'helpdesk': expected one of dns, http, icmp, tcp, tls",
    }


def test_evaluate_takes_the_whole_client_file(tmp_path: Path) -> None:
    """A history file knows what this version's daemon cannot measure itself."""
    text = CLIENT.replace("\nservices:\n", f"{LATER_ENDPOINTS}\nservices:\n")
    text = text.replace(
        "\nmaintenance:",
        """
  backup:
    service: nightly
    measurement: on_time
    standard: 99%
    period: month

maintenance:""",
    ).replace("\ncontracts:", "\n  nightly: {kind: batch, up_when: backup}\n\ncontracts:")
    file = tmp_path / "acme.yaml"
    file.write_text(text, encoding="utf-8")
    client = load_client(file)
    assert [item.contract.measurement for item in client.contracts] == [Measurement.AVAILABILITY, Measurement.ON_TIME]
    assert {endpoint.name for endpoint in client.endpoints if endpoint.options is None} == {"backup", "desk"}


def test_a_database_url_with_a_password_is_a_secret(tmp_path: Path) -> None:
    """It stands in a file of its own, is read when it is needed, and shown nowhere."""
    url = "postgresql://slawatch:canary@host/slawatch"
    secret = tmp_path / "database"
    secret.write_text(f"{url}\n", encoding="utf-8")
    folder = _folder(tmp_path, BOX.replace("sqlite:////var/lib/slawatch/slawatch.db", f"{{file: {secret}}}"))
    configuration = load(folder)
    assert configuration.database == url
    assert "canary" not in repr(configuration)
    (folder / "slawatch.yaml").write_text(f"database: {url}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="it holds a password: keep the URL in a secret") as caught:
        load(folder)
    assert "canary" not in str(caught.value)


def test_a_secret_that_is_not_there_is_told_when_it_is_needed(tmp_path: Path) -> None:
    """The configuration loads without it: only who needs the secret must be able to read it."""
    box = BOX.replace("sqlite:////var/lib/slawatch/slawatch.db", f"{{file: {tmp_path}/none}}")
    configuration = load(_folder(tmp_path, box))
    with pytest.raises(Unavailable, match="cannot be read"):
        _ = configuration.database


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("listen: 0.0.0.0:9797", "2:9: listen: others could read without signing in"),
        ("listen: localhost:9797", "2:9: listen: 'localhost:9797' has no address"),
        ("listen: 127.0.0.1", "2:9: listen: '' is no port"),
        ("listen: 9797", "2:9: listen: 9797 stands here: expected an address and a port"),
        ("database: mysql://host/db", "2:11: database: this is no database: expected sqlite:"),
        ("metrics_token: canary", "2:16: metrics_token: a secret is written {file: /absolute/path}"),
        ("resolvers: none", "2:12: resolvers: 'none' stands here: expected system, or a list"),
        ("resolvers: [dns.example]", "2:12: resolvers: 'dns.example' is no address"),
        ("outbound: {allow: [127.0.0.1, localhost]}", "2:31: outbound.allow[1]: 'localhost' is no address or network"),
        ("outbound: {allow: [10.0.0.0/8]}", "2:20: outbound.allow[0]: '10.0.0.0/8' is not denied, or not as a whole"),
        ("outbound: {allow: [224.0.0.1]}", "2:20: outbound.allow[0]: '224.0.0.1' can never be allowed: multicast"),
        ("outbound: {allow: [192.0.2.1:443]}", "2:20: outbound.allow[0]: nothing is denied there"),
        ("outbound: {allow: 127.0.0.1}", "2:19: outbound.allow: expected a list"),
        ("outbound: {deny: [10.0.0.1]}", "2:12: outbound.deny: unknown key: expected allow"),
        ("retention: 30", "2:12: retention: 30 has no unit"),
        ("site: h q", "2:1: site: given twice, first on line 1"),
        ("clients: none/*.yaml", "2:10: clients: no file matches none/*.yaml"),
        ("probes: fast", "2:1: probes: unknown key"),
    ],
)
def test_one_mistake_in_the_box_is_one_finding(tmp_path: Path, line: str, told: str) -> None:
    """At its place, and never with a secret's value."""
    folder = _folder(tmp_path, f"site: hq\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(folder)
    [finding] = caught.value.findings
    assert str(finding).startswith(f"{folder}/slawatch.yaml:{told}")
    assert "canary" not in str(finding)


def test_a_folder_may_be_called_like_a_pattern(tmp_path: Path) -> None:
    """Only ``clients`` is one."""
    folder = tmp_path / "box[1]*"
    folder.mkdir()
    assert len(load(_folder(folder)).clients) == 1


def test_an_empty_box_has_every_default(tmp_path: Path) -> None:
    """Nothing needs to be said twice."""
    assert load(_folder(tmp_path, "# nothing\n")).listen == ("127.0.0.1", 9797)


def test_files_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    """No configuration, no client, no text."""
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load(path)
    folder = _folder(tmp_path)
    (folder / "clients" / "acme.yaml").write_bytes(b"client: acme\nname: \xff\n")
    with pytest.raises(ConfigurationError, match=r"acme\.yaml:2:7: file: no UTF-8 here"):
        load(folder)


def test_findings_are_sorted_by_place(example: Configuration, tmp_path: Path) -> None:
    """Ten comes after nine, and a configuration equals itself when it is read again."""
    assert load(tmp_path) == example
    moved = replace(example.clients[0], file="elsewhere")
    assert moved == example.clients[0]
