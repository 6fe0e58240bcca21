"""``slawatch probe`` says which address it asked, and asks a configured endpoint's name of the configured resolvers."""

from __future__ import annotations

import asyncio

from probes.nameservers import Farm, answers
from probes.servers import Servers, silence
from slawatch.cli.probing import probe_once
from slawatch.config.configuration import Configuration
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box

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


async def test_without_an_address_there_is_none_to_print(dns_server: Farm) -> None:
    server = await dns_server(answers("TXT none"))
    found = configuration(9, f"127.0.0.1:{server.address[1]}", f"127.0.0.1:{server.address[1]}")
    row = await asyncio.to_thread(probe_once, "acme/mail", None, (), "5s", lambda: found)
    assert (row["address"], row["reason"]) == ("", "no_address")
    assert server.questions == ["mail.example. A", "mail.example. AAAA"]
