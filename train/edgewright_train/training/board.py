"""TensorBoard's events of a training: scalars, precision-recall curves and pictures.

A training that is resumed takes back what came after the step it resumes from, as its log does.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from ..data.dataset import Dataset
from ..tasks.evaluation import Evaluation
from ..tasks.precision_recall import NUM_THRESHOLDS, PrecisionRecall
from .evaluation_picture import evaluation_picture

PICTURE_TAG = "val/truth left, found right"
_MOST_CURVES = 100  # classes; the data of a curve are 2.5 kB
_JPEG_QUALITY = 85


class Board(AbstractContextManager["Board"]):
    """The writer of a run's folder `tensorboard`; `first_step` is the last that an earlier start has done."""

    def __init__(self, folder: Path, *, first_step: int, val_set: Dataset) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=first_step + 1)
        self._val_set = val_set

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        """After every step of the optimiser."""
        for name, value in scalars.items():
            self._writer.add_scalar(f"train/{name}", value, step)

    def evaluation(self, step: int, figures: Mapping[str, float | None], result: Evaluation) -> None:
        """`figures` over all classes; the curves and samples that `result` has."""
        for name, figure in figures.items():
            if figure is not None:
                self._writer.add_scalar(f"val/{name}", figure, step)
        for curve in result.curves[:_MOST_CURVES]:
            self._curve(step, curve)
        if result.samples:
            self._picture(step, evaluation_picture(self._val_set, result.samples))

    def _curve(self, step: int, curve: PrecisionRecall) -> None:
        wrong = curve.num_found - curve.num_right
        self._writer.add_pr_curve_raw(
            f"val/{curve.name}",
            curve.num_right,
            wrong,
            np.maximum(curve.num_negatives - wrong, 0),
            curve.num_objects - curve.num_right,
            curve.precision,
            curve.recall,
            step,
            num_thresholds=NUM_THRESHOLDS,
        )

    def _picture(self, step: int, image_bgr: Any) -> None:
        """As JPEG, a quarter of the PNG that `add_image` makes."""
        _, encoded = cv2.imencode(".jpg", image_bgr, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
        height, width = image_bgr.shape[:2]
        picture = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=encoded.tobytes())
        writer = self._writer.file_writer
        assert writer is not None
        writer.add_summary(Summary(value=[Summary.Value(tag=PICTURE_TAG, image=picture)]), step)
