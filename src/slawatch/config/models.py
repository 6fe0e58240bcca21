"""The shape of the files: every key, its type, its default and what it means.

The options of a kind of probe are declared with the kind.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from slawatch.config.door_models import ProbeDoorBox
from slawatch.config.values import (
    AllowanceText,
    CalendarName,
    DateText,
    DayRanges,
    GranularityText,
    HolidaysText,
    Identifier,
    JobLimitText,
    KindWord,
    Label,
    Length,
    LengthText,
    LimitText,
    MeasurementWord,
    Model,
    MoneyText,
    Name,
    Prose,
    RatioText,
    ScheduleText,
    Size,
    StandardText,
    Text,
    TimeOfDayText,
    WeightText,
    ZoneName,
    shown,
)
from slawatch.config.witnesses import WitnessesByPath
from slawatch.domain.interval import DAY, SECOND
from slawatch.domain.terms_grammar import parse_charge
from slawatch.probes.options import DurationText, parse_port, split_port
from slawatch.probes.system_names import parse_server
from slawatch.runtime.secrets import Secret


def _listen(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} stands here: expected an address and a port, as 127.0.0.1:9797")
    host, port = split_port(value)
    parse_port(port)
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError(f"{value!r} has no address: expected one like 127.0.0.1:9797 or [::1]:9797") from None
    return value


def _database(value: object) -> str | Secret:
    if isinstance(value, dict):
        return Secret.parse(value)
    if not isinstance(value, str) or not re.match(r"sqlite:///.|postgresql://", value):
        expected = "sqlite:////var/lib/slawatch/slawatch.db or postgresql://user@host/name"
        raise ValueError(f"this is no database: expected {expected}")
    if re.match(r"[^/]+//[^/@]*:[^/@]*@", value) or "password=" in value:
        raise ValueError("it holds a password: keep the URL in a secret, as {credential: database}")
    return value


def _resolvers(value: object) -> tuple[str, ...]:
    if value == "system":
        return ()
    if not isinstance(value, list) or not value:
        raise ValueError(f"{shown(value)} stands here: expected system, or a list of addresses")
    for item in value:
        try:
            parse_server(item if isinstance(item, str) else "")
        except ValueError:
            raise ValueError(
                f"{shown(item)} is no address: expected addresses like 192.0.2.53 or 192.0.2.53:5353"
            ) from None
    return tuple(value)


class Outbound(Model):
    """What probes may talk to beside the open network."""

    allow: list[AllowanceText] = Field(
        default_factory=list,
        description="Networks, addresses, or an address and port, that would be denied otherwise: `127.0.0.0/8`, "
        '`"::1"`, `169.254.10.0/24`, `127.0.0.1:9797`.',
    )


class SpoolBox(Model):
    """Where facts wait while the database does not take them."""

    folder: Text | None = Field(
        default=None,
        description="Where the spool and the ballast are kept: the database's own folder with SQLite; else the "
        "service's state folder, `/var/lib/slawatch`.",
    )
    limit: Size = Field(default=256 * 2**20, description="The greatest size of the spool.")
    ballast: Size = Field(
        default=32 * 2**20, description="The size of a file that is given up when the disk is full; `0MiB` for none."
    )


class Box(Model):
    """``slawatch.yaml``: the machine that watches."""

    site: Identifier = Field(
        default="main", description="This vantage point's name, a label of every metric; facts carry it for ever."
    )
    database: Annotated[
        str | Secret,
        BeforeValidator(_database),
        WithJsonSchema({"anyOf": [{"type": "string", "pattern": "^(sqlite:///.|postgresql://)"}, {"type": "object"}]}),
    ] = Field(
        default="sqlite:////var/lib/slawatch/slawatch.db",
        description="`sqlite:///` and a path, or `postgresql://user@host/name`. A URL with a password is a secret.",
    )
    listen: Annotated[str, BeforeValidator(_listen)] = Field(
        default="127.0.0.1:9797", description="Address and port of pages, metrics and API."
    )
    access: Literal["open", "users"] = Field(
        default="open",
        description="`open`: no sign-in, refused off loopback. `users` is refused by this version.",
    )
    metrics_token: Secret | None = Field(
        default=None, description="Bearer token that `/metrics` and `/probe` ask of other hosts, as a secret."
    )
    resolvers: Annotated[
        tuple[str, ...],
        BeforeValidator(_resolvers),
        WithJsonSchema({"anyOf": [{"const": "system"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(
        default=(),
        description="`system`, or a list of addresses of DNS servers, with `:port` where it is not 53.",
        json_schema_extra={"default": "system"},
    )
    outbound: Outbound = Field(
        default_factory=Outbound, description="What probes may talk to beside the open network: `{allow: […]}`."
    )
    witnesses: WitnessesByPath = Field(
        default_factory=dict,
        description="By path, two hosts or more that vouch for it: `{lan: [192.0.2.10, 192.0.2.11]}`. Each is an "
        "address to ping, an address with a port to connect to, or `{host: …, behind: client/endpoint}`.",
    )
    probe_door: ProbeDoorBox = Field(
        default_factory=ProbeDoorBox,
        description="What `/probe` probes for whoever asks: `{open: false, modules: {NAME: {probe: http, …}}}`.",
    )
    spool: SpoolBox = Field(
        default_factory=SpoolBox,
        description="Where facts wait while the database is away: `{folder: …, limit: 256MiB, ballast: 32MiB}`.",
    )
    clients: Text = Field(default="clients/*.yaml", description="Files of the clients, relative to this file.")
    retention: Length = Field(
        default=30 * DAY,
        description="How long raw observations are kept; those around outages are kept for ever.",
    )


class Calendar(Model):
    """Service hours. Its other keys are weekdays: ``mon``, ``mon-fri``, ``sat,sun``."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DayRanges]

    timezone: ZoneName | None = Field(default=None, description="IANA zone; the client's when left out.")
    holidays: HolidaysText | None = Field(
        default=None, description="Public holidays that are closed: country, or country and subdivision: `DE-HH`."
    )
    closed: list[DateText] = Field(default_factory=list, description="Further dates that are closed.")
    open: dict[DateText, DayRanges] = Field(
        default_factory=dict, description="Dates with their own ranges, on holidays and closed dates too."
    )


