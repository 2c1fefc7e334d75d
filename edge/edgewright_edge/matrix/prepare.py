"""From a row to the checkpoint that its exports start from."""

from dataclasses import dataclass
from pathlib import Path

import torch

from edgewright_train.checkpoint import Checkpoint, save_checkpoint
from edgewright_train.importers import import_cfg, import_checkpoint
from edgewright_train.new_network import settled, untrained, untrained_cfg
from edgewright_train.summary import summarise

from .rows import Row

_SEED = 0


@dataclass(frozen=True)
class Prepared:
    """A row's network on disk.

    Attributes:
        name: of its folder: model, task where the model has several, and input size.
        position: of the row in the list.
        published: whether its weights are published ones.
    """

    name: str
    position: int
    checkpoint: Path
    published: bool
    width: int
    height: int
    task: str
    num_parameters: int
    macs: int


def prepare(row: Row, position: int, weights_dir: Path | None, folder: Path) -> Prepared:
    """Write `folder`/<name>.safetensors, the same bytes every time.  Raises `InputError` where there is no network."""
    published = weights_dir / row.weights if weights_dir and row.weights else None
    if published is not None and not published.is_file():
        published = None
    checkpoint = _checkpoint(row, weights_dir, published)
    header = checkpoint.header
    name = f"{header.name}-{header.width}x{header.height}"
    path = folder / f"{name}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, checkpoint.network.state_dict(), header)
    summary = summarise(checkpoint.network, header.width, header.height)
    return Prepared(
        name=name,
        position=position,
        checkpoint=path,
        published=published is not None,
        width=header.width,
        height=header.height,
        task=header.task,
        num_parameters=summary.num_trainable,
        macs=summary.macs,
    )


def _checkpoint(row: Row, weights_dir: Path | None, published: Path | None) -> Checkpoint:
    if row.cfg:
        assert weights_dir is not None  # `fill` skips such a row
        if published is None:
            torch.manual_seed(_SEED)
            return settled(untrained_cfg(weights_dir / row.cfg, size_wh=row.size_wh))
        found = import_cfg(weights_dir / row.cfg, published, size_wh=row.size_wh)
    elif published is None:
        torch.manual_seed(_SEED)
        return settled(untrained(row.model, row.task, size_wh=row.size_wh))
    else:
        found = import_checkpoint(row.model, published, task=row.task, size_wh=row.size_wh)
    network = found.header.architecture.build(len(found.header.labels))
    network.load_state_dict(found.tensors)
    return Checkpoint(network.eval(), found.header)
