"""Checkpoints of other projects.  A new one is one file beside this one and one entry in `IMPORTERS`."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from ..checkpoint import Header
from ..errors import InputError
from ..models import architecture, check_size
from . import yolo_fastestv2
from .labels import labels_without_names, read_labels
from .torch_pickle import read_state_dict

# (tensors of the file, its name for error messages) -> tensors under our names, number of classes (None: backbone only)
Importer = Callable[[dict[str, Tensor], str], tuple[dict[str, Tensor], int | None]]

IMPORTERS: dict[str, Importer] = {"yolo-fastestv2": yolo_fastestv2.convert}


def import_checkpoint(
    model: str, weights: Path, *, classes: Path | None = None, size_wh: tuple[int, int] | None = None
) -> tuple[dict[str, Tensor], Header, str | None]:
    """Tensors and header of a foreign file for `save_checkpoint`, and what had to be assumed, if anything.

    Strict: every tensor of the network must be there, of its shape and finite, and no other.
    """
    arch = architecture(model)
    width, height = size_wh or arch.default_size_wh
    check_size(model, arch, width, height)
    if model not in IMPORTERS:
        raise InputError(f"MODEL={model}: nothing to import from; choose from: {', '.join(sorted(IMPORTERS))}")
    tensors, num_classes = IMPORTERS[model](read_state_dict(weights), str(weights))
    labels, assumed = _labels(weights, num_classes, classes)
    header = Header(
        model=model,
        content="backbone" if num_classes is None else "network",
        labels=labels,
        anchors_px=arch.default_anchors_px,
        width=width,
        height=height,
        origin=f"imported from {weights.name}",
    )
    return tensors, header, assumed


def _labels(weights: Path, num_classes: int | None, classes: Path | None) -> tuple[tuple[str, ...], str | None]:
    if num_classes is None:
        return (), None if classes is None else f"CLASSES={classes} is not used: {weights} holds only a backbone"
    if classes is None:
        return labels_without_names(num_classes)
    labels = read_labels(classes)
    if len(labels) != num_classes:
        raise InputError(f"CLASSES={classes}: names {len(labels)} classes, but {weights} has {num_classes}")
    return labels, None
