"""Debian's prometheus-blackbox-exporter, for tests that compare its verdicts and its cost with ours.

It resolves names with the machine's own resolver, so its targets here are literal addresses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from support.process import Server, free_port
from support.servers import TREE, answers, own_folder


class Blackbox(Server):
    """An exporter with the given modules, by name; ``folders`` are what they may read (certificates)."""

    def __init__(self, folder: Path, modules: Mapping[str, Mapping[str, Any]], folders: Sequence[Path] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = folder / "blackbox.yml"
        path.write_text(json.dumps({"modules": modules}), encoding="utf-8")
        flags = [f"--config.file={path}", f"--web.listen-address=127.0.0.1:{self.port}"]
        command = TREE.command(["/usr/bin/prometheus-blackbox-exporter", *flags], bind=[folder, *folders])
        super().__init__("blackbox", command, folder / "blackbox.log", lambda: answers(f"{self.url}/-/healthy"))

    def probe_url(self, target: str, module: str, *, debug: bool = False) -> str:
        """Where the exporter probes ``target``, a literal address, when it is asked."""
        question = {"target": target, "module": module, "debug": str(debug).lower()}
        return f"{self.url}/probe?{urlencode(question)}"


MakeBlackbox = Callable[..., Blackbox]


@pytest.fixture(scope="module")
def blackbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeBlackbox]:
    """Makes running exporters: ``blackbox(modules, folders)``."""
    with ExitStack() as running:

        def make(modules: Mapping[str, Mapping[str, Any]], folders: Sequence[Path] = ()) -> Blackbox:
            folder = own_folder(tmp_path_factory.mktemp("blackbox"), "blackbox")
            return running.enter_context(Blackbox(folder, modules, folders))

        yield make
