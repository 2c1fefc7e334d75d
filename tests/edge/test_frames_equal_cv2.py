"""Camera frames: every pixel format, rotation and resize rule gives the pixels of cv2 and the floats of numpy.

The core is held to cv2.cvtColor, cv2.rotate and cv2.resize, one after the other on the whole image; it reads only what
it needs.
"""

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from driving import drive
from numpy.typing import NDArray
from small_pack import write_ncnn_pack

from edgewright_export.pack import MANIFEST
from edgewright_train.vision.preprocess import Preprocess

FORMATS = ("bgr", "rgb", "bgra", "rgba", "gray", "nv12", "nv21", "yuyv")  # as PixelFormat numbers them
BYTES = {"bgr": 3, "rgb": 3, "bgra": 4, "rgba": 4, "yuyv": 2}
ROTATIONS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)  # as Rotation does
CONVERSIONS = {
    "rgb": cv2.COLOR_RGB2BGR, "bgra": cv2.COLOR_BGRA2BGR, "rgba": cv2.COLOR_RGBA2BGR, "gray": cv2.COLOR_GRAY2BGR,
    "nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21, "yuyv": cv2.COLOR_YUV2BGR_YUYV,
}  # fmt: skip
SIZES = (
    (64, 48, 32, 24), (64, 48, 64, 48), (128, 96, 32, 32), (2, 2, 9, 5), (4, 30, 17, 3), (30, 4, 33, 20),
    (318, 202, 96, 64), (50, 70, 160, 96),
)  # fmt: skip


class Frames:
    """Runs edge_driver on frames, by the rule of a manifest."""

    def __init__(self, driver: Path, manifest: Path) -> None:
        self._driver, self._manifest = driver, manifest

    def given(self, rule: Preprocess) -> "Frames":
        document = json.loads(self._manifest.read_text())
        document["input"]["preprocess"] = json.loads(rule.model_dump_json())
        self._manifest.write_text(json.dumps(document))
        return self

    def __call__(self, frame: bytes, *words: object) -> bytes:
        """The words: format, rotation, width, height, stride."""
        return drive(self._driver, "frame", self._manifest, *words, given=frame)


@pytest.fixture
def frames(driver: Path, tmp_path: Path) -> Frames:
    return Frames(driver, write_ncnn_pack(tmp_path / "classifier", kind="classify") / MANIFEST)


def _rule(width: int, height: int, colour_order: str = "bgr", padding: int | None = None) -> Preprocess:
    return Preprocess(
        width=width, height=height, colour_order=colour_order, interpolation="linear",  # type: ignore[arg-type]
        resize="stretch" if padding is None else "letterbox", padding=padding,
        mean=(103.53, 116.28, 123.675), scale=(0.017429, 0.0175, 0.01712475),
    )  # fmt: skip


def _noise(rng: np.random.Generator, name: str, width: int, height: int) -> NDArray[np.uint8]:
    """The rows of a buffer; NV12's chroma rows follow those of luma."""
    rows = height * 3 // 2 if name.startswith("nv") else height
    return rng.integers(0, 256, (rows, width * BYTES.get(name, 1)), np.uint8)


