"""Secrets are read when needed and shown never."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from slawatch.runtime.errors import Unavailable
from slawatch.runtime.secrets import LARGEST_SECRET, Secret

CANARY = "canary-7f3a"


class Holder(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    token: Secret


def held(place: dict[str, str]) -> Secret:
    return Holder.model_validate({"token": place}).token


def test_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(CANARY + "\n")
    assert held({"file": str(path)}).reveal() == CANARY
    path.write_text("turned\r\n")
    assert held({"file": str(path)}).reveal() == "turned"
    path.write_text("two\n\n")
    assert held({"file": str(path)}).reveal() == "two\n"


def test_a_rotated_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    secret = held({"file": str(path)})
    assert secret.reveal() == "old"
    path.write_text("new")
    assert secret.reveal() == "new"


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", CANARY)
    assert held({"env": "SLAWATCH_TEST_TOKEN"}).reveal() == CANARY


def test_from_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme").write_text(CANARY)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert held({"credential": "acme"}).reveal() == CANARY


def test_what_cannot_be_read_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("SLAWATCH_NONE", raising=False)
    (tmp_path / "long").write_bytes(b"x" * (LARGEST_SECRET + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    cases = [
        ({"file": str(tmp_path / "none")}, "none cannot be read: No such file or directory"),
        ({"file": str(tmp_path)}, "cannot be read: Is a directory"),
        ({"file": str(tmp_path / "long")}, "longer than"),
        ({"file": str(tmp_path / "binary")}, "not UTF-8"),
        ({"env": "SLAWATCH_NONE"}, "env SLAWATCH_NONE is not set"),
        ({"credential": "acme"}, r"needs \$CREDENTIALS_DIRECTORY"),
    ]
    for place, message in cases:
        secret = held(place)
        with pytest.raises(Unavailable, match=message):
            secret.reveal()


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        {"file": CANARY},
        {"file": "/a", "env": CANARY},
        {"credential": f"../{CANARY}"},
        {"credential": ".."},
        {"env": ""},
        {"env": 5},
        {"literal": CANARY},
        {"file": f"/{CANARY}\n"},
        {},
        None,
    ],
)
def test_what_is_no_secret_is_refused_without_an_echo(written: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"token": written})
    assert CANARY not in str(caught.value)
    assert "token" in str(caught.value)


def test_no_text_of_a_secret_shows_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", CANARY)
    for secret in (Secret.of(CANARY), held({"env": "SLAWATCH_TEST_TOKEN"})):
        assert secret.reveal() == CANARY
        holder = Holder(token=secret)
        shown = [
            repr(secret),
            str(secret),
            f"{secret}",
            repr(holder),
            str(holder.model_dump()),
            holder.model_dump_json(),
        ]
        assert not [text for text in shown if CANARY in text]


def test_a_place_is_shown_and_compared() -> None:
    assert str(held({"env": "TOKEN"})) == "Secret(env TOKEN)"
    assert held({"env": "TOKEN"}) == held({"env": "TOKEN"}) != held({"env": "OTHER"})
    assert Holder(token=held({"env": "TOKEN"})).model_dump() == {"token": {"env": "TOKEN"}}


def test_the_schema_says_what_may_be_written() -> None:
    schema = Holder.model_json_schema()["properties"]["token"]
    assert sorted(schema["properties"]) == ["credential", "env", "file"]
    assert schema["maxProperties"] == schema["minProperties"] == 1
