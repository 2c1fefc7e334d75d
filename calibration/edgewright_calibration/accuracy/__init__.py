"""The task metric image by image, so that a loss of it has an interval and not only a value."""

from .bootstrap import Loss, paired_loss
from .image_scores import ImageScores
from .scorers import Scorer, score_images, scorer

__all__ = ["ImageScores", "Loss", "Scorer", "paired_loss", "score_images", "scorer"]
