"""The kind `tcp`: the ready-made dialogues of `starttls`, before real servers and before peers true to the byte."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from probes.certificates import NOW, Authority, authority
from probes.driver import HASTY, Driver
from probes.servers import Behaviour, Servers, end
from slawatch.domain.interval import DAY, to_instant
from slawatch.domain.observation import Verdict
from slawatch.probes.kinds.tcp import Options
from slawatch.probes.starttls import DIALOGUES
from support.mail import Dovecot, Postfix
from support.servers import TREE, Postgres
from support.waiting import async_eventually

END = to_instant(NOW) + 30 * DAY
MakePostfix = Callable[..., Postfix]
MakeDovecot = Callable[..., Dovecot]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def test_every_dialogue_can_be_asked_for() -> None:
    annotation = Options.model_fields["starttls"].annotation
    assert {word for part in get_args(annotation) for word in get_args(part)} == set(DIALOGUES)


# --- Real servers ----------------------------------------------------------------------------------------------------


@pytest.mark.server("postfix")
async def test_the_certificate_of_postfix(observe: Driver, postfix: MakePostfix, root: Authority) -> None:
    server = postfix(root.leaf("localhost"))
    target, tls = f"localhost:{server.port}", {"ca": root.path}
    seen = await observe("tcp", target, starttls="smtp", tls=tls)
    assert (seen.verdict, seen.reason, seen.detail, seen.certificate_expiry) == (Verdict.UP, "answered", "", END)
    assert [name for name, _ in seen.phases] == ["resolve", "connect", "answer", "tls"]
    # It left politely, under TLS, and Postfix says so.
    await async_eventually(lambda: "ehlo=1 starttls=1 quit=1 commands=3" in server.said())
    seen = await observe("tcp", target, starttls="smtp", tls={**tls, "name": "other.example"})
    assert (seen.verdict, seen.reason, seen.certificate_expiry) == (Verdict.DOWN, "certificate_wrong_host", END)
    assert (await observe("tcp", target, starttls="smtp")).reason == "certificate_untrusted"
    seen = await observe("tcp", target, starttls="smtp", tls={**tls, "expires_within": "31d"})
    assert (seen.verdict, seen.reason, seen.certificate_expiry) == (Verdict.DEGRADED, "certificate_expires", END)
    assert (await observe("tcp", target, starttls="smtp", tls={**tls, "expires_within": "29d"})).verdict is Verdict.UP
    # TLS from the first byte, on its own port and on the wrong one.
    assert (
        await observe("tcp", f"localhost:{server.tls_port}", tls_from_start=True, tls=tls)
    ).certificate_expiry == END
    assert (await observe("tcp", target, tls_from_start=True, tls=tls)).reason == "tls"


@pytest.mark.server("postfix")
async def test_more_is_said_to_postfix_under_tls(observe: Driver, postfix: MakePostfix, root: Authority) -> None:
    server = postfix(root.leaf("localhost"), "encrypt")
    target = f"localhost:{server.port}"
    mail = [
        {"send": "EHLO probe.example\\r\\n"},
        {"expect": "^250 ", "refuse": "^[45]"},
        {"send": "MAIL FROM:<probe@probe.example>\\r\\n"},
        {"expect": "^250 ", "refuse": "^[45]"},
    ]
    assert (await observe("tcp", target, starttls="smtp", steps=mail, tls={"ca": root.path})).verdict is Verdict.UP
    seen = await observe("tcp", target, steps=[{"expect": "^220 "}, *mail])
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "unexpected")
    assert seen.detail == "step 5: the server said '530 5.7.0 Must issue a STARTTLS command first' which is refused"


@pytest.mark.server("postfix")
async def test_postfix_as_blackbox_exporter_writes_it(observe: Driver, postfix: MakePostfix, root: Authority) -> None:
    """The example of its documentation, `smtp_starttls`, word for word but for the ends of lines."""
    steps: list[dict[str, Any]] = [
        {"expect": r"^220 ([^ ]+) ESMTP (.+)$", "send": "EHLO prober\\r\\n"},
        {"expect": "^250-STARTTLS", "send": "STARTTLS\\r\\n"},
        {"expect": "^220", "starttls": True},
        {"send": "EHLO prober\\r\\n"},
        {"expect": "^250 ", "send": "QUIT\\r\\n"},
    ]
    server = postfix(root.leaf("localhost"))
    seen = await observe("tcp", f"localhost:{server.port}", steps=steps, tls={"ca": root.path})
    assert (seen.verdict, seen.detail, seen.certificate_expiry) == (Verdict.UP, "", END)


@pytest.mark.server("postfix")
async def test_postfix_without_starttls(observe: Driver, postfix: MakePostfix, root: Authority) -> None:
    server = postfix(root.leaf("localhost"), "none")
    seen = await observe("tcp", f"localhost:{server.port}", starttls="smtp", tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "starttls_refused")
    assert seen.detail == "the server does not offer STARTTLS"


@pytest.mark.server("dovecot")
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_the_certificate_of_dovecot(
    observe: Driver, dovecot: MakeDovecot, root: Authority, protocol: str
) -> None:
    server = dovecot(root.leaf("localhost"))
    target, tls = f"localhost:{getattr(server, protocol)}", {"ca": root.path}
    seen = await observe("tcp", target, starttls=protocol, tls=tls)
    assert (seen.verdict, seen.reason, seen.detail, seen.certificate_expiry) == (Verdict.UP, "answered", "", END)
    seen = await observe("tcp", target, starttls=protocol, tls={**tls, "name": "other.example"})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "certificate_wrong_host")
    port = getattr(server, f"{protocol}s")
    assert (await observe("tcp", f"localhost:{port}", tls_from_start=True, tls=tls)).certificate_expiry == END


@pytest.mark.server("dovecot")
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_dovecot_without_starttls(observe: Driver, dovecot: MakeDovecot, root: Authority, protocol: str) -> None:
    server = dovecot(root.leaf("localhost"), tls=False)
    seen = await observe("tcp", f"localhost:{getattr(server, protocol)}", starttls=protocol, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "starttls_refused")
    assert "TLS support isn't enabled." in seen.detail


@pytest.mark.server("dovecot")
async def test_signing_in_at_dovecot_under_tls(
    observe: Driver, dovecot: MakeDovecot, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = dovecot(root.leaf("localhost"))
    pop3 = [
        {"send": "USER ann\\r\\n"},
        {"expect": r"^\+OK", "refuse": "^-ERR"},
        {"send": ["PASS ", {"env": "MAIL_PASSWORD"}, "\\r\\n"]},
        {"expect": r"^\+OK", "refuse": "^-ERR"},
    ]
    imap = [
        {"send": ["a1 LOGIN ann ", {"env": "MAIL_PASSWORD"}, "\\r\\n"]},
        {"expect": "^a1 OK", "refuse": "^a1 (NO|BAD)"},
    ]
    for protocol, steps in (("pop3", pop3), ("imap", imap)):
        how: dict[str, Any] = {"starttls": protocol, "steps": steps, "tls": {"ca": root.path}}
        target = f"localhost:{getattr(server, protocol)}"
        monkeypatch.setenv("MAIL_PASSWORD", server.password)
        assert (await observe("tcp", target, **how)).verdict is Verdict.UP
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        seen = await observe("tcp", target, **how)
        assert (seen.verdict, seen.reason) == (Verdict.DOWN, "unexpected")
        assert seen.detail.endswith("the server said something else which is refused")


@pytest.mark.server("postgres")
async def test_the_certificate_of_postgres(observe: Driver, postgres: Postgres, root: Authority) -> None:
    target, tls = f"localhost:{postgres.port}", {"ca": root.path}
    seen = await observe("tcp", target, starttls="postgres", tls=tls)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "starttls_refused")
    assert seen.detail == "the server does not offer TLS"
    file = Path(shutil.copy(root.leaf("localhost"), postgres.log.parent / "server.pem"))
    os.chown(file, *TREE.user_id("postgres"))
    file.chmod(0o600)
    for setting in (f"ssl_cert_file = '{file}'", f"ssl_key_file = '{file}'", "ssl = on"):
        postgres.sql(f"ALTER SYSTEM SET {setting}")
    postgres.sql("SELECT pg_reload_conf()")

    async with asyncio.timeout(20):  # it reads its configuration again in a moment
        while (seen := await observe("tcp", target, starttls="postgres", tls=tls)).reason == "starttls_refused":
            pass
    assert (seen.reason, seen.detail, seen.certificate_expiry) == ("answered", "", END)
    seen = await observe("tcp", target, starttls="postgres", tls={**tls, "name": "other.example"})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "certificate_wrong_host")


# --- Peers -----------------------------------------------------------------------------------------------------------

Talk = list[tuple[bytes, bytes]]
"""What the peer hears, and what it says then. ``TLS`` stands for the handshake."""
TLS = b"<tls>"

GOOD: dict[str, Talk] = {
    "smtp": [
        (b"", b"220-mail.example\r\n220 ESMTP\r\n"),
        (b"EHLO [127.0.0.1]\r\n", b"250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n"),
        (b"STARTTLS\r\n", b"220 2.0.0 go\r\n"),
        (TLS, b""),
        (b"QUIT\r\n", b"221 bye\r\n"),
    ],
    "imap": [
        (b"", b"* OK hello\r\n"),
        (b"a1 STARTTLS\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"),
        (TLS, b""),
        (b"a2 LOGOUT\r\n", b"* BYE\r\na2 OK bye\r\n"),
    ],
    "pop3": [(b"", b"+OK\r\n"), (b"STLS\r\n", b"+OK\r\n"), (TLS, b""), (b"QUIT\r\n", b"+OK\r\n")],
    "ftp": [  # RFC 959, RFC 4217
        (b"", b"220-Welcome\r\n 220 to this\r\n220 ready\r\n"),
        (b"AUTH TLS\r\n", b"234 AUTH TLS OK.\r\n"),
        (TLS, b""),
        (b"QUIT\r\n", b"221 Goodbye.\r\n"),
    ],
    "sieve": [  # RFC 5804, 1.7 and 2.2
        (b"", b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "ready"\r\n'),
        (b"STARTTLS\r\n", b'OK "Begin TLS negotiation now."\r\n'),
        (TLS, b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK "TLS negotiation successful."\r\n'),
        (b"LOGOUT\r\n", b'OK "Logout completed."\r\n'),
    ],
    "ldap": [  # RFC 4511, 4.14; the lengths as Active Directory writes them
        (b"", b""),
        (
            b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037",
            b"\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0",
        ),
        (TLS, b""),
    ],
    "postgres": [(b"", b""), (b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"), (TLS, b"")],
}


def peer(talk: Talk, tls: Any) -> Behaviour:
    """Goes through the talk, and breaks off where it hears anything else."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for heard, said in talk:
            if heard == TLS:
                await writer.start_tls(tls)
            elif heard == b"\n":
                await reader.readline()
            elif await reader.readexactly(len(heard)) != heard:
                return
            writer.write(said)
            await writer.drain()
        await reader.read()
        await end(writer)

    return behaviour


