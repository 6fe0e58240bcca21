"""Where both give the same verdict and the door's metrics are still not the exporter's: which ones, and why.

Rows of the verdicts' own table that differ in their verdict say why there.
"""

from __future__ import annotations

_BOUNDED = "slawatch reads 1 MiB of a body and no more; the exporter reads for as long as it comes."
_CLOCK = "A byte more or less has come when the deadline does."
_PLACE = (
    "slawatch shows the answer whose redirect it does not follow; the exporter, which cannot follow it either, shows "
    "none."
)
_NOT_TO_BE_READ = (
    "A body that cannot be unpacked is `malformed` or an `encoding`, not one in which something is missing."
)
_AT_ONCE = "slawatch says that it is not what is expected; the exporter waits for a line until its deadline."
_FIVE = "slawatch gives up after five redirects, the exporter after ten."
_QUERY = "What came is no answer, but a question."

_STATUS = ("probe_http_duration_seconds", "probe_http_status_code", "probe_http_version")
_REGEX, _LENGTH = "probe_failed_due_to_regex", "probe_http_uncompressed_body_length"
_REDIRECTS, _SUCCEEDED = "probe_http_redirects", "probe_dns_query_succeeded"
_TLS = (
    "probe_ssl_earliest_cert_expiry",
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    "probe_ssl_last_chain_info",
    "probe_tls_version_info",
)

DIFFERENCES: dict[str, tuple[tuple[str, ...], str]] = {
    "tcp: an endless line": ((_REGEX,), _AT_ONCE),
    "tcp: endless lines": ((_REGEX,), _AT_ONCE),
    "tcp: turns away at its greeting": ((_REGEX,), _AT_ONCE),
    "tls: TLS 1.2 where 1.3 is asked for": (
        _TLS,
        "slawatch shakes hands in 1.2 and then says that it is too old; the exporter does not shake hands at all.",
    ),
    "http: a body of one byte a second": ((_LENGTH,), _CLOCK),
    "http: chunks of one byte a second": ((_LENGTH,), _CLOCK),
    "http: an event stream that drips for ever": ((_LENGTH,), _CLOCK),
    "http: an endless body without the text": ((_LENGTH,), _BOUNDED),
    "http: endless chunks without the text": ((_LENGTH,), _BOUNDED),
    "http: an endless body without the text, over TLS": ((_LENGTH,), _BOUNDED),
    "http: 2 MB, the text first": ((_LENGTH,), _BOUNDED),
    "http: gzip, cut short": ((_REGEX,), _NOT_TO_BE_READ),
    "http: gzip within gzip": ((_REGEX, _LENGTH), _NOT_TO_BE_READ),
    "http: a redirect in a circle": ((_REDIRECTS,), _FIVE),
    "http: redirects without end": ((_REDIRECTS,), _FIVE),
    "http: a redirect to ftp://": (_STATUS, _PLACE),
    "http: a redirect to file://": (_STATUS, _PLACE),
    "http: a redirect to javascript:": (_STATUS, _PLACE),
    "http: a redirect to no URL": ((*_STATUS, _REDIRECTS), _PLACE),
    "http: chunks in HTTP/1.0": (
        (_LENGTH,),
        "slawatch takes the chunks apart; the exporter takes their framing for a part of the page.",
    ),
    "http: nginx, HTTP/2 over TLS": (("probe_http_version",), "slawatch speaks HTTP/1 alone."),
    "dns: the question sent back": ((_SUCCEEDED,), _QUERY),
    "dns: a head and nothing else": ((_SUCCEEDED,), _QUERY),
}
"""By row: the metrics that differ, and why."""

SOMETIMES = frozenset(row for row, (_, why) in DIFFERENCES.items() if why == _CLOCK)
"""Rows that need not differ."""
