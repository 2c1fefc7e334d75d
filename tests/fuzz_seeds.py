"""Seeds of the C++ fuzz targets (edge/fuzz), from what the tests have: `python tests/fuzz_seeds.py FOLDER`.

Writes `FOLDER/<target>/` with small valid inputs, and `FOLDER/<target>.dict` with the words of their format.
"""

import json
import re
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from small_pack import KINDS, write_ncnn_pack

Seeds = dict[str, bytes]

_INT8_PARAM = b"""7767517
2 2
Input image 0 1 image
Convolution conv 1 1 image out 0=2 1=1 5=1 6=6 8=2
"""
_INT8_BIN = bytes.fromhex("384b0d00 7f000000 00400000") + struct.pack("<5f", 0.5, -1, 127, 64, 10)
_LAYERS = b"""7767517
9 10
Input image 0 1 image 0=8 1=4 2=3
Split split 1 2 image a b
ConvolutionDepthWise dw 1 1 a c 0=3 1=3 4=1 5=1 6=27 7=3
BatchNorm bn 1 1 b d 0=3
MemoryData constant 0 1 e 0=1 1=1 2=3
BinaryOp add 2 1 c d f 0=0
Concat concat 2 1 f e g 0=0
Reshape reshape 1 1 g h 0=-1 1=2 -23303=2,1,2
PReLU prelu 1 1 h out 0=1
"""
_LAYERS_BIN = struct.pack("<I27f3f", 0, *range(30)) + struct.pack("<12f", *range(12)) + struct.pack("<4f", *range(4))


def seeds() -> dict[str, Seeds]:
    """Target -> name -> bytes."""
    with tempfile.TemporaryDirectory() as folder:
        packs = {kind: write_ncnn_pack(Path(folder) / kind, kind=kind) for kind in KINDS}
        golden = {kind: (pack / "golden/000.safetensors").read_bytes() for kind, pack in packs.items()}
        return {
            "manifest": {kind: _compact((pack / "manifest.json").read_bytes()) for kind, pack in packs.items()},
            "image": {**_image_files(), **_frames()},
            "decode": dict(_maps()),
            "ncnn": {
                **{kind: _network(pack) for kind, pack in packs.items()},
                "int8": _INT8_PARAM + b"\0" + _INT8_BIN,
                "layers": _LAYERS + b"\0" + _LAYERS_BIN,
            },
            "safetensors": {kind: _without_payload(data) for kind, data in golden.items()},
        }  # fmt: skip


def _network(pack: Path) -> bytes:
    return (pack / "model.param").read_bytes() + b"\0" + (pack / "model.bin").read_bytes()


def _compact(text: bytes) -> bytes:
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def _without_payload(data: bytes) -> bytes:
    """Golden vectors with the same tensors, all of them small."""
    (size,) = struct.unpack("<Q", data[:8])
    header = {}
    for index, (name, tensor) in enumerate(sorted(json.loads(data[8 : 8 + size]).items())):
        if name == "__metadata__":
            continue
        shape = [1] * len(tensor["shape"])
        length = {"U8": 1, "U16": 2, "F32": 4, "I64": 8}[tensor["dtype"]]
        header[name] = {"dtype": tensor["dtype"], "shape": shape, "data_offsets": [8 * index, 8 * index + length]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8 * len(header) + 8)


def _image_files() -> Seeds:
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (9, 13, 3), np.uint8)
    pictures = {
        "gray": colour[:, :, 0],
        "colour": colour,
        "alpha": rng.integers(0, 256, (5, 4, 4), np.uint8),
        "deep": rng.integers(0, 65536, (4, 5, 3), np.uint16),
        "flat": np.full((16, 16, 3), 77, np.uint8),
    }
    files = {f"{name}.png": _encoded(".png", image) for name, image in pictures.items()}
    files["bits.png"] = _encoded(".png", (colour[:, :, 0] > 127).astype(np.uint8) * 255, cv2.IMWRITE_PNG_BILEVEL, 1)
    for name, image in pictures.items():
        if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
            files[f"{name}.jpg"] = _encoded(".jpg", image)
            files[f"{name}-progressive.jpg"] = _encoded(".jpg", image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
            files[f"{name}-restart.jpg"] = _encoded(".jpg", image, cv2.IMWRITE_JPEG_RST_INTERVAL, 1)
    files["gray.jpg"] = _encoded(".jpg", pictures["gray"])
    return files


def _encoded(suffix: str, image: np.ndarray, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, image, options)
    assert done
    return data.tobytes()


def _frames() -> Seeds:
    """As `TakeRule` and `ReadFrame` of fuzz_image.cpp take them: every format, turned and resized in some way."""
    frames = {}
    for pixel_format in range(8):
        for rotation in range(4):
            rule = struct.pack("<5H6f", 40 + rotation, 30, rotation % 2, pixel_format % 2, 114, 1, 2, 3, 1, 0.5, 0.25)
            frame = struct.pack("<5H", pixel_format, rotation, 63, 47, 5 * rotation)
            frames[f"frame-{pixel_format}-{rotation}"] = rule + frame + bytes(range(0, 250, 3))
    return frames


def _maps() -> Iterator[tuple[str, bytes]]:
    """As fuzz_decode.cpp takes them: every head, with floats that detect something, and with those that few expect."""
    rng = np.random.default_rng(0)
    odd = np.array([np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-40, 0, 5], np.float32)
    for kind in range(7):
        for name, values in (("usual", rng.normal(0.5, 1, 200).astype(np.float32)), ("odd", odd)):
            for side in (2, 11):
                shape = struct.pack("<5H", kind, 2, 1, side, side)
                detector = struct.pack("<4H", 30, 110, 299, 15) if kind < 4 else b""
                if kind % 3 == 1:
                    detector += struct.pack("<2H4f", 4, side % 2, 10, 20, 30, 40)
                elif kind % 3 == 2:
                    detector += struct.pack("<2H6f", 351, 351, 16, 16, 0.1, 0.2, 0.5, 0.25)
                elif kind < 4:
                    detector += struct.pack("<4f", 10, 20, 30, 40)
                placement = struct.pack("<5H", 351, 351, side % 2, 200, 100)
                yield f"{kind}-{name}-{side}", shape + (detector if kind < 4 else b"") + placement + values.tobytes()


def _words(files: Seeds) -> list[str]:
    """Of texts: what stands in quotes or begins a line."""
    found: set[str] = set()
    for data in files.values():
        text = data.split(b"\0")[0].decode(errors="replace")
        found.update(re.findall(r'"[a-z_0-9]{2,30}"', text))
        found.update(re.findall(r"^[A-Z]\w+", text, re.MULTILINE))
    return sorted(found)


def write(folder: Path) -> None:
    """Seeds that are there already are written again, other files stay."""
    for target, files in seeds().items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / target / name).write_bytes(data)
        if target in ("manifest", "ncnn"):
            words = [word.replace('"', '\\"') for word in _words(files)]
            (folder / f"{target}.dict").write_text("".join(f'"{word}"\n' for word in words))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
