"""The metrics of one probe, by the names and in the words of blackbox_exporter 0.23, whose dashboards read them."""

from __future__ import annotations

from slawatch.exposition.metrics import Kind, Metric


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(f"probe_{name}", Kind.GAUGE, labels, text)


# --- Every prober ----------------------------------------------------------------------------------------------------

SUCCESS = _gauge("success", "Displays whether or not the probe was a success")
DURATION = _gauge("duration_seconds", "Returns how long the probe took to complete in seconds")
LOOKUP = _gauge("dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds")
IP_PROTOCOL = _gauge("ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6")
IP_HASH = _gauge("ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes.")

# --- http and tcp ----------------------------------------------------------------------------------------------------

REGEX = _gauge("failed_due_to_regex", "Indicates if probe failed due to regex")
EARLIEST_EXPIRY = _gauge("ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime")
CHAIN_EXPIRY = _gauge("ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp")
CHAIN_INFO = _gauge(
    "ssl_last_chain_info",
    "Contains SSL leaf certificate information",
    "fingerprint_sha256",
    "issuer",
    "subject",
    "subjectalternative",
)
TLS_VERSION = _gauge("tls_version_info", "Returns the TLS version used or NaN when unknown", "version")

# --- http ------------------------------------------------------------------------------------------------------------

HTTP_DURATION = _gauge("http_duration_seconds", "Duration of http request by phase, summed over all redirects", "phase")
HTTP_CONTENT_LENGTH = _gauge("http_content_length", "Length of http content response")
HTTP_BODY_LENGTH = _gauge("http_uncompressed_body_length", "Length of uncompressed response body")
HTTP_REDIRECTS = _gauge("http_redirects", "The number of redirects")
HTTP_SSL = _gauge("http_ssl", "Indicates if SSL was used for the final redirect")
HTTP_STATUS = _gauge("http_status_code", "Response HTTP status code")
HTTP_VERSION = _gauge("http_version", "Returns the version of HTTP of the probe response")
HTTP_LAST_MODIFIED = _gauge(
    "http_last_modified_timestamp_seconds", "Returns the Last-Modified HTTP response header in unixtime"
)

# --- dns -------------------------------------------------------------------------------------------------------------

DNS_DURATION = _gauge("dns_duration_seconds", "Duration of DNS request by phase", "phase")
DNS_ANSWER = _gauge("dns_answer_rrs", "Returns number of entries in the answer resource record list")
DNS_AUTHORITY = _gauge("dns_authority_rrs", "Returns number of entries in the authority resource record list")
DNS_ADDITIONAL = _gauge("dns_additional_rrs", "Returns number of entries in the additional resource record list")
DNS_SUCCEEDED = _gauge("dns_query_succeeded", "Displays whether or not the query was executed successfully")
DNS_SERIAL = _gauge("dns_serial", "Returns the serial number of the zone")

# --- icmp ------------------------------------------------------------------------------------------------------------

ICMP_DURATION = _gauge("icmp_duration_seconds", "Duration of icmp request by phase", "phase")
ICMP_HOP_LIMIT = _gauge("icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)")
