"""Sizes from headers are those of the decoded image, whatever the file."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright_train.data.formats.image_size import image_size
from edgewright_train.errors import InputError
from edgewright_train.vision.read_image import read_image


def encoded(suffix, width, height, *options):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.imencode(suffix, pixels, options)[1].tobytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([".jpg", ".png", ".bmp", ".webp"]), st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_equals_the_decoded_size(tmp_path, suffix, width, height, progressive):
    path = tmp_path / f"x{suffix}"
    options = (cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)) if suffix == ".jpg" else ()
    path.write_bytes(encoded(suffix, width, height, *options))
    assert image_size(path) == (width, height) == read_image(path).shape[1::-1]


def test_long_segments_before_the_frame_are_hopped_over(tmp_path):
    jpeg = encoded(".jpg", 30, 20)
    profile = b"\xff\xe2" + struct.pack(">H", 65000) + b"\xff\xc0\x00\x11" * 16250
    profile = profile[:2] + struct.pack(">H", len(profile) - 2) + profile[4:]
    path = tmp_path / "x.jpg"
    path.write_bytes(jpeg[:2] + profile * 3 + jpeg[2:])
    assert image_size(path) == (30, 20)


@pytest.mark.parametrize(
    "data", [b"", b"not an image", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00" * 9, b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_no_image_is_named(tmp_path, data):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x.jpg: "):
        image_size(path)


def test_an_absurd_size_in_a_header_is_refused(tmp_path):
    path = tmp_path / "x.png"
    png = encoded(".png", 8, 8)
    path.write_bytes(png[:16] + struct.pack(">II", 1 << 30, 8) + png[24:])
    with pytest.raises(InputError, match=r"1073741824x8 pixels; a side may have 1 to 16384"):
        image_size(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.jpg: No such file"):
        image_size(tmp_path / "gone.jpg")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80))
def test_no_bytes_after_a_jpeg_marker_can_do_more_than_be_refused(tmp_path, data):
    path = tmp_path / "x.jpg"
    path.write_bytes(b"\xff\xd8" + data)
    try:
        width, height = image_size(path)
    except InputError:
        return
    assert width >= 1
    assert height >= 1
