"""The whole table."""

from __future__ import annotations

from parity import rows_dns, rows_framing, rows_http, rows_starttls, rows_tls
from parity.rows_tcp import ICMP_ROWS, TCP_ROWS

ROWS = [*TCP_ROWS, *rows_starttls.ROWS, *ICMP_ROWS, *rows_tls.ROWS, *rows_http.ROWS, *rows_framing.ROWS, *rows_dns.ROWS]
