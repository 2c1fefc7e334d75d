"""A native crash, a hang or an error in the child is one clear error in the parent."""

import os
import time
from pathlib import Path

import pytest

from edgewright_export.isolation import Child
from edgewright_train.errors import CheckError, InputError

# What the children run; they import this file under its path, so it is addressed through a module on sys.path.
HERE = "isolation_children"


def child(function: str, tmp_path: Path) -> Child:
    return Child(f"{HERE}:{function}", {"number": 7}, what="the test runtime", log=tmp_path / "log")


def test_answers_come_back_and_output_goes_to_the_log(tmp_path: Path) -> None:
    with child("answer", tmp_path) as process:
        assert process.receive(60) == b"7"
    assert "computing" in (tmp_path / "log").read_text()


def test_a_crash_names_the_signal(tmp_path: Path) -> None:
    with child("crash", tmp_path) as process, pytest.raises(CheckError, match="the test runtime was killed by SIGSEGV"):
        process.receive(60)


def test_an_exit_names_the_code(tmp_path: Path) -> None:
    with child("leave", tmp_path) as process, pytest.raises(CheckError, match="ended with 3"):
        process.receive(60)


def test_a_hang_is_an_error_and_leaves_no_process(tmp_path: Path) -> None:
    with child("hang", tmp_path) as process:
        pid = int(process.receive(60))
        with pytest.raises(CheckError, match="did not answer within"):
            process.receive(0.2)
    time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("function", "kind"), [("wrong_input", InputError), ("failed_check", CheckError)])
def test_our_own_errors_keep_their_kind_and_words(function: str, kind: type[Exception], tmp_path: Path) -> None:
    with child(function, tmp_path) as process, pytest.raises(kind, match=r"^the reason$"):
        process.receive(60)


def test_any_other_error_says_what_and_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    with child("defect", tmp_path) as process, pytest.raises(CheckError, match=r"ZeroDivisionError.*log"):
        process.receive(60)
    assert "Traceback" in (tmp_path / "log").read_text()
