"""Real mail servers of the tests' Debian tree, Postfix and Dovecot, each on loopback ports of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.process import Server, accepts, free_port
from support.servers import TREE, own_folder

POSTFIX = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:nothing leaves this test
maillog_file = /dev/stdout
smtpd_tls_chain_files = {certificate}
smtpd_tls_security_level = {level}
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
error unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    """An SMTP server: STARTTLS at ``port`` unless ``level`` is ``none``, TLS from the first byte at ``tls_port``."""

    def __init__(self, folder: Path, certificate: Path, level: str = "may") -> None:
        self.port, self.tls_port = free_port(), free_port()
        etc = folder / "etc"
        for part in ("etc", "data", "queue", "queue/pid", "queue/private", "queue/public"):
            (folder / part).mkdir()
        for part in ("data", "queue/private", "queue/public"):
            os.chown(folder / part, *TREE.user_id("postfix"))
        main = POSTFIX.format(folder=folder, certificate=_own(certificate, folder), level=level)
        (etc / "main.cf").write_text(main, encoding="utf-8")
        master = MASTER.format(port=self.port, tls_port=self.tls_port)
        (etc / "master.cf").write_text(master, encoding="utf-8")
        # Its master itself: `postfix start-fg` would leave it behind when it is stopped.
        command = TREE.command(["/usr/lib/postfix/sbin/master", "-s", "-c", etc], bind=[folder])
        super().__init__("postfix", command, folder / "postfix.log", lambda: accepts(self.port))


def _own(certificate: Path, folder: Path) -> Path:
    """A copy inside the server's folder: the only one that is visible to its users in the tree."""
    return Path(shutil.copy(certificate, folder / "server.pem"))


DOVECOT = """\
base_dir = {run}
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = {strict}
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 0
mail_location = maildir:{folder}/mail/%n
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n
}}
"""


class Dovecot(Server):
    """IMAP and POP3, both with STARTTLS (unless ``tls`` is off) and on ports of their own with TLS from the start.

    Anybody may sign in with ``password``; under TLS only, where there is TLS. Its sockets lie in ``run``: the path of
    one may have 107 bytes, and those of tests are longer.
    """

    password = "secret"

    def __init__(self, folder: Path, run: Path, certificate: Path, *, tls: bool = True) -> None:
        self.imap, self.imaps, self.pop3, self.pop3s = (free_port() for _ in range(4))
        text = DOVECOT.format(
            folder=folder,
            run=run,
            certificate=_own(certificate, folder),
            ssl="yes" if tls else "no",
            strict="yes" if tls else "no",
            password=self.password,
            imap=self.imap,
            imaps=self.imaps,
            pop3=self.pop3,
            pop3s=self.pop3s,
        )
        (folder / "mail").mkdir()
        os.chown(folder / "mail", *TREE.user_id("mail"))
        configuration = folder / "dovecot.conf"
        configuration.write_text(text, encoding="utf-8")
        command = TREE.command(["/usr/sbin/dovecot", "-F", "-c", configuration], bind=[folder, run])
        super().__init__("dovecot", command, folder / "dovecot.log", lambda: accepts(self.imap) and accepts(self.pop3))


@pytest.fixture
def postfix(tmp_path: Path) -> Iterator[Callable[..., Postfix]]:
    """Makes running SMTP servers: ``postfix(certificate, level="may")``; the file holds the key and the chain."""
    with ExitStack() as running:
        yield lambda certificate, level="may": running.enter_context(
            Postfix(own_folder(tmp_path, "postfix"), certificate, level)
        )


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[Callable[..., Dovecot]]:
    """Makes running IMAP and POP3 servers: ``dovecot(certificate, tls=True)``; the file holds the key and the chain."""
    with ExitStack() as running:

        def make(certificate: Path, tls: bool = True) -> Dovecot:
            short = running.enter_context(TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True))
            return running.enter_context(Dovecot(own_folder(tmp_path, "dovecot"), Path(short), certificate, tls=tls))

        yield make
