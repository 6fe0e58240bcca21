"""Ways to make a monitor talk to what it should not: spellings of addresses, and what they are smuggled in by.

Each shape is tried against the whole probe. What refuses it is written beside it: the parser of targets, the address
policy, or the rules for redirects; `front` means that it is no trick at all and leads to where the redirect came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

Refused = Literal["parser", "address_denied", "redirect_refused", "front"]

CANARY = 4000
"""The port at which nobody may ever arrive."""
FRONT, FRONT_PORT = "192.0.2.10", 8080
"""A web site that is nobody's secret, and sends its visitors where a shape says."""
SITE = f"http://front.example:{FRONT_PORT}"

INNER = {
    "loopback": "127.0.0.1",
    "loopback's far end": "127.255.255.254",
    "metadata": "169.254.169.254",
    "link-local": "169.254.7.7",
    "this network": "0.0.0.0",
}
"""IPv4 addresses that are denied, and to which a connection can be made."""

OTHERS = {
    "metadata of containers": "169.254.170.2",
    "metadata of Azure": "168.63.129.16",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Oracle": "192.0.0.192",
    "metadata over IPv6": "fd00:ec2::254",
    "metadata of Google over IPv6": "fd20:ce::254",
    "loopback over IPv6": "::1",
    "nothing over IPv6": "::",
}
UNREACHABLE = {
    "multicast": "224.0.0.251",
    "broadcast": "255.255.255.255",
    "multicast over IPv6": "ff02::fb",
    "link-local over IPv6": "fe80::1",
}
"""Denied too, but where the policy is away the kernel has no way there: nothing shows that they were let through."""


@dataclass(frozen=True)
class Shape:
    """One attempt. ``dns`` are the answers by name; ``location`` is where the front sends to, with ``status``."""

    label: str
    target: str
    refused: Refused
    kind: str = "http"
    dns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    location: str = ""
    status: int = 302
    redirects: str | tuple[str, ...] = "off"
    reachable: bool = True
    proxy: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.label}".replace(" ", "-")


# --- Spellings -------------------------------------------------------------------------------------------------------


def numeric(address: str) -> dict[str, str]:
    """Spellings of an IPv4 address that inet_aton(3) and browsers understand, and that are no address here."""
    number = int(IPv4Address(address))
    a, b, c, d = IPv4Address(address).packed
    found = {
        "decimal": str(number),
        "hexadecimal": f"0x{number:08x}",
        "upper-case hexadecimal": f"0X{number:X}",
        "octal": f"0{number:o}",
        "octal with zeros": f"0000000{number:o}",
        "dotted octal": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "dotted hexadecimal": f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        "mixed": f"0x{a:x}.{b}.0{c:o}.{d}",
        "three parts": f"{a}.{b}.{c << 8 | d}",
        "two parts": f"{a}.{b << 16 | c << 8 | d}",
        "leading zeros": f"{a:03}.{b:03}.{c:03}.{d:03}",
        "beyond 255": f"{a + 256}.{b + 256}.{c + 256}.{d + 256}",
        "final dot": f"{address}.",
        "full-width digits": "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in address),
        "ideographic dots": address.replace(".", "。"),
        "circled digits": "".join(chr(0x2460 + int(each) - 1) if each in "123456789" else each for each in address),
        "percent-encoded": "".join(f"%{ord(each):02x}" for each in address),
        "percent-encoded dots": address.replace(".", "%2e"),
        "followed by NUL": f"{address}%00",
        "followed by a name": f"{address}\\.example",
    }
    return {how: text for how, text in found.items() if text != address}


def nested(address: str) -> dict[str, str]:
    """IPv6 addresses that carry an IPv4 address, as texts that ipaddress(3) takes."""
    number = int(IPv4Address(address))
    high, low = number >> 16, number & 0xFFFF
    a, b, c, d = IPv4Address(address).packed
    found = {
        "mapped": f"::ffff:{address}",
        "mapped in hexadecimal": f"::ffff:{high:x}:{low:x}",
        "mapped in full": f"0000:0000:0000:0000:0000:FFFF:{high:04X}:{low:04X}",
        "compatible": f"::{address}",
        "translated": f"::ffff:0:{address}",
        "6to4": f"2002:{high:x}:{low:x}::1",
        "NAT64": f"64:ff9b::{address}",
        "Teredo server": f"2001:0:{high:x}:{low:x}::",
        "Teredo client": str(IPv6Address(0x2001 << 112 | 0xC000_0201 << 64 | number ^ 0xFFFF_FFFF)),
        "ISATAP": f"2001:db8::5efe:{high:x}:{low:x}",
        "ISATAP, universal": f"2001:db8::200:5efe:{high:x}:{low:x}",
    }
    if a:  # 0.x.x.x is how a NAT64 prefix of another length looks
        found |= {
            "local NAT64": f"64:ff9b:1::{address}",
            "local NAT64 of 48 bits": f"64:ff9b:1:{high:x}:{c:x}:{d << 8:x}::",
            "local NAT64 of 56 bits": f"64:ff9b:1:{a:x}:{b:x}:{c << 8 | d:x}::",
            "local NAT64 of 64 bits": f"64:ff9b:1:0:{a:x}:{b << 8 | c:x}:{d << 8:x}:0",
        }
    return found


