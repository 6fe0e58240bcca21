"""What an HTTP answer must be, and whether one is."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from slawatch.probes.answer import Failure
from slawatch.probes.http_body import Scalar, inflated, parse_json, same, text_of, value_at
from slawatch.probes.http_exchange import Response
from slawatch.probes.options import ProbeOptions
from slawatch.probes.patterns import PatternText, search

StatusRange = tuple[int, int]


def _statuses(value: object) -> tuple[StatusRange, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise ValueError("expected a status like 200, a range like 200-299, or a list of them")
    return tuple(map(_status_range, items))


def _status_range(item: object) -> StatusRange:
    text = str(item) if isinstance(item, int | str) and not isinstance(item, bool) else ""
    match = re.fullmatch(r"([1-5]\d\d)(?:-([1-5]\d\d))?", text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if low > high:
        raise ValueError("expected a status like 200, a range like 200-299, or a list of them")
    return low, high


class Expect(ProbeOptions):
    """What an answer must be."""

    status: Annotated[tuple[StatusRange, ...], BeforeValidator(_statuses)] = Field(
        default=((200, 299),), description="Statuses that are right: `200`, `200-299`, or a list of such."
    )
    body: str | None = Field(default=None, min_length=1, description="Text that the body must contain, as it stands.")
    regex: PatternText | None = Field(
        default=None,
        description="Regular expression (Python's) that must match somewhere in the body; it has 50 ms to do so.",
    )
    json_values: dict[str, Scalar] | None = Field(
        default=None,
        alias="json",
        min_length=1,
        description="Values in a JSON body, by path: `{status: ok, checks.0.state: up}`.",
    )

    @property
    def of_body(self) -> bool:
        """Whether anything is expected of the body."""
        return self.body is not None or self.regex is not None or self.json_values is not None


def judge(response: Response, expect: Expect) -> None:
    """Nothing, or a ``Failure`` with what is wrong: the status first, then the body."""
    if not any(low <= response.status <= high for low, high in expect.status):
        wanted = ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in expect.status)
        raise Failure("status", f"{response.status}, expected {wanted}")
    if expect.of_body:
        body, cut = inflated(response)
        try:
            _judge_body(body, response, expect)
        except Failure as failure:
            if cut and failure.answer.reason == "body":
                raise Failure("too_large", failure.answer.detail) from None
            raise


def _judge_body(body: bytes, response: Response, expect: Expect) -> None:
    text = text_of(body, response.headers) if expect.body or expect.regex else ""
    if expect.body is not None and expect.body not in text:
        raise Failure("body", "the expected text is not in it")
    if expect.regex is not None and search(expect.regex, text) is None:
        raise Failure("body", "the expected pattern is not in it")
    if expect.json_values is not None:
        _judge_json(parse_json(body), expect.json_values)


def _judge_json(document: object, values: dict[str, Scalar]) -> None:
    for path, expected in values.items():
        try:
            value = value_at(document, path)
        except KeyError:
            raise Failure("body", f"there is no {path} in it") from None
        if not same(value, expected):
            raise Failure("body", f"{path} is not what is expected")
