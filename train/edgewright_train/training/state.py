"""`last/state.safetensors`: all that a training needs to go on with the same bits.

One file, so that a kill at any moment leaves the previous state or the new one, and safetensors, so that reading it
executes nothing.  Shuffling, augmentation and dropout follow from the recipe's seed and the step; they keep no state.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import Field
from safetensors.torch import save
from torch import Tensor, nn

from ..atomic import atomic_file
from ..checkpoint import Header, load_strictly, read_safetensors
from ..errors import InputError
from ..schema import Record, parse_record_json
from ..tasks.evaluation import Metric
from .ema import MovingAverage

_HEADER_KEY = "edgewright-training"


class Status(Record):
    """Where a training stands.

    Attributes:
        header: of the checkpoints it writes.
        truth_sha256: of what there is to learn (see `data.samples.Sampler.truth`).
        step: steps done.
        evaluated_step: the last step after which the average was evaluated.
        metric: by which evaluations are compared; None before the first one.
        best_value, best_step: of best.safetensors; -1 before the first evaluation.
        average_loss: 0.9 * old + 0.1 * new.
        loss_scale, steps_at_scale: of gradients in fp16; None in other precisions.
    """

    header: Header
    truth_sha256: str
    step: int = Field(default=0, ge=0)
    evaluated_step: int = -1
    metric: Metric | None = None
    best_value: float = -1.0
    best_step: int = -1
    average_loss: float | None = None
    loss_scale: float | None = None
    steps_at_scale: int = 0


@dataclass
class Training:
    """What changes while training.

    Attributes:
        parallel: `network`, or what runs it in several processes and averages their gradients.
        scaler: of gradients in fp16; does nothing in other precisions.
    """

    network: nn.Module
    parallel: nn.Module
    average: MovingAverage
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    status: Status


def save_state(path: Path, training: Training) -> None:
    """Replace the previous state by this one, at once."""
    states = training.optimizer.state
    remembered = {
        f"optimizer.{key}.{name}": value
        for name, parameter in training.network.named_parameters()
        for key, value in states.get(parameter, {}).items()
        if value is not None
    }
    tensors = {
        **{f"network.{name}": tensor for name, tensor in training.network.state_dict().items()},
        **{f"average.{name}": tensor for name, tensor in training.average.network.state_dict().items()},
        **remembered,
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(plain, metadata={_HEADER_KEY: training.status.model_dump_json()}))


def read_state(path: Path) -> tuple[Status, dict[str, Tensor]]:
    """Raises `InputError` when it is not a whole state of ours."""
    if not path.is_file():
        raise InputError(f"RESUME=1: {path} does not exist; nothing was saved yet, start without RESUME")
    metadata, tensors = read_safetensors(path)
    if _HEADER_KEY not in metadata:
        raise InputError(f"{path}: not the state of a training")
    return parse_record_json(Status, metadata[_HEADER_KEY], source=f"{path}: header"), tensors


def restore_state(training: Training, tensors: dict[str, Tensor], *, source: str) -> None:
    """Put tensors of `read_state` back in their places."""
    load_strictly(training.network, _part(tensors, "network."), source=source)
    load_strictly(training.average.network, _part(tensors, "average."), source=source)
    parameters = dict(training.network.named_parameters())
    for place, tensor in _part(tensors, "optimizer.").items():
        key, _, name = place.partition(".")
        if name not in parameters or tensor.shape not in (parameters[name].shape, ()):
            raise InputError(f"{source}: {place} fits no parameter")
        # In the parameter's memory format; a count of steps has none.
        held = torch.empty_like(parameters[name]).copy_(tensor) if tensor.ndim else tensor
        training.optimizer.state[parameters[name]][key] = held
    if training.status.loss_scale is not None:
        scale = {"scale": training.status.loss_scale, "_growth_tracker": training.status.steps_at_scale}
        training.scaler.load_state_dict({**training.scaler.state_dict(), **scale})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
