"""Class names: from a file, or the usual ones of networks that come without any."""

from pathlib import Path

from .errors import InputError
from .models.architecture import Task

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
# PASCAL VOC 2007/2012, in the order of their indices in the segmentation masks.
_VOC = (
    "aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant,sheep,"
    "sofa,train,tvmonitor"
)
VOC_LABELS = tuple(_VOC.split(","))
# The 19 classes that Cityscapes evaluates, in the order of their train ids.
_CITYSCAPES = (
    "road,sidewalk,building,wall,fence,pole,traffic light,traffic sign,vegetation,terrain,sky,person,rider,car,truck,"
    "bus,train,motorcycle,bicycle"
)
CITYSCAPES_LABELS = tuple(_CITYSCAPES.split(","))
# (task, number of classes) -> the data set that published weights of that form were trained on, and its names
_KNOWN: dict[tuple[Task, int], tuple[str, tuple[str, ...]]] = {
    ("detect", 80): ("COCO's 80 classes", COCO_LABELS),
    ("detect", 20): ("PASCAL VOC's 20 classes", VOC_LABELS),
    ("segment", 21): ("the background and PASCAL VOC's 20 classes", ("background", *VOC_LABELS)),
    ("segment", 20): ("Cityscapes' 19 classes and the background", (*CITYSCAPES_LABELS, "background")),
}
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


def labels_without_names(num_classes: int, task: Task) -> tuple[tuple[str, ...], str]:
    """Names for a checkpoint that came without any, and the sentence that tells the user what was assumed."""
    if (task, num_classes) in _KNOWN:
        name, labels = _KNOWN[task, num_classes]
        return labels, f"{num_classes} classes and no CLASSES= given: named after {name}"
    labels = tuple(f"class_{index}" for index in range(num_classes))
    return labels, f"no CLASSES= given: named class_0 .. class_{num_classes - 1}; give CLASSES=names.txt for real names"
