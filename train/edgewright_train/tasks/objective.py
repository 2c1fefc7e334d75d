"""What a network learns by: the loss that belongs to the kind of its head."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from ..checkpoint import Header
from ..darknet.cfg import parse_cfg
from ..darknet.heads import heads_of
from ..darknet.plan import plan_network
from ..errors import InputError
from ..inference import decode_of
from ..models.ssd import split_maps
from .classify.decode import ClassifyDecode
from .classify.loss import ClassifyLoss, sigmoid_loss, softmax_loss
from .detect.loss import Gains, detection_loss
from .detect.ssd import SsdDecode
from .detect.ssd_loss import SsdLoss, multibox_loss, multibox_targets
from .detect.ssd_match import priors_of
from .detect.yolo import YoloDecode
from .detect.yolo_heads import heads_of_decode
from .detect.yolo_loss import YoloLoss, yolo_loss
from .loss import Loss
from .segment.loss import SegmentLoss, pixel_loss

LossSettings = Annotated[Gains | YoloLoss | SsdLoss | ClassifyLoss | SegmentLoss, Field(discriminator="kind")]
Outputs = Tensor | Sequence[Tensor]
Objective = Callable[[Any, Tensor], Loss]
"""(what the network returns while training, targets of the batch) -> loss; targets are those of `data.samples`."""


# Options of [yolo] that change what is learnt, with the values that are followed.
_YOLO_OPTIONS = {"focal_loss": 0, "objectness_smooth": 0, "truth_thresh": 1.0, "iou_thresh_kind": "iou"}


def objective_of(header: Header, settings: LossSettings) -> Objective:
    """`settings` must be of the kind of the network's head.  Raises `InputError` when they do not fit its classes."""
    return _OBJECTIVES[settings.kind](header, settings)


def _yolo_fastestv2(header: Header, gains: Gains) -> Objective:
    anchors_px = torch.tensor(header.anchors_px, dtype=torch.float64)
    strides = header.architecture.strides

    def objective(maps: Sequence[Tensor], targets: Tensor) -> Loss:
        loss = detection_loss(maps, targets, anchors_px, strides, gains)
        return Loss(loss.total, {"box": loss.box, "objectness": loss.objectness, "classification": loss.classification})

    return objective


def _yolo(header: Header, _: YoloLoss) -> Objective:
    if header.darknet is None:
        decode = decode_of(header)
        assert isinstance(decode, YoloDecode)
        own = heads_of_decode(decode, len(header.labels))
        return lambda maps, targets: yolo_loss(maps, targets, own)
    cfg = parse_cfg(header.darknet.text, source=f"{header.model}.cfg")
    plan = plan_network(cfg, width=header.width, height=header.height)
    heads = heads_of(plan).yolo
    for head in heads:
        place = plan.layers[head.layer].layer.place
        for key, known in _YOLO_OPTIONS.items():
            if getattr(head.options, key) != known:
                raise place.error(f"training only knows {key}={known}", key)
    return lambda maps, targets: yolo_loss(maps, targets, heads)


def _ssd(header: Header, settings: SsdLoss) -> Objective:
    decode = decode_of(header)
    assert isinstance(decode, SsdDecode)
    priors_by_grids: dict[tuple[tuple[int, int], ...], Tensor] = {}  # they follow from the network, which is seen late

    def objective(maps: Sequence[Tensor], targets: Tensor) -> Loss:
        grids = tuple((single.shape[2], single.shape[3]) for single in maps)
        if grids not in priors_by_grids:
            priors_by_grids[grids] = priors_of(decode, grids)
        labels, wanted = multibox_targets(targets, priors_by_grids[grids], len(maps[0]), settings.match_iou)
        return multibox_loss(*split_maps(maps), labels, wanted, settings)

    return objective


def _classify(header: Header, settings: ClassifyLoss) -> Objective:
    decode = decode_of(header)
    assert isinstance(decode, ClassifyDecode)
    loss = sigmoid_loss if decode.activation == "sigmoid" else softmax_loss
    return lambda outputs, targets: loss(single_output(outputs).flatten(1), targets, settings)


def _segment(header: Header, settings: SegmentLoss) -> Objective:
    if settings.class_weights and len(settings.class_weights) != len(header.labels):
        raise InputError(
            f"loss.class_weights: {len(settings.class_weights)} weights for the {len(header.labels)} classes "
            f"{', '.join(header.labels)}"
        )
    weights = torch.tensor(settings.class_weights) if settings.class_weights else None
    return lambda outputs, masks: pixel_loss(single_output(outputs), masks, weights, settings)


def single_output(outputs: Outputs) -> Tensor:
    """The one output of a network, which some give in a tuple."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


_OBJECTIVES: dict[str, Callable[[Header, Any], Objective]] = {
    "yolo-fastestv2": _yolo_fastestv2,
    "yolo": _yolo,
    "ssd": _ssd,
    "classify": _classify,
    "segment": _segment,
}
