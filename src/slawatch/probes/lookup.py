"""One name, put to our DNS servers so that none of them can eat the time of a probe.

The next server is asked as soon as the one before is late for its own habits, and nobody stops listening to the
first: the first reply with addresses ends the lookup. A proven *no* ends it too, once those that were asked before and
can be counted on have had a second to know better: two servers may see two different worlds.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence

import dns.exception
import dns.message
import dns.rdatatype

from slawatch.domain.interval import SECOND
from slawatch.probes.dns_exchange import PAYLOAD, OtherAnswer, Server, exchange
from slawatch.probes.name_answer import Known, Missing, Reply, Useless, read_reply
from slawatch.probes.options import Family
from slawatch.probes.server_health import ServerBook
from slawatch.probes.system_names import spell_server
from slawatch.runtime.clock import Clock

ROUNDS = 2
"""How often each server is asked."""
SILENT_AFTER = 2.0
"""Seconds after which no answer is a failure of the server, also where nobody waits for it any more."""
MOST_STRAY = 64
"""How many datagrams that answer something else are passed over before a server counts as failing."""
GRACE = 1.0
"""Seconds for which servers that were asked before one that proves a *no* may still prove more than that."""

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors that say nothing of the server: no descriptor, no memory."""
_TYPES = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}


class Panel:
    """The servers, asked one question each. What becomes of it is noted in the book; ``noted`` is called then.

    A question that nobody waits for any more is still listened to for ``SILENT_AFTER``, one a server at a time, so
    that a slow server and a dead one can be told apart.
    """

    def __init__(self, book: ServerBook, clock: Clock, noted: Callable[[], None]) -> None:
        self.book = book
        self._clock, self._noted = clock, noted
        self._stragglers: dict[Server, asyncio.Task[Reply]] = {}

    def ask(self, server: Server, name: str, family: Family) -> asyncio.Task[Reply]:
        """Put a question; the task never fails. Whoever stops waiting for it hands it to :meth:`release`."""
        self.book.put(self.book.of(server).asked(self._clock.monotonic()))
        return asyncio.create_task(self._ask(server, name, family))

    def release(self, server: Server, task: asyncio.Task[Reply], began: float) -> None:
        """Nobody waits for this answer any more. ``began`` is in the loop's time."""
        if task.done():
            return
        left = began + SILENT_AFTER - asyncio.get_running_loop().time()
        if left > 0 and server not in self._stragglers:
            self._listen_on(server, task, left)
            return
        if left <= 0:
            self._note_silence(server)
        task.cancel()

    def _listen_on(self, server: Server, task: asyncio.Task[Reply], seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._give_up, server, task)

        def ended(_: asyncio.Task[Reply]) -> None:
            timer.cancel()
            del self._stragglers[server]

        self._stragglers[server] = task
        task.add_done_callback(ended)

    def try_again(self, name: str, family: Family) -> None:
        """Ask servers that stand back, beside the others, whether they answer again."""
        for server in self.book.trials(self._clock.monotonic()):
            if server not in self._stragglers:
                self.release(server, self.ask(server, name, family), asyncio.get_running_loop().time())

    def close(self) -> None:
        """Listen to nobody any more."""
        for task in self._stragglers.values():
            task.cancel()

    def _give_up(self, server: Server, task: asyncio.Task[Reply]) -> None:
        if not task.done():
            self._note_silence(server)
            task.cancel()

    def _note_silence(self, server: Server) -> None:
        self.book.put(self.book.of(server).failed())
        self._noted()

    async def _ask(self, server: Server, name: str, family: Family) -> Reply:
        query = dns.message.make_query(name + ".", _TYPES[family], use_edns=0, payload=PAYLOAD)
        begun = self._clock.monotonic()
        try:
            reply = read_reply(await exchange(query, server, _Patience().overhear))
        except (OSError, EOFError, dns.exception.DNSException) as error:
            if isinstance(error, OSError) and error.errno in _OURS:
                return Useless(_words(error), ours=True)
            self._note_silence(server)
            return Useless(_words(error))
        now = self._clock.monotonic()
        health = self.book.of(server)
        if isinstance(reply, Useless):
            self.book.put(health.could_not_help(now, now - begun, name))
        else:
            self.book.put(health.helped(now, now - begun))
        self._noted()
        return reply


