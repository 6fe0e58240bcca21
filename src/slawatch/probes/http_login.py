"""Whether a page asks for a password: then its good status says nothing of what should be there."""

from __future__ import annotations

import re

from slawatch.probes.http_body import beginning, text_of
from slawatch.probes.http_exchange import MOST_GLANCED_BYTES, Response

_FIELD = re.compile(r"<input\b[^<>]{0,2000}?\btype\s{0,8}=\s{0,8}[\"']?\s{0,8}password\b", re.IGNORECASE)
"""Every repetition is bounded: the text is the other side's."""


def asks_for_a_password(response: Response) -> bool:
    """Whether the first 64 KiB of the body hold ``<input … type=password>``.

    A page that a script builds in the browser shows nothing of it here.
    """
    start = beginning(response, MOST_GLANCED_BYTES)
    if b"password" not in start.lower() and b"\0" not in start:
        return False  # nearly every page ends here; only in UTF-16 and UTF-32 is the word written otherwise
    return _FIELD.search(text_of(start, response.headers)) is not None
