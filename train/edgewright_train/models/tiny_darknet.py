"""Tiny-DarkNet: sixteen convolutions that squeeze and widen, without a fully connected layer.

Source: pjreddie/darknet cfg/tiny.cfg; the `mindspore` variant is the one of mindspore-ai/models, whose last
convolution is normalised and activated like the others.  Spec: spec-tiny-darknet.md.
"""

from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

from .darknet_blocks import DarknetClassifier, conv_norm_act

# (width of the 3x3 convolutions, of the 1x1 before each of them); between two stages the map is halved.
_STAGES = (((16, None),), ((32, None),), ((128, 16), (128, 16)), ((256, 32), (256, 32)), ((512, 64), (512, 64)))
_LAST_WIDTH = 128


@dataclass(frozen=True)
class Variant:
    """`plain_head`: the class convolution has a bias and nothing behind it."""

    leaky_slope: float
    norm_eps: float
    plain_head: bool


VARIANTS = {
    "darknet": Variant(leaky_slope=0.1, norm_eps=1e-5, plain_head=True),
    "mindspore": Variant(leaky_slope=0.2, norm_eps=1e-3, plain_head=False),
}


class TinyDarknet(DarknetClassifier):
    """(N, 3, H, W) -> logits (N, K); H and W multiples of 16."""

    def __init__(self, num_classes: int, *, variant: str = "darknet") -> None:
        """Raises `ValueError` for an unknown variant."""
        if variant not in VARIANTS:
            raise ValueError(f"variant: unknown {variant!r}; choose from: {', '.join(VARIANTS)}")
        chosen = VARIANTS[variant]

        def conv(cin: int, cout: int, kernel: int) -> nn.Sequential:
            return conv_norm_act(cin, cout, kernel, nn.LeakyReLU(chosen.leaky_slope), norm_eps=chosen.norm_eps)

        features, channels = nn.Sequential(), 3
        for index, stage in enumerate(_STAGES):
            if index:
                features.append(nn.MaxPool2d(2))
            for width, squeezed in stage:
                if squeezed is not None:
                    features.append(conv(channels, squeezed, 1))
                features.append(conv(squeezed or channels, width, 3))
                channels = width
        features.append(conv(channels, _LAST_WIDTH, 1))
        head = nn.Conv2d(_LAST_WIDTH, num_classes, 1) if chosen.plain_head else conv(_LAST_WIDTH, num_classes, 1)
        super().__init__(nn.Sequential(OrderedDict(features=features, head=head, pool=nn.AdaptiveAvgPool2d(1))))