class _Patience:
    """Ends when strays have become the server's way: reading them costs time too."""

    def __init__(self) -> None:
        self._strays = 0

    def overhear(self, _: bool) -> None:
        self._strays += 1
        if self._strays >= MOST_STRAY:
            raise OtherAnswer


def _words(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "no usable answer"


class Lookup:
    """One name and family, asked for on behalf of everybody who waits for it.

    ``until`` is in the loop's time, and may be moved further away while the lookup runs.
    """

    def __init__(self, panel: Panel, family: Family, until: float) -> None:
        self.until = until
        self._panel, self._family = panel, family
        self._said: dict[Server, str] = {}
        self._ours = False
        self._waiting: dict[asyncio.Task[Reply], tuple[Server, float]] = {}
        self._negative: Known | Missing | None = None

    def doubt(self) -> Useless:
        """What each server that was asked has said so far instead of an answer."""
        words = "; ".join(f"{spell_server(server)}: {words}" for server, words in self._said.items())
        return Useless(words or "no DNS server is configured", self._ours)

    async def first_of(self, names: Sequence[str]) -> Reply:
        """The first of ``names`` that exists, ``Missing`` where it is proven of each that it does not."""
        failed: Reply | None = None
        for name in names:
            reply = await self._ask_all(name)
            if isinstance(reply, Known):
                return reply
            if failed is None or isinstance(failed, Missing):
                failed = reply
        assert failed is not None, "there is a name"
        return failed

    async def _ask_all(self, name: str) -> Reply:
        self._negative = None
        try:
            return await self._race(name) or self._negative or self.doubt()
        finally:
            for task, (server, began) in self._waiting.items():
                self._panel.release(server, task, began)
            self._waiting.clear()

    async def _race(self, name: str) -> Known | None:
        """Ask in turn until addresses are found; ``None`` once it is sure that there are none, or nobody helps."""
        loop = asyncio.get_running_loop()
        order = self._panel.book.order()
        self._panel.try_again(name, self._family)
        turns = len(order) * ROUNDS
        for turn, server in enumerate(order * ROUNDS):
            if self._waiting and loop.time() >= self.until:
                break
            self._said.setdefault(server, "no answer")
            self._waiting[self._panel.ask(server, name, self._family)] = (server, loop.time())
            wait = (self.until - loop.time()) / (turns - turn)
            if turn < len(order):
                wait = min(wait, self._panel.book.of(server).patience / SECOND)
            found = await self._addresses(loop.time() + wait)
            if found is not None or self._negative is not None:
                return found or await self._contradicted()
        while self._waiting and loop.time() < self.until:
            found = await self._addresses(self.until)
            if found is not None or self._negative is not None:
                return found or await self._contradicted()
        return None

    async def _contradicted(self) -> Known | None:
        """Who was asked before, and is late, may still know more than the one that said no."""
        now = asyncio.get_running_loop().time()
        until = now + min(GRACE, (self.until - now) * 0.8)
        while self._in_good_standing():
            waiting = len(self._waiting)
            found = await self._addresses(until)
            if found is not None or len(self._waiting) == waiting:
                return found
        return None

    def _in_good_standing(self) -> bool:
        """Whether somebody is waited for who can be counted on."""
        return any(self._panel.book.of(server).up is not False for server, _ in self._waiting.values())

    async def _addresses(self, until: float) -> Known | None:
        """The first reply with addresses. ``None`` at ``until``, at a proven no, or once nobody is waited for."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            done, _ = await asyncio.wait(
                self._waiting, timeout=max(0.0, until - loop.time()), return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                return None
            replies = [(self._waiting.pop(task)[0], task.result()) for task in done]
            for server, reply in replies:
                if isinstance(reply, Useless):
                    self._said[server] = reply.words
                    self._ours |= reply.ours
                elif isinstance(reply, Known) and reply.addresses:
                    return reply
                else:
                    self._negative = self._negative or reply
            if self._negative is not None:
                return None
        return None
