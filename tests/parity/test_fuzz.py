"""Replies that are garbage, by the thousand: no crash, no missed deadline, nothing left behind, and nothing up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
import uvloop

from parity import fuzz_dns, fuzz_http
from parity.fuzz_icmp import Icmp
from parity.fuzzing import Subject, Tally, fuzz
from parity.subjects import Dialogue, Dns, Http, Tcp, Tls
from probes.certificates import Authority, authority

FEW = 300
MANY = 10_000
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
SUBJECTS: dict[str, Callable[[Authority], Subject]] = {
    "http": lambda _: Http(),
    "tls": Tls,
    "tcp": lambda _: Tcp(),
    "starttls": lambda _: Dialogue(),
    "dns": lambda _: Dns(),
    "icmp": lambda _: Icmp(),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def run(name: str, loop: str, root: Authority, numbers: range, caplog: pytest.LogCaptureFixture) -> Tally:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        tally = runner.run(fuzz(SUBJECTS[name](root), numbers))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert tally.reasons.total() == len(numbers)
    assert len(tally.reasons) >= 3, tally
    if name != "starttls":
        assert tally.reasons["answered"] >= len(numbers) // 20, tally  # not all of it was garbage
    return tally


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_few(name: str, loop: str, root: Authority, caplog: pytest.LogCaptureFixture) -> None:
    run(name, loop, root, range(FEW), caplog)


@pytest.mark.deep
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_many(name: str, loop: str, root: Authority, caplog: pytest.LogCaptureFixture) -> None:
    half = MANY // len(LOOPS)
    first = list(LOOPS).index(loop) * half
    print(f"{name} on {loop}: {run(name, loop, root, range(first, first + half), caplog)}")


def test_the_oracles_know_what_is_good() -> None:
    assert all(map(fuzz_http.is_good, fuzz_http.VALID))
    query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + fuzz_dns.QNAME + b"\0\1\0\1"
    for number, answers, additional, more in fuzz_dns.VALID:
        head = b"\x12\x34\x81\x80" + bytes((0, 1, 0, number, 0, 0, 0, additional))
        assert fuzz_dns.is_good(head + query[12:] + answers + more, query)
