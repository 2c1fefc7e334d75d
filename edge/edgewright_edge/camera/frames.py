"""Where frames come from: a camera, a GStreamer pipeline, a video file or a folder of images."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgewright_train.errors import InputError
from edgewright_train.vision.read_image import read_image

Frame = NDArray[np.uint8]  # (height, width, 3), BGR

_IMAGES = {".jpg", ".jpeg", ".png"}
_IMAGES_PER_S = 2.0
_USUAL_FPS = 25.0  # of a video that does not say


def open_frames(source: str, *, repeat: bool) -> Iterator[Frame]:
    """The frames of `source`, at the pace at which they were recorded; with `repeat` files begin again at their end.

    `source`: the number of a camera (0 is /dev/video0), a pipeline that contains ` ! `, or a path.  Raises `InputError`
    when it cannot be opened; a generator of its own does the rest, so that this happens at once.
    """
    if source.isdecimal():
        return _captured(_open(int(source), cv2.CAP_V4L2, f"camera {source}"), None)
    if " ! " in source:
        return _captured(_open(source, cv2.CAP_GSTREAMER, "the GStreamer pipeline"), None)
    path = Path(source)
    if path.is_dir():
        images = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES)
        if not images:
            raise InputError(f"{path}: no JPEG or PNG images in this folder")
        return _paced_images(images, repeat)
    if not path.is_file():
        raise InputError(f"{source}: neither a camera's number, nor a file or a folder, nor a pipeline with ' ! '")
    return _captured(_open(source, cv2.CAP_ANY, source), repeat)


def _open(what: int | str, backend: int, name: str) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(what, backend)
    if not capture.isOpened():
        hint = "; opencv-python has no GStreamer, Debian's python3-opencv has" if backend == cv2.CAP_GSTREAMER else ""
        raise InputError(f"{name} cannot be opened as a video{hint}")
    return capture


def _captured(capture: cv2.VideoCapture, repeat: bool | None) -> Iterator[Frame]:
    """`repeat`: None for what has a pace of its own and no end."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    interval = 0.0 if repeat is None else 1 / (fps if 1 <= fps <= 240 else _USUAL_FPS)
    try:
        while True:
            num_frames = 0
            while True:
                due = time.monotonic() + interval
                whole, frame = capture.read()
                if not whole:
                    break
                num_frames += 1
                yield frame
                time.sleep(max(0.0, due - time.monotonic()))
            if not repeat or num_frames == 0:
                return
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
    finally:
        capture.release()


def _paced_images(paths: list[Path], repeat: bool) -> Iterator[Frame]:
    while True:
        for path in paths:
            yield read_image(path)
            time.sleep(1 / _IMAGES_PER_S)
        if not repeat:
            return
