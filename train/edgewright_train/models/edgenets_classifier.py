"""A backbone, pooled, and a head of 1x1 convolutions: the classifiers of EdgeNets.  N batch, K classes."""

from torch import Tensor, nn


class Classifier(nn.Module):
    """(N, 3, H, W) -> logits (N, K).

    `backbone` gives a tuple of maps; `head` takes the last, pooled to (N, C, 1, 1), to (N, K, 1, 1).
    """

    def __init__(self, backbone: nn.Module, head: nn.Sequential) -> None:
        super().__init__()
        self.backbone = backbone
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        return self.logits_map(image).flatten(1)

    def logits_map(self, image: Tensor) -> Tensor:
        """(N, K, 1, 1)."""
        return self.head(self.pool(self.backbone(image)[-1]))


class Deployed(nn.Module):
    """The form that ships: one output, the logits (N, K, 1, 1)."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (self.network.logits_map(image),)