class Endpoint(Model):
    """What every endpoint has, whatever its kind of probe."""

    probe: Text = Field(description="Kind of probe; its options stand beside these keys.")
    target: Text = Field(default="", description="What to ask, in the kind's own form: an address, a URL.")
    every: Length = Field(default=60 * SECOND, description="Time between two probes, from `1s`.")
    timeout: DurationText | None = Field(
        default=None, description="When a probe counts as failed: `5s`, or `every` where that is less; never more."
    )
    confirm: int = Field(default=2, ge=1, le=100, description="Failed probes in a row that confirm an outage.")
    recover: int = Field(default=1, ge=1, le=100, description="Good probes in a row that end one.")
    retry_every: Length | None = Field(
        default=None, description="Time between probes while down or suspect: the lesser of `every` and `10s`."
    )
    path: Identifier | None = Field(
        default=None, description="The way there: `lan` for a private address, else `internet`."
    )
    behind: Name | None = Field(default=None, description="The endpoint that this one can only be reached through.")
    formerly: Name | None = Field(default=None, description="The name that it had, so that its history goes on.")


class Job(Model):
    """When a batch job is expected to run (S32): keys of an endpoint that hears of its runs."""

    schedule: ScheduleText = Field(description="Cron's five fields, in the client's zone: `0 2 * * *`.")
    deadline: JobLimitText = Field(description="By when a run must have succeeded: `06:00`, or `4h` after its start.")
    latest_start: JobLimitText | None = Field(default=None, description="By when it must have started, likewise.")
    maximum_run_time: LengthText | None = Field(default=None, description="How long it may run.")
    early: LengthText = Field(default="0s", description="How much before its time a run may start and still count.")


class Service(Model):
    """What is promised to work."""

    kind: KindWord = Field(description="`network`, `email`, `break_fix`, `applications`, `help_desk` or `batch`.")
    definition: Prose = Field(default="", description="The service in the words of the agreement.")
    up_when: Text = Field(
        description="Endpoints and services with `and`, `or`, parentheses, `2 of (a, b, c)`, "
        "`weighted(a: 3, b: 1) >= 50%`."
    )


