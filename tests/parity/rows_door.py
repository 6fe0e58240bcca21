"""Rows for the door alone: real servers, modules that are there unconfigured, and what metrics say beyond a verdict."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from parity.awkward import greets, mute, nobody, routed, says
from parity.door import BUILT_IN, Real
from parity.odd_certificates import Leaf, by_the_root
from parity.row import CA, Ask, Place, Row
from parity.rows_http import HELLO, HTTP, HTTPS, redirects
from parity.rows_starttls import mail
from parity.rows_tcp import ICMP, at
from parity.rows_tls import TLS, good
from probes.certificates import DAY, NOW, Authority

_IP4 = {"preferred_ip_protocol": "ip4"}


def _built_in(name: str, prober: str, module: dict[str, object] | None = None, target: str = "{}") -> Ask:
    return Ask(prober, target, target, prober, {BUILT_IN: name}, {**_IP4, **(module or {})})


async def _web(place: Place) -> str:
    assert isinstance(place, Real)
    return f"127.0.0.1:{place.web.port}"


async def _secure(place: Place) -> str:
    assert isinstance(place, Real)
    return f"127.0.0.1:{place.secure.port}"


async def _modern(place: Place) -> str:
    assert isinstance(place, Real)
    return f"127.0.0.1:{place.modern}"


async def _zone(place: Place) -> str:
    assert isinstance(place, Real)
    return f"127.0.0.1:{place.zone.port}"


def _http(path: str, ask: Ask = HTTP) -> Ask:
    scheme = "https" if ask is HTTPS else "http"
    return Ask("http", f"{scheme}://{{}}{path}", f"{scheme}://{{}}{path}", "http", ask.options, ask.module)


def _page(path: str) -> Ask:
    return _built_in("http_2xx", "http", target=f"http://{{}}{path}")


HEAD = {"method": "HEAD"}, {"method": "HEAD"}
PACKED = {"compressed": True}, {"compression": "gzip", "headers": {"Accept-Encoding": "gzip"}}
REGEX = {"expect": {"regex": "Welc.me"}}, {"fail_if_body_not_matches_regexp": ["Welc.me"]}
OTHER_REGEX = {"expect": {"regex": "Farewell"}}, {"fail_if_body_not_matches_regexp": ["Farewell"]}
HEADER = (
    {"expect": {"header_patterns": {"Server": "apache"}}},
    {"fail_if_header_not_matches": [{"header": "Server", "regexp": "apache"}]},
)
STATUS = {"expect": {"status": [404]}}, {"valid_status_codes": [404]}
_POST = _built_in("http_post_2xx", "http", {"method": "POST"}, "http://{}/")
LOGIN = b'<html><form><input type="password"></form></html>'

WEB_ROWS = [
    Row("nginx", _http("/"), _web, "answered", "up"),
    Row("nginx, a target without a scheme", _built_in("http_2xx", "http", target="{}"), _web, "answered", "up"),
    Row("nginx, by the module http_2xx", _page("/"), _web, "answered", "up"),
    Row(
        "nginx, by the module http_post_2xx",
        _POST,
        _web,
        "answered",
        "up",
    ),
    Row("nginx, 404", _page("/missing"), _web, "status", "down"),
    Row("nginx, 404 as agreed", _http("/missing").but(*STATUS), _web, "answered", "up"),
    Row("nginx, 500", _page("/broken"), _web, "status", "down"),
    Row("nginx, 204", _page("/empty"), _web, "answered", "up"),
    Row("nginx, a file with its Last-Modified", _http("/file"), _web, "answered", "up"),
    Row("nginx, a file by HEAD", _http("/file").but(*HEAD), _web, "answered", "up"),
    Row("nginx, a compressed file", _http("/packed").but(*PACKED), _web, "answered", "up"),
    Row("nginx, a file that is compressed only for who asks", _http("/packed"), _web, "answered", "up"),
    Row("nginx, one redirect", _page("/moved"), _web, "answered", "up"),
    Row("nginx, two redirects", _page("/chain"), _web, "answered", "up"),
    Row("nginx, 307", _page("/other-method"), _web, "answered", "up"),
    Row("nginx, a redirect that is not to be followed", _http("/moved"), _web, "status", "down"),
    Row("nginx, closes without an answer", _page("/closes"), _web, "closed", "down"),
    Row("nginx, a pattern that matches", _http("/").but(*REGEX), _web, "answered", "up"),
    Row("nginx, a pattern that does not match", _http("/").but(*OTHER_REGEX), _web, "body", "down"),
    Row("nginx, a header that does not match", _http("/").but(*HEADER), _web, "header", "down"),
    Row("nginx over TLS", _http("/", HTTPS), _secure, "answered", "up"),
    Row("nginx, HTTP/2 over TLS", _http("/", HTTPS), _modern, "answered", "up"),
    Row("nginx over TLS, a redirect there", _http("/moved", HTTPS), _secure, "status", "down"),
    Row(
        "nginx over TLS, a certificate that nobody knows",
        _built_in("http_2xx", "http", target="https://{}/"),
        _secure,
        "certificate_untrusted",
        "down",
    ),
    Row("nginx, TLS where there is none", _built_in("http_2xx", "http", target="https://{}/"), _web, "tls", "down"),
    Row("nginx, plain HTTP where TLS is expected", _page("/"), _secure, "status", "down"),
    Row("a redirect to where nobody listens", _page("/"), redirects(b"http://127.0.0.1:1/"), "refused", "down"),
    Row(
        "a 302 that names no place",
        _page("/"),
        says(b"HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nhi"),
        "status",
        "down",
    ),
    Row(
        "a login page, by the module http_2xx",
        _page("/"),
        says(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + LOGIN),
        "login_page",
        "up",
        "The verdict is void, since what was to be seen may lie behind. The module's name promises a status alone, so "
        "that the door calls it a success.",
    ),
    Row("HTTP/1.0 and no length", _page("/"), routed(lambda _: b"HTTP/1.0 200 OK\r\n\r\nhello"), "answered", "up"),
    Row("refused, by the module http_2xx", _page("/"), nobody, "refused", "down"),
    Row(
        "a date that is none",
        _page("/"),
        says(HELLO.replace(b"OK\r\n", b"OK\r\nLast-Modified: yesterday\r\n")),
        "answered",
        "up",
    ),
]


def _soon(trusted: Authority) -> object:
    return trusted.server("127.0.0.1", "host.example", "www.host.example", ends=NOW + DAY)


def _below(trusted: Authority) -> object:
    return trusted.server("127.0.0.1", through=trusted.intermediate(ends=NOW + DAY))


def _tcp(name: str, *steps: dict[str, object], **more: object) -> Ask:
    return _built_in(name, "tcp", {"query_response": list(steps), **more})


SSH = _tcp("ssh_banner", {"expect": "^SSH-2.0-"}, {"send": "SSH-2.0-blackbox-ssh-check"})
IRC = _tcp(
    "irc_banner",
    {"send": "NICK prober"},
    {"send": "USER prober prober prober :prober"},
    {"expect": "PING :([^ ]+)", "send": "PONG ${1}"},
    {"expect": "^:[^ ]+ 001"},
)
POP3S = _tcp("pop3s_banner", {"expect": "^+OK"}, tls=True)
POP3 = Ask(
    "tcp",
    "{}",
    "{}",
    "tcp",
    {"tls_from_start": True, "tls": {"ca": CA}, "steps": [{"expect": r"^\+OK"}]},
    {**_IP4, "tls": True, "tls_config": {"ca_file": CA}, "query_response": [{"expect": "^\\+OK"}]},
)

TCP_ROWS = [
    Row("by the module tcp_connect", _built_in("tcp_connect", "tcp"), mute(), "answered", "up"),
    Row("nginx, by the module tcp_connect", _built_in("tcp_connect", "tcp"), _web, "answered", "up"),
    Row("refused, by the module tcp_connect", _built_in("tcp_connect", "tcp"), nobody, "refused", "down"),
    Row("by the module ssh_banner", SSH, greets(b"SSH-2.0-OpenSSH_9.2p1\r\n", hang=True), "answered", "up"),
    Row("another greeting, by the module ssh_banner", SSH, greets(b"220 mail\r\n"), "unexpected", "down"),
    Row(
        "by the module irc_banner",
        IRC,
        greets(b"PING :abc\r\n:irc.example 001 prober :hello\r\n", hang=True),
        "answered",
        "up",
    ),
    Row(
        "by the module pop3s_banner, a certificate that nobody knows",
        POP3S,
        greets(b"+OK\r\n", tls=good),
        "certificate_untrusted",
        "down",
    ),
    Row("a greeting over TLS", POP3, greets(b"+OK ready\r\n", hang=True, tls=good), "answered", "up"),
    Row("another greeting over TLS", POP3, greets(b"-ERR\r\n", tls=good), "unexpected", "down"),
    Row(
        "by the module tls_connect",
        _built_in("tls_connect", "tcp", {"tls": True}),
        _secure,
        "certificate_untrusted",
        "down",
    ),
    Row(
        "by the module smtp_starttls",
        _tcp("smtp_starttls", {"expect": "^220 "}, {"starttls": True}),
        mail(),
        "certificate_untrusted",
        "down",
    ),
]

NAMES = x509.Name(
    [
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Hamburg"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Hamburg, Altona"),
        x509.NameAttribute(NameOID.STREET_ADDRESS, "Große Elbstraße 1"),
        x509.NameAttribute(NameOID.POSTAL_CODE, "22767"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme + Söhne"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme Logistics"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, " Web "),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "HRB 1"),
        x509.NameAttribute(NameOID.COMMON_NAME, "first.example"),
        x509.NameAttribute(NameOID.COMMON_NAME, "last.example"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "web@acme.example"),
        x509.NameAttribute(NameOID.USER_ID, "Ärger" * 60),
    ]
)

TLS_ROWS = [
    Row("a name with every sort of part", TLS, mute(by_the_root(Leaf(subject=NAMES))), "answered", "up"),
    Row(
        "the same parts the other way round",
        TLS,
        mute(by_the_root(Leaf(subject=x509.Name(list(NAMES)[::-1])))),
        "answered",
        "up",
    ),
    Row("a name that is empty", TLS, mute(by_the_root(Leaf(subject=x509.Name([])))), "answered", "up"),
    Row("several names, and an end that is near", TLS, mute(_soon), "answered", "up"),  # type: ignore[arg-type]
    Row("an intermediate that ends before its leaf", TLS, mute(_below), "answered", "up"),  # type: ignore[arg-type]
    Row(
        "a name with every sort of letter",
        TLS,
        mute(by_the_root(Leaf(hosts=["127.0.0.1", "xn--bcher-kva.example"], common_name='#a,b+c"d\\e<f>;g '))),
        "answered",
        "up",
    ),
]

ICMP_ROWS = [
    Row("this machine, by the module icmp", _built_in("icmp", "icmp"), at("127.0.0.1"), "answered", "up"),
    Row("IPv6, by the module icmp", _built_in("icmp", "icmp"), at("::1"), "answered", "up"),
    Row(
        "few hops, by the module icmp_ttl5",
        _built_in("icmp_ttl5", "icmp", {"ttl": 5}),
        at("127.0.0.1"),
        "answered",
        "up",
    ),
    Row("a multiple of pings", ICMP.but({"count": 3, "interval": "10ms"}), at("127.0.0.1"), "answered", "up"),
]


def _dns(name: str, kind: str = "A", **options: object) -> Ask:
    module = {**_IP4, "query_name": name, "query_type": kind}
    if "transport" in options:
        module["transport_protocol"] = str(options["transport"])
    return Ask("dns", f"{{}}/{name}", "{}", "dns", {"type": kind, **options}, module)


NO_SUCH = {"expect": {"rcode": "NXDOMAIN"}}, {"valid_rcodes": ["NXDOMAIN"]}

DNS_ROWS = [
    Row("knot, two addresses", _dns("www.acme.test"), _zone, "answered", "up"),
    Row("knot over TCP", _dns("www.acme.test", transport="tcp"), _zone, "answered", "up"),
    Row("knot, the zone's serial number", _dns("acme.test", "SOA"), _zone, "answered", "up"),
    Row("knot, the serial number over TCP", _dns("acme.test", "SOA", transport="tcp"), _zone, "answered", "up"),
    Row("knot, name servers and their addresses", _dns("acme.test", "NS"), _zone, "answered", "up"),
    Row("knot, where mail goes", _dns("acme.test", "MX"), _zone, "answered", "up"),
    Row("knot, a text", _dns("text.acme.test", "TXT"), _zone, "answered", "up"),
    Row("knot, an alias", _dns("alias.acme.test"), _zone, "answered", "up"),
    Row("knot, an address of IPv6", _dns("six.acme.test", "AAAA"), _zone, "answered", "up"),
    Row("knot, no such name", _dns("gone.acme.test"), _zone, "nxdomain", "down"),
    Row("knot, no such name, as agreed", _dns("gone.acme.test").but(*NO_SUCH), _zone, "answered", "up"),
    Row("knot, another zone", _dns("host.example"), _zone, "query_refused", "down"),
    Row("knot, another zone's serial number", _dns("host.example", "SOA"), _zone, "query_refused", "down"),
    Row("nobody over TCP", _dns("host.example", transport="tcp"), nobody, "refused", "down"),
]

ROWS = [*WEB_ROWS, *TCP_ROWS, *TLS_ROWS, *ICMP_ROWS, *DNS_ROWS]