@pytest.mark.parametrize("protocol", GOOD)
async def test_a_good_peer(observe: Driver, servers: Servers, root: Authority, protocol: str) -> None:
    port = await servers.start(peer(GOOD[protocol], root.server("127.0.0.1")))
    seen = await observe("tcp", f"127.0.0.1:{port}", starttls=protocol, tls={"ca": root.path})
    assert (seen.verdict, seen.reason, seen.detail, seen.certificate_expiry) == (Verdict.UP, "answered", "", END)


@pytest.mark.server("openssl")
@pytest.mark.parametrize("protocol", ["smtp", "pop3", "sieve", "ldap", "postgres"])
async def test_the_peers_are_true_to_their_protocols(servers: Servers, root: Authority, protocol: str) -> None:
    """OpenSSL's own client, which shares no line with ours, takes them for servers too."""
    said = [(b"\n" if heard.endswith(b"\n") else heard, answer) for heard, answer in GOOD[protocol]]
    port = await servers.start(peer(said, root.server("127.0.0.1")))
    client = ["/usr/bin/openssl", "s_client", "-brief", "-starttls", protocol, "-connect", f"127.0.0.1:{port}"]
    done = await asyncio.to_thread(TREE.run, client)
    assert "CONNECTION ESTABLISHED" in done.stderr


