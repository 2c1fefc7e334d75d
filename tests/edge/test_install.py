"""The C++ core as other programs use it: installed, found by CMake, and through its C interface."""

import ctypes
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_pack import LABELS, write_ncnn_pack

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "_edge"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the core is installed."""
    if not (BUILD / "libedgewright.a").is_file():
        pytest.skip("the core is not built; run: make edge")
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def example(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """edge/example, built against the installed core."""
    build = tmp_path_factory.mktemp("example")
    configure = ["cmake", "-G", "Ninja", "-S", str(ROOT / "edge" / "example"), "-B", str(build)]
    for command in ([*configure, f"-DCMAKE_PREFIX_PATH={prefix}"], ["cmake", "--build", str(build)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "see"


def test_a_program_finds_the_installed_core_and_sees_what_edgebench_sees(
    example: Path, edgebench, pack: Path, tmp_path: Path
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "picture.ppm"), picture)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    seen = subprocess.run(
        [str(example), str(pack), str(tmp_path / "picture.ppm")], capture_output=True, text=True, check=False
    )
    assert seen.returncode == 0, seen.stderr
    found = edgebench("run", pack, tmp_path / "picture.png").stdout
    labels = [line.split()[0] for line in seen.stdout.splitlines()]
    assert labels
    assert set(labels) <= set(LABELS)
    assert [float(line.split()[1]) for line in seen.stdout.splitlines()] == sorted(
        (float(score) for score in re.findall(r"\b[01]\.\d{3}\b", found)), reverse=True
    )


def test_the_example_refuses_what_is_no_picture(example: Path, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "short.ppm").write_bytes(b"P6\n9 9\n255\nabc")
    for name, message in {"short.ppm": "ends early", "none.ppm": "not a PPM picture"}.items():
        done = subprocess.run(
            [str(example), str(pack), str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_public_headers_stand_alone_and_are_short(prefix: Path, tmp_path: Path) -> None:
    headers = sorted((prefix / "include" / "edgewright").glob("*.h"))
    assert headers
    for header in headers:
        assert len(header.read_text().splitlines()) < 150, header.name
    everything = "".join(f"#include <edgewright/{header.name}>\n" for header in headers)
    (tmp_path / "all.cpp").write_text(everything)
    compiler = shutil.which("c++") or "g++"
    flags = [
        "-std=c++17",
        "-fno-exceptions",
        "-fno-rtti",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        "-fsyntax-only",
    ]
    done = subprocess.run(
        [compiler, *flags, f"-I{prefix / 'include'}", str(tmp_path / "all.cpp")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Image(ctypes.Structure):
    """`edgewright_image`."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("stride_bytes", ctypes.c_size_t),
        ("format", ctypes.c_int),
        ("rotation_degrees", ctypes.c_int32),
        ("chroma", ctypes.c_void_p),
        ("chroma_stride_bytes", ctypes.c_size_t),
    )


class Detection(ctypes.Structure):
    """`edgewright_detection`."""

    _fields_ = (
        *((name, ctypes.c_float) for name in ("x1", "y1", "x2", "y2", "score")),
        ("class_index", ctypes.c_int32),
    )


class Result(ctypes.Structure):
    """`edgewright_result`."""

    _fields_ = (
        ("task", ctypes.c_int),
        ("detections", ctypes.POINTER(Detection)),
        ("num_detections", ctypes.c_size_t),
        ("probabilities", ctypes.POINTER(ctypes.c_float)),
        ("num_probabilities", ctypes.c_size_t),
        ("label_map", ctypes.POINTER(ctypes.c_uint16)),
        ("label_map_width", ctypes.c_int32),
        ("label_map_height", ctypes.c_int32),
    )


@pytest.fixture(scope="module")
def library(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C interface as a shared library, which is how other languages load it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("links as Linux does")
    shared = tmp_path_factory.mktemp("shared") / "libedgewright.so"
    folder = prefix / "lib" / "edgewright"
    archives = [
        "-Wl,--whole-archive",
        str(folder / "libedgewright.a"),
        "-Wl,--no-whole-archive",
        str(folder / "libncnn.a"),
    ]
    subprocess.run(["c++", "-shared", "-o", str(shared), *archives, "-fopenmp", "-lpthread"], check=True)
    loaded = ctypes.CDLL(str(shared))
    loaded.edgewright_label.restype = loaded.edgewright_version.restype = ctypes.c_char_p
    return loaded


def _load(library: ctypes.CDLL, pack: Path) -> ctypes.c_void_p:
    model, error = ctypes.c_void_p(), ctypes.create_string_buffer(256)
    assert library.edgewright_load(str(pack).encode(), 1, ctypes.byref(model), error, 256) == 0, error.value
    return model


def _predict(
    library: ctypes.CDLL, model: ctypes.c_void_p, picture: np.ndarray, **changes: int
) -> tuple[Result, int, str]:
    image, result, error = Image(), Result(), ctypes.create_string_buffer(256)
    image.data, image.height, image.width = picture.ctypes.data, picture.shape[0], picture.shape[1]
    image.stride_bytes = picture.strides[0]
    for name, value in changes.items():
        setattr(image, name, value)
    status = library.edgewright_predict(model, ctypes.byref(image), ctypes.byref(result), error, 256)
    return result, status, error.value.decode()


@pytest.mark.parametrize("kind", ["yolo-fastestv2", "classify", "segment"])
def test_the_c_interface_gives_what_edgebench_gives(library: ctypes.CDLL, edgebench, kind: str, tmp_path: Path) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    picture = np.random.default_rng(1).integers(0, 256, (48, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    model = _load(library, pack)
    result, status, error = _predict(library, model, picture)
    assert (status, error) == (0, "")
    maps = ("--out", tmp_path / "maps") if kind == "segment" else ()
    found = edgebench("run", pack, tmp_path / "picture.png", "--json", "-", *maps)
    expected = json.loads(found.stdout)["images"][0]
    if kind == "yolo-fastestv2":
        scores = [result.detections[i].score for i in range(result.num_detections)]
        assert scores == pytest.approx(expected["scores"], abs=1e-7)
    if kind == "classify":
        values = [result.probabilities[i] for i in range(result.num_probabilities)]
        assert values == pytest.approx(expected["probabilities"], abs=1e-7)
    if kind == "segment":
        size = result.label_map_width * result.label_map_height
        written = cv2.imread(str(tmp_path / "maps" / "picture.png"), cv2.IMREAD_UNCHANGED)
        assert [result.label_map[i] for i in range(size)] == written.ravel().tolist()
    assert library.edgewright_num_labels(model) == len(LABELS)
    assert library.edgewright_label(model, 0).decode() == LABELS[0]
    assert library.edgewright_label(model, len(LABELS)) is None
    library.edgewright_free(model)


def test_the_c_interface_refuses_images_that_cannot_be(library: ctypes.CDLL, pack: Path) -> None:
    model, picture = _load(library, pack), np.zeros((4, 4, 3), np.uint8)
    for changes, message in (
        ({"format": 99}, "format: 99"),
        ({"rotation_degrees": 45}, "rotation_degrees: 45; give 0, 90, 180 or 270"),
        ({"width": 0}, "0x4"),
        ({"width": 20000, "height": 20000}, "20000x20000"),
        ({"stride_bytes": 3}, "stride"),
        ({"data": None}, ""),
    ):
        _, status, error = _predict(library, model, picture, **changes)
        assert status == 2
        assert message in error
        assert error
    library.edgewright_free(model)


def test_the_core_has_the_version_of_the_project(library: ctypes.CDLL) -> None:
    assert library.edgewright_version().decode() == version("edgewright")
