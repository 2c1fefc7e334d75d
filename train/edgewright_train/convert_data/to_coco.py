"""Boxes as COCO has them: one json per split beside the images."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..data.dataset import Annotation
from .writing import Datasets, Lost, Names, copy_image, plain, toml_text, write_text


def write_coco(folder: Path, datasets: Datasets, advance: Callable[[], None]) -> Lost:
    """See `Writer`.  The flag "difficult" is lost where such objects are not crowds too."""
    lost, toml = Lost(), toml_text({"format": "coco"})
    for split, dataset in datasets.items():
        names, images, objects = Names(), [], list[dict[str, Any]]()
        for index in range(len(dataset)):
            annotation = dataset.annotation(index)
            path = copy_image(dataset, index, folder / "images" / split / names.of(dataset.source(index)))
            images.append(
                {
                    "id": annotation.image_id,
                    "file_name": path.name,
                    "width": annotation.width,
                    "height": annotation.height,
                }
            )
            objects += _objects(annotation, len(objects), lost)
            advance()
        categories = [{"id": number, "name": label} for number, label in enumerate(dataset.labels, start=1)]
        document = {"images": images, "annotations": objects, "categories": categories}
        write_text(folder / "annotations" / f"instances_{split}.json", json.dumps(document))
        place = {"images": f"images/{split}", "annotations": f"annotations/instances_{split}.json"}
        toml += f"\n[{split}]\n{toml_text(place)}"
    write_text(folder / "dataset.toml", toml)
    return lost


def _objects(annotation: Annotation, first: int, lost: Lost) -> list[dict[str, Any]]:
    rows = []
    for number, box in enumerate(annotation.boxes_xyxy.astype(float)):
        left, top, right, bottom = box.tolist()
        if annotation.is_difficult is not None and annotation.is_difficult[number]:
            lost['marks "difficult", now "crowd"' if annotation.is_crowd[number] else 'marks "difficult"'] += 1
        rows.append(
            {
                "id": first + number + 1,
                "image_id": annotation.image_id,
                "category_id": int(annotation.class_indices[number]) + 1,
                "bbox": [plain(value) for value in (left, top, right - left, bottom - top)],
                "area": plain(float(annotation.areas_px[number])),
                "iscrowd": int(annotation.is_crowd[number]),
            }
        )
    return rows
