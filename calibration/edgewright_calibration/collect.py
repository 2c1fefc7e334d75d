"""One pass of the captured graph over the calibration images."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_train.tasks.evaluation import Progress
from edgewright_train.vision.preprocess import Preprocess

from .statistics import TensorStatistics


def collect_statistics(
    graph_module: fx.GraphModule,
    preprocess: Preprocess,
    images: Iterable[tuple[str, NDArray[np.uint8]]],
    progress: Progress | None = None,
) -> dict[str, TensorStatistics]:
    """By node name, in the order of the graph: the input and every node whose value is a tensor of floats.

    `images`: (name, (H, W, 3) uint8 BGR), read once, one at a time.  Raises `CheckError` for a value that is
    not finite.
    """
    observer = _Observer(graph_module)
    total = len(images) if isinstance(images, Sized) else 0
    with torch.inference_mode(), _one_thread():
        for done, (name, image) in enumerate(images, start=1):
            observer.image = name
            observer.run(torch.from_numpy(preprocess.normalise(preprocess.network_image(image))))
            if progress is not None:
                progress(done, total)
    return observer.statistics


class _Observer(fx.Interpreter):
    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module)
        self.statistics: dict[str, TensorStatistics] = {}
        self.image = ""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.op not in ("get_attr", "output") and isinstance(value, Tensor) and value.is_floating_point():
            self.statistics.setdefault(n.name, TensorStatistics(n.name)).update(value, self.image)
        return value


@contextmanager
def _one_thread() -> Iterator[None]:
    """The order in which threads add up sums must not decide a range."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
