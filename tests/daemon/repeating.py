"""Servers that send back what they were told, in every part of an answer where it could be shown by mistake.

They run in threads of the test's own process, so that the daemon under test is another one.
"""

from __future__ import annotations

import base64
import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

Answer = Callable[[bytes, str], bytes]
"""From the whole request, and what was told in it on one line, to what is sent back."""

_AUTHORIZATION = re.compile(rb"(?im)^(?:proxy-)?authorization: (\w+) (\S+)")
_HEADER = re.compile(rb"(?im)^x-\w+: (\S+)")


def told(request: bytes) -> str:
    """The secrets of a request: values of `X-` headers, tokens, and passwords as they were before Base64."""
    found = [value.decode() for value in _HEADER.findall(request)]
    for scheme, value in _AUTHORIZATION.findall(request):
        found.append(value.decode())
        if scheme.lower() == b"basic":
            with suppress(ValueError):
                found.append(base64.b64decode(value).decode().partition(":")[2])
    return ".".join(found) or "nothing"


def _page(head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _label(secret: str) -> str:
    """What a host name can hold of it: the last secret, without what no label has."""
    return re.sub(r"[^A-Za-z0-9]", "", secret.rpartition(".")[2])[:60] or "nothing"


ANSWERS: dict[str, Answer] = {
    "status": lambda request, secret: _page(f"500 {secret}", b"x"),
    "status-number": lambda request, secret: _page(f"{secret} OK", b"x"),
    "version": lambda request, secret: _page("200 OK", b"x").replace(b"HTTP/1.1", f"HTTP/{secret}".encode()),
    "first-line": lambda request, secret: f"{secret}\r\n\r\n".encode(),
    "no-http": lambda request, secret: secret.encode() * 50,
    "headers": lambda request, secret: _page(
        f'401 No\r\nX-Echo: {secret}\r\nSet-Cookie: a={secret}\r\nWWW-Authenticate: Basic realm="{secret}"', b"x"
    ),
    "header-name": lambda request, secret: _page(f"200 OK\r\n{secret}: x\r\n{secret} y", b"x"),
    "body": lambda request, secret: _page("200 OK", request),
    "json": lambda request, secret: _page("200 OK\r\nContent-Type: application/json", f'{{"{secret}": '.encode()),
    "charset": lambda request, secret: _page(f"200 OK\r\nContent-Type: text/html; charset={secret}", b"x"),
    "encoding": lambda request, secret: _page(f"200 OK\r\nContent-Encoding: {secret}", b"x"),
    "length": lambda request, secret: f"HTTP/1.1 200 OK\r\nContent-Length: {secret}\r\n\r\nx".encode(),
    "two-lengths": lambda request, secret: _page(f"200 OK\r\nContent-Length: 1{secret}", b"x"),
    "coding": lambda request, secret: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {secret}\r\n\r\nx".encode(),
    "chunk": lambda request, secret: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{secret}\r\nx".encode(),
    "cut": lambda request, secret: f"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{secret}".encode(),
    "to-host": lambda request, secret: _page(f"302 Go\r\nLocation: http://{_label(secret)}.example/", b""),
    "to-https": lambda request, secret: _page(f"302 Go\r\nLocation: https://{_label(secret)}/", b""),
    "to-user": lambda request, secret: _page(f"302 Go\r\nLocation: http://{secret}@host.example/", b""),
    "to-port": lambda request, secret: _page(f"302 Go\r\nLocation: http://127.0.0.1:{secret}/", b""),
    "to-scheme": lambda request, secret: _page(f"302 Go\r\nLocation: {_label(secret)}://127.0.0.1/", b""),
    "to-path": lambda request, secret: _page(f"302 Go\r\nLocation: /to-path?{quote(secret)}", b""),
    "mark": lambda request, secret: _page(f"503 No\r\nX-Squid-Error: {secret}\r\nProxy-Status: {secret}", b"x"),
    "nothing": lambda request, secret: b"",
}
"""By the name in the path: a request for `/status` is answered so."""


class _Repeating(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        request = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in request:
                piece = self.request.recv(65536)
                if not piece:
                    return
                request += piece
            name = re.sub(r"^(?:http://[^/]+)?/", "", request.split(b" ")[1].decode()).partition("?")[0]
            self.request.sendall(ANSWERS.get(name, ANSWERS["mark"])(request, told(request)))
            if name == "nothing":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Parrot(socketserver.BaseRequestHandler):
    """Says what it hears, and ends."""

    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(b"ready\r\n")
            self.request.sendall(b"no: " + self.request.recv(65536))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        opened, peer = super().get_request()
        opened.settimeout(10)
        if self.tls is not None:
            opened = self.tls.wrap_socket(opened, server_side=True, do_handshake_on_connect=False)
        return opened, peer

    def handle_error(self, request: object, client_address: object) -> None:
        """The probe went away, or refused the certificate."""


@contextmanager
def repeating(*, tls: ssl.SSLContext | None = None, parrot: bool = False) -> Iterator[int]:
    """A server on loopback; its port."""
    with _Server(("127.0.0.1", 0), _Parrot if parrot else _Repeating) as server:
        server.tls = tls
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
