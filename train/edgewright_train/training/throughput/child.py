"""One of the two trainers as a process: a line with a number of steps comes in, a line of JSON goes out.

python -m edgewright_train.training.throughput.child ours|plain RECIPE.toml
"""

import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import cv2
import torch

from ...data.dataset import DetectionDataset
from ...processes.group import ALONE
from ..data import make_loader, open_data
from ..recipe import load_recipe
from .ours import OurTrainer
from .plain import PlainTrainer


def main() -> None:
    kind, path = sys.argv[1:]
    recipe = load_recipe(Path(path), {} if kind == "ours" else {"cache_megabytes": 0})
    torch.set_num_threads(recipe.threads)
    cv2.setNumThreads(1)
    dataset = cast(DetectionDataset, open_data(recipe, lambda _: None).train_set)
    trainer = OurTrainer(recipe, dataset) if kind == "ours" else PlainTrainer(recipe, dataset)
    answer({})
    for line in sys.stdin:
        order, count = line.split()
        if order == "steps":
            start = time.perf_counter()
            for _ in range(int(count)):
                trainer.step()
            answer({"seconds": time.perf_counter() - start, "shares": trainer.shares.take()})
        elif order == "load":
            batches = make_loader(recipe, dataset, ALONE).batches(0, int(count) + 4)
            next(batches)
            start = time.perf_counter()
            for _ in range(int(count)):
                next(batches)
            answer({"seconds": time.perf_counter() - start})
        else:
            assert isinstance(trainer, OurTrainer)
            with tempfile.TemporaryDirectory() as folder:
                seconds = [_timed_save(trainer, Path(folder) / "state.safetensors") for _ in range(int(count))]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            answer({"seconds": statistics.median(seconds), "peak_bytes": peak})


def _timed_save(trainer: OurTrainer, path: Path) -> float:
    start = time.perf_counter()
    trainer.save(path)
    return time.perf_counter() - start


def answer(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
