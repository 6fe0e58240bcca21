"""``slawatch doctor`` asks each DNS server of the configuration, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import dns.rcode
import pytest

from probes.nameservers import Farm, Say, answers, code, silent
from slawatch.cli import doctor
from slawatch.config.configuration import Configuration
from slawatch.config.models import Box


async def rows(tmp_path: Path, *servers: str) -> list[tuple[str, str, str]]:
    box = Box.model_validate({"resolvers": list(servers), "database": f"sqlite:///{tmp_path}/slawatch.db"})
    found = await asyncio.to_thread(doctor.examine, lambda: Configuration(box, ()))
    return [(row["check"], row["result"], row["detail"]) for row in found if row["check"].startswith("resolver")]


root = answers("NS none")


@pytest.mark.parametrize(
    ("says", "results", "words"),
    [
        ([root], ["weak"], ["ms; it is the only one"]),
        ([root, root], ["fine", "fine"], ["ms", "ms"]),
        ([root, silent], ["fine", "weak"], ["ms", "no answer"]),
        (
            [code(dns.rcode.REFUSED), silent],
            ["weak", "weak"],
            ["REFUSED, when asked for the root of all names", "no answer"],
        ),
        ([code(dns.rcode.REFUSED)], ["weak"], ["root of all names; it is the only one"]),
        ([silent], ["fails"], ["no answer"]),
        ([silent, silent], ["fails", "fails"], ["no answer", "no answer"]),
    ],
)
async def test_each_server_is_asked(
    dns_server: Farm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: list[Say],
    results: list[str],
    words: list[str],
) -> None:
    monkeypatch.setattr(doctor, "_RESOLVER_MAY_TAKE", 0.5 if silent in says else 60)
    servers = [await dns_server(say) for say in says]
    places = [f"127.0.0.1:{server.address[1]}" for server in servers]
    found = await rows(tmp_path, *places)
    assert [check for check, _, _ in found] == [f"resolver {place}" for place in places]
    assert [result for _, result, _ in found] == results
    assert all(detail.endswith(expected) for (_, _, detail), expected in zip(found, words, strict=True)), found
    assert all(server.questions == [". A"] for server in servers)


def test_without_a_configuration_nobody_is_asked() -> None:
    assert not [row for row in doctor.examine(lambda: None) if row["check"].startswith("resolver")]
