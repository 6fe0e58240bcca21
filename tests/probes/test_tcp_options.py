"""The kind `tcp`: what a configuration can say, and what it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from slawatch.config.loader import load_client_text
from slawatch.probes.escapes import MOST_GROUPS, escape, unescape
from slawatch.probes.kinds.tcp import Options
from slawatch.probes.steps import MOST_STEPS
from slawatch.runtime.errors import ConfigurationError


def test_options_are_written_as_they_are_read() -> None:
    given = {"send": ["a\\r\\n\\xff ${1}", {"env": "WORD"}], "expect": "(x)"}
    step = Options.model_validate({"steps": [given]}).steps[0]
    assert step.send is not None
    written = step.model_dump(mode="json", exclude_none=True)
    assert written == {"expect": "(x)", "send": ["a\\x0d\\x0a\\xff ", "${1}", {"env": "WORD"}]}
    assert Options.model_validate({"steps": [written]}).steps[0] == step
    assert escape(unescape("\\\\a\\0")) == "\\x5ca\\x00"


X = {"expect": "x"}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"steps": [X], "send": "x"}, "either steps"),
    ({"steps": [X], "expect": "x"}, "either steps"),
    ({"steps": [{}]}, "expected one of expect, expect_bytes, send and starttls"),
    ({"steps": [{"refuse": "x"}]}, "expected one of expect"),
    ({"steps": [{"refuse": "x", "send": "x"}]}, "refuse without expect"),
    ({"steps": [{"expect": "x", "expect_bytes": "x"}]}, "either expect or expect_bytes"),
    ({"steps": [{"expect": "("}]}, "no regular expression"),
    ({"steps": [X] * (MOST_STEPS + 1)}, "at most 32"),
    ({"steps": [{"send": "${1}"}]}, r"step 1: there is no group \$\{1\}"),
    ({"steps": [{"expect": "(x)"}, {"send": "${2}"}]}, r"step 2: there is no group \$\{2\}"),
    ({"steps": [{"expect": "(x)"}, {"expect": "x", "send": "${1}"}]}, r"step 2: there is no group \$\{1\}"),
    ({"steps": [{"expect": "(x)", "send": "${1}" * (MOST_GROUPS + 1)}]}, "at most 16 groups"),
    ({"send": "${1}"}, "there is no group"),
    ({"send": []}, "a list of texts and secrets"),
    ({"send": ["x", 5]}, "text that is not empty"),
    ({"send": ["x", {"env": "A", "file": "/b"}]}, "a secret is written"),
    ({"send": ["x" * 4000, "y" * 97]}, "at most 4096 bytes"),
    ({"steps": [{"starttls": True}]}, "step 1: starttls comes after an expect"),
    ({"steps": [X, {"send": "x", "starttls": True}]}, "step 2: starttls comes after an expect"),
    ({"steps": [{"expect": "x", "starttls": True}] * 2}, "starttls twice"),
    ({"steps": [X, {"starttls": False}]}, "starttls"),
    ({"steps": [{"expect": "x", "starttls": True}], "starttls": "smtp"}, "TLS begins twice"),
    ({"tls_from_start": True, "starttls": "smtp"}, "TLS begins twice"),
    ({"tls": {}}, "nothing begins it"),
    ({"starttls": "gopher"}, "smtp"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Options.model_validate(options)


CLIENT = """\
client: acme
endpoints:
  mail:
    probe: tcp
    target: mx.example:25
    steps:
      - {expect: "("}
      - {sned: x}
      - {send: ["x", {env: ""}]}
  tls: {probe: tcp, target: "mx.example:25", tls_from_start: true, starttls: smtp}
"""


def test_mistakes_are_told_at_their_place() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_client_text(CLIENT)
    told = str(caught.value)
    assert "7:18: endpoints.mail.steps[0].expect: no regular expression: missing )" in told
    assert "8:10: endpoints.mail.steps[1].sned: unknown key: did you mean send?" in told
    assert "9:16: endpoints.mail.steps[2].send: a secret is written {file: /absolute/path}" in told
    assert "10:8: endpoints.tls: TLS begins twice: expected one of" in told
