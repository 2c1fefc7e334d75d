"""What darknet's networks are made of: convolution, batch norm and activation in one, and classifiers ending in an
average.  Tensors are (N, C, H, W); K classes.
"""

from collections import OrderedDict

from torch import Tensor, nn


def conv_norm_act(
    cin: int, cout: int, kernel: int, act: nn.Module, *, stride: int = 1, norm_eps: float = 1e-5
) -> nn.Sequential:
    """(N, Cin, H, W) -> (N, Cout, H/stride, W/stride)."""
    conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(cout, norm_eps), act=act))


class DarknetClassifier(nn.Module):
    """(N, 3, H, W) -> logits (N, K).  `layers` end in (N, K, 1, 1)."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image).flatten(1)


class DeployedClassifier(nn.Module):
    """The form that ships: one output, the logits (N, K, 1, 1)."""

    def __init__(self, network: DarknetClassifier) -> None:
        super().__init__()
        self.layers = network.layers

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.layers(image),)
