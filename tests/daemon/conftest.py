"""A real daemon process with a configuration of the test's own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.process import Server, free_port
from support.servers import fetch

Rows = list[dict[str, Any]]


LOOPBACK = 'resolvers: [127.0.0.1]\noutbound: {allow: [127.0.0.0/8, "::1"]}\n'
"""What a box needs to watch itself."""


class Slawatch(Server):
    """``slawatch run`` as a child. Commands run as further children, as a person would run them."""

    def __init__(
        self, folder: Path, client: str, *, database: str | None = None, box: str = LOOPBACK, prefix: Sequence[str] = ()
    ) -> None:
        """``box`` is what else stands in ``slawatch.yaml``; ``prefix`` begins the daemon's command, as ``env A=b``."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clients = folder / "clients"
        clients.mkdir(parents=True)
        self.client_file = clients / "acme.yaml"
        self.client_file.write_text(client, encoding="utf-8")
        self.database = database or f"sqlite:///{folder}/slawatch.db"
        (folder / "slawatch.yaml").write_text(
            f"site: test\ndatabase: {self.database}\nlisten: 127.0.0.1:{self.port}\n"
            f"spool: {{folder: {folder}, ballast: 1MiB}}\n{box}",
            encoding="utf-8",
        )
        command = [*prefix, sys.executable, "-m", "slawatch", "run", "--config", str(folder)]
        super().__init__("slawatch", command, folder / "daemon.log", self._is_ready)

    def refused(self) -> str:
        """What ``check-config`` finds wrong. The configuration must not be sound."""
        command = [sys.executable, "-m", "slawatch", "check-config", "--config", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 78, done.stdout
        return done.stdout + done.stderr

    def get(self, path: str) -> str:
        """The body of a page of the daemon's. Raises ``OSError`` when there is none."""
        return fetch(f"{self.url}{path}")

    def _is_ready(self) -> bool:
        try:
            return bool(self.get("/-/ready"))
        except OSError:
            return False

    def command(self, *arguments: str, status: int = 0) -> str:
        """The standard output of ``slawatch …`` with this configuration."""
        done = subprocess.run(
            [sys.executable, "-m", "slawatch", *arguments], capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    def configured(self, *arguments: str, status: int = 0) -> str:
        """The same, with ``--config``."""
        return self.command(*arguments, "--config", str(self.folder), status=status)

    def status(self) -> dict[str, Any]:
        """The latest judgement."""
        found: dict[str, Any] = json.loads(self.get("/api/v1/status"))
        return found

    def endpoint(self, name: str) -> dict[str, Any]:
        """One endpoint of it."""
        return next(item for item in self.status()["endpoints"] if item["endpoint"] == name)

    def history(self, *arguments: str) -> Rows:
        """The rows of ``slawatch history``."""
        return [json.loads(line) for line in self.configured("history", *arguments).splitlines()]

    def observations(self, endpoint: str) -> Rows:
        """The raw observations of an endpoint, oldest first, from its SQLite database."""
        path = self.database.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            query = (
                "SELECT o.* FROM observations o JOIN endpoints e ON e.id = o.endpoint_id WHERE e.name = ? ORDER BY 2"
            )
            return [dict(row) for row in connection.execute(query, [endpoint])]

    def events(self, what: str) -> Rows:
        """What the ledger has of one kind of event."""
        path = self.database.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            bodies = connection.execute("SELECT body FROM entries WHERE kind = 'event' ORDER BY id").fetchall()
        return [body for (text,) in bodies if (body := json.loads(text))["event"] == what]

    def evaluate(self, rows: Rows, *arguments: str) -> Rows:
        """The objects of ``slawatch evaluate`` on some rows."""
        path = self.folder / "history.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        client = str(self.client_file)
        text = self.command("evaluate", str(path), "--contract", client, "--format", "json", *arguments)
        found: Rows = json.loads(text)
        return found

    def hang_up(self) -> None:
        """Ask for a reload, as `systemctl reload` does."""
        os.kill(self.pid, signal.SIGHUP)


MakeSlawatch = Callable[..., Slawatch]


@pytest.fixture
def slawatch(tmp_path: Path) -> Iterator[MakeSlawatch]:
    """``slawatch(client_file_text, database=…)`` makes one; start it; the fixture stops it."""
    made: list[Slawatch] = []

    def make(client: str, *, database: str | None = None) -> Slawatch:
        made.append(Slawatch(tmp_path / f"slawatch{len(made)}", client, database=database))
        return made[-1]

    yield make
    for daemon in made:
        daemon.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgres"))])
def database(request: pytest.FixtureRequest) -> str | None:
    """Both databases: None is SQLite in the daemon's own folder."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url
