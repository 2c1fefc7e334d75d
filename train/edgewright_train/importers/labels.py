"""Class names for foreign checkpoints, which hold none."""

from pathlib import Path

from ..errors import InputError

# The 80 classes of COCO 2014/2017 detection, in the order of their category ids.
_COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,"
    "skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,"
    "cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
    "refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
)
COCO_LABELS = tuple(_COCO.split(","))
_MAX_BYTES = 1 << 20


def read_labels(path: Path) -> tuple[str, ...]:
    """One name per line, in the order of the class indices; empty lines are skipped."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; a file of class names may have at most {_MAX_BYTES}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; give one class name per line") from None
    labels: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if name in labels:
            raise InputError(f"{path}:{number}: class {name!r} was already named on line {labels[name]}")
        if name:
            labels[name] = number
    if not labels:
        raise InputError(f"{path}: names no class; give one per line")
    return tuple(labels)


def labels_without_names(num_classes: int) -> tuple[tuple[str, ...], str]:
    """Names for a checkpoint that came without any, and the sentence that tells the user what was assumed."""
    if num_classes == len(COCO_LABELS):
        return COCO_LABELS, "80 classes and no CLASSES= given: named after COCO's 80 classes"
    labels = tuple(f"class_{index}" for index in range(num_classes))
    return labels, f"no CLASSES= given: named class_0 .. class_{num_classes - 1}; give CLASSES=names.txt for real names"