class Validity(Model):
    """From when until when a contract runs."""

    from_: Text | None = Field(default=None, alias="from", description="Its first instant: a date or local time.")
    to: Text | None = Field(default=None, description="Its end, itself outside: a date or local time.")


def _charge(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} stands here: expected a charge like 1200.00 EUR per month")
    parse_charge(value)
    return value


class ChargeVersion(Model):
    """Charges from a date on."""

    from_: Text | None = Field(
        default=None, alias="from", description="From when on, a date or local time; only the first may lack it."
    )
    amount: Annotated[str, BeforeValidator(_charge)] = Field(description="`1200.00 EUR per month`, or `per period`.")


def _charges(value: object) -> object:
    return [{"amount": value}] if not isinstance(value, list) else value


def _penalty(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError(f"{shown(value)} stands here: expected none, '10% of charges' or a mapping of parts")
    return value


class Contract(Model):
    """One standard that the client was promised."""

    service: Name = Field(description="The service that it is about.")
    measurement: MeasurementWord = Field(
        default="availability",
        description="What the standard is a percentage of: `availability` of time, or events `on_time`, "
        "`response_in_time`, `restore_in_time`, `delivery_in_time` (these in `slawatch evaluate` only).",
    )
    standard: StandardText = Field(description="The percentage that is promised: `99%`, `99.95%`, exact.")
    period: Text = Field(
        description="`every 2 weeks from 2026-01-05`, `every 10 days from 2026-01-05`, `week`, `month`, `quarter`, "
        "`year`, or `from 2026-01-05 to 2026-03-01`."
    )
    valid: Validity = Field(default_factory=Validity, description="When it runs: `{from: …, to: …}`.")
    timezone: ZoneName | None = Field(default=None, description="IANA zone of its dates; the client's when left out.")
    hours: Identifier = Field(default="always", description="`always`, or the name of a calendar.")
    penalty: Annotated[
        Any,
        BeforeValidator(_penalty),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]}),
    ] = Field(default="none", description="What a miss costs: `none`, `10% of charges`, or parts (see below).")
    charges: Annotated[list[ChargeVersion], BeforeValidator(_charges)] = Field(
        default_factory=list,
        description="`1200.00 EUR per month`, `500.00 EUR per period`, or dated versions "
        "`[{amount: …}, {from: 2026-07-01, amount: …}]`.",
    )
    response_within: LengthText | None = Field(
        default=None, description="Service time to the first answer of a person, for `response_in_time` (S31)."
    )
    restore_within: LengthText | None = Field(
        default=None, description="Service time until the service is back, for `restore_in_time` (S31)."
    )
    pausing_states: list[Label] = Field(
        default_factory=list, description="States of a ticket in which its clocks stand, as the help desk calls them."
    )
    restored_states: list[Label] = Field(
        default=["resolved", "closed"],
        json_schema_extra={"default": "[resolved, closed]"},
        description="States of a ticket that mean that the service is back: `[resolved, closed]` when left out.",
    )
    restoring_answers: bool = Field(
        default=False, description="Whether entering a restored state is an answer too, for `response_in_time`."
    )
    delivered_within: LengthText | None = Field(
        default=None, description="Time from sending to receipt, for `delivery_in_time` (S30)."
    )
    owner: Label | None = Field(default=None, description="Who answers for it.")
    review_at: list[TimeOfDayText] = Field(
        default_factory=list, description="At least two times of the day at which its owner reviews it."
    )
    settle_on: Literal["point", "low", "high"] = Field(
        default="point", description="The figure that decides money (S34)."
    )
    unknown: Literal["exclude", "down", "up"] = Field(default="exclude", description="Where unknown time goes (S6).")
    degraded: WeightText = Field(default="1", description="How much of degraded time counts as up, 0 to 1 (S6).")
    coverage_floor: RatioText = Field(
        default="95%", description="Below this share of known time nothing is settled by itself (S7)."
    )
    granularity: GranularityText = Field(
        default="exact",
        description="`exact`, `per minute, any`, `per minute, all` or `per started block of 30m` (S19).",
    )
    ignore_outages_shorter_than: LengthText = Field(default="0s", description="Shorter outages do not count (S18).")
    merge_gaps_shorter_than: LengthText = Field(
        default="0s", description="Outages with a shorter gap between them are one (S18)."
    )
    partial: Literal["judge", "merge", "inform_only"] = Field(
        default="judge", description="What becomes of a period that `valid` clips (S21)."
    )
    unreachable: Literal["down", "unknown"] = Field(
        default="down", description="What time is in which an endpoint's parent is down as well (S14)."
    )
    grace: LengthText = Field(default="3d", description="How long after its end a period stays provisional (S23).")
    maintenance_notice: LengthText = Field(default="0s", description="Notice that maintenance needs to count (S25).")
    maintenance_limit: LimitText = Field(
        default="unlimited", description="How much maintenance a period may have: a duration or `unlimited` (S25)."
    )
    release: Literal["owner", "automatic"] = Field(
        default="owner", description="Who releases a statement to the client (S35)."
    )


