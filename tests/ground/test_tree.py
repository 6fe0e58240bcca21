"""The Debian tree comes from the host's own mirror and suite, is built once, and leaves no mount behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import tree
from support.tree import NoTree, Source, Tree, debian_sources, host_codename, host_sources, location

DEB822 = """\
# the mirror
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.example/
Suites: bookworm
Components: main
Signed-By:
 /etc/apt/keyrings/vendor.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""

ONE_LINE = """\
deb http://mirror.example/debian trixie main  # the mirror
deb [arch=amd64 signed-by=/x/debian-archive-keyring.gpg] http://mirror.example/debian trixie-updates main
deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example trixie main
deb-src http://mirror.example/debian trixie main
# deb http://off.example/debian trixie main
"""


def test_deb822_sources_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert debian_sources(host_sources(tmp_path), "bookworm") == [
        Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main",)),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",)),
    ]


def test_one_line_sources_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert debian_sources(host_sources(tmp_path), "trixie") == [
        Source("http://mirror.example/debian", ("trixie",), ("main",)),
        Source("http://mirror.example/debian", ("trixie-updates",), ("main",)),
    ]


def test_a_host_without_a_mirror_of_its_suite_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    with pytest.raises(NoTree, match="no mirror of Debian bookworm"):
        debian_sources(host_sources(tmp_path), "bookworm")


def test_only_debian_12_and_later_will_do() -> None:
    assert host_codename('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n') == "bookworm"
    assert host_codename("ID=debian\nVERSION_CODENAME=forky\n") == "forky"
    for text in ('ID=debian\nVERSION_ID="11"\nVERSION_CODENAME=bullseye\n', 'ID=ubuntu\nVERSION_ID="24.04"\n'):
        with pytest.raises(NoTree, match="not Debian 12 or later"):
            host_codename(text)


def test_a_finished_tree_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codename = _this_host(monkeypatch)
    (tmp_path / tree.STAMP).write_text(tree.fingerprint(codename))
    monkeypatch.setattr(tree, "_build", lambda *_: pytest.fail("built again"))
    tree.build(tmp_path)


def test_another_list_of_packages_makes_the_tree_out_of_date(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree.fingerprint("bookworm")
    monkeypatch.setattr(tree, "PACKAGES", (*tree.PACKAGES, "hello"))
    assert tree.fingerprint("bookworm") != before


def test_a_folder_that_is_no_tree_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NoTree, match="left alone"):
        tree._remove(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_half_built_tree_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "true").touch()
    assert not Tree(tmp_path).has("/bin/true")
    (tmp_path / tree.STAMP).touch()
    assert Tree(tmp_path).has("/bin/true")
    assert not Tree(tmp_path).has("/bin/false")


@pytest.mark.server("ping")
def test_commands_run_inside_and_leave_no_mount_behind(tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("from outside")
    done = Tree(location()).run(["sh", "-c", f"cat {tmp_path}/seen; id -un; ls /tmp"], bind=[tmp_path])
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "from outsideroot")
    assert str(location()) not in Path("/proc/self/mounts").read_text()


@pytest.mark.server("ping")
def test_commands_run_as_the_user_that_is_asked_for() -> None:
    inside = Tree(location())
    assert inside.run(["id", "-un"], user="nobody").stdout == "nobody\n"
    assert inside.user_id("nobody") == (65534, 65534)
    with pytest.raises(KeyError):
        inside.user_id("nobody-at-all")


def _this_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """Whatever this host is, it is taken for a Debian one."""
    monkeypatch.setattr(tree, "host_codename", lambda _: "bookworm")
    return "bookworm"
