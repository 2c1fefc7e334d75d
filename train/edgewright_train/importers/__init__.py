"""Checkpoints of other projects.  A new one is one file beside this one and one entry in `_importer`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..checkpoint import Header
from ..darknet.network import DEFAULT_BN_EPS
from ..errors import InputError
from ..labels import labels_without_names, read_labels
from ..models import architecture, check_size
from ..models.architecture import Task
from ..new_network import cfg_header
from ..vision.preprocess import Resize
from . import edgenets, yolo_fastestv2
from .darknet import import_darknet
from .torch_pickle import read_state_dict

# (tensors of the file, its name for error messages) -> tensors under our names, number of classes (None: backbone only)
Importer = Callable[[dict[str, Tensor], str], tuple[dict[str, Tensor], int | None]]

_PADDING = 114  # the usual grey
_DARKNET_PADDING = 127  # its half of 255, which no uint8 is


@dataclass(frozen=True)
class Imported:
    """For `save_checkpoint`; `notes` are sentences about what had to be assumed or was ignored."""

    tensors: dict[str, Tensor]
    header: Header
    notes: tuple[str, ...]

    def resized(self, resize: Resize | None, padding: int | None) -> "Imported":
        """With images brought to size as a user says; None: as they are, or the usual padding."""
        now = resize or self.header.resize
        if now == "stretch" and padding is not None:
            raise InputError(f"PADDING={padding}: images that are stretched have none; it needs RESIZE=letterbox")
        if padding is not None and not 0 <= padding <= 255:
            raise InputError(f"PADDING={padding}: give 0 to 255")
        before = _PADDING if self.header.padding is None else self.header.padding
        used = None if now == "stretch" else before if padding is None else padding
        return replace(self, header=self.header.model_copy(update={"resize": now, "padding": used}))


def import_checkpoint(
    model: str,
    weights: Path,
    *,
    task: Task | None = None,
    classes: Path | None = None,
    size_wh: tuple[int, int] | None = None,
) -> Imported:
    """Strict: every tensor of the network must be there, of its shape and finite, and no other."""
    arch = architecture(model, task)
    width, height = size_wh or arch.default_size_wh
    check_size(model, arch, width, height)
    tensors, num_classes = _importer(model, arch.task)(read_state_dict(weights), str(weights))
    labels, notes = labels_for(weights, num_classes, classes, arch.task)
    header = Header(
        model=model,
        task=arch.task,
        content="backbone" if num_classes is None else "network",
        labels=labels,
        anchors_px=arch.default_anchors_px,
        width=width,
        height=height,
        origin=f"imported from {weights.name}",
    )
    return Imported(tensors, header, notes)


def import_cfg(
    cfg: Path,
    weights: Path,
    *,
    classes: Path | None = None,
    size_wh: tuple[int, int] | None = None,
    bn_eps: float | None = None,
    upto: int | None = None,
) -> Imported:
    """Darknet's: the network is what the cfg says, the weights must hold exactly its floats (see `import_darknet`)."""
    eps = DEFAULT_BN_EPS if bn_eps is None else bn_eps
    found = import_darknet(cfg, weights, size_wh=size_wh, bn_eps=eps, upto=upto)
    labels, notes = labels_for(weights, found.num_classes, classes, found.network.heads.task)
    header = cfg_header(cfg, found.network.plan, eps, labels, found.weights_header)
    header.check_size(header.width, header.height)
    header = header.model_copy(update={"origin": f"imported from {cfg.name} and {weights.name}"})
    if found.network.plan.cfg.net.letter_box:
        header = header.model_copy(update={"resize": "letterbox", "padding": _DARKNET_PADDING})
        notes += (f"{cfg} says letter_box=1: images are letterboxed, padded with {_DARKNET_PADDING}",)
    return Imported(found.network.state_dict(), header, (*found.warnings, *notes))


def labels_for(
    weights: Path, num_classes: int | None, classes: Path | None, task: Task
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names from the file `classes`, or well-known or numbered ones; then a note says which."""
    if num_classes is None:
        return (), () if classes is None else (f"CLASSES={classes} is not used: {weights} holds only a backbone",)
    if classes is None:
        labels, assumed = labels_without_names(num_classes, task)
        return labels, (assumed,)
    labels = read_labels(classes)
    if len(labels) != num_classes:
        raise InputError(f"CLASSES={classes}: names {len(labels)} classes, but {weights} has {num_classes}")
    return labels, ()


def _importer(model: str, task: Task) -> Importer:
    if model == "yolo-fastestv2":
        return yolo_fastestv2.convert
    family, _, scale = model.partition("-")
    if (family, task) in edgenets.KINDS:
        return edgenets.convert(family, scale, task)
    raise InputError(f"MODEL={model}: nothing to import from; darknet weights come in with CFG=x.cfg WEIGHTS=x.weights")
