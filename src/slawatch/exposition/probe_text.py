"""One probe → the text that blackbox_exporter would have given: the same names, the same ones missing.

Pure: an observation and what else was found give the same bytes. Nothing is in it that a server could have chosen, but
for the names in a certificate that it showed, and those are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.utils import floatToGoString

from slawatch.domain.interval import SECOND, Duration, format_instant
from slawatch.domain.observation import Observation, Verdict
from slawatch.exposition import probe_metrics as metrics
from slawatch.exposition.leaf import leaf_labels
from slawatch.exposition.metrics import Metric
from slawatch.probes.certificates import end_of
from slawatch.probes.found import Found, TlsFound, hash_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The only format that the exporter speaks."""

ZERO_TIME = -62_135_596_800
"""The year 1, in seconds since 1970: what the exporter says of a chain that nobody verified."""

_HTTP_PHASES = ("resolve", "connect", "tls", "processing", "transfer")
_BY_CONTENT = frozenset({"header", "body", "too_large", "unexpected"})
"""Reasons of `http` and `tcp` that say that what came does not match."""


class Sample(NamedTuple):
    """One line: a metric, the values of its labels in their order, and the value."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


class Probed(NamedTuple):
    """One probe, as the door has it. ``success`` is what it makes of the verdict.

    ``discreet``: the other side was told a secret, and nothing that it could have chosen may show.
    """

    kind: str
    seen: Observation
    found: Found
    success: bool
    discreet: bool = False


def probe_text(probed: Probed) -> bytes:
    """The metrics of one probe, by name."""
    samples = [
        Sample(metrics.SUCCESS, probed.success),
        Sample(metrics.DURATION, _seconds(probed.seen.duration)),
        *_address(probed.seen),
        *FAMILIES[probed.kind](probed),
    ]
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.metric.name, []).append(sample)
    return "".join(_family(by_name[name]) for name in sorted(by_name)).encode("utf-8", "replace")


def probe_words(probed: Probed) -> str:
    """For people: the verdict, its reason, the phases, and the metrics below. As short as an observation's detail."""
    seen = probed.seen
    lines = [
        f"probe: {probed.kind}, {'a success' if probed.success else 'no success'}",
        f"verdict: {seen.verdict}, {seen.reason}" + (f": {seen.detail}" if seen.detail else ""),
        f"started: {format_instant(seen.started)}",
        f"address: {seen.address or 'none'}",
        *(f"phase {name}: {length / 1000:.3f} ms" for name, length in seen.phases),
        f"took: {seen.duration / 1000:.3f} ms",
    ]
    return "\n".join([*lines, "", ""]) + probe_text(probed).decode()


def good(observation: Observation) -> bool:
    """Whether it answered as agreed, slowly or not."""
    return observation.verdict in (Verdict.UP, Verdict.DEGRADED)


# --- The families ----------------------------------------------------------------------------------------------------


def _address(seen: Observation) -> Iterator[Sample]:
    yield Sample(metrics.LOOKUP, _seconds(dict(seen.phases).get("resolve", 0)))
    yield Sample(metrics.IP_PROTOCOL, (6 if ":" in seen.address else 4) if seen.address else 0)
    yield Sample(metrics.IP_HASH, hash_of(seen.address) if seen.address else 0)


def _http(probed: Probed) -> Iterator[Sample]:
    seen, found = probed.seen, probed.found
    http, phases = found.http, _finished(probed)
    for phase in _HTTP_PHASES:
        yield Sample(metrics.HTTP_DURATION, _seconds(phases.get(phase, 0)), (phase,))
    yield Sample(metrics.HTTP_CONTENT_LENGTH, http.content_length)
    yield Sample(metrics.HTTP_BODY_LENGTH, http.length)
    yield Sample(metrics.HTTP_REDIRECTS, http.redirects)
    yield Sample(metrics.HTTP_SSL, http.secure and http.status != 0)
    yield Sample(metrics.HTTP_STATUS, http.status)
    yield Sample(metrics.HTTP_VERSION, http.version)
    if http.last_modified is not None:
        yield Sample(metrics.HTTP_LAST_MODIFIED, http.last_modified)
    yield Sample(metrics.REGEX, seen.reason in _BY_CONTENT)
    if found.tls is not None and http.status:
        yield from _tls(found.tls, discreet=probed.discreet)


