"""A small Debian server, booted: its own systemd, its own network, and a file system that is gone afterwards.

The root is an overlay, in memory, on the box of ``support.tree``; systemd-nspawn comes from the tests' tree. The host
needs root, overlayfs and util-linux (unshare, nsenter, setpriv). Everything is mounted in a mount namespace of its own
and counted in a control group of its own, so that boxes can run side by side; a process namespace of its own goes, with
all that is in it, when the box stops or the test run ends.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.process import DEADLINE, Server
from support.servers import TREE
from support.tree import box_location

HIERARCHIES = ("", "unified", "systemd")
"""Below /sys/fs/cgroup: the one of version 2, or those that version 1 leaves to systemd."""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}

BOOT = (
    *("/usr/bin/systemd-nspawn", "--quiet", "--boot", "--directory=/tmp/box", "--machine=slawatch-box"),
    *("--register=no", "--keep-unit", "--private-network", "--console=pipe"),
    *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
)


class Box(Server):
    """One booted box below ``folder``; nothing but loopback is up in its network."""

    def __init__(self, folder: Path) -> None:
        (folder / "root").mkdir(parents=True)
        self._groups = [group / f"slawatch-box-{os.getpid()}-{id(self):x}" for group in _groups()]
        super().__init__("box", _command(folder, self._groups), folder / "console.log", self._is_up)

    @property
    def leader(self) -> int:
        """The process id of its systemd. Raises RuntimeError when it is not there."""
        return _child(_child(self.pid, "systemd-nspawn"), "systemd")

    def at(self, path: str) -> Path:
        """A path of the box, from outside. Links in it that are absolute lead astray."""
        return Path(f"/proc/{self.leader}/root") / path.lstrip("/")

    def run(self, *argv: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program in it as root; does not raise on a bad exit status. ``timeout`` is in seconds."""
        enter = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
        inside = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items()), *argv]
        return subprocess.run(
            [*enter, "--", *inside],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def must(self, *argv: str, timeout: float = 120) -> str:
        """As ``run``, and it must succeed; its standard output."""
        done = self.run(*argv, timeout=timeout)
        assert done.returncode == 0, f"{shlex.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def properties(self, unit: str) -> dict[str, str]:
        """What systemd knows of a unit."""
        lines = self.must("systemctl", "show", unit).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def stop(self) -> None:
        """Shut it down, or kill it, and take its control groups away. Twice is once."""
        if self._process is not None:
            with contextlib.suppress(RuntimeError, ProcessLookupError):
                os.kill(_child(self.pid, "systemd-nspawn"), signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(DEADLINE)
        super().stop()
        for group in self._groups:
            for folder in (*_below(group), group):
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()

    def _is_up(self) -> bool:
        try:
            state = self.run("systemctl", "is-system-running").stdout.strip()
        except RuntimeError:
            return False
        return state in ("running", "degraded")


def box_python() -> str:
    """The version of the box's Python, such as ``3.11``."""
    return (box_location() / "usr/bin/python3").readlink().name.removeprefix("python")


def _child(parent: int, name: str) -> int:
    """The child of that name. Raises RuntimeError when there is none (yet)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="ascii") == f"{name}\n":
                return int(child)
    raise RuntimeError(f"there is no {name}")


def _groups() -> Iterator[Path]:
    for name in HIERARCHIES:
        hierarchy = Path("/sys/fs/cgroup") / name
        if (hierarchy / "cgroup.procs").exists():
            yield hierarchy


def _below(group: Path) -> list[Path]:
    """Groups inside, the innermost first."""
    return sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))


def _command(folder: Path, groups: Sequence[Path]) -> list[str]:
    """Mounts, then only exec: systemd-nspawn is the first process of its namespace, and takes the others along."""
    tree, root, changes = (shlex.quote(str(path)) for path in (TREE.root, folder / "root", folder / "changes"))
    layers = f"lowerdir={box_location()},upperdir={folder}/changes/files,workdir={folder}/changes/work"
    steps = [
        "set -e",
        *(f"mkdir {group} && echo 0 > {group}/cgroup.procs" for group in groups),
        f"mkdir {changes}",
        f"mount -t tmpfs -o mode=755 tmpfs {changes}",
        f"mkdir {changes}/files {changes}/work",
        f"mount -t overlay -o {shlex.quote(layers)} overlay {root}",
        f"mount --bind {tree} {tree}",
        f"mount -t proc proc {tree}/proc",
        f"mount --rbind /dev {tree}/dev",
        f"mount --rbind /sys {tree}/sys",
        f"mount -t tmpfs -o mode=1777 tmpfs {tree}/tmp",
        f"mount -t tmpfs -o mode=755 tmpfs {tree}/run",
        f"mkdir {tree}/tmp/box",
        f"mount --rbind {root} {tree}/tmp/box",
        f"exec chroot {tree} {shlex.join(BOOT)}",
    ]
    namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    return ["setpriv", "--pdeathsig", "KILL", "--", *namespaces, "--", "sh", "-c", "\n".join(steps)]
