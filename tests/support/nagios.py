"""Nagios Core's availability report (``avail.cgi``, run as a CGI) over a log that the test writes."""

from __future__ import annotations

import csv
import io
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from support.servers import TREE, own_folder

WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
ALWAYS = dict.fromkeys(WEEK, "00:00-24:00")

OBJECTS = """\
define timeperiod {{
\ttimeperiod_name\talways
\talias\talways
{always}\t}}

define timeperiod {{
\ttimeperiod_name\thours
\talias\thours
{hours}\t}}

define command {{
\tcommand_name\tnone
\tcommand_line\tnone
\t}}

define contact {{
\tcontact_name\tnobody
\talias\tnobody
\thost_notification_period\talways
\tservice_notification_period\talways
\thost_notification_options\tn
\tservice_notification_options\tn
\thost_notification_commands\tnone
\tservice_notification_commands\tnone
\t}}
"""

HOST = """
define host {{
\thost_name\t{name}
\talias\t{name}
\taddress\t192.0.2.1
\tcheck_period\talways
\tcheck_command\tnone
\tcontacts\tnobody
\tnotification_period\talways
\tmax_check_attempts\t1
\t}}
"""

CONFIGURATION = """\
log_file={folder}/nagios.log
log_archive_path={folder}/archives
object_cache_file={folder}/objects.cache
status_file={folder}/status.dat
log_rotation_method=n
date_format=iso8601
"""

CGI = """\
main_config_file={folder}/nagios.cfg
physical_html_path=/usr/share/nagios4/htdocs
url_html_path=/nagios4
use_authentication=0
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What Nagios says of one host, in whole seconds of the report's time."""

    up: int
    down: int
    unreachable: int
    not_running: int
    no_data: int
    scheduled_down: int
    """The part of ``down`` that lies in announced maintenance."""


class Nagios:
    """One log and one set of hosts. Times are whole seconds since 1970; ``zone`` is the IANA zone Nagios runs in.

    ``log`` holds lines of ``nagios.log`` without their dates: ``(second, "HOST ALERT: router;DOWN;HARD;1;gone")``.
    ``hours`` maps lower-case English weekdays, or Nagios's own date expressions, to ranges such as
    ``08:00-12:00,13:00-18:00``; a day that is not named is closed.
    """

    def __init__(
        self,
        folder: Path,
        log: Iterable[tuple[int, str]],
        *,
        hosts: Iterable[str] = ("router",),
        hours: Mapping[str, str] | None = None,
        zone: str = "UTC",
    ) -> None:
        self._folder = folder
        self._zone = zone
        self._limited = hours is not None
        objects = OBJECTS.format(always=_ranges(ALWAYS), hours=_ranges(ALWAYS if hours is None else hours))
        files = {
            "objects.cache": objects + "".join(HOST.format(name=host) for host in hosts),
            "nagios.cfg": CONFIGURATION.format(folder=folder),
            "cgi.cfg": CGI.format(folder=folder),
            "status.dat": "",
            "nagios.log": "".join(f"[{second}] {line}\n" for second, line in log),
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "archives").mkdir()

    def availability(self, start: int, end: int, **options: str) -> dict[str, Figures]:
        """Each host's figures from second ``start`` to ``end``. Further ``options`` of the report's form by name."""
        rows = csv.DictReader(io.StringIO(self.report(start, end, csvoutput="", **options)), skipinitialspace=True)
        return {row["HOST_NAME"]: _figures(row) for row in rows}

    def report(self, start: int, end: int, **options: str) -> str:
        """The report as the browser gets it: HTML, or CSV with ``csvoutput=""``.

        Unless ``options`` say otherwise: all hosts, hard states only, the log alone says what was before ``start``.
        """
        form = {
            "host": "all",
            "t1": str(start),
            "t2": str(end),
            "assumeinitialstates": "no",
            "assumestateretention": "yes",
            "assumestatesduringnotrunning": "yes",
            "includesoftstates": "no",
            "backtrack": "0",
            **({"rpttimeperiod": "hours"} if self._limited else {}),
            **options,
        }
        environment = {
            "NAGIOS_CGI_CONFIG": f"{self._folder}/cgi.cfg",
            "REQUEST_METHOD": "GET",
            "REMOTE_USER": "nagiosadmin",
            "QUERY_STRING": urllib.parse.urlencode(form),
            "TZ": self._zone,
        }
        program = "/usr/lib/cgi-bin/nagios4/avail.cgi"
        done = TREE.run([program], bind=[self._folder], environment=environment)
        head, _, body = done.stdout.partition("\n\n")
        if done.returncode != 0 or not body:
            raise RuntimeError(f"avail.cgi: exit status {done.returncode}: {done.stderr or head}")
        return body


def _ranges(days: Mapping[str, str]) -> str:
    return "".join(f"\t{day}\t{ranges}\n" for day, ranges in days.items())


def _figures(row: Mapping[str, str]) -> Figures:
    return Figures(
        up=int(row["TOTAL_TIME_UP"]),
        down=int(row["TOTAL_TIME_DOWN"]),
        unreachable=int(row["TOTAL_TIME_UNREACHABLE"]),
        not_running=int(row["TIME_UNDETERMINED_NOT_RUNNING"]),
        no_data=int(row["TIME_UNDETERMINED_NO_DATA"]),
        scheduled_down=int(row["TIME_DOWN_SCHEDULED"]),
    )


class MakeNagios(Protocol):
    """``nagios(log, hosts=…, hours=…, zone=…)``, see :class:`Nagios`."""

    def __call__(
        self,
        log: Iterable[tuple[int, str]],
        *,
        hosts: Iterable[str] = ("router",),
        hours: Mapping[str, str] | None = None,
        zone: str = "UTC",
    ) -> Nagios: ...


@pytest.fixture
def nagios(tmp_path: Path) -> MakeNagios:
    """Makes a :class:`Nagios` from its log."""

    def make(
        log: Iterable[tuple[int, str]],
        *,
        hosts: Iterable[str] = ("router",),
        hours: Mapping[str, str] | None = None,
        zone: str = "UTC",
    ) -> Nagios:
        return Nagios(own_folder(tmp_path, "nagios"), log, hosts=hosts, hours=hours, zone=zone)

    return make
