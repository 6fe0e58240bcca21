"""A daemon's storage in a process of its own: records until it is killed, and says what is durable.

``python run_and_be_killed.py URL`` prints ``durable N`` after entry, observation and mark N are on disk.
"""

from __future__ import annotations

import asyncio
import sys

from slawatch.domain.facts import Change, State
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger

ROUTER = EndpointKey("acme", "router")


async def main(url: str) -> None:
    ledger = await Ledger.open(url, site="hq", boot="killed")
    number = 0
    while True:
        number += 1
        at = number * SECOND
        ledger.append([entry_of(ROUTER, Change(at, State(number % 3), at, at))])
        ledger.observe(ROUTER, Observation(at, 1, Verdict.UP, "ok"))
        ledger.mark_alive(at)
        if number % 5 == 0:
            await ledger.flushed()
            sys.stdout.write(f"durable {number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
