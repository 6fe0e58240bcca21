"""Targets that really go up and down, and their own truth. A process of its own; it knows nothing of who asks.

``python simulator.py LOG SEED PORT…`` listens on each port of loopback and closes it again by a plan that the seed
makes. Every flip is a line of JSON: the port, whether it is up from now on, and the clocks in microseconds (wall,
monotonic) before and after the call that made it so. What is asked between the two may see either.
"""

from __future__ import annotations

import contextlib
import json
import random
import selectors
import socket
import sys
import time
from pathlib import Path

SHORTEST, LONGEST = 4.0, 11.0
"""Seconds between two flips of a target: nothing changes twice between two probes of a second's rhythm."""


def clocks() -> tuple[int, int]:
    return time.time_ns() // 1_000, time.monotonic_ns() // 1_000


class Target:
    """One port."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self.port, self._selector = port, selector
        self._socket: socket.socket | None = None

    def flip(self) -> dict[str, object]:
        """Go down, or up."""
        before, closing = clocks(), self._socket
        if closing is not None:
            self._selector.unregister(closing)
            closing.close()
            self._socket = None
        else:
            self._socket = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self._socket.setblocking(False)
            self._selector.register(self._socket, selectors.EVENT_READ)
        return {"port": self.port, "up": closing is None, "before": before, "after": clocks()}


def main(log: Path, seed: int, ports: list[int]) -> None:
    dice, selector = random.Random(seed), selectors.DefaultSelector()
    targets = [Target(port, selector) for port in ports]
    due = {target: time.monotonic() + dice.uniform(SHORTEST, LONGEST) for target in targets}
    with log.open("a", encoding="ascii") as truth:
        for target in targets:
            truth.write(json.dumps(target.flip()) + "\n")
        truth.flush()
        while True:
            for key, _ in selector.select(max(0.0, min(due.values()) - time.monotonic())):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError):
                    key.fileobj.accept()[0].close()
            for target in [target for target, at in due.items() if at <= time.monotonic()]:
                truth.write(json.dumps(target.flip()) + "\n")
                truth.flush()
                due[target] = time.monotonic() + dice.uniform(SHORTEST, LONGEST)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(word) for word in sys.argv[3:]])
