"""The PyTorch network every artefact has to equal, at the size it is exported for, and what it makes of some images."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgewright_train.checkpoint import Checkpoint, load_checkpoint
from edgewright_train.errors import InputError
from edgewright_train.inference import decode_of, preprocess_of, torch_run
from edgewright_train.tasks.decode import Decode
from edgewright_train.vision.preprocess import Preprocess

from .golden import Case, golden_cases, make_case
from .pack import MANIFEST, digest_file


@dataclass(frozen=True)
class Source:
    """Run as it was trained: nothing folded, merged or captured.

    Attributes:
        digest: SHA-256 of the checkpoint file.
        golden: cases that travel in the pack, by path in it.
        checks: further cases that every export is run on here, by name.
    """

    checkpoint: Checkpoint
    digest: str
    preprocess: Preprocess
    decode: Decode
    golden: dict[str, Case]
    checks: dict[str, Case]


def checkpoint_to_use(weights: Path | None, runs: Path = Path("runs")) -> Path:
    """`weights`, or the newest in `runs`.  Raises `InputError` for a pack, or when there is nothing."""
    if weights is None:
        return newest_checkpoint(runs)
    if any((folder / MANIFEST).is_file() for folder in (weights, weights.parent)):
        raise InputError(f"WEIGHTS={weights}: is a pack, which is converted already; give its checkpoint")
    return weights


def newest_checkpoint(runs: Path) -> Path:
    """The `best.safetensors` written last, named on stderr.  Raises `InputError` when there is none."""
    found = sorted(runs.glob("*/best.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise InputError(f"no WEIGHTS= given and no {runs}/*/best.safetensors found; train or import a network first")
    print(f"WEIGHTS={found[-1]} (the newest in {runs}/)", file=sys.stderr)
    return found[-1]


def load_at_size(weights: Path, size_wh: tuple[int, int] | None) -> Checkpoint:
    """A checkpoint whose header has another input size, (width, height), if one is given."""
    checkpoint = load_checkpoint(weights)
    if size_wh is None:
        return checkpoint
    width, height = size_wh
    checkpoint.header.check_size(width, height)
    return Checkpoint(checkpoint.network, checkpoint.header.model_copy(update={"width": width, "height": height}))


def load_source(
    weights: Path, size_wh: tuple[int, int] | None, check_images: Mapping[str, NDArray[np.uint8]]
) -> Source:
    """`size_wh`: (width, height) of the artefacts' input, by default the checkpoint's own.  Images are BGR.

    From here on this process uses one torch thread: a reference must not depend on how many cores computed it.
    """
    torch.set_num_threads(1)
    checkpoint = load_at_size(weights, size_wh)
    preprocess, decode, run = preprocess_of(checkpoint.header), decode_of(checkpoint.header), torch_run(checkpoint)
    golden = golden_cases(run, preprocess, decode)
    checks = {name: make_case(image, run, preprocess, decode) for name, image in check_images.items()}
    return Source(checkpoint, digest_file(weights), preprocess, decode, golden, checks)