NAMES = {
    "name": "localhost",
    "upper-case name": "LOCALHOST",
    "name with a final dot": "localhost.",
    "name below": "db.localhost",
    "full-width name": "ｌｏｃａｌｈｏｓｔ",
    "circled name": "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
}
"""This machine by name (RFC 6761), as IDNA reads it too."""

TARGETS = {
    "user": f"http://front.example@127.0.0.1:{CANARY}/",
    "user and password": f"http://front.example:80@127.0.0.1:{CANARY}/",
    "two users": f"http://a@b@127.0.0.1:{CANARY}/",
    "empty user": f"http://@127.0.0.1:{CANARY}/",
    "encoded user": f"http://front.example%40127.0.0.1:{CANARY}/",
    "encoded colon": f"http://127.0.0.1%3A{CANARY}/",
    "backslash before the host": f"http:\\\\127.0.0.1:{CANARY}/",
    "slash and backslash": f"http:/\\127.0.0.1:{CANARY}/",
    "backslash after the host": f"http://127.0.0.1:{CANARY}\\@front.example/",
    "backslash within the host": f"http://front.example\\127.0.0.1:{CANARY}/",
    "one slash": f"http:/127.0.0.1:{CANARY}/",
    "no slash": f"http:127.0.0.1:{CANARY}/",
    "three slashes": f"http:///127.0.0.1:{CANARY}/",
    "no host": f"http://:{CANARY}/",
    "question mark for a host": f"http://?@127.0.0.1:{CANARY}/",
    "hash for a host": f"http://#@127.0.0.1:{CANARY}/",
    "two ports": f"http://127.0.0.1:80:{CANARY}/",
    "signed port": f"http://127.0.0.1:+{CANARY}/",
    "hexadecimal port": "http://127.0.0.1:0xfa0/",
    "full-width port": "http://127.0.0.1:４０００/",
    "port beyond 65535": f"http://127.0.0.1:{CANARY + 65536}/",
    "leading space": f" http://127.0.0.1:{CANARY}/",
    "space within": f"http://127.0.0.1:{CANARY} /",
    "tab within": f"ht\ttp://127.0.0.1:{CANARY}/",
    "line end within": f"http://127.0.0.1\n:{CANARY}/",
    "header smuggled in": f"http://127.0.0.1:{CANARY}/\r\nX:y",
    "line separator": f"http://127.0.0.1\u2028:{CANARY}/",
    "soft hyphen": f"http://local\u00adhost:{CANARY}/",
    "zone": f"http://[::1%lo]:{CANARY}/",
    "encoded zone": f"http://[::1%25lo]:{CANARY}/",
    "zone of link-local": f"http://[fe80::1%25lo]:{CANARY}/",
    "bracket left open": f"http://[::1:{CANARY}/",
    "dot after the bracket": f"http://[::1].:{CANARY}/",
    "IPv6 without brackets": f"http://::1:{CANARY}/",
    "future address": f"http://[v1.127.0.0.1]:{CANARY}/",
    "file": "file:///etc/passwd",
    "gopher": f"gopher://127.0.0.1:{CANARY}/_x",
    "dict": f"dict://127.0.0.1:{CANARY}/x",
    "ftp": f"ftp://127.0.0.1:{CANARY}/",
    "Unix socket": "http+unix://%2Frun%2Fslawatch.sock/",
    "jar": f"jar:http://127.0.0.1:{CANARY}/!/",
}
"""Targets of the kind `http` that no parser should take."""


