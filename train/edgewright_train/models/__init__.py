"""The networks by name.  A new architecture is one file beside this one and one entry in `ARCHITECTURES`."""

from ..errors import InputError
from ..tasks.detect.yolo_fastestv2 import yolo_fastestv2_decode
from . import yolo_fastestv2
from .architecture import Architecture, Normalisation, Task
from .darknets import DARKNETS
from .edgenets import EDGENETS

_YOLO_FASTESTV2_OUTPUTS = ("stride16", "stride32")

# model -> task -> network
ARCHITECTURES: dict[str, dict[Task, Architecture]] = {
    "yolo-fastestv2": {
        "detect": Architecture(
            task="detect",
            build=yolo_fastestv2.YoloFastestV2,
            initialise=yolo_fastestv2.expect_few_objects,
            deploy=yolo_fastestv2.Deployed,
            output_names=_YOLO_FASTESTV2_OUTPUTS,
            strides=yolo_fastestv2.STRIDES,
            default_anchors_px=yolo_fastestv2.COCO_ANCHORS_PX,
            decode=lambda _, anchors_px: yolo_fastestv2_decode(
                _YOLO_FASTESTV2_OUTPUTS, yolo_fastestv2.STRIDES, anchors_px
            ),
            normalisation=Normalisation(colour_order="bgr", mean=(0.0, 0.0, 0.0), scale=(1 / 255, 1 / 255, 1 / 255)),
            default_num_classes=80,
            default_size_wh=(352, 352),
            size_multiple=32,
        )
    },
    **EDGENETS,
    **DARKNETS,
}


def architecture(model: str, task: Task | None = None) -> Architecture:
    """Raises `InputError` listing the known names, or the tasks of a model that has several and none was given."""
    if model not in ARCHITECTURES:
        raise InputError(f"MODEL={model}: unknown model; choose from: {', '.join(ARCHITECTURES)}")
    tasks = ARCHITECTURES[model]
    if task is None and len(tasks) == 1:
        return next(iter(tasks.values()))
    if task is None:
        raise InputError(f"MODEL={model}: give TASK=, one of: {', '.join(tasks)}")
    if task not in tasks:
        raise InputError(f"TASK={task}: {model} does not do that; choose from: {', '.join(tasks)}")
    return tasks[task]


def check_size(model: str, arch: Architecture, width: int, height: int) -> None:
    """Raises `InputError` unless both sides are multiples of what the network's strides need."""
    multiple = arch.size_multiple
    if width % multiple or height % multiple or not (0 < width <= 8192 and 0 < height <= 8192):
        raise InputError(f"SIZE={width}x{height}: {model} needs a width and a height that are multiples of {multiple}")
