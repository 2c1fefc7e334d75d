"""The camera demonstration, from files to a browser."""

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_pack import write_ncnn_pack

from edgewright_edge.camera.__main__ import main
from edgewright_edge.camera.draw import draw
from edgewright_edge.camera.frames import open_frames
from edgewright_edge.camera.latest import Latest
from edgewright_train.errors import InputError
from edgewright_train.tasks.detect.detections import Detections


def _images(folder: Path, count: int = 2) -> Path:
    folder.mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / f"{index}.png"), np.random.default_rng(index).integers(0, 256, (60, 90, 3), np.uint8))
    return folder


def _video(path: Path, num_frames: int = 5) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, (90, 60))
    for index in range(num_frames):
        writer.write(np.full((60, 90, 3), 40 * index, np.uint8))
    writer.release()
    return path


@contextmanager
def _demo(*arguments: object) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "edgewright_edge.camera", "--port=0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline().strip()
            assert line, process.stderr.read()
            yield line
        finally:
            process.terminate()


def _first_picture(address: str) -> np.ndarray:
    with urllib.request.urlopen(f"{address}stream", timeout=60) as stream:
        boundary = re.fullmatch(r"multipart/x-mixed-replace; boundary=(\S+)", stream.headers["Content-Type"])
        assert boundary is not None
        assert stream.readline().strip() == f"--{boundary[1]}".encode()
        head = dict(line.decode().strip().split(": ") for line in iter(stream.readline, b"\r\n"))
        assert head["Content-Type"] == "image/jpeg"
        jpeg = stream.read(int(head["Content-Length"]))
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("kind", ["images", "video"])
def test_a_browser_gets_pictures_of_the_source(kind: str, tmp_path: Path) -> None:
    source = _images(tmp_path / "images", 1) if kind == "images" else _video(tmp_path / "video.avi")
    pack = write_ncnn_pack(tmp_path / "pack")
    with _demo("--pack", pack, "--source", source) as address:
        assert address.startswith("http://127.0.0.1:")
        assert b"/stream" in urllib.request.urlopen(address, timeout=60).read()
        picture = _first_picture(address)
    assert picture.shape == (60, 90, 3)


def test_boxes_are_drawn_where_they_are_and_nothing_else_changes() -> None:
    frame = np.full((200, 300, 3), 50, np.uint8)
    found = Detections(
        np.array([[100, 80, 180, 150]], np.float32), np.array([0.5], np.float32), np.array([1], np.int64)
    )
    picture = draw(frame, found, ["a", "b"], "")
    changed = (picture != 50).any(axis=2)
    assert (frame == 50).all()
    assert changed[80, 100:181].all()
    assert changed[80:151, 180].all()
    assert not changed[85:145, 105:175].any()
    assert not changed[160:].any()


def test_a_slow_reader_gets_the_newest_and_never_waits_for_what_it_missed() -> None:
    latest: Latest[str] = Latest()
    for value in ("first", "second", "third"):
        latest.put(value)
    assert latest.newer_than(0) == (3, "third")
    latest.close()
    assert latest.newer_than(2) == (3, "third")
    assert latest.newer_than(3) is None


def test_frames_of_a_file_end_or_begin_again(tmp_path: Path) -> None:
    video = _video(tmp_path / "video.avi", 3)
    assert len(list(open_frames(str(video), repeat=False))) == 3
    again = open_frames(str(video), repeat=True)
    levels = [round(float(next(again).mean()), -1) for _ in range(6)]
    assert levels == [0, 40, 80, 0, 40, 80]


@pytest.mark.parametrize("source", ["nothing-there", "93", "nosuchelement ! appsink"])
def test_a_source_that_cannot_be_opened_is_named_in_one_line(source: str) -> None:
    with pytest.raises(InputError, match=r"nothing-there: neither|camera 93 cannot|GStreamer pipeline cannot"):
        open_frames(source, repeat=False)


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no JPEG or PNG images"):
        open_frames(str(tmp_path), repeat=False)


def test_only_detectors_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind="classify")
    assert main(["--pack", str(pack)]) == 2
    assert "task classify" in capsys.readouterr().err


def test_a_port_in_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_ncnn_pack(tmp_path / "pack")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--pack", str(pack), "--source", str(_images(tmp_path / "images")), "--port", str(port)]) == 2
    assert f"--port {port}" in capsys.readouterr().err
