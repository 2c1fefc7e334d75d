"""Outputs appear whole or not at all, whatever interrupts their writer."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright_train.atomic import atomic_dir, atomic_file

WRITER = """
import sys, itertools, pathlib
from edgewright_train.atomic import atomic_dir, atomic_file
kind, place = sys.argv[1], pathlib.Path(sys.argv[2])
for version in itertools.count():
    text = str(version) * 50_000
    if kind == "file":
        with atomic_file(place) as path:
            path.write_text(text)
    else:
        with atomic_dir(place) as folder:
            for name in "abcdef":
                (folder / name).write_text(text)
    print(version, flush=True)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_twenty_kills_at_random_moments_never_leave_half(kind: str, tmp_path: Path) -> None:
    place, rng = tmp_path / "place", random.Random(0)
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, kind, place], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()  # one whole version is in place
        time.sleep(rng.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        if place.exists():  # a folder may be between its two renames
            texts = {path.read_text() for path in (place.iterdir() if place.is_dir() else [place])}
            assert len(texts) == 1
            assert len(next(iter(texts))) % 50_000 == 0
            assert place.is_file() or len(list(place.iterdir())) == 6


def write_until_the_disk_is_full(path: Path) -> None:
    path.write_text("new")
    raise OSError("the disk is full")


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "file") as path:
        path.write_text("old")
    with atomic_dir(tmp_path / "folder") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(OSError, match="disk"), atomic_file(tmp_path / "file") as path:
        write_until_the_disk_is_full(path)
    with pytest.raises(OSError, match="disk"), atomic_dir(tmp_path / "folder") as folder:
        write_until_the_disk_is_full(folder / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["a"]


def test_modes_follow_the_umask_like_any_new_file(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "file") as path:
        path.write_text("x")
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
