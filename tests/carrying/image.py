"""The image: built by buildah of the tests' tree on a base of the box's files, and run as a container runtime would.

buildah keeps everything in memory: the same files are copied a few times. A container has its image's file system
read-only, a network of its own with loopback alone, and the user, program and check of health that the image names; the
host needs root and util-linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from carrying.checkout import Checkout
from support.process import DEADLINE, Server
from support.servers import TREE
from support.tree import box_location

LEFT_OUT = ("var/lib/apt/lists", "usr/share/locale", "usr/share/doc", "usr/share/man", "proc/*", "dev/*", "sys/*")
"""Of the box's files, what a base image does without."""

DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")

BASE, IMAGE = "localhost/debian", "localhost/slawatch"


class Memory(Server):
    """``folder`` in memory, for those who enter: it goes, with all that is in it, when this stops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        steps = f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(folder))} && exec sleep infinity"
        command = [*DIES_WITH_US, "unshare", "--mount", "--propagation", "private", "--", "sh", "-c", steps]
        super().__init__("memory", command, folder.with_suffix(".log"), self._is_mounted)

    def entering(self, command: Sequence[str]) -> list[str]:
        """The command that runs a command where the folder is seen."""
        return ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", "--", *command]

    def at(self, path: Path) -> Path:
        """A path in the folder, from outside."""
        return Path(f"/proc/{self.pid}/root") / path.relative_to("/")

    def _is_mounted(self) -> bool:
        return f" {self.folder} tmpfs " in Path(f"/proc/{self.pid}/mounts").read_text(encoding="utf-8")


class Image:
    """Built once from a checkout, by buildah with a store of its own in memory."""

    def __init__(self, memory: Memory, checkout: Checkout) -> None:
        self.memory = memory
        self._checkout = checkout.folder
        self._policy = memory.folder / "policy.json"
        memory.at(self._policy).write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        self._make_base()
        how = ("--isolation", "chroot", "--format", "docker", "--pull-never", "--build-arg", f"BASE={BASE}")
        self.said = self._buildah("bud", *how, "--tag", IMAGE, checkout.folder)
        self.files = self._container("--pull-never", IMAGE)[1]
        found = json.loads(self._buildah("inspect", "--type", "image", IMAGE))
        self.settings: dict[str, Any] = found["Docker"]["config"]
        """User, program, volumes and the rest, by the names that Docker gives them."""

    def at(self, path: str) -> Path:
        """A path of the image, from outside."""
        return self.memory.at(self.files) / path.lstrip("/")

    def _make_base(self) -> None:
        name, files = self._container("scratch")
        left_out = [f"--exclude=./{path}" for path in LEFT_OUT]
        pack = ["tar", "-C", str(box_location()), "--one-file-system", *left_out, "-cf", "-", "."]
        command = f"{shlex.join(pack)} | tar -C {shlex.quote(str(files))} -xpf -"
        subprocess.run(self.memory.entering(["sh", "-c", command]), check=True)
        self._buildah("commit", "--quiet", "--rm", name, BASE)

    def _container(self, *image: str) -> tuple[str, Path]:
        """A container of an image: its name, and its file system."""
        name = self._buildah("from", *image)
        return name, Path(self._buildah("mount", name))

    def _buildah(self, command: str, *arguments: str | Path) -> str:
        """Run one command; what it printed, on either stream. It must succeed."""
        folder = self.memory.folder
        store = ("--storage-driver", "vfs", "--root", folder / "store", "--runroot", folder / "run")
        policy = ("--signature-policy", self._policy) if command in ("from", "commit", "bud") else ()
        argv = ["/usr/bin/buildah", *store, command, *policy, *arguments]
        inside = self.memory.entering(TREE.command(argv, bind=[folder, self._checkout]))
        done = subprocess.run(
            inside, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip() or done.stderr


class Container(Server):
    """The image running; ``arguments`` replace its command. What it may write is ``/tmp`` and ``volume``."""

    def __init__(self, image: Image, folder: Path, *arguments: str, configuration: Path | None = None) -> None:
        self._image = image
        (folder / "volume").mkdir(parents=True)
        os.chown(folder / "volume", 9797, 9797)
        settings = image.settings
        root, volume = shlex.quote(str(image.files)), shlex.quote(str(folder / "volume"))
        steps = [
            "set -e",
            f"mount --bind {root} {root}",
            f"mount -o remount,bind,ro {root}",
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
            f"mount --bind {volume} {root}/var/lib/slawatch",
            f"chroot {root} ip link set lo up",
        ]
        if configuration:
            steps.append(f"mount --bind {shlex.quote(str(configuration))} {root}/etc/slawatch")
        program = [*settings["Entrypoint"], *(arguments or settings["Cmd"])]
        steps.append(f"exec {shlex.join(self._inside(program))}")
        namespaces = ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child"]
        command = image.memory.entering([*DIES_WITH_US, *namespaces, "--", "sh", "-c", "\n".join(steps)])
        super().__init__("container", command, folder / "log", self.is_healthy)

    @property
    def first(self) -> int:
        """The process id of its first process. Raises RuntimeError when there is none."""
        with contextlib.suppress(FileNotFoundError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
            if children:
                return int(children[0])
        raise RuntimeError("the container has not been started yet")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run one more program in it, as its user; does not raise on a bad exit status."""
        enter = ["nsenter", f"--target={self.first}", "--mount", "--net", "--pid", "--"]
        command = [*enter, *self._inside(argv)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def beside(self, *argv: str) -> list[str]:
        """The command that runs a program of the host in the container's network."""
        return ["nsenter", f"--net=/proc/{self.first}/ns/net", "--", *argv]

    def is_healthy(self) -> bool:
        """Whether the image's own check of health says so."""
        kind, *check = self._image.settings["Healthcheck"]["Test"]
        assert kind == "CMD"
        try:
            return self.run(*check).returncode == 0
        except RuntimeError:
            return False

    def to_its_end(self) -> int:
        """Run it until it ends by itself; its exit status."""
        self._spawn()
        assert self._process is not None
        return self._process.wait(DEADLINE)

    def end(self) -> int:
        """Ask its first process to end, as `docker stop` does; its exit status."""
        assert self._process is not None
        os.kill(self.first, signal.SIGTERM)
        return self._process.wait(DEADLINE)

    def stop(self) -> None:
        """End what is left. Twice is once."""
        with contextlib.suppress(RuntimeError, ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        super().stop()

    def _inside(self, argv: Sequence[str]) -> list[str]:
        settings = self._image.settings
        user = settings["User"]
        drop = ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs"]
        powers = ["--bounding-set=-all", "--inh-caps=-all"]
        enter = ["chroot", str(self._image.files), "/usr/bin/env", "-i", f"--chdir={settings['WorkingDir']}"]
        return [*enter, *(settings["Env"] or ()), *drop, *powers, "--", *argv]
