"""`last/state.safetensors`: all that a training needs to go on with the same bits.

One file, so that a kill at any moment leaves the previous state or the new one, and safetensors, so that reading it
executes nothing.  Shuffling and augmentation follow from the recipe's seed and the step; they have no state to keep.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import Field
from safetensors.torch import save
from torch import Tensor, nn

from .atomic import atomic_file
from .checkpoint import Header, load_strictly, read_safetensors
from .ema import MovingAverage
from .errors import InputError
from .schema import Record, parse_record_json
from .tasks.evaluation import Metric

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
    """

    header: Header
    truth_sha256: str
    step: int = Field(default=0, ge=0)
    evaluated_step: int = -1
    metric: Metric | None = None
    best_value: float = -1.0
    best_step: int = -1
    average_loss: float | None = None


@dataclass
class Training:
    """What changes while training."""

    network: nn.Module
    average: MovingAverage
    optimizer: torch.optim.SGD
    status: Status


def save_state(path: Path, training: Training) -> None:
    """Replace the previous state by this one, at once."""
    states = training.optimizer.state
    momenta = {
        f"momentum.{name}": states[parameter]["momentum_buffer"]
        for name, parameter in training.network.named_parameters()
        if states[parameter].get("momentum_buffer") is not None
    }
    tensors = {
        **{f"network.{name}": tensor for name, tensor in training.network.state_dict().items()},
        **{f"average.{name}": tensor for name, tensor in training.average.network.state_dict().items()},
        **momenta,
        "rng": torch.get_rng_state(),
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
    for name, momentum in _part(tensors, "momentum.").items():
        if name not in parameters or parameters[name].shape != momentum.shape:
            raise InputError(f"{source}: momentum of {name} fits no parameter")
        place = torch.empty_like(parameters[name])  # in the parameter's memory format
        training.optimizer.state[parameters[name]]["momentum_buffer"] = place.copy_(momentum)
    torch.set_rng_state(tensors["rng"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
