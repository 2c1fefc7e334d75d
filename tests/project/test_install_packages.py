"""System packages: installed as root, named with their command otherwise, left alone where they are there."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTS = sorted((ROOT / "tools").glob("apt-packages*.txt"))


class System:
    """A Debian whose dpkg-query, apt-get and id are scripts; every call of apt-get is written down."""

    def __init__(self, folder: Path, *, installed: str, user: int, apt: str = "true") -> None:
        self.calls, self.path = folder / "calls", folder / "bin"
        self.path.mkdir()
        self._script("dpkg-query", f'case " {installed} " in *" $3 "*) echo install ok installed;; *) exit 1;; esac')
        self._script("apt-get", f'echo "$*" >>"{self.calls}"; {apt}')
        self._script("id", f"echo {user}")
        self.log = folder / "install.log"

    def _script(self, name: str, body: str) -> None:
        (self.path / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.path / name).chmod(0o755)

    def install(self, packages: Path) -> "subprocess.CompletedProcess[str]":
        command = [ROOT / "tools" / "install_packages.sh", "make setup-x", packages, self.log]
        environment = {"PATH": f"{self.path}:/usr/bin:/bin"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.is_file() else []


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    (tmp_path / "list.txt").write_text("here\nlost\nneeded\n")
    return tmp_path / "list.txt"


@pytest.mark.parametrize("user", [0, 1000])
def test_nothing_is_done_where_all_are_installed(user: int, packages: Path, tmp_path: Path) -> None:
    system = System(tmp_path, installed="here lost needed", user=user)
    done = system.install(packages)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert system.called() == []


def test_root_installs_what_is_missing(packages: Path, tmp_path: Path) -> None:
    system = System(tmp_path, installed="here", user=0)
    done = system.install(packages)
    assert (done.returncode, done.stderr) == (0, "setup-x: installing lost needed\n")
    assert system.called() == ["update", "install -y --no-install-recommends lost needed"]


def test_others_get_the_command(packages: Path, tmp_path: Path) -> None:
    system = System(tmp_path, installed="here", user=1000)
    done = system.install(packages)
    line = "make setup-x: error: system packages are missing; run: sudo apt-get install -y lost needed\n"
    assert (done.returncode, done.stderr) == (2, line)
    assert system.called() == []


def test_an_installation_that_fails_says_why(packages: Path, tmp_path: Path) -> None:
    system = System(tmp_path, installed="here", user=0, apt="echo no network; exit 100")
    done = system.install(packages)
    assert done.returncode == 2
    assert "no network" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("make setup-x: error: 'apt-get update' failed (log: ")


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_a_list_has_one_name_a_line(path: Path) -> None:
    text = path.read_text()
    names = text.splitlines()
    assert text.endswith("\n")
    assert names
    assert len(set(names)) == len(names)
    assert all(name == name.strip() and " " not in name for name in names)
