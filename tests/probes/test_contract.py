"""What every kind of probe keeps to. A new kind joins by its file in ``kinds/`` and its test file here."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from probes.driver import HASTY, PATIENT
from probes.scene import Scene
from probes.servers import Servers, descriptors
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Verdict
from slawatch.probes.options import HostPort
from slawatch.probes.probe import LONGEST_DETAIL, Kind, Resources, observe, printable
from slawatch.probes.registry import kind_of_url, kinds
from support.waiting import async_eventually

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "probes.md"
NAMES = sorted(kinds())

CANARY = "canary-5b1d"
MOST_FROM_A_FLOOD = 24 * 1024 * 1024
"""What a probe reads at most (1 MiB and a little) and what the kernel may hold for both sides (16 MiB and a little)."""


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> Kind:
    return kinds()[request.param]


@pytest.fixture
def scene(kind: Kind) -> Scene:
    made = importlib.import_module(f"probes.test_{kind.name}").SCENE
    assert isinstance(made, Scene)
    if made.root and os.geteuid() != 0:
        pytest.skip("BLOCKED: raw sockets and network namespaces need root")
    return made


def options_of(kind: Kind, scene: Scene) -> Any:
    return kind.options.model_validate(scene.options)


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model within it."""
    yield model
    for field in model.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from models(inner)


def option_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Each option as it is written, `expect.status`, with its field."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        yield key, field
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from option_keys(inner, key + ".")


def has_secrets(kind: Kind) -> bool:
    """Whether one of its options is a secret that is said to the other side; the key of a certificate never is."""
    return any(
        '"credential"' in json.dumps(field)
        for model in models(kind.options)
        for key, field in model.model_json_schema().get("properties", {}).items()
        if key != "client_key"
    )


async def test_what_is_good_is_up(kind: Kind, scene: Scene, servers: Servers) -> None:
    async with scene.resources(silent=False) as resources:
        target = kind.target(await scene.good(servers))
        seen = await observe(kind, target, kind.options(), resources, PATIENT)
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.UP, "answered", None)
    assert seen.phases
    assert 0 < sum(length for _, length in seen.phases) <= seen.duration


async def test_the_deadline_is_kept(kind: Kind, scene: Scene, servers: Servers) -> None:
    async with scene.resources(silent=True) as resources:
        target = kind.target(await scene.silent(servers))
        seen = await observe(kind, target, options_of(kind, scene), resources, HASTY)
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.DOWN, "timeout", None)
    assert HASTY * 3 // 4 <= seen.duration < HASTY + SECOND


async def test_the_start_dates_it(kind: Kind, scene: Scene, servers: Servers) -> None:
    """S3: wall time at the probe's start."""
    async with scene.resources(silent=True) as resources:
        target = kind.target(await scene.silent(servers))
        before = resources.clock.now()
        seen = await observe(kind, target, options_of(kind, scene), resources, HASTY)
        assert before <= seen.started <= before + HASTY // 2


