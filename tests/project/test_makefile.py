"""The Makefile is a thin, honest interface: every target explained, every value passed on as it was given."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = sorted(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_help_explains_every_target_and_is_the_default() -> None:
    shown = make().stdout
    assert shown == make("help").stdout
    for target in TARGETS:
        assert f"make {target}" in re.sub(r"\x1b\[\d*m", "", shown)


def test_every_target_is_phony_because_folders_have_the_same_names() -> None:
    phony = re.search(r"^\.PHONY:((?:.|\\\n)*?)\n\n", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(TARGETS) == set(phony.group(1).replace("\\", "").split())


@pytest.mark.parametrize("path", ["a folder/with spaces", "it's", 'quo"ted', "semi;colon $(rm) & more"])
def test_values_reach_the_command_as_one_argument(path: str) -> None:
    done = make("verify", f"PACK={path}".replace("$", "$$"))
    assert f"{path}: not a pack" in done.stderr
    assert done.returncode != 0


def test_a_missing_value_is_an_error_of_the_command_not_of_the_shell() -> None:
    assert "the following arguments are required: --pack" in make("verify").stderr


def test_variables_of_the_environment_do_not_leak_in() -> None:
    assert "--pack" in make("verify", PACK="from-the-environment").stderr
