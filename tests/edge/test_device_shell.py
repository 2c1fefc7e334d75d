"""The scripts that a device's shell runs, in the shells that are here: whatever is given stays one argument."""

import shutil
import subprocess
from pathlib import Path

import pytest
from processes import has_ended

from edgewright_edge.devices.fetched import check_fetched, plain_name
from edgewright_edge.devices.scripts import EMPTY, HOLD, RUN, command_line, split_trailer
from edgewright_train.errors import CheckError

NASTY = ["a b", "it's", 'quo"ted', "$(touch hacked)", "`touch hacked`", "; touch hacked", "*", "-n", "", "\\", "ü"]
SHELLS = [shell for shell in ("dash", "bash", "busybox", "mksh", "fish", "tcsh") if shutil.which(shell)]


def _in(shell: str, line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [shell, *(["sh"] if shell == "busybox" else []), "-c", line]
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.wait(30)  # its input stays open, as of a device that is connected
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.close()
    with process.stdout, process.stderr:
        return subprocess.CompletedProcess(command, process.returncode, process.stdout.read(), process.stderr.read())


@pytest.mark.parametrize("shell", SHELLS)
def test_words_reach_a_program_as_they_were_given(shell: str, tmp_path: Path) -> None:
    done = _in(shell, command_line(RUN, str(tmp_path), "printf", "[%s]", *NASTY), tmp_path)
    assert done.stdout == "".join(f"[{word}]" for word in NASTY)
    assert split_trailer(done.stderr) == ("", 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_folders_are_emptied_by_their_very_names(shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's a $HOME"
    (folder / "out" / "old").mkdir(parents=True)
    done = _in(shell, command_line(EMPTY, str(folder), "out", "images"), tmp_path)
    assert split_trailer(done.stderr) == ("", 0)
    assert sorted(path.name for path in folder.rglob("*")) == ["images", "out"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_folder_lives_as_long_as_the_connection(shell: str, tmp_path: Path) -> None:
    parent = tmp_path / "a 'parent'"
    parent.mkdir()
    command = [shell, *(["sh"] if shell == "busybox" else []), "-c", command_line(HOLD, str(parent))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        said = process.stdout.readline().decode().split(" ", 2)
        assert said[0] == "edgewright-folder"
        folder = Path(said[2].rstrip("\n"))
        assert folder.parent == parent
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
        process.stdin.close()
        assert split_trailer(process.stderr.read().decode()) == ("", 0)
    assert list(parent.iterdir()) == []


def test_a_program_ends_when_the_connection_does_and_takes_its_children_along(tmp_path: Path) -> None:
    started = tmp_path / "started"
    work = f'sleep 600 & echo $! > "{started}.part"; mv "{started}.part" "{started}"; wait'
    with subprocess.Popen(
        ["sh", "-c", command_line(RUN, str(tmp_path), "sh", "-c", work)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while not started.is_file():
            assert process.poll() is None
        assert process.stdin
        assert process.stderr
        process.stdin.close()
        assert split_trailer(process.stderr.read().decode())[1] == 143
    assert has_ended(int(started.read_text()))


def test_the_exit_code_is_found_behind_whatever_a_program_said() -> None:
    assert split_trailer("bad\n\nedgewright-exit 3\n") == ("bad\n", 3)
    assert split_trailer("bad\r\n\r\nedgewright-exit 137\r\n") == ("bad\r\n", 137)
    assert split_trailer("no newline\nedgewright-exit 0\n") == ("no newline", 0)
    assert split_trailer("Connection reset by peer\n") == ("Connection reset by peer\n", None)


@pytest.mark.parametrize(
    "name", ["../x", "out/../../x", "/etc/passwd", "out/a/b", "out/.x", "out/", "out/a\nb", "out/-x"]
)
def test_a_device_cannot_choose_where_its_files_are_written(name: str) -> None:
    with pytest.raises(CheckError, match="pi: sent a file with the name"):
        plain_name(name, "pi")
    assert plain_name("out/result.json", "pi") == "result.json"


def test_a_link_from_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").symlink_to("/etc/passwd")
    with pytest.raises(CheckError, match=r"sent result\.json, which is not a plain file"):
        check_fetched(tmp_path / "result.json", "pi")