async def test_cancelling_leaves_nothing_open_and_nothing_to_report(
    kind: Kind, scene: Scene, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene.resources(silent=True) as resources:
        target, options = kind.target(await scene.silent(servers)), options_of(kind, scene)
        await observe(kind, target, options, resources, HASTY)  # what is shared is open from here on
        await async_eventually(lambda: servers.open == 0)
        before = descriptors()
        for turns in range(16):  # at every point that it can be at
            task = asyncio.create_task(observe(kind, target, options, resources, PATIENT))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await async_eventually(lambda: descriptors() == before, within=5)
    gc.collect()
    assert not caplog.records


async def test_a_flood_is_not_drunk_up(kind: Kind, scene: Scene, servers: Servers) -> None:
    if scene.flood is None:
        return  # its answers have a bounded length by their nature; nothing can flood it
    async with scene.resources(silent=False) as resources:
        target = kind.target(await scene.flood(servers))
        seen = await observe(kind, target, options_of(kind, scene), resources, PATIENT)
    assert seen.reason != "timeout"
    await async_eventually(lambda: servers.open == 0)
    assert sum(servers.sent) < MOST_FROM_A_FLOOD


async def test_secrets_never_show(
    kind: Kind, scene: Scene, servers: Servers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if not has_secrets(kind):
        assert type(scene).secretive is Scene.secretive, "a scene for secrets, and no option that takes one"
        return
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SLAWATCH_TEST_CANARY", CANARY)
    text, variants = await scene.secretive(servers, {"env": "SLAWATCH_TEST_CANARY"})
    async with scene.resources(silent=False) as resources:
        for variant in variants:
            options = kind.options.model_validate(scene.options | variant)
            seen = await observe(kind, kind.target(text), options, resources, PATIENT)
            assert CANARY not in f"{seen!r} {seen.detail} {options!r} {options} {options.model_dump_json()}"
    assert CANARY not in caplog.text
    assert servers.connections >= len(variants)


async def test_a_defect_of_ours_is_void_and_logged_without_its_message(
    kind: Kind, scene: Scene, servers: Servers, caplog: pytest.LogCaptureFixture, resources: Resources
) -> None:
    """S11: a bug never makes downtime; and an exception's text may quote what it choked on."""

    async def broken(*_: object) -> Any:
        raise KeyError(CANARY)

    target = kind.target(await scene.good(servers))
    seen = await observe(replace(kind, probe=broken), target, kind.options(), resources, PATIENT)
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.VOID, "internal_error", "KeyError")
    assert seen.cause is not None
    assert "KeyError" in caplog.text
    assert CANARY not in caplog.text


def test_it_has_a_test_file_of_its_own(kind: Kind) -> None:
    assert (Path(__file__).parent / f"test_{kind.name}.py").is_file()


def test_the_verdict_table(kind: Kind) -> None:
    verdicts = {reason.verdict for reason in kind.reasons.values()}
    assert {Verdict.UP, Verdict.DOWN, Verdict.VOID} <= verdicts
    assert kind.reasons["answered"].verdict is Verdict.UP
    for word, reason in kind.reasons.items():
        assert word.isidentifier()
        assert word.islower()
        assert reason.sentence.endswith(".")
        assert (reason.cause is not None) == (reason.verdict is Verdict.VOID), word


def test_every_option_is_described(kind: Kind) -> None:
    assert kind.summary.endswith(".")
    for key, field in option_keys(kind.options):
        assert field.description, key


def test_every_option_and_reason_is_documented(kind: Kind) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    own, common = (text.partition(f"\n## {title}\n")[2].split("\n## ")[0] for title in (f"`{kind.name}`", "Every kind"))
    assert own, f"{DOCUMENT.name} has no section for {kind.name}"
    for key, field in option_keys(kind.options):
        assert f"| `{key}` | {field.description} |" in own + common, key
    for word, reason in kind.reasons.items():
        assert f"| `{word}` | {reason.verdict} | {reason.sentence} |" in own + common, word


def test_options_are_frozen_and_refuse_what_they_do_not_know(kind: Kind) -> None:
    for model in models(kind.options):
        assert model.model_config.get("frozen"), model
        assert model.model_config.get("extra") == "forbid", model
        assert model.model_config.get("hide_input_in_errors"), model
    with pytest.raises(ValidationError, match="nonsense"):
        kind.options.model_validate({"nonsense": 1})


COMMON = {"target", "every", "timeout", "confirm", "recover", "retry_every", "path", "behind", "probe", "formerly"}


def test_no_option_takes_the_name_of_an_endpoints_own(kind: Kind) -> None:
    assert not COMMON & set(kind.options.model_fields)


@pytest.mark.parametrize("text", ["", "a\r\nb", "a\0b", "a b", "host\u2028", "-", "host:99999", "[::1"])
def test_no_target_holds_what_could_break_a_line(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        kind.target(text)
    for scheme in kind.schemes:
        with pytest.raises(ValueError, match=r"."):
            kind.target(f"{scheme}://{text}")


async def test_its_target_can_be_written_as_a_url(kind: Kind, scene: Scene, servers: Servers) -> None:
    text = await scene.good(servers)
    url = text if "://" in text else f"{kind.schemes[0]}://{text}"
    assert kind_of_url(url) is kind
    assert kind.target(url) == kind.target(text)


def test_a_url_that_nobody_answers_for() -> None:
    for url in ("gopher://host", "host", ""):
        with pytest.raises(ValueError, match="https://"):
            kind_of_url(url)


def test_no_two_kinds_claim_a_scheme() -> None:
    schemes = [scheme for kind in kinds().values() for scheme in kind.schemes]
    assert len(schemes) == len(set(schemes))


def test_a_detail_is_short_and_printable() -> None:
    assert printable("fine") == "fine"
    assert printable("a\r\nb\x1b[31m") == "a··b·[31m"
    assert len(printable("x" * 1000)) == LONGEST_DETAIL


async def test_its_target_says_where_a_probe_goes_first(kind: Kind, scene: Scene, servers: Servers) -> None:
    """By this the configuration refuses targets that the gate would deny for ever."""
    where = kind.target(await scene.good(servers)).destination
    assert isinstance(where, HostPort)
    assert where.host.text in ("127.0.0.1", "localhost")
    assert (where.port == 0) == (kind.name == "icmp")
