"""BLOCKED: tests that need a real server say so, and are counted by name where it cannot be had.

A test asks for a server with ``@pytest.mark.server("nginx")`` or by using its fixture. Where the server is missing the
test is skipped as BLOCKED and listed at the end. As root the server can be had (``make tree``), so there any BLOCKED
makes the run fail.
"""

from __future__ import annotations

import os

import pytest

from support import npm
from support.tree import NEWER_POSTGRES, Tree, box_location, location

PROGRAMS = {
    "nginx": "/usr/sbin/nginx",
    "postgres": "/usr/lib/postgresql",
    "newer_postgres": "/usr/lib/postgresql",
    "prometheus": "/usr/bin/prometheus",
    "amtool": "/usr/bin/amtool",
    "promtool": "/usr/bin/promtool",
    "alertmanager": "/usr/bin/prometheus-alertmanager",
    "blackbox": "/usr/bin/prometheus-blackbox-exporter",
    "nagios": "/usr/lib/cgi-bin/nagios4/avail.cgi",
    "knot": "/usr/sbin/knotd",
    "chromium": "/usr/bin/chromium",
    "systemd": "/usr/bin/systemd-analyze",
    "ping": "/usr/bin/ping",
    "fping": "/usr/bin/fping",
    "ip": "/usr/sbin/ip",
    "faketime": "/usr/bin/faketime",
    "postfix": "/usr/sbin/postfix",
    "dovecot": "/usr/sbin/dovecot",
    "squid": "/usr/sbin/squid",
    "sqlite3": "/usr/bin/sqlite3",
    "tcc": "/usr/bin/tcc",
    "openssl": "/usr/bin/openssl",
    "buildah": "/usr/bin/buildah",
    "nspawn": "/usr/bin/systemd-nspawn",
    "box": "/usr/bin/make",
    "grafana_schema": "",
}
"""Each server's name, as markers and fixtures use it, and its program inside the tree; the box is a tree of its own,
and Grafana's schema is no server but packages that npm fetches."""

FIXTURES = {"page": "chromium", "postgres_url": "postgres", "systemd_analyze": "systemd"}
"""Fixtures that are not named like the server they need."""

EXIT_BLOCKED = 1
"""Exit status of a run as root in which something was BLOCKED and nothing else failed."""

_SAYS = "BLOCKED: "

_blocked = pytest.StashKey[list[str]]()


def missing(server: str) -> str:
    """Why ``server`` cannot be had here; empty when it can."""
    if server == "grafana_schema":
        return npm.missing()
    tree = Tree(box_location() if server == "box" else location())
    if not tree.has(PROGRAMS[server]):
        return f"{server} is not in the tests' Debian tree (as root: make tree)"
    if server == "newer_postgres" and not NEWER_POSTGRES.is_dir():
        return f"{server} is not in the development environment"
    if os.geteuid() != 0:
        return f"{server} needs root to be started in the tests' Debian tree"
    return ""


def needed_servers(item: pytest.Item) -> list[str]:
    """The servers that ``item`` asks for, by marker or by fixture."""
    names = [str(name) for marker in item.iter_markers("server") for name in marker.args]
    fixtures = [FIXTURES.get(name, name) for name in getattr(item, "fixturenames", ())]
    return list(dict.fromkeys(names + [name for name in fixtures if name in PROGRAMS]))


def pytest_configure(config: pytest.Config) -> None:
    """Start counting, here where all reports arrive, whichever process ran the test."""
    config.stash[_blocked] = []
    config.pluginmanager.register(_Count(config.stash[_blocked]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by name, what cannot run here."""
    for server in needed_servers(item):
        if server not in PROGRAMS:
            pytest.fail(f"no server is named {server!r}; there are {', '.join(PROGRAMS)}", pytrace=False)
        reason = missing(server)
        if reason:
            pytest.skip(f"{_SAYS}{reason}")


class _Count:
    def __init__(self, blocked: list[str]) -> None:
        self._blocked = blocked

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A report of a test that was skipped, and why."""
        why = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
        if f"Skipped: {_SAYS}" in why:
            self._blocked.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was BLOCKED, with the exact count."""
    blocked = config.stash[_blocked]
    if blocked:
        terminalreporter.section(f"{len(blocked)} BLOCKED", red=os.geteuid() == 0)
        terminalreporter.write_line(f"{len(blocked)} BLOCKED: {', '.join(blocked)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """As root every server can be had: a BLOCKED test is a failed run."""
    if session.config.stash[_blocked] and os.geteuid() == 0 and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = EXIT_BLOCKED