@pytest.mark.parametrize("protocol", GOOD)
async def test_a_peer_that_says_too_much_before_tls(
    observe: Driver, servers: Servers, root: Authority, protocol: str
) -> None:
    """CVE-2011-0411 and its kin: the farewell is there already, in the clear."""
    talk = list(GOOD[protocol])
    number = next(number for number, (heard, _) in enumerate(talk) if heard == TLS)
    heard, said = talk[number - 1]
    talk[number - 1] = (heard, said + (talk[-1][1] or b"x"))
    port = await servers.start(peer(talk, root.server("127.0.0.1")))
    seen = await observe("tcp", f"127.0.0.1:{port}", starttls=protocol, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "starttls_injection")


@pytest.mark.parametrize("protocol", GOOD)
async def test_a_peer_that_stops_anywhere(observe: Driver, servers: Servers, root: Authority, protocol: str) -> None:
    """It goes silent at each point of the talk: no part of it is enough."""
    talk = GOOD[protocol]
    for length in range(len(talk) - (talk[-1][0] == TLS)):
        port = await servers.start(peer(talk[:length], root.server("127.0.0.1")))
        seen = await observe("tcp", f"127.0.0.1:{port}", HASTY * 2, starttls=protocol, tls={"ca": root.path})
        assert (seen.verdict, seen.reason) == (Verdict.DOWN, "timeout")


