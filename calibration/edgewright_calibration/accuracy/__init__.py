"""The task metric image by image, so that a loss of it has an interval and not only a value."""

from .bootstrap import Loss, paired_loss
from .image_scores import ImageScores, score_images

__all__ = ["ImageScores", "Loss", "paired_loss", "score_images"]