def _tcp(probed: Probed) -> Iterator[Sample]:
    seen, found = probed.seen, probed.found
    yield Sample(metrics.REGEX, seen.reason in _BY_CONTENT)
    if found.tls is not None:
        yield from _tls(found.tls, discreet=probed.discreet)


def _tls(tls: TlsFound, *, discreet: bool) -> Iterator[Sample]:
    yield Sample(metrics.EARLIEST_EXPIRY, _earliest(tls.sent))
    yield Sample(metrics.CHAIN_EXPIRY, _earliest(tls.trusted))
    labels = leaf_labels(tls.sent[0]) if tls.sent else None
    if labels is not None:
        # A server may put what it was told into the names of its next certificate.
        yield Sample(metrics.CHAIN_INFO, 1, (labels[0], "", "", "") if discreet else labels)
    version = "TLS 1.0" if tls.version == "TLSv1" else tls.version.replace("TLSv", "TLS ")
    yield Sample(metrics.TLS_VERSION, 1, (version or "unknown",))


def _icmp(probed: Probed) -> Iterator[Sample]:
    found = probed.found
    phases = {**_finished(probed), "setup": found.setup}
    for phase in ("resolve", "setup", "rtt"):
        yield Sample(metrics.ICMP_DURATION, _seconds(phases.get(phase, 0)), (phase,))
    if found.hop_limit is not None:
        yield Sample(metrics.ICMP_HOP_LIMIT, found.hop_limit)


def _dns(probed: Probed) -> Iterator[Sample]:
    seen, found = probed.seen, probed.found
    phases, dns = dict(seen.phases), found.dns
    asked = phases.get("answer", 0) + phases.get("tcp", 0)
    lengths = {"resolve": phases.get("resolve", 0), "connect": found.connected, "request": asked - found.connected}
    for phase, length in lengths.items():
        yield Sample(metrics.DNS_DURATION, _seconds(length), (phase,))
    yield Sample(metrics.DNS_SUCCEEDED, dns is not None)
    yield Sample(metrics.DNS_ANSWER, dns.answer if dns else 0)
    yield Sample(metrics.DNS_AUTHORITY, dns.authority if dns else 0)
    yield Sample(metrics.DNS_ADDITIONAL, dns.additional if dns else 0)
    if dns is not None and dns.serial is not None:
        yield Sample(metrics.DNS_SERIAL, dns.serial)


FAMILIES: dict[str, Callable[[Probed], Iterator[Sample]]] = {
    "dns": _dns,
    "http": _http,
    "icmp": _icmp,
    "tcp": _tcp,
    "tls": _tcp,
}
"""By kind of probe. The exporter has no prober of its own for TLS; its `tcp` with `tls: true` is the same."""


# --- Within ----------------------------------------------------------------------------------------------------------


def _finished(probed: Probed) -> dict[str, Duration]:
    """Phases that came to their end: the exporter leaves out the one in which a probe failed.

    A connection counts with its handshake; an answer counts from its head on, whether its body ends or not; that of a
    redirect does not.
    """
    seen, found = probed.seen, probed.found
    left_out: tuple[str, ...] = ()
    if not (good(seen) or (found.unfinished == "transfer" and found.http.status)):
        left_out = ("connect", "tls") if found.unfinished == "tls" else (found.unfinished,)
    phases = {}
    for name, length in seen.phases:
        before = found.before.get(name, 0)
        last = 0 if name in left_out else length - before
        phases[name] = last if name == "transfer" else last + before
    return phases


def _earliest(chain: Sequence[bytes]) -> int:
    """When the first certificate of a chain ends, in seconds since 1970."""
    ends = [end for end in map(end_of, chain) if end is not None]
    return min(ends) // SECOND if ends else ZERO_TIME


def _seconds(length: Duration) -> float:
    return length / SECOND


def _family(samples: Sequence[Sample]) -> str:
    metric = samples[0].metric
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    return head + "".join(sorted(map(_line, samples)))


def _line(sample: Sample) -> str:
    number: str = floatToGoString(float(sample.value))  # type: ignore[no-untyped-call]
    value = number.removesuffix(".0")  # as Go writes it; scripts look for `probe_success 1`
    pairs = zip(sample.metric.labels, sample.labels, strict=True)
    labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in pairs)
    return f"{sample.metric.name}{'{' + labels + '}' if labels else ''} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
