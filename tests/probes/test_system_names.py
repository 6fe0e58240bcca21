"""What resolv.conf, the hosts file and the key ``resolvers`` say of servers and names."""

from __future__ import annotations

import pytest

from slawatch.probes.dns_exchange import Server
from slawatch.probes.system_names import parse_hosts, parse_resolv_conf, parse_server, spell_server


def test_resolv_conf() -> None:
    text = (
        "# here\nnameserver 192.0.2.53 # one\nnameserver 2001:db8::53\nnameserver x\ndomain a\nsearch b c.\noptions x\n"
    )
    system = parse_resolv_conf(text)
    assert system.servers == (("192.0.2.53", 53), ("2001:db8::53", 53))
    assert system.search == ("b", "c")
    assert parse_resolv_conf("nameserver ::1\nnameserver ::1\n").servers == (("::1", 53),)
    assert parse_resolv_conf("").servers == (("127.0.0.1", 53),)


def test_hosts_lines_that_are_none() -> None:
    assert parse_hosts("# all\n\nx y\n300.1.1.1 z\n192.0.2.1\n192.0.2.1 a\n") == {"a": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("[::1]:5353", ("::1", 5353)),
    ],
)
def test_servers(text: str, server: Server) -> None:
    assert parse_server(text) == server
    assert spell_server(server) == text


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.53:", "192.0.2.53:x", "192.0.2.53:0", "1.1.1"])
def test_servers_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"no DNS server|no port|ambiguous"):
        parse_server(text)
