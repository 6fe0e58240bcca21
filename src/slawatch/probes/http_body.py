"""What a body holds: its text by encoding and charset, values of a JSON document. Hostile bodies are expected."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from decimal import Decimal

from slawatch.probes.answer import Failure
from slawatch.probes.found import wrapping
from slawatch.probes.http_exchange import Response

MOST_INFLATED_BYTES = 2 * 1024 * 1024
MOST_JSON_BYTES = 512 * 1024
"""A document of nothing but `{}` takes thirty times its length in memory."""

_CODECS = re.compile(
    r"utf-?8|utf-16(le|be)?|(us-)?ascii|latin1|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|"
    r"shift_jis|euc-(jp|kr)|iso-2022-jp|gbk|gb2312|gb18030|big5"
)
"""Some of Python's codecs take a time that is the square of the text's length; these do not."""
_CHARSET = re.compile(r"charset=\"?([\w.:-]{1,40})", re.IGNORECASE)

Scalar = str | int | bool | None


def inflated(response: Response) -> tuple[bytes, bool]:
    """The body without its content encoding, and whether it was cut at a limit.

    ``Failure`` ``encoding`` where it is encoded in a way that was not asked for, ``malformed`` where it is broken.
    """
    encoding = response.headers.get("content-encoding", "identity").strip(" \t").lower()
    if encoding in ("", "identity"):
        return response.body, response.cut
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Failure("encoding", "the body has a content encoding other than gzip and deflate")
    try:
        return _inflate(response, encoding)
    except zlib.error:
        raise Failure("malformed", f"the body is not what its content encoding, {encoding}, says") from None


def beginning(response: Response, most: int) -> bytes:
    """The first ``most`` bytes without their content encoding; none where that cannot be undone."""
    encoding = response.headers.get("content-encoding")
    if encoding is None or encoding.strip(" \t").lower() not in ("gzip", "x-gzip", "deflate"):
        return response.body[:most]
    try:
        decoder = zlib.decompressobj(wrapping(response.body, encoding.strip(" \t").lower()))
        return decoder.decompress(response.body, most)
    except zlib.error:
        return b""


def _inflate(response: Response, encoding: str) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj(wrapping(response.body, encoding))
    plain = decoder.decompress(response.body, MOST_INFLATED_BYTES)
    cut = response.cut or bool(decoder.unconsumed_tail)
    if not decoder.eof and not cut and response.body:
        raise zlib.error
    return plain, cut


def text_of(body: bytes, headers: Mapping[str, str]) -> str:
    """The body as text by the charset of its Content-Type, UTF-8 where there is none or a strange one."""
    match = _CHARSET.search(headers.get("content-type", ""))
    charset = match[1].lower() if match else "utf-8"
    try:
        return body.decode(charset if _CODECS.fullmatch(charset) else "utf-8", errors="replace")
    except LookupError:
        return body.decode(errors="replace")  # a number that no ISO 8859 part has


def parse_json(body: bytes) -> object:
    """The document; ``Failure`` ``body`` where it is none, ``too_large`` where it is long. Fractions stay exact."""
    if len(body) > MOST_JSON_BYTES:
        raise Failure("too_large", f"a JSON document of more than {MOST_JSON_BYTES // 1024} KiB")
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise Failure("body", "the body is no JSON document") from None


def value_at(document: object, path: str) -> object:
    """The value at ``checks.0.state``: keys and positions by points. ``KeyError`` where there is none."""
    for step in path.split("."):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isascii() and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            raise KeyError(path)
    return document


def same(value: object, expected: Scalar) -> bool:
    """Equal as JSON scalars; a number also equals the same number written as text (`0.1` in YAML)."""
    if isinstance(value, bool) or isinstance(expected, bool) or value is None or expected is None:
        return value is expected
    if isinstance(value, int | Decimal):
        return _number(expected) == value
    return isinstance(value, str) and value == str(expected)


def _number(text: str | int) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None
