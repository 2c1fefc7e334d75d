"""The [yolo] heads of a network of the zoo, which has no cfg to say how they learn: as LightNet's published cfg does.

Source: daniel89710/lightNet, cfg/lightNet-BDD100K-1280x960.cfg, but for its counts of BDD100K's classes.
"""

from ...darknet.heads import YoloHead
from ...darknet.layer_options import Yolo
from .yolo import YoloDecode


def heads_of_decode(decode: YoloDecode, num_classes: int) -> tuple[YoloHead, ...]:
    """One per scale; an anchor's index counts through all of them."""
    anchors = tuple(anchor for scale in decode.scales for anchor in scale.anchors_px)
    heads: list[YoloHead] = []
    first = 0
    for scale in decode.scales:
        mask = tuple(range(first, first + len(scale.anchors_px)))
        first += len(mask)
        options = Yolo.model_construct(
            anchors=anchors,
            mask=mask,
            num=len(anchors),
            classes=num_classes,
            scale_x_y=scale.scale_x_y,
            new_coords=scale.new_coords,
            ignore_thresh=0.5,
            iou_loss="ciou",
            iou_normalizer=0.05,
            cls_normalizer=0.25,
        )
        heads.append(
            YoloHead(
                layer=len(heads),
                output=len(heads),
                strides_wh=(scale.stride, scale.stride),
                anchors_px=scale.anchors_px,
                num_classes=num_classes,
                scale_x_y=scale.scale_x_y,
                new_coords=scale.new_coords,
                options=options,
            )
        )
    return tuple(heads)
