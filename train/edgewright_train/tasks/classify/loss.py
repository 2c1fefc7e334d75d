"""Cross-entropy for one class per image, one binary cross-entropy per class where an image may show several.

Label smoothing: Szegedy et al. 2016, arXiv:1512.00567.  N images, K classes.
"""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ...processes.group import over_batch
from ...schema import Record
from ..loss import Loss


class ClassifyLoss(Record):
    """Settings.

    Attributes:
        label_smoothing: share of the truth that is spread over all classes (binary: halfway to either answer).
    """

    kind: Literal["classify"] = "classify"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]


def softmax_loss(logits: Tensor, class_indices: Tensor, settings: ClassifyLoss) -> Loss:
    """(N, K) and (N,) int64; the mean over the images."""
    entropy = F.cross_entropy(logits, class_indices, label_smoothing=settings.label_smoothing, reduction="sum")
    loss = over_batch(entropy) / over_batch(logits.new_tensor(float(len(logits))))
    return Loss(loss, {"classification": loss})


def sigmoid_loss(logits: Tensor, is_shown: Tensor, settings: ClassifyLoss) -> Loss:
    """(N, K) both, `is_shown` float32 0 or 1; the mean over images and classes."""
    truth = is_shown * (1 - settings.label_smoothing) + settings.label_smoothing / 2
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
    loss = over_batch(entropy) / over_batch(logits.new_tensor(float(logits.numel())))
    return Loss(loss, {"classification": loss})
