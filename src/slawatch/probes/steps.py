"""A dialogue of several steps, as a configuration writes it: expect, send, turn to TLS."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from slawatch.probes.answer import Failure
from slawatch.probes.conversation import MOST_BYTES, Conversation
from slawatch.probes.escapes import Escaped, Wire, WireText
from slawatch.probes.options import ProbeOptions
from slawatch.probes.patterns import PatternText, search
from slawatch.runtime.errors import Unavailable

MOST_STEPS = 32


class Step(ProbeOptions):
    """One step. What it holds is done in the order of its fields."""

    expect: PatternText | None = Field(
        default=None,
        description="Regular expression (Python's) for a line; lines in which it does not occur are passed over.",
    )
    refuse: PatternText | None = Field(
        default=None,
        description="Beside `expect`: a line in which this occurs ends the probe at once as `unexpected`.",
    )
    expect_bytes: Escaped | None = Field(
        default=None,
        max_length=MOST_BYTES,
        description="Bytes that must come next, exactly, where there are no lines; escapes as in `send`.",
    )
    send: WireText | None = Field(
        default=None,
        description="Text, `${1}` or `${name}` in it a group of the `expect` before; or a list of texts and secrets.",
    )
    starttls: Literal[True] | None = Field(default=None, description="`true`: the TLS handshake comes here.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True, exclude={"refuse"}):
            raise ValueError("expected one of expect, expect_bytes, send and starttls")
        if self.refuse is not None and self.expect is None:
            raise ValueError("refuse without expect: expected both")
        if self.expect is not None and self.expect_bytes is not None:
            raise ValueError("expected either expect or expect_bytes")
        return self


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _checked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """``steps``; ``ValueError`` where one of them needs another before it that is not there."""
    groups: set[str] = set()
    waited = False
    for number, step in enumerate(steps, 1):
        if step.expect is not None:
            groups = {str(group) for group in range(step.expect.groups + 1)} | set(step.expect.groupindex)
        waited = waited or step.expect is not None or step.expect_bytes is not None
        _check_groups(step.send, groups, f"step {number}: ")
        waited = waited and step.send is None
        if step.starttls and not waited:
            raise ValueError(f"step {number}: starttls comes after an expect that takes the server's consent")
    if sum(step.starttls or False for step in steps) > 1:
        raise ValueError("starttls twice: expected it once")
    return steps


def _check_groups(send: Wire | None, groups: set[str], place: str = "") -> None:
    for group in send.groups() if send else ():
        if group not in groups:
            raise ValueError(f"{place}there is no group ${{{group}}} in an expect before it")


def without_groups(send: Wire | None) -> Wire | None:
    """``send``; ``ValueError`` where it names a group, which nothing can fill."""
    _check_groups(send, set())
    return send


Steps = Annotated[tuple[Step, ...], BeforeValidator(_listed), Field(max_length=MOST_STEPS), AfterValidator(_checked)]
"""A dialogue; empty where there is none."""


async def follow(steps: Sequence[Step], talk: Conversation, encrypt: Callable[[], Awaitable[None]]) -> None:
    """Go through all steps. What a server says too much, too late or wrongly is a ``Failure``."""
    match: re.Match[str] | None = None
    for number, step in enumerate(steps, 1):
        talk.place = f"step {number}: "
        if step.expect is not None:
            match = await talk.line(_judge(step.expect, step.refuse, talk))
        if step.expect_bytes is not None:
            await talk.exactly(step.expect_bytes)
        if step.send is not None:
            send(step.send, match, talk)
        if step.starttls:
            await encrypt()


def send(wire: Wire, match: re.Match[str] | None, talk: Conversation) -> None:
    """Say it; ``Failure`` ``secret_unavailable`` where a secret in it cannot be read."""
    talk.discreet = talk.discreet or wire.secret
    try:
        data = wire.filled(match)
    except Unavailable as error:
        raise Failure("secret_unavailable", str(error)) from None
    talk.say(data)


def _judge(
    wanted: re.Pattern[str], refused: re.Pattern[str] | None, talk: Conversation
) -> Callable[[str], re.Match[str] | None]:
    def judge(line: str) -> re.Match[str] | None:
        if refused is not None and search(refused, line):
            raise talk.unexpected("which is refused", line)
        return search(wanted, line)

    return judge
