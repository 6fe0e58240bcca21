"""What the box's file says of addresses, and targets that it would deny for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from slawatch.config.loader import load, load_client_text
from slawatch.config.models import Box, Outbound
from slawatch.config.outbound import OWN_DATABASE, OWN_PORT, policy_of, typed
from slawatch.probes.options import HostPort, parse_host
from slawatch.runtime.errors import ConfigurationError

CLIENT = """client: acme
endpoints:
  it: {{probe: {probe}, target: "{target}"}}
services: {{shop: {{kind: applications, up_when: it}}}}
contracts: {{shop: {{service: shop, standard: 99%, period: month}}}}
"""


def folder(path: Path, probe: str, target: str, box: str = "") -> Path:
    (path / "clients").mkdir()
    (path / "clients" / "acme.yaml").write_text(CLIENT.format(probe=probe, target=target), encoding="utf-8")
    (path / "slawatch.yaml").write_text(box, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("probe", "target", "told", "entry"),
    [
        ("icmp", "127.0.0.1", "127.0.0.1 is denied (loopback)", "127.0.0.1"),
        ("tcp", "localhost:25", "localhost is denied (loopback)", "127.0.0.1"),
        ("tcp", "[::1]:25", "::1 is denied (loopback)", "::1"),
        ("tls", "db.localhost:25", "db.localhost is denied (loopback)", "127.0.0.1"),
        ("http", "http://[::ffff:7f00:1]/", "is denied (loopback)", "127.0.0.1"),
        ("http", "http://169.254.169.254/", "is denied (a cloud's metadata service)", "169.254.169.254"),
        ("dns", "127.0.0.53/host.example", "127.0.0.53 is denied (loopback)", "127.0.0.53"),
        ("icmp", "224.0.0.1", "224.0.0.1 is denied (multicast or broadcast)", None),
        ("icmp", "fe80::1", "fe80::1 is denied (link-local)", None),
    ],
)
def test_a_target_that_would_never_be_probed_is_refused(
    tmp_path: Path, probe: str, target: str, told: str, entry: str | None
) -> None:
    """With its place and with what to write; a client file that is judged without its box is no matter of addresses."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder(tmp_path, probe, target))
    [finding] = caught.value.findings
    assert (finding.line, finding.key) == (3, "endpoints.it.target")
    assert told in finding.message
    way_out = (
        f'or outbound: {{allow: ["{entry}"]}} in slawatch.yaml' if entry else "since this one can never be allowed"
    )
    assert finding.message.endswith(f": expected another target, {way_out}")
    assert load_client_text(CLIENT.format(probe=probe, target=target)).contracts


@pytest.mark.parametrize(
    ("target", "allow", "fine"),
    [
        ("127.0.0.1:25", "127.0.0.0/8", True),
        ("127.0.0.1:25", "127.0.0.1:25", True),
        ("localhost:25", '"[::1]:25"', True),  # it has two addresses, and one of them is enough
        ("127.0.0.1:9797", "127.0.0.0/8", False),
        ("127.0.0.1:9797", "127.0.0.1:9797", True),
    ],
)
def test_what_is_written_helps(tmp_path: Path, target: str, allow: str, fine: bool) -> None:
    box = folder(tmp_path, "tcp", target, f"outbound: {{allow: [{allow}]}}\n")
    if fine:
        assert load(box).endpoints
        return
    with pytest.raises(ConfigurationError, match=r'slawatch\'s own port.*allow: \["127.0.0.1:9797"\]'):
        load(box)


