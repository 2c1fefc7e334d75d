"""The Debian package of edgebench."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright_edge.building.cross import ARCHITECTURES
from edgewright_edge.building.package_deb import package_deb
from edgewright_train.errors import InputError

_BUILD = Path(__file__).resolve().parents[2] / "build"
_EMULATORS = {"aarch64": "qemu-aarch64", "armv7": "qemu-arm"}
pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


def _dpkg_deb(*arguments: object) -> str:
    return subprocess.run(["dpkg-deb", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def _program(folder: Path) -> Path:
    path = folder / "edgebench"
    path.write_bytes(b"\x7fELF" + bytes(5000))
    return path


@pytest.mark.parametrize("architecture", ["arm64", "armhf"])
def test_the_package_says_what_it_is_and_depends_on_nothing(architecture: str, tmp_path: Path) -> None:
    package = package_deb(_program(tmp_path), architecture, tmp_path)
    fields = dict(line.split(": ", 1) for line in _dpkg_deb("-f", package).splitlines() if not line.startswith(" "))
    assert fields["Package"] == "edgebench"
    assert fields["Architecture"] == architecture
    assert package.name == f"edgebench_{fields['Version']}_{architecture}.deb"
    assert int(fields["Installed-Size"]) > 5
    assert "Depends" not in fields


def test_its_files_belong_to_root_and_stand_where_debian_wants_them(tmp_path: Path) -> None:
    listed = _dpkg_deb("-c", package_deb(_program(tmp_path), "arm64", tmp_path)).splitlines()
    files = {line.split()[-1]: line.split()[:2] for line in listed if not line.endswith("/")}
    assert files == {
        "./usr/bin/edgebench": ["-rwxr-xr-x", "root/root"],
        "./usr/share/doc/edgebench/copyright": ["-rw-r--r--", "root/root"],
        "./usr/share/man/man1/edgebench.1.gz": ["-rw-r--r--", "root/root"],
    }


def test_the_same_program_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    program = _program(tmp_path)
    once = package_deb(program, "arm64", tmp_path).read_bytes()
    program.touch()
    assert package_deb(program, "arm64", tmp_path).read_bytes() == once
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    assert package_deb(program, "arm64", tmp_path).read_bytes() != once


def test_a_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH: yesterday"):
        package_deb(_program(tmp_path), "arm64", tmp_path)
    assert not list(tmp_path.glob("*.deb"))


def _extracted(package: Path, folder: Path) -> Path:
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    return folder


def test_the_manual_page_knows_every_command(edgebench, tmp_path: Path) -> None:
    root = _extracted(package_deb(_program(tmp_path), "arm64", tmp_path), tmp_path / "root")
    manual = gzip.decompress((root / "usr/share/man/man1/edgebench.1.gz").read_bytes()).decode().replace("\\-", "-")
    shown = edgebench("--help").stdout.partition("Subcommands:")[2]
    commands = re.findall(r"^  (\S+)", shown, re.MULTILINE)
    assert len(commands) > 5
    assert [name for name in commands if f"\n.B {name}" not in manual] == []


def test_every_licence_that_is_named_is_there(tmp_path: Path) -> None:
    root = _extracted(package_deb(_program(tmp_path), "arm64", tmp_path), tmp_path / "root")
    text = (root / "usr/share/doc/edgebench/copyright").read_text()
    paragraphs = [re.findall(r"^([A-Za-z-]+): *(.*)$", part, re.MULTILINE) for part in text.split("\n\n")]
    texts = {
        dict(fields)["License"] for fields in paragraphs if "License" in dict(fields) and fields[0][0] == "License"
    }
    used = {dict(fields)["License"] for fields in paragraphs if fields[0][0] == "Files"}
    assert {name for licence in used for name in licence.split(" and ")} == texts
    assert {"ncnn", "glibc", "libjpeg-turbo", "nlohmann-json"} <= {dict(f).get("Files") for f in paragraphs}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_program_inside_runs(architecture: str, tmp_path: Path) -> None:
    program = _BUILD / f"_edge-{architecture}" / "edgebench"
    emulator = shutil.which(_EMULATORS[architecture])
    if emulator is None or not program.is_file():
        pytest.skip(f"no {_EMULATORS[architecture]}, or not built; run: make edge-rpi ARCH={architecture}")
    package = package_deb(program, ARCHITECTURES[architecture].debian, tmp_path)
    inside = _extracted(package, tmp_path / "root") / "usr/bin/edgebench"
    done = subprocess.run([emulator, str(inside), "info"], capture_output=True, text=True, check=True, timeout=120)
    assert "ncnn 1.0." in done.stdout
