"""Cross-entropy of every pixel, and on request the Dice loss, which does not let large classes drown small ones.

Dice: Milletari et al. 2016, arXiv:1606.04797, over classes as in Sudre et al. 2017, arXiv:1707.03237.  N images,
K classes.
"""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from ...data.dataset import IGNORED
from ...processes.group import over_batch
from ...schema import Record
from ..loss import Loss

_MAX_CLASSES = 255  # a mask has one byte per pixel, and 255 is `IGNORED`


class SegmentLoss(Record):
    """Settings.

    Attributes:
        class_weights: of the cross-entropy, one per class; none: all count alike.
        dice: weight of the Dice loss beside the cross-entropy's 1; 0 leaves it out.
    """

    kind: Literal["segment"] = "segment"
    class_weights: tuple[Annotated[float, Field(ge=0)], ...] = Field(max_length=_MAX_CLASSES)
    dice: Annotated[float, Field(ge=0)]


def pixel_loss(logits: Tensor, masks: Tensor, class_weights: Tensor | None, settings: SegmentLoss) -> Loss:
    """(N, K, h, w) and (N, H, W) uint8; a mask of another size is sampled at the nearest pixels.

    Means over the pixels that are not `IGNORED`, 0 when all are.  `class_weights`: (K,).
    """
    if masks.shape[1:] != logits.shape[2:]:
        masks = F.interpolate(masks[:, None], logits.shape[2:], mode="nearest-exact")[:, 0]
    truth = masks.long()
    known = truth != IGNORED
    entropy = F.cross_entropy(logits, truth, class_weights, ignore_index=IGNORED, reduction="sum")
    weight = known.sum() if class_weights is None else class_weights[truth[known]].sum()
    classification = over_batch(entropy) / over_batch(weight).clamp(min=1e-6)
    if not settings.dice:
        return Loss(classification, {"classification": classification})
    dice = settings.dice * _dice(logits, truth, known)
    return Loss(classification + dice, {"classification": classification, "dice": dice})


def _dice(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """1 - 2 |A and B| / (|A| + |B|), the mean over the classes that the batch shows."""
    num_classes, labels = logits.shape[1], truth[known]
    found = logits.softmax(1) * known[:, None]
    shown = over_batch(labels.bincount(minlength=num_classes))
    right = found.gather(1, (truth * known)[:, None])[:, 0][known].double()  # many summands
    overlap = over_batch(right.new_zeros(num_classes).scatter_add(0, labels, right))
    total = over_batch(found.sum((0, 2, 3))) + shown
    is_shown = shown > 0
    dice = ((1 - 2 * overlap / total.clamp(min=1e-6)) * is_shown).sum() / is_shown.sum().clamp(min=1)
    return dice.to(logits.dtype)