def _bgr(buffer: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    channels = BYTES.get(name, 1)
    pixels = buffer.reshape(len(buffer), -1, channels) if channels > 1 else buffer
    return cv2.cvtColor(pixels, CONVERSIONS[name]) if name in CONVERSIONS else pixels  # type: ignore[return-value]


def _expected(buffer: NDArray[np.uint8], name: str, rotation: int, rule: Preprocess) -> bytes:
    bgr, turn = _bgr(buffer, name), ROTATIONS[rotation]
    image = rule.network_image(bgr if turn is None else cv2.rotate(bgr, turn))  # type: ignore[arg-type]
    return image.tobytes() + rule.normalise(image).tobytes()


@pytest.mark.parametrize("rotation", range(4))
@pytest.mark.parametrize("name", FORMATS)
def test_a_frame_gives_the_pixels_of_cv2_and_the_floats_of_numpy(frames: Frames, name: str, rotation: int) -> None:
    rng = np.random.default_rng([FORMATS.index(name), rotation])
    for source_width, source_height, width, height in SIZES:
        buffer = _noise(rng, name, source_width, source_height)
        stride = buffer.shape[1] + int(rng.integers(0, 9))
        padded = np.full((len(buffer), stride), 238, np.uint8)
        padded[:, : buffer.shape[1]] = buffer
        padding = None if rng.integers(2) else int(rng.integers(256))
        rule = _rule(width, height, rng.choice(["bgr", "rgb"]), padding)
        words = (FORMATS.index(name), rotation, source_width, source_height, stride)
        found = frames.given(rule)(padded.tobytes(), *words)
        assert found == _expected(buffer, name, rotation, rule), (words, rule)


@pytest.mark.parametrize("name", ["nv12", "yuyv"])
def test_every_corner_of_the_colour_space_converts_as_in_cv2(frames: Frames, name: str) -> None:
    """Luma and chroma at the ends of their ranges, just inside and just outside, in every combination."""
    levels = np.array([0, 1, 15, 16, 17, 100, 127, 128, 129, 200, 234, 235, 236, 240, 241, 254, 255], np.uint8)
    y, u, v = (grid.ravel() for grid in np.meshgrid(levels, levels, levels))
    width = 2 * len(y)
    if name == "nv12":
        chroma = np.column_stack((u, v)).reshape(1, -1)
        buffer = np.concatenate((np.repeat(y, 2)[None], np.repeat(y, 2)[None], chroma))
    else:
        buffer = np.repeat(np.column_stack((y, u, y, v)).reshape(1, -1), 2, axis=0)
    turned, rule = buffer.reshape(len(buffer), -1), _rule(2, 8192)
    found = frames.given(rule)(turned.tobytes(), FORMATS.index(name), 1, width, 2, turned.shape[1])
    assert found == _expected(turned, name, 1, rule)
    halves = _bgr(turned, name)
    assert halves.shape == (2, width, 3)
    assert len(np.unique(halves)) > 200


def test_frames_of_one_pixel_and_one_column_are_images_too(frames: Frames) -> None:
    rng = np.random.default_rng(5)
    for width, height in ((1, 1), (1, 7), (7, 1)):
        for name in ("bgr", "rgba", "gray"):
            for rotation in range(4):
                buffer, rule = _noise(rng, name, width, height), _rule(13, 9, padding=114)
                words = (FORMATS.index(name), rotation, width, height, buffer.shape[1])
                assert frames.given(rule)(buffer.tobytes(), *words) == _expected(buffer, name, rotation, rule), words


def _refusal(frames: Frames, *words: object, num_bytes: int = 64) -> str:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        frames.given(_rule(8, 8))(bytes(num_bytes), *words)
    assert failure.value.returncode == 2
    return str(failure.value.stderr.decode())


def test_a_frame_that_cannot_be_read_is_an_error_that_says_why(frames: Frames) -> None:
    bgr, nv12, yuyv = (FORMATS.index(name) for name in ("bgr", "nv12", "yuyv"))
    assert "0x0" in _refusal(frames, bgr, 0, 0, 0, 0)
    assert "20000x20000" in _refusal(frames, bgr, 0, 20000, 20000, 60000)
    assert "stride of 11" in _refusal(frames, bgr, 0, 4, 4, 11)
    assert "does not fit in 64 bytes" in _refusal(frames, bgr, 0, 4, 6, 12)
    assert "even" in _refusal(frames, nv12, 0, 5, 4, 8)
    assert "even" in _refusal(frames, nv12, 0, 4, 5, 8)
    assert "even" in _refusal(frames, yuyv, 0, 5, 4, 10)
