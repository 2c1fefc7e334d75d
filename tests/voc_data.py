"""A small data set as Pascal VOC has it, for tests."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

CATS = 'classes = ["cat"]'


def annotation(objects, size_wh=(8, 6)):
    """Text of an XML file; an object is name, box and the difficult flag."""
    width, height = size_wh
    lines = "".join(
        f"<object><name>{name}</name>\n<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax>"
        f"<ymax>{box[3]}</ymax></bndbox>\n<difficult>{difficult}</difficult></object>\n"
        for name, box, difficult in objects
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>\n{size}\n{lines}</annotation>\n"


def write_image(path: Path, size_wh=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, np.full((size_wh[1], size_wh[0], 3), 90, np.uint8))[1].tobytes())


def write_mask(path: Path, values):
    """A PNG with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = np.asarray(values, np.uint8)

    def part(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", table.shape[1], table.shape[0], 8, 3, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in table))
    parts = (part(b"IHDR", header), part(b"PLTE", bytes(range(256)) * 3), part(b"IDAT", rows), part(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def write_voc(root: Path, head: str = "") -> Path:
    """Two images of 8x6 pixels; a has a cat and a difficult dog, b nothing."""
    (root / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    (root / "Annotations").mkdir(exist_ok=True)
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n")
    write_image(root / "JPEGImages" / "a.jpg")
    write_image(root / "JPEGImages" / "b.png")
    objects = [("cat", (1, 1, 3, 2), 0), ("dog", (5, 4, 8, 6), 1)]
    (root / "Annotations" / "a.xml").write_text(annotation(objects))
    (root / "Annotations" / "b.xml").write_text(annotation([]))
    mask = np.zeros((6, 8), np.uint8)
    mask[:2, :3], mask[3:, 4:], mask[2, :] = 1, 2, 255
    write_mask(root / "SegmentationClass" / "a.png", mask)
    write_mask(root / "SegmentationClass" / "b.png", np.zeros((6, 8)))
    (root / "dataset.toml").write_text(f'format = "voc"\ntrain = "ImageSets/Main/train.txt"\n{head}\n')
    return root
