"""What a close look finds beside the observation, and that it leaves nothing behind."""

from __future__ import annotations

import pytest

from probes.quiet_network import QuietNetwork
from probes.scene import needs_root
from probes.servers import Servers, descriptors
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Verdict
from slawatch.probes.closely import observe_closely
from slawatch.probes.found import HttpFound, hash_of
from slawatch.probes.options import Family
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds


@needs_root
@pytest.mark.parametrize(("groups", "raw"), [("1 0", True), ("0 2147483647", False)], ids=["raw", "datagram"])
@pytest.mark.parametrize(("family", "address"), [(4, "127.0.0.1"), (6, "::1")])
async def test_a_reply_says_how_many_hops_were_left(
    resources: Resources, family: Family, address: str, groups: str, raw: bool
) -> None:
    """By either sort of socket; loopback's packets start with 64 and make no hop."""
    network = QuietNetwork(groups)
    try:
        network.answers(True)
        opened, is_raw = network.opener(family)
        opened.close()
        assert is_raw is raw
        resources.icmp_opener = network.opener
        kind, before = kinds()["icmp"], descriptors()
        seen, found = await observe_closely(kind, kind.target(address), kind.options(), resources, SECOND)
    finally:
        network.close()
    assert seen.verdict is Verdict.UP
    assert found.hop_limit == 64
    assert 0 < found.setup < SECOND
    assert descriptors() == before


async def test_a_close_look_sees_what_a_scheduled_probe_sees(resources: Resources, servers: Servers) -> None:
    port = await servers.answering(b"HTTP/1.1 404 Gone\r\nContent-Length: 3\r\n\r\nno\n")
    kind = kinds()["http"]
    target, options = kind.target(f"http://127.0.0.1:{port}/"), kind.options()
    plain = await observe(kind, target, options, resources, SECOND)
    seen, found = await observe_closely(kind, target, options, resources, SECOND)
    assert (seen.verdict, seen.reason, seen.detail) == (plain.verdict, plain.reason, plain.detail)
    assert [name for name, _ in seen.phases] == [name for name, _ in plain.phases]
    assert (found.http.status, found.http.content_length, found.http.length) == (404, 3, 3)
    assert (found.tls, found.dns, found.hop_limit, found.unfinished) == (None, None, None, "")


async def test_a_scheduled_probe_collects_nothing(resources: Resources) -> None:
    assert resources.context(0, 0.0).trace.found is None


@pytest.mark.parametrize(
    ("status", "headers", "head", "expected"),
    [
        (200, {"content-length": "5"}, False, 5),
        (200, {"content-length": " 5 "}, False, 5),
        (200, {}, False, -1),
        (200, {"content-length": "5", "transfer-encoding": "chunked"}, False, -1),
        (200, {"content-length": "5"}, True, 5),
        (200, {}, True, -1),
        (204, {}, False, 0),
        (304, {"content-length": "5"}, False, 0),
        (200, {"content-length": "9" * 40}, False, -1),
    ],
)
def test_the_length_that_headers_say(status: int, headers: dict[str, str], head: bool, expected: int) -> None:
    found = HttpFound()
    found.answered(status, "1.1", headers, head=head, unpack=False)
    assert found.content_length == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Wed, 21 Oct 2015 07:28:00 GMT", 1445412480), ("yesterday", None), ("", None), ("Wed, 99 Oct 2015", None)],
)
def test_a_date_or_none(text: str, expected: int | None) -> None:
    found = HttpFound()
    found.answered(200, "1.1", {"last-modified": text}, head=False, unpack=False)
    assert found.last_modified == expected


def test_the_hash_is_over_the_bytes_of_the_address() -> None:
    """Vectors of FNV-1a, 32 bits, computed by hand from its definition."""
    expected = 0x811C9DC5
    for byte in (127, 0, 0, 1):
        expected = (expected ^ byte) * 0x01000193 % 2**32
    assert hash_of("127.0.0.1") == expected == 3668918509
    assert hash_of("::1") != hash_of("::2")
