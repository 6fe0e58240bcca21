"""What an HTTP answer must be, and whether one is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from slawatch.probes.answer import Failure
from slawatch.probes.http_body import Scalar, inflated, parse_json, same, text_of, value_at
from slawatch.probes.http_exchange import MOST_BODY_BYTES, MOST_GLANCED_BYTES, Response
from slawatch.probes.http_login import asks_for_a_password
from slawatch.probes.http_request import header_name
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


V = TypeVar("V")


def _by_name(headers: dict[str, V]) -> dict[str, V]:
    found: dict[str, V] = {}
    for name, value in headers.items():
        key = header_name(name).lower()
        if key in found:
            raise ValueError(f"{name!r} stands here twice: upper and lower case are the same in a header's name")
        found[key] = value
    return found


def _names(names: list[str]) -> list[str]:
    return [header_name(name).lower() for name in names]


Text = Annotated[str, Field(min_length=1)]


class Expect(ProbeOptions):
    """What an answer must be."""

    status: Annotated[tuple[StatusRange, ...], BeforeValidator(_statuses)] = Field(
        default=((200, 299),), description="Statuses that are right: `200`, `200-299`, or a list of such."
    )
    headers: Annotated[dict[str, Text], AfterValidator(_by_name)] = Field(
        default_factory=dict,
        description="Headers that must be there, each with a text that its value must contain: "
        "`{Content-Type: application/json}`.",
    )
    header_patterns: Annotated[dict[str, PatternText], AfterValidator(_by_name)] = Field(
        default_factory=dict,
        description="Headers that must be there, each with a regular expression that must match in its value.",
    )
    absent_headers: Annotated[list[str], AfterValidator(_names)] = Field(
        default_factory=list, description="Headers that must not be there: `[Server, X-Powered-By]`."
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
    login_page: bool | None = Field(
        default=None,
        description="`true`: the page must have a field for a password; `false`: it must have none. Where neither this "
        "nor the body is agreed, such a page is void.",
    )

    @model_validator(mode="after")
    def _there_or_not(self) -> Self:
        for name in self.absent_headers:
            if name in self.headers or name in self.header_patterns:
                raise ValueError(f"the header {name} is expected to be there and not to be there")
        return self

    @cached_property
    def of_body(self) -> bool:
        """Whether anything is expected of the body."""
        return self.of_content or self.login_page is not None

    @cached_property
    def of_content(self) -> bool:
        """Whether the body is held to something that only the right page can have."""
        return self.body is not None or self.regex is not None or self.json_values is not None

    @cached_property
    def of_headers(self) -> bool:
        """Whether anything is expected of headers."""
        return bool(self.headers or self.header_patterns or self.absent_headers)

    @property
    def tells_pages_apart(self) -> bool:
        """Whether a login page or a parked domain in the place of the right page would be noticed."""
        good = any(low < 300 and high >= 200 for low, high in self.status)
        return not good or self.of_body or bool(self.headers or self.header_patterns)

    @cached_property
    def keep(self) -> int:
        """How many bytes of the body are needed to judge it."""
        return MOST_BODY_BYTES if self.of_content else MOST_GLANCED_BYTES if self.login_page is not None else 0


def judge(response: Response, expect: Expect) -> None:
    """Nothing, or a ``Failure`` with what is wrong: the status first, then headers, then the body."""
    if not any(low <= response.status <= high for low, high in expect.status):
        wanted = ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in expect.status)
        raise Failure("status", f"{response.status}, expected {wanted}")
    if expect.of_headers:
        _judge_headers(response.headers, expect)
    if expect.of_content:
        body, cut = inflated(response)
        try:
            _judge_body(body, response, expect)
        except Failure as failure:
            if cut and failure.answer.reason == "body":
                raise Failure("too_large", failure.answer.detail) from None
            raise
    if response.body and (expect.login_page is not None or not expect.of_content):
        _judge_login(asks_for_a_password(response), expect.login_page)
    elif expect.login_page:
        raise Failure("body", "it is no login page")


def _judge_headers(headers: Mapping[str, str], expect: Expect) -> None:
    for name in expect.absent_headers:
        if name in headers:
            raise Failure("header", f"{name} is there")
    for name in (*expect.headers, *expect.header_patterns):
        if name not in headers:
            raise Failure("header", f"{name} is missing")
    for name, text in expect.headers.items():
        if text not in headers[name]:
            raise Failure("header", f"{name} is not what is expected")
    for name, pattern in expect.header_patterns.items():
        if not search(pattern, headers[name]):
            raise Failure("header", f"{name} is not what is expected")


def _judge_login(is_login: bool, expected: bool | None) -> None:
    if expected is None and is_login:
        raise Failure(
            "login_page",
            "it asks for a password, and nothing is agreed of the page: give expect.body, or expect.login_page: true",
        )
    if expected is not None and is_login is not expected:
        raise Failure("body", "it is a login page" if is_login else "it is no login page")


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
