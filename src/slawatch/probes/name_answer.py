"""What a DNS server's reply proves about a name: its addresses, that it has none, that it does not exist, or nothing.

An address speaks for itself: whoever invents one has to answer at it. *There is none* is quickly said, by a filter, a
captive portal, a router without its upstream. So it counts only with the zone's own word for it: the record SOA of a
zone that holds the name, which RFC 2308 demands of every negative answer and every resolver hands on, or the flag AA
from a server that offers no recursion and so can speak for nobody but itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype


@dataclass(frozen=True, slots=True)
class Known:
    """The name exists, with these addresses, for so many seconds; with none, and that is proven."""

    addresses: list[str]
    lifetime: int


@dataclass(frozen=True, slots=True)
class Missing:
    """It is proven that the name, or what it is an alias of, does not exist."""

    words: str


@dataclass(frozen=True, slots=True)
class Useless:
    """Nothing is proven; ``words`` say what came instead. ``ours``: this machine had no means to ask with."""

    words: str
    ours: bool = False


Reply = Known | Missing | Useless


def read_reply(response: dns.message.Message) -> Reply:
    """What ``response``, which answers our question, proves."""
    code = response.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not isinstance(response, dns.message.QueryMessage):
        return Useless(dns.rcode.to_text(code))
    try:
        chain = response.resolve_chaining()
    except dns.message.ChainTooLong:
        return Useless("a circle of aliases, or more than 15")
    except dns.exception.DNSException:
        return Useless("an answer that contradicts itself")
    if chain.answer is not None:
        return Known([record.address for record in chain.answer], chain.minimum_ttl)
    end = chain.canonical_name
    if code == dns.rcode.NXDOMAIN:
        return _missing(response, end)
    aliased_by_resolver = bool(chain.cnames) and bool(response.flags & dns.flags.RA)
    if aliased_by_resolver or _speaks_for(response, end):
        return Known([], 0)
    return Useless("neither an address nor the zone's word that there is none")


def _missing(response: dns.message.QueryMessage, end: dns.name.Name) -> Reply:
    if not _speaks_for(response, end):
        return Useless("NXDOMAIN without the zone's word for it (SOA)")
    asked = response.question[0].name
    name = asked.to_text(omit_final_dot=True)
    if end == asked:
        return Missing(f"{name} does not exist")
    return Missing(f"{name} is an alias of {end.to_text(omit_final_dot=True)}, which does not exist")


def _speaks_for(response: dns.message.QueryMessage, name: dns.name.Name) -> bool:
    """Whether the zone's authority stands behind a negative answer about ``name``."""
    zones = (records.name for records in response.authority if records.rdtype == dns.rdatatype.SOA)
    if any(name.is_subdomain(zone) for zone in zones):
        return True
    return bool(response.flags & dns.flags.AA) and not response.flags & dns.flags.RA
