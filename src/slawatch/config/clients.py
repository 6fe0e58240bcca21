"""One client file → its values. Every part is read on its own, so that every mistake is found at once."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from slawatch.config.configuration import AnnouncementConfig, ClientConfig, ServiceConfig
from slawatch.config.contracts import Surroundings, read_calendars, read_contracts
from slawatch.config.document import Document
from slawatch.config.endpoints import read_endpoints
from slawatch.config.models import Client, Exclusion, Maintenance
from slawatch.config.sentences import report_errors, suggestion
from slawatch.config.services import read_services
from slawatch.config.values import shown
from slawatch.domain.announcements import AnnouncementError, parse_announcement
from slawatch.domain.composite import expand
from slawatch.domain.contract import ServiceKind
from slawatch.domain.exclusions import Announcement
from slawatch.domain.local_time import instant_of, zone
from slawatch.domain.terms_grammar import EARLIEST, LATEST
from slawatch.probes.policy import AddressPolicy

_MAPPINGS = ("calendars", "endpoints", "services", "contracts")
_LISTS = ("maintenance", "exclusions")

NOT_YET: dict[str, str] = {}
"""Keys of a client file that a later version will read, each with the sentence that refuses it."""


def read_client(document: Document, *, for_daemon: bool, policy: AddressPolicy | None = None) -> ClientConfig | None:
    """The client of a file; None when the document has findings, which then say everything that is wrong.

    ``policy`` is the box's: targets that it would deny are wrong.
    """
    head = _head(document)
    endpoints = read_endpoints(document, head.client, for_daemon=for_daemon, policy=policy)
    services, written = read_services(document, document.names("endpoints"))
    calendars = read_calendars(document, head)
    around = Surroundings(head, endpoints, services, written, calendars)
    contracts = read_contracts(document, around, for_daemon=for_daemon)
    announcements = [
        *_announcements(document, "maintenance", Maintenance, head.timezone),
        *_announcements(document, "exclusions", Exclusion, head.timezone),
    ]
    if document.findings:
        return None
    return ClientConfig(
        id=head.client,
        name=head.name or head.client,
        zone=head.timezone,
        endpoints=tuple(endpoints.values()),
        services=tuple(
            ServiceConfig(
                name, ServiceKind(model.kind), model.definition, model.up_when, expand(written[name], written)
            )
            for name, model in services.items()
        ),
        contracts=tuple(contracts.values()),
        announcements=tuple(announcements),
        metrics_token=head.metrics_token,
        file=document.file,
    )


def _head(document: Document) -> Client:
    """The keys of the client itself; a wrong one is reported and stands as if it were not written."""
    if document.root.fields is None:
        document.report((), "expected a mapping that begins with client: and a name")
        return Client(client="-")
    plain: dict[str, Any] = {}
    for key, node in document.root.fields.items():
        wanted = "a mapping" if key in _MAPPINGS else "a list" if key in _LISTS else None
        if wanted is None:
            plain[key] = node.plain()
        elif (node.fields if key in _MAPPINGS else node.items) is None:
            document.report((key,), f"{shown(node.scalar)} stands here: expected {wanted}, or leave the key out")
    try:
        return Client.model_validate(plain)
    except ValidationError as error:
        report_errors(document, (), Client, error, not_yet=NOT_YET)
        wrong = {str(details["loc"][0]) for details in error.errors()}
        kept = {key: value for key, value in plain.items() if key not in wrong and key in Client.model_fields}
        return Client.model_validate({"client": "-"} | kept)


def _announcements(
    document: Document, section: str, model: type[Maintenance | Exclusion], zone_name: str
) -> list[AnnouncementConfig]:
    node = document.root.child(section)
    found = []
    for index, item in enumerate((node.items if node else None) or ()):
        plain = item.plain()
        path = (section, index)
        try:
            checked = model.model_validate(plain)
        except ValidationError as error:
            report_errors(document, path, model, error)
            continue
        assert isinstance(plain, dict)
        for key, names in (("services", checked.services), ("contracts", checked.contracts)):
            _check_names(document, (section, index, key), names, document.names(key))
        try:
            announcement = parse_announcement(plain, zone_name)
            _require_reach(announcement)
        except OverflowError:
            document.report(path, "out of reach: expected years from 1970 to 2999")
        except AnnouncementError as error:
            document.report((*path, error.key), str(error))
        except ValueError as problem:
            document.report(path, str(problem))
        else:
            found.append(AnnouncementConfig(plain, announcement))
    return found


def _require_reach(announcement: Announcement) -> None:
    recurrence = announcement.recurrence
    starts = [] if recurrence is None else [instant_of(recurrence.start, zone(recurrence.zone))]
    length = 0 if recurrence is None else recurrence.duration
    for instant in (*starts, *(edge for span in announcement.spans for edge in span)):
        if not EARLIEST <= instant <= instant + length < LATEST:
            raise OverflowError


def _check_names(document: Document, path: tuple[str | int, ...], names: list[str], known: list[str]) -> None:
    for place, name in enumerate(names):
        if name not in known:
            noun = str(path[-1]).removesuffix("s")
            document.report((*path, place), f"{name!r} is no {noun}: {suggestion(name, known)}")
