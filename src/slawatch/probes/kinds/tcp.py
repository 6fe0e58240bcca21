"""TCP: whether a port accepts connections, and says what it should, over TLS too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, STREAM, TLS, TLS_ENDS, Answer, Reason, Reasons
from slawatch.probes.certificates import Certificate, chain, ends_soon
from slawatch.probes.conversation import Conversation
from slawatch.probes.escapes import Escaped, WireText
from slawatch.probes.options import HostPort, NetworkOptions, parse_host_port
from slawatch.probes.outbound import Address, connect
from slawatch.probes.probe import ProbeContext
from slawatch.probes.starttls import DIALOGUES
from slawatch.probes.steps import Steps, follow, send, without_groups
from slawatch.probes.tls import WatchedTls

SCHEMES = ("tcp",)

REASONS: Reasons = {
    **ANY,
    **STREAM,
    **TLS,
    **TLS_ENDS,
    "unexpected": Reason(
        Verdict.DOWN, "The server ended, or said 4 KiB, without what is expected, or said what is refused."
    ),
    "starttls_refused": Reason(Verdict.DOWN, "The server does not offer TLS, or refuses to begin it."),
    "starttls_injection": Reason(
        Verdict.DOWN,
        "More was said, by the server or by somebody on the way, between the consent to TLS and the handshake.",
    ),
    "secret_unavailable": Reason(
        Verdict.VOID, "A secret in `send` cannot be read; the detail says where.", Cause.PROBER_FAULT
    ),
    "pattern_too_slow": Reason(
        Verdict.VOID,
        "`expect` or `refuse` took more than 50 ms of processor time on one line.",
        Cause.PROBER_FAULT,
    ),
}


class Options(NetworkOptions):
    """Options of the kind `tcp`."""

    send: Annotated[WireText, AfterValidator(without_groups)] | None = Field(
        default=None,
        description="Text to send, with the escapes `\\r \\n \\t \\0 \\xHH \\\\`; or a list of texts and secrets.",
    )
    expect: Escaped | None = Field(
        default=None,
        max_length=1024,
        description="Text that must occur in the first 4 KiB of what the server says; escapes as in `send`.",
    )
    steps: Steps = Field(
        default=(), description="Instead of `send` and `expect`: a dialogue of up to 32 steps, one after the other."
    )
    tls_from_start: bool = Field(
        default=False, description="TLS from the first byte, as on the ports 465, 993 and 995."
    )
    starttls: Literal["smtp", "imap", "pop3", "ftp", "sieve", "ldap", "postgres"] | None = Field(
        default=None,
        description="A ready-made dialogue up to TLS: `smtp`, `imap`, `pop3`, `ftp`, `sieve`, `ldap` or `postgres`.",
    )
    tls: WatchedTls | None = Field(default=None, description="How the server's certificate is judged.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.steps and (self.send is not None or self.expect is not None):
            raise ValueError("expected either steps, or send and expect")
        ways = (self.tls_from_start, self.starttls is not None, any(step.starttls for step in self.steps))
        if sum(ways) > 1:
            raise ValueError("TLS begins twice: expected one of tls_from_start, starttls and a step with it")
        if self.tls is not None and not self.encrypted:
            raise ValueError("tls, but nothing begins it: expected tls_from_start, starttls, or a step with it")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether there is a TLS handshake."""
        return self.tls_from_start or self.starttls is not None or any(step.starttls for step in self.steps)

    @property
    def only_tls(self) -> bool:
        """Whether there is a handshake and not a word after it."""
        alone = self.tls_from_start or (self.starttls is not None and not DIALOGUES[self.starttls].answered)
        return alone and not (self.steps or self.send or self.expect)

    @property
    def silent(self) -> bool:
        """Whether nothing is said nor waited for, so that a connection is all."""
        return not (self.encrypted or self.steps or self.send or self.expect)


def target(text: str) -> HostPort:
    """`host:port`, `[address]:port`, or the same after `tcp://`; ``ValueError`` says what is wrong."""
    return parse_host_port(text, "tcp")


async def probe(target: HostPort, options: Options, context: ProbeContext) -> Answer:
    """Connect; hold the dialogue where options say so; close."""
    trace = context.trace
    address = await context.outbound.address(target.host, target.port, options.ip, context.deadline, trace)
    soon = None
    if options.silent:
        transport, _ = await connect(asyncio.Protocol, address, trace)
        trace.close()
        transport.abort()
    else:
        soon = await _converse(target.host.text, options, context, address)
    return soon or context.judged(trace.spent(without="resolve"), options.slow)


async def _converse(host: str, options: Options, context: ProbeContext, address: Address) -> Answer | None:
    """The dialogue; what it says of a certificate that ends soon. A fault in our own files shows before it begins."""
    tls = options.tls or WatchedTls()
    trust = context.tls.context(tls, protocols=(), watch=options.only_tls) if options.encrypted else None
    _, talk = await connect(lambda: Conversation(context.trace), address, context.trace)
    context.late = talk.late
    certificates: list[Certificate] = []

    async def encrypt() -> None:
        assert trust is not None
        session = await talk.start_tls(
            trust, tls.name or host, "tls" if options.tls_from_start else "starttls_injection"
        )
        certificates.extend(chain(session, verified=tls.verify))
        if options.only_tls and session.in_doubt:
            await talk.part()

    try:
        context.trace.enter("answer")
        await _talk(options, talk, encrypt)
        context.trace.close()
    finally:
        talk.close()
    within = tls.expires_within
    return None if within is None else ends_soon(certificates, context.started, within)


async def _talk(options: Options, talk: Conversation, encrypt: Callable[[], Awaitable[None]]) -> None:
    dialogue = DIALOGUES[options.starttls] if options.starttls else None
    if dialogue is not None:
        await dialogue.opening(talk)
    if dialogue is not None or options.tls_from_start:
        await encrypt()
    talk.place = ""
    if options.send is not None:
        send(options.send, None, talk)
    if options.expect is not None:
        await talk.text(options.expect)
    await follow(options.steps, talk, encrypt)
    if dialogue is not None and not (options.send or options.expect or options.steps):
        await dialogue.farewell(talk)
    await talk.said()
