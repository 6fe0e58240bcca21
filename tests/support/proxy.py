"""A real proxy from the tests' Debian tree: Squid, with or without passwords."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from support.process import Server, accepts, free_port
from support.servers import TREE, own_folder

SQUID = """\
http_port 127.0.0.1:{port}
pid_filename none
cache deny all
memory_cache_shared off
pinger_enable off
cache_log /dev/stderr
access_log stdio:{folder}/access.log
netdb_filename none
coredump_dir {folder}
shutdown_lifetime 0 seconds
hosts_file {folder}/hosts
dns_nameservers 127.0.0.1
dns_timeout 1 second
visible_hostname proxy.test
acl forbidden dst 127.0.0.9
http_access deny forbidden
{access}
http_access deny all
"""

OPEN = "http_access allow all"
BY_PASSWORD = """\
auth_param basic program /usr/lib/squid/basic_fake_auth
acl known proxy_auth ann
http_access allow known"""


class Squid(Server):
    """A proxy on 127.0.0.1 that knows ``inner.test`` and no DNS server, and forbids 127.0.0.9.

    With ``passwords``, it serves the user ``ann`` only, whatever the password is.
    """

    def __init__(self, folder: Path, *, passwords: bool = False) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        access = BY_PASSWORD if passwords else OPEN
        configuration = folder / "squid.conf"
        configuration.write_text(SQUID.format(port=self.port, folder=folder, access=access), encoding="utf-8")
        (folder / "hosts").write_text("127.0.0.1 inner.test\n", encoding="utf-8")
        os.chown(folder, *TREE.user_id("proxy"))
        command = TREE.command(["/usr/sbin/squid", "-N", "-f", configuration], user="proxy", bind=[folder])
        super().__init__("squid", command, folder / "squid.log", lambda: accepts(self.port))

    def requests(self) -> str:
        """Its access log so far."""
        log = self._folder / "access.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""


class MakeSquid(Protocol):
    """``squid(passwords=…)`` starts one; the fixture stops it."""

    def __call__(self, *, passwords: bool = False) -> Squid: ...


@pytest.fixture
def squid(tmp_path: Path) -> Iterator[MakeSquid]:
    """Makes running proxies."""
    with ExitStack() as running:

        def make(*, passwords: bool = False) -> Squid:
            return running.enter_context(Squid(own_folder(tmp_path, "squid"), passwords=passwords))

        yield make
