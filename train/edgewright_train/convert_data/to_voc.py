"""Boxes as Pascal VOC has them: an XML file per image, counting pixels from 1.  Fractions are kept."""

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ..data.dataset import Annotation
from .writing import Datasets, Lost, Names, copy_image, plain, toml_text, write_text


def write_voc(folder: Path, datasets: Datasets, advance: Callable[[], None]) -> Lost:
    """See `Writer`.  Crowds become difficult; ids, areas and boxes without an area are lost."""
    lost, names = Lost(), Names()
    labels = next(iter(datasets.values())).labels
    for split, dataset in datasets.items():
        lines = []
        for index in range(len(dataset)):
            name = names.of(dataset.source(index))
            path = copy_image(dataset, index, folder / "JPEGImages" / name)
            text = _annotation(path.name, dataset.annotation(index), labels, lost)
            write_text(folder / "Annotations" / f"{name}.xml", text)
            lines.append(f"{name}\n")
            advance()
        write_text(folder / "ImageSets" / "Main" / f"{split}.txt", "".join(lines))
    lists = {split: f"ImageSets/Main/{split}.txt" for split in datasets}
    write_text(folder / "dataset.toml", toml_text({"format": "voc", "classes": list(labels), **lists}))
    return lost


def _annotation(name: str, annotation: Annotation, labels: tuple[str, ...], lost: Lost) -> str:
    size = np.array((annotation.width, annotation.height) * 2, np.float64)
    objects = []
    for number, box in enumerate(annotation.boxes_xyxy.astype(np.float64)):
        inside = np.clip(box, 0, size)
        if (inside[2:] <= inside[:2]).any():
            lost["boxes without an area, left out"] += 1
            continue
        lost["boxes cut at the edge of their image"] += int((inside != box).any())
        difficult = annotation.is_difficult is not None and annotation.is_difficult[number]
        lost['crowds, now "difficult"'] += int(annotation.is_crowd[number] and not difficult)
        left, top, right, bottom = (plain(value) for value in inside + np.array((1, 1, 0, 0)))
        objects.append(
            f"  <object>\n    <name>{escape(labels[annotation.class_indices[number]])}</name>\n"
            f"    <difficult>{int(difficult or annotation.is_crowd[number])}</difficult>\n"
            f"    <bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>\n"
            "  </object>\n"
        )
    sides = f"<width>{annotation.width}</width><height>{annotation.height}</height><depth>3</depth>"
    head = f"  <filename>{escape(name)}</filename>\n  <size>{sides}</size>\n"
    return f"<annotation>\n{head}{''.join(objects)}</annotation>\n"
