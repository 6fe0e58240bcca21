"""Targets that no kind takes: what the message says, and that a password in one is not repeated."""

from __future__ import annotations

import pytest

from slawatch.probes.options import quoted
from slawatch.probes.registry import kind_of_url, kinds


@pytest.mark.parametrize("kind", sorted(kinds()))
@pytest.mark.parametrize(
    "text",
    [
        "ann:canary@host.example",
        "ann:canary@host.example:25",
        "canary@host.example:25",
        "ann:canary@[2001:db8::1]:25",
        "ann:can@canary@host.example:25",
        "http://ann:canary@host.example/",
        "httq://ann:canary@host.example/",
        "{scheme}://ann:canary@host.example:25/name",
        "{scheme}://canary@host.example:25/name",
        "{scheme}://ann:canary@/name",
    ],
)
def test_a_password_in_a_target_is_refused_and_not_repeated(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        kinds()[kind].target(text.format(scheme=kinds()[kind].schemes[0]))
    assert "canary" not in str(caught.value)


def test_a_url_that_nobody_answers_for_is_told_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"'…@host.example/' cannot be probed") as caught:
        kind_of_url("gopher://ann:canary@host.example/")
    assert "canary" not in str(caught.value)


def test_what_is_left_out() -> None:
    assert quoted("host:port") == "'host:port'"
    assert quoted("tcp://ann:a@b@host") == "'…@host'"