@pytest.mark.parametrize("protocol", GOOD)
async def test_a_peer_that_demands_a_certificate_of_ours(
    observe: Driver, servers: Servers, root: Authority, protocol: str
) -> None:
    """With TLS 1.3 our side of the handshake is done before the server looks at what we showed: that is no success."""
    port = await servers.start(peer(GOOD[protocol], root.server("127.0.0.1", client_ca=root.path)))
    how: dict[str, Any] = {"starttls": protocol, "tls": {"ca": root.path}}
    seen = await observe("tcp", f"127.0.0.1:{port}", **how)
    assert seen.verdict is Verdict.DOWN
    assert seen.reason in ("client_certificate", "reset", "unexpected")  # as its last words reach us, or do not
    how["tls"]["client_certificate"] = str(root.leaf("probe"))
    assert (await observe("tcp", f"127.0.0.1:{port}", **how)).verdict is Verdict.UP


def _but(protocol: str, number: int, said: bytes) -> tuple[str, Talk]:
    talk = list(GOOD[protocol])
    talk[number] = (talk[number][0], said)
    return protocol, talk


REFUSALS: list[tuple[tuple[str, Talk], str]] = [
    (_but("smtp", 0, b"421 too busy\r\n"), "unexpected"),
    (_but("smtp", 1, b"502 what\r\n"), "unexpected"),
    (_but("smtp", 1, b"250 STARTTLS\r\n"), "answered"),
    (_but("smtp", 1, b"250-NOSTARTTLS\r\n250 HELP\r\n"), "starttls_refused"),
    (_but("smtp", 2, b"454 4.7.0 not now\r\n"), "starttls_refused"),
    (_but("smtp", 4, b"421 no\r\n"), "unexpected"),
    (_but("imap", 0, b"* BYE go away\r\n"), "unexpected"),
    (_but("imap", 0, b"* PREAUTH hello\r\n"), "unexpected"),
    (_but("imap", 1, b"a1 NO not now\r\n"), "starttls_refused"),
    (_but("imap", 1, b"a1 BAD what\r\n"), "starttls_refused"),
    (_but("pop3", 0, b"-ERR busy\r\n"), "unexpected"),
    (_but("pop3", 1, b"-ERR what\r\n"), "starttls_refused"),
    (_but("ftp", 0, b"421 busy\r\n"), "unexpected"),
    (_but("ftp", 1, b"534 policy\r\n"), "starttls_refused"),
    (_but("ftp", 3, b"500 what\r\n"), "unexpected"),
    (_but("sieve", 0, b'BYE "busy"\r\n'), "unexpected"),
    (_but("sieve", 1, b'NO "what"\r\n'), "starttls_refused"),
    (_but("sieve", 2, b'BYE "no"\r\n'), "unexpected"),
    (_but("ldap", 1, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"), "answered"),
    (_but("ldap", 1, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\0\x04\0"), "starttls_refused"),
    (_but("ldap", 1, b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\0\x04\0\x04\0"), "unexpected"),
    (_but("ldap", 1, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"), "unexpected"),
    (_but("ldap", 1, b"\x30\x02\x02\x7f"), "unexpected"),
    (_but("ldap", 1, b"\x30\x01\x02"), "unexpected"),
    (_but("ldap", 1, b"\x30\0"), "unexpected"),
    (_but("ldap", 1, b"\x30\x84\xff\xff\xff\xff"), "unexpected"),
    (_but("ldap", 1, b"HTTP/1.1 400 Bad Request\r\n"), "unexpected"),
    (_but("postgres", 1, b"N"), "starttls_refused"),
    (_but("postgres", 1, b"E"), "unexpected"),
]


@pytest.mark.parametrize(("case", "reason"), REFUSALS)
async def test_a_peer_that_refuses(
    observe: Driver, servers: Servers, root: Authority, case: tuple[str, Talk], reason: str
) -> None:
    protocol, talk = case
    port = await servers.start(peer(talk, root.server("127.0.0.1")))
    seen = await observe("tcp", f"127.0.0.1:{port}", starttls=protocol, tls={"ca": root.path})
    assert seen.reason == reason


async def test_our_own_address_over_ipv6(observe: Driver, servers: Servers, root: Authority) -> None:
    talk = [(heard.replace(b"[127.0.0.1]", b"[IPv6:::1]"), said) for heard, said in GOOD["smtp"]]
    port = await servers.start(peer(talk, root.server("::1")), host="::1")
    assert (await observe("tcp", f"[::1]:{port}", starttls="smtp", tls={"ca": root.path})).verdict is Verdict.UP
