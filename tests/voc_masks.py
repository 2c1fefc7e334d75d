"""The COCO images that have semantic masks, with VOC's classes: what published VOC segmenters are measured on here."""

import json
from pathlib import Path

from shared_material import SHARED

from edgewright_train.labels import VOC_LABELS

_COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


def write_voc_masks_toml(path: Path) -> Path:
    """100 images; every COCO category that VOC lacks, and all that is no thing, counts as background."""
    folder = SHARED / "data/coco_val2017_dev"
    categories = json.loads((folder / "instances.json").read_text())["categories"]
    ids = {category["name"]: category["id"] for category in categories}
    lines = [
        'format = "masks"',
        f"classes = {json.dumps(['background', *VOC_LABELS])}",
        'unlisted = "background"',
        "only_with_masks = true",
        "[ids]",
        '0 = "ignore"',
        *(f'{ids[_COCO_NAMES.get(label, label)]} = "{label}"' for label in VOC_LABELS),
        "[val]",
        f'images = "{folder}/images"',
        f'masks = "{folder}/semantic_masks"',
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
