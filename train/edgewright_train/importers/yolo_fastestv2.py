"""The published YOLO-FastestV2 checkpoints: the whole detector, or the backbone it starts from.

Source: dog-qiuqiu/Yolo-FastestV2.  Tensor names are those of `models/yolo_fastestv2.py`; `backbone.pth` leaves
`backbone.` out.  Neither file holds class names, anchors or the input size.
"""

from torch import Tensor

from ..checkpoint import load_strictly
from ..models.yolo_fastestv2 import Backbone, YoloFastestV2

_COCO_CLASSES = 80


def convert(tensors: dict[str, Tensor], source: str) -> tuple[dict[str, Tensor], int | None]:
    """Tensors under our names, and the number of classes; None when the file holds the backbone alone.

    Raises `InputError` at any difference from the network.
    """
    if "first_conv.0.weight" in tensors:
        backbone = Backbone()
        load_strictly(backbone, tensors, source=source)
        return {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}, None
    bias = tensors.get("output_cls_layers.bias")
    # Without a plausible class output this is another network: compare with the published one and say what differs.
    num_classes = len(bias) if bias is not None and bias.ndim == 1 and 0 < len(bias) <= 65536 else _COCO_CLASSES
    network = YoloFastestV2(num_classes)
    load_strictly(network, tensors, source=source)
    return network.state_dict(), num_classes