def test_a_mistake_in_the_list_is_not_held_against_targets(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(folder(tmp_path, "tcp", "127.0.0.1:25", "outbound: {allow: [127.0.0.1, localhost]}\n"))
    assert [finding.key for finding in caught.value.findings] == ["outbound.allow[1]"]


@pytest.mark.parametrize(
    ("database", "address", "port", "why"),
    [
        ("sqlite:////tmp/s.db", "192.0.2.5", 5432, None),
        ("postgresql://slawatch@192.0.2.5/slawatch", "192.0.2.5", 5432, OWN_DATABASE),
        ("postgresql://slawatch@192.0.2.5:6432/slawatch", "192.0.2.5", 6432, OWN_DATABASE),
        ("postgresql://slawatch@192.0.2.5:6432/slawatch", "192.0.2.5", 5432, None),
        ("postgresql://slawatch@[2001:db8::5]/slawatch", "2001:db8::5", 5432, OWN_DATABASE),
        ("postgresql://u@/s?host=192.0.2.4:1&host=192.0.2.5:2", "192.0.2.5", 2, OWN_DATABASE),
        ("postgresql://u@/s?host=/run/postgresql", "127.0.0.1", 5432, OWN_DATABASE),
        ("postgresql:///slawatch", "127.0.0.1", 5432, OWN_DATABASE),
        ("postgresql://u@127.0.0.1:5433/s", "127.0.0.1", 5433, OWN_DATABASE),
        ("postgresql://u@127.0.0.1:5433/s", "127.0.0.1", 5432, None),
        ("sqlite:////tmp/s.db", "127.0.0.1", 9000, OWN_PORT),
    ],
)
def test_ports_of_our_own(database: str, address: str, port: int, why: str | None) -> None:
    box = Box(database=database, listen="127.0.0.1:9000", outbound=Outbound(allow=["127.0.0.0/8"]))
    assert policy_of(box).denial(address, port) == why


def test_a_database_by_name_is_to_be_found() -> None:
    box = Box(database="postgresql://u@db.example:6432/s")
    assert policy_of(box).unknown(6432) == [parse_host("db.example")]
    assert not policy_of(box).unknown(5432)


def test_a_database_that_is_a_secret(tmp_path: Path) -> None:
    """Whose password nothing here repeats; one that cannot be read yet guards nothing."""
    secret = tmp_path / "database"
    box = Box.model_validate({"database": {"file": str(secret)}})
    assert policy_of(box).denial("192.0.2.5", 5432) is None
    secret.write_text("postgresql://slawatch:canary@192.0.2.5/slawatch", encoding="utf-8")
    policy = policy_of(box)
    assert policy.denial("192.0.2.5", 5432) == OWN_DATABASE
    assert "canary" not in repr([policy, policy.services])
    secret.write_text("nonsense://canary", encoding="utf-8")
    assert [service.words for service in policy_of(box).services] == [OWN_PORT]


@pytest.mark.parametrize(
    ("host", "port", "entries"),
    [
        ("127.0.0.1", 80, ["127.0.0.1:80"]),
        ("127.0.0.1", 0, ["127.0.0.1"]),
        ("::1", 80, ["[::1]:80"]),
        ("localhost", 80, ["127.0.0.1:80", "[::1]:80"]),
        ("192.0.2.1", 80, []),
        ("169.254.169.254", 80, []),
        ("host.example", 80, []),
    ],
)
def test_what_typing_an_address_opens(host: str, port: int, entries: list[str]) -> None:
    assert typed(HostPort(parse_host(host), port)) == entries


def test_a_proxy_that_would_never_be_asked_is_refused_too(tmp_path: Path) -> None:
    box = folder(tmp_path, "http", "http://192.0.2.1/")
    file = box / "clients" / "acme.yaml"
    text = file.read_text(encoding="utf-8").replace(
        '"http://192.0.2.1/"', '"http://a.example/", proxy: "http://[::1]:8"'
    )
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(box)
    [finding] = caught.value.findings
    assert (finding.line, finding.key) == (3, "endpoints.it.proxy")
    assert finding.message.startswith("::1 is denied (loopback): expected another proxy, or outbound")
    (box / "slawatch.yaml").write_text('outbound: {allow: ["[::1]:8"]}\n', encoding="utf-8")
    assert load(box).endpoints
