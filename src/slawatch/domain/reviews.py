"""When somebody has to look at a contract, and since when nobody has (S36)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from slawatch.domain.interval import Duration, Instant
from slawatch.domain.local_time import instant_of, local_of


def next_due(times: Sequence[str], zone: ZoneInfo, after: Instant) -> Instant:
    """The first review that comes due after an instant: every day at each of the local ``times`` (``09:00``).

    A time that the clocks skip comes due at the end of the gap, one that occurs twice at the first of the two (S2).
    ``ValueError`` without times.
    """
    if not times:
        raise ValueError("no time of the day is agreed")
    day = local_of(after, zone).date() - timedelta(days=1)
    clock = [time.fromisoformat(text) for text in times]
    days = [day + timedelta(days=ahead) for ahead in range(4)]
    due = [instant_of(datetime.combine(each, at), zone) for each in days for at in clock]
    return min(instant for instant in due if instant > after)


def overdue(times: Sequence[str], zone: ZoneInfo, signed: Instant, now: Instant) -> Duration | None:
    """Microseconds since the first review that came due after the latest was ``signed``; 0 while none has.

    None where no time is agreed. A signature at the very instant at which a review comes due answers for it.
    """
    return max(0, now - next_due(times, zone, signed)) if times else None
