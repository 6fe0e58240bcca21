"""``slawatch probe`` says which address it asked, and asks a configured endpoint's name of the configured resolvers."""

from __future__ import annotations

import asyncio
import re

import pytest

from probes.nameservers import Farm, answers
from probes.scene import needs_root
from probes.servers import Servers, silence
from slawatch.cli.probing import probe_once
from slawatch.config.configuration import Configuration
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box
from slawatch.runtime.errors import UsageError

CLIENT = """\
client: acme
endpoints:
  mail: {{probe: tcp, target: "mail.example:{port}"}}
"""


def configuration(port: int, *servers: str) -> Configuration:
    box = Box.model_validate({"resolvers": list(servers), "outbound": {"allow": ["127.0.0.0/8"]}})
    return Configuration(box, (load_client_text(CLIENT.format(port=port)),))


async def test_the_address_is_printed(dns_server: Farm, servers: Servers) -> None:
    port = await servers.start(silence)
    server = await dns_server(answers("A 127.0.0.1", "AAAA ::1"))
    found = configuration(port, f"127.0.0.1:{server.address[1]}")
    row = await asyncio.to_thread(probe_once, "acme/mail", None, (), "5s", lambda: found)
    assert (row["target"], row["address"], row["verdict"]) == (f"mail.example:{port}", "127.0.0.1", "up")
    assert server.questions == ["mail.example. A"]

    row = await asyncio.to_thread(probe_once, "tcp", f"127.0.0.1:{port}", (), "5s", lambda: found)
    assert (row["address"], row["verdict"]) == ("127.0.0.1", "up")


@needs_root
def test_loss_jitter_and_times_of_a_series_are_printed() -> None:
    row = probe_once("icmp", "127.0.0.1", ("count=3", "interval=10ms", "loss.down=50%"), "5s", lambda: configuration(9))
    assert row["verdict"] == "up"
    assert re.fullmatch(r"3 of 3 answered; rtt min/avg/max [\d.]+/[\d.]+/[\d.]+ ms, jitter [\d.]+ ms", row["detail"])
    assert re.fullmatch(r"series=\S+ rtt=\S+", row["phases"])


def test_a_series_that_does_not_fit_into_its_timeout_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 4s for these options"):
        probe_once("icmp", "127.0.0.1", ("count=20",), "3s", lambda: configuration(9))


async def test_without_an_address_there_is_none_to_print(dns_server: Farm) -> None:
    server = await dns_server(answers("TXT none"))
    found = configuration(9, f"127.0.0.1:{server.address[1]}", f"127.0.0.1:{server.address[1]}")
    row = await asyncio.to_thread(probe_once, "acme/mail", None, (), "5s", lambda: found)
    assert (row["address"], row["reason"]) == ("", "no_address")
    assert server.questions == ["mail.example. A", "mail.example. AAAA"]


async def test_who_types_an_address_of_this_machine_means_it(servers: Servers) -> None:
    """The target or a proxy, and nothing else: what is typed elsewhere opens no loopback."""
    port = await servers.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def probed(target: str, *options: str) -> tuple[str, str]:
        row = probe_once("http", target, options, "5s", lambda: configuration(port))
        return row["verdict"], row["reason"]

    for host in ("127.0.0.1", "localhost"):
        assert await asyncio.to_thread(probed, f"http://{host}:{port}/") == ("up", "answered")
    proxy = f"proxy=http://127.0.0.1:{port}"
    assert await asyncio.to_thread(probed, "http://192.0.2.1/", proxy) == ("up", "answered")
    assert servers.connections == 3
    for target in ("http://169.254.169.254/", "http://[::ffff:127.0.0.1]:1/", "http://0.0.0.0:1/"):
        assert await asyncio.to_thread(probed, target) == ("void", "address_denied")
