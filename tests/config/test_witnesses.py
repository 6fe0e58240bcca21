"""Witnesses in ``slawatch.yaml``: how they are written, and which of them ``check-config`` refuses (S15)."""

from __future__ import annotations

from pathlib import Path

import pytest

from slawatch.config.configuration import Configuration
from slawatch.config.loader import load
from slawatch.probes.witness import Witness, parse_witness
from slawatch.runtime.errors import ConfigurationError

CLIENT = """\
client: acme
endpoints:
  router: {probe: icmp, target: 192.168.7.1, path: lan}
  isp: {probe: icmp, target: 198.51.100.1, behind: router}
  site: {probe: tcp, target: "203.0.113.20:80", behind: isp}
  named: {probe: tcp, target: "www.acme.example:80"}
  resolver: {probe: dns, target: 192.168.7.53/acme.example}
"""


def loaded(folder: Path, witnesses: str) -> Configuration:
    (folder / "clients").mkdir()
    (folder / "clients" / "acme.yaml").write_text(CLIENT, encoding="utf-8")
    (folder / "slawatch.yaml").write_text(f"witnesses:\n{witnesses}", encoding="utf-8")
    return load(folder)


def findings(folder: Path, witnesses: str) -> list[tuple[int, int, str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, witnesses)
    return [(found.line, found.column, found.key, found.message) for found in caught.value.findings]


def test_witnesses_are_read(tmp_path: Path) -> None:
    text = (
        "  lan: [192.168.7.10, 192.168.7.11]\n"
        '  internet: [198.51.100.53, "203.0.113.53:53", {host: 203.0.113.9, behind: acme/router}]\n'
        '  v6: ["2001:db8::1", "[2001:db8::2]:443"]\n'
    )
    assert loaded(tmp_path, text).witnesses == {
        "lan": [Witness("192.168.7.10", 4), Witness("192.168.7.11", 4)],
        "internet": [
            Witness("198.51.100.53", 4),
            Witness("203.0.113.53", 4, 53),
            Witness("203.0.113.9", 4, None, "acme/router"),
        ],
        "v6": [Witness("2001:db8::1", 6), Witness("2001:db8::2", 6, 443)],
    }


def test_the_path_follows_the_address_of_a_name_server_too(tmp_path: Path) -> None:
    paths = {e.name: (e.path, e.address) for e in loaded(tmp_path, "  lan: [192.168.7.10, 192.168.7.11]\n").endpoints}
    assert paths == {
        "router": ("lan", "192.168.7.1"),
        "isp": ("internet", "198.51.100.1"),
        "site": ("internet", "203.0.113.20"),
        "named": ("internet", ""),
        "resolver": ("lan", "192.168.7.53"),
    }


FORM = "expected an address to ping, as 192.0.2.10, or one with a port to connect to, as 192.0.2.10:53"
NEEDED = "expected a witness that answers whatever becomes of that endpoint"


@pytest.mark.parametrize(
    ("witnesses", "place", "message"),
    [
        (
            "  lan: [192.168.7.10, 192.168.7.1]\n",
            (2, 23, "witnesses.lan[1]"),
            f"192.168.7.1 would vouch for itself, as acme/router: {NEEDED}",
        ),
        (
            "  lan: [192.168.7.10, {host: 192.168.7.11, behind: acme/router}]\n",
            (2, 23, "witnesses.lan[1]"),
            f"192.168.7.11 lies behind acme/router and would vouch for it: {NEEDED}",
        ),
        (  # two steps: the witness is behind site, site is behind isp, and isp is on this path
            "  internet: [198.51.100.53, {host: 203.0.113.9, behind: acme/site}]\n",
            (2, 29, "witnesses.internet[1]"),
            f"203.0.113.9 lies behind acme/isp and would vouch for it: {NEEDED}",
        ),
        (  # what lies behind isp by its own address as an endpoint, and is judged on another path
            "  lan: [192.168.7.10, 203.0.113.20]\n",
            (2, 23, "witnesses.lan[1]"),
            f"203.0.113.20 lies behind acme/router and would vouch for it: {NEEDED}",
        ),
        (  # the router lives and what is beyond it does not: it proves nothing
            "  internet: [198.51.100.53, 192.168.7.1]\n",
            (2, 29, "witnesses.internet[1]"),
            f"192.168.7.1 is a gateway and would vouch for acme/isp, which is beyond it: {NEEDED}",
        ),
        (
            "  internet: [198.51.100.53, {host: 203.0.113.9, behind: acme/ips}]\n",
            (2, 29, "witnesses.internet[1]"),
            "'acme/ips' is no endpoint: did you mean acme/isp?",
        ),
        (
            "  lan: [192.168.7.10]\n",
            (2, 8, "witnesses.lan"),
            "a path whose one witness fails by itself is blind for nothing: expected two hosts or more",
        ),
        (
            "  lan: [192.168.7.10, 192.168.7.10]\n",
            (2, 8, "witnesses.lan"),
            "192.168.7.10 stands here twice: expected different hosts",
        ),
        (
            "  lan: [192.168.7.10, nas.acme.example]\n",
            (2, 23, "witnesses.lan[1]"),
            "'nas.acme.example' is a name: expected an address, since a witness must not need a resolver",
        ),
        (
            "  lan: [192.168.7.10, 127.0.0.1]\n",
            (2, 23, "witnesses.lan[1]"),
            "'127.0.0.1' is this machine, which vouches for nothing: expected another host's address",
        ),
        (
            "  lan: [192.168.7.10, {adress: 192.168.7.11}]\n",
            (2, 23, "witnesses.lan[1]"),
            "expected {host: 192.0.2.10, behind: client/endpoint}",
        ),
        (
            "  lan: [192.168.7.10, 7]\n",
            (2, 23, "witnesses.lan[1]"),
            f"7 stands here: {FORM}",
        ),
    ],
)
def test_a_witness_that_cannot_vouch_is_refused(
    witnesses: str, place: tuple[int, int, str], message: str, tmp_path: Path
) -> None:
    assert findings(tmp_path, witnesses) == [(*place, message)]


@pytest.mark.parametrize(
    "text", ["192.0.2.1:0", "192.0.2.1:99999", "fe80::1", "224.0.0.1", "0.0.0.0", "[2001:db8::1", "::1", "fe80::1%eth0"]
)
def test_what_is_no_witness(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|zone|cannot be probed"):
        parse_witness(text)