class Maintenance(Model):
    """Planned work, announced ahead: once (``start``) or recurring (``from`` and ``rrule``)."""

    services: list[Name] = Field(default_factory=list, description="Services that it is for.")
    contracts: list[Identifier] = Field(default_factory=list, description="Contracts that it is for.")
    start: Text | None = Field(default=None, description="When it starts: a local time or one with an offset.")
    end: Text | None = Field(default=None, description="When it ends; or give `duration`.")
    duration: LengthText | None = Field(default=None, description="How long it lasts, in elapsed time.")
    from_: Text | None = Field(default=None, alias="from", description="Local time of the first of a series.")
    rrule: Text | None = Field(default=None, description="How the series goes on: an RFC 5545 recurrence rule.")
    exdate: list[Text] = Field(default_factory=list, description="Dates or local times that the series leaves out.")
    reason: Prose = Field(default="", description="Why.")


class Exclusion(Model):
    """Other time that leaves both sides of the fraction (S28)."""

    services: list[Name] = Field(default_factory=list, description="Services that it is for.")
    contracts: list[Identifier] = Field(default_factory=list, description="Contracts that it is for.")
    start: Text = Field(description="When it starts: a local time or one with an offset.")
    end: Text | None = Field(default=None, description="When it ends; or give `duration`.")
    duration: LengthText | None = Field(default=None, description="How long it lasts, in elapsed time.")
    type: Literal["force_majeure", "client_fault", "third_party", "other"] = Field(description="Why it does not count.")
    reason: Label = Field(description="What happened.")
    approved_by: Label = Field(description="Who approved it.")


class Client(Model):
    """``clients/*.yaml``: one client, what is watched for it and what it was promised."""

    client: Identifier = Field(description="The client's name in metrics, URLs and commands.")
    name: Label | None = Field(default=None, description="The client's name for people; `client` when left out.")
    timezone: ZoneName = Field(default="UTC", description="IANA zone in which its local times are read.")
    metrics_token: Secret | None = Field(
        default=None,
        description="Bearer token that `/metrics/<client>`, this client's share, asks of other hosts, as a secret.",
    )
    credit_cap: MoneyText | None = Field(default=None, description="Most that all its credits of a period add up to.")
    same_incident: Literal["sum", "highest"] = Field(
        default="sum", description="What contracts hit by the same outage pay together (S34)."
    )
    calendars: dict[CalendarName, Calendar] = Field(default_factory=dict, description="Service hours by name.")
    endpoints: dict[Name, Endpoint] = Field(default_factory=dict, description="What is probed, by name.")
    services: dict[Name, Service] = Field(default_factory=dict, description="What is promised to work, by name.")
    contracts: dict[Identifier, Contract] = Field(default_factory=dict, description="What is promised, by name.")
    maintenance: list[Maintenance] = Field(default_factory=list, description="Planned work.")
    exclusions: list[Exclusion] = Field(default_factory=list, description="Other time that does not count.")