def in_url(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def canary(host: str, scheme: str = "http") -> str:
    """A URL that leads to the canary at ``host``."""
    return f"{scheme}://{in_url(host)}:{CANARY}/"


# --- What they are smuggled in by ------------------------------------------------------------------------------------


def shapes() -> Iterator[Shape]:
    """All of them."""
    yield from _targets()
    yield from _kinds()
    yield from _answers()
    yield from _redirects_by_status()
    yield from _redirects_by_address()
    yield from _redirects_by_text()
    yield from _proxies()


def _targets() -> Iterator[Shape]:
    for what, address in INNER.items():
        yield Shape(f"target: {what}", canary(address), "address_denied")
        for how, text in numeric(address).items():
            yield Shape(f"target: {what}, {how}", canary(text), "parser")
        for how, text in nested(address).items():
            yield Shape(f"target: {what}, {how}", canary(text), "address_denied")
    for what, address in OTHERS.items():
        yield Shape(f"target: {what}", canary(address), "address_denied")
    for how, name in NAMES.items():
        yield Shape(f"target: {how}", canary(name), "address_denied")
    for how, text in TARGETS.items():
        yield Shape(f"target: {how}", text, "parser")
    yield Shape("target: IPv4 in brackets", f"http://[127.0.0.1]:{CANARY}/", "address_denied")
    yield Shape("target: upper-case scheme", f"HTTP://127.0.0.1:{CANARY}/", "address_denied")


def _kinds() -> Iterator[Shape]:
    """Every other kind of probe has the same door."""
    forms = {"tcp": "{0}:{1}", "tls": "{0}:{1}", "dns": "{0}:{1}/host.example", "icmp": "{0}"}
    for kind, form in forms.items():
        for what, address in (INNER | OTHERS).items():
            yield Shape(f"target: {what}", form.format(in_url(address), CANARY), "address_denied", kind)
        for what, address in UNREACHABLE.items():
            text = form.format(in_url(address), CANARY)
            yield Shape(f"target: {what}", text, "address_denied", kind, reachable=False)
        for how in ("decimal", "dotted octal", "two parts"):
            yield Shape(f"target: {how}", form.format(numeric("127.0.0.1")[how], CANARY), "parser", kind)
        yield Shape("target: name", form.format("localhost", CANARY), "address_denied", kind)


def _answers() -> Iterator[Shape]:
    """What a DNS server answers for a name that looks like any other."""
    old = {**INNER, **{what: address for what, address in OTHERS.items() if ":" not in address}}
    for what, address in old.items():
        yield from _smuggled(what, f"A {address}", f"A {FRONT}")
    new = {what: address for what, address in OTHERS.items() if ":" in address}
    new |= {f"loopback, {how}": text for how, text in nested("127.0.0.1").items()}
    new |= {f"metadata, {how}": text for how, text in nested("169.254.169.254").items()}
    for what, address in new.items():
        yield from _smuggled(what, f"AAAA {IPv6Address(address)}", "AAAA 2001:db8::10")


def _smuggled(what: str, record: str, harmless: str) -> Iterator[Shape]:
    url, name = canary("shop.example"), "shop.example"
    yield Shape(f"answer: {what}", url, "address_denied", dns={name: (record,)})
    yield Shape(f"second answer: {what}", url, "address_denied", dns={name: (harmless, record)}, reachable=False)
    yield Shape(f"first of two answers: {what}", url, "address_denied", dns={name: (record, harmless)})
    chain = ("CNAME a.example.", "CNAME b.example.", "CNAME c.example.", record)
    yield Shape(f"answer behind three aliases: {what}", url, "address_denied", dns={name: chain})


def _redirects_by_status() -> Iterator[Shape]:
    """Even where the host is listed in `redirects`, which is the most that an operator can open there."""
    for status in (301, 302, 303, 307, 308):
        for host in ("127.0.0.1", "169.254.169.254", "::1", "localhost"):
            yield Shape(
                f"redirect {status}: {host}",
                SITE,
                "address_denied",
                location=canary(host),
                status=status,
                redirects=(host,),
            )
        yield Shape(
            f"redirect {status}: a name within",
            SITE,
            "address_denied",
            dns={"db.internal": ("A 127.0.0.1",)},
            location=canary("db.internal"),
            status=status,
            redirects=("db.internal",),
        )


def _redirects_by_address() -> Iterator[Shape]:
    for what in ("loopback", "metadata"):
        for how, text in numeric(INNER[what]).items():
            label = f"redirect: {what}, {how}"
            yield Shape(label, SITE, "redirect_refused", location=canary(text), redirects="same_host")
        for how, text in nested(INNER[what]).items():
            label = f"redirect: {what}, {how}"
            listed = (str(IPv6Address(text)),)
            yield Shape(label, SITE, "address_denied", location=canary(text), redirects=listed)
            yield Shape(f"{label}, not listed", SITE, "redirect_refused", location=canary(text), redirects="same_host")
    for what, address in (INNER | OTHERS).items():
        yield Shape(f"redirect: {what}", SITE, "address_denied", location=canary(address), redirects=(address,))


LOCATIONS: dict[str, tuple[str, Refused]] = {
    "protocol-relative": (f"//127.0.0.1:{CANARY}/", "address_denied"),
    "protocol-relative, IPv6": (f"//[::ffff:127.0.0.1]:{CANARY}/", "redirect_refused"),
    "upper-case scheme": (f"HTTP://127.0.0.1:{CANARY}/", "address_denied"),
    "to https": (f"https://127.0.0.1:{CANARY}/", "address_denied"),
    "spaces around": (f"   http://127.0.0.1:{CANARY}/   ", "address_denied"),
    "fragment": (f"http://127.0.0.1:{CANARY}/#front.example", "address_denied"),
    "three slashes": (f"///127.0.0.1:{CANARY}/", "front"),
    "path with a host in it": (f"/http://127.0.0.1:{CANARY}/", "front"),
    "relative path with an at-sign": (f"@127.0.0.1:{CANARY}/", "front"),
    "query with a URL in it": (f"?http://127.0.0.1:{CANARY}/", "front"),
    "path of dots": (f"/../../127.0.0.1:{CANARY}/", "front"),
    "scheme without slashes": (f"http:127.0.0.1:{CANARY}/", "front"),
    "scheme and one slash": (f"http:/127.0.0.1:{CANARY}/", "front"),
    "backslashes": (f"\\\\127.0.0.1:{CANARY}/", "front"),
    "slash and backslash": (f"/\\127.0.0.1:{CANARY}/", "front"),
    "user": (f"http://front.example@127.0.0.1:{CANARY}/", "redirect_refused"),
    "encoded user": (f"http://front.example%40127.0.0.1:{CANARY}/", "redirect_refused"),
    "backslash after the host": (f"http://127.0.0.1:{CANARY}\\@front.example/", "redirect_refused"),
    "tab in the scheme": (f"ht\ttp://127.0.0.1:{CANARY}/", "front"),
    "tab in the host": (f"http://127.0.\t0.1:{CANARY}/", "redirect_refused"),
    "gopher": (f"gopher://127.0.0.1:{CANARY}/_x", "redirect_refused"),
    "file": ("file:///etc/passwd", "redirect_refused"),
    "javascript": (f"javascript:location='http://127.0.0.1:{CANARY}/'", "redirect_refused"),
    "data": ("data:text/html,x", "redirect_refused"),
    "host that only begins like the front": (f"http://front.example.attacker.example:{CANARY}/", "redirect_refused"),
    "host that only ends like the front": (f"http://notfront.example:{CANARY}/", "redirect_refused"),
}
"""What a `Location` may say, with the loopback address listed in `redirects`."""


def _redirects_by_text() -> Iterator[Shape]:
    for how, (location, refused) in LOCATIONS.items():
        yield Shape(f"location: {how}", SITE, refused, location=location, redirects=("127.0.0.1",))


def _proxies() -> Iterator[Shape]:
    """A proxy is a host like any other; and what it is asked for is checked as far as that can be seen from here."""
    front = f"http://{FRONT}:{FRONT_PORT}"
    for what, address in (INNER | OTHERS).items():
        proxy = f"http://{in_url(address)}:{CANARY}"
        yield Shape(f"proxy: {what}", "http://shop.example/", "address_denied", proxy=proxy)
        yield Shape(f"behind a proxy: {what}", canary(address), "address_denied", proxy=front, reachable=False)
    for how, name in NAMES.items():
        yield Shape(f"behind a proxy: {how}", canary(name), "address_denied", proxy=front, reachable=False)
    for how, text in nested("169.254.169.254").items():
        url = canary(text, "https")
        yield Shape(f"behind a proxy: metadata, {how}", url, "address_denied", proxy=front, reachable=False)
    for host in ("127.0.0.1", "169.254.169.254", "::1", "localhost"):
        yield Shape(
            f"redirect behind a proxy: {host}",
            "http://shop.example/",
            "address_denied",
            location=canary(host),
            redirects=(host,),
            proxy=front,
            reachable=False,
        )
