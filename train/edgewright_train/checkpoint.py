"""Checkpoints: safetensors with a strict header, so that a file says which network, classes and anchors it holds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .atomic import atomic_file
from .errors import InputError
from .models import ARCHITECTURES, architecture, check_size
from .models.architecture import Architecture, Task
from .models.darknet_cfg import cfg_architecture
from .schema import Record, parse_record_json
from .vision.preprocess import Padding, Resize, check_padding

_HEADER_KEY = "edgewright"
_MAX_BYTES = 2 << 30

NonNegative = Annotated[int, Field(ge=0, lt=1 << 63)]
AnchorPx = tuple[Annotated[float, Field(gt=0, le=8192)], Annotated[float, Field(gt=0, le=8192)]]


class DarknetCfg(Record):
    """A network of darknet's, and what it takes to write its weights back as they were.

    Attributes:
        text: the file as it was read.
        bn_eps: added to the variance; 1e-5 in AlexeyAB's darknet.
        version, seen: of the header of the weights; `seen` counts images.
    """

    text: Annotated[str, Field(max_length=1 << 20)]
    bn_eps: Annotated[float, Field(gt=0, le=0.1)]
    version: tuple[NonNegative, NonNegative, NonNegative]
    seen: NonNegative


class Header(Record):
    """What a checkpoint is, beside its tensors.

    Attributes:
        content: the whole network, or its backbone alone, which only serves to start a training.
        labels: class names in the order of the network's class outputs; none for a backbone.
        multi_label: whether a classifier's image may show any number of classes, each judged alone.
        anchors_px: per stride, (w, h) at the network's input of `width` x `height` pixels; none where they are fixed.
        resize, padding: how images came to that size in its training, as `Preprocess` has them; ours stretches.
        darknet: the cfg that the network is built from; otherwise `model` names one of the zoo.
        origin: one line: the run or the foreign file it came from.
    """

    format_version: Literal[1] = 1
    model: str
    task: Task = "detect"
    content: Literal["network", "backbone"] = "network"
    labels: tuple[str, ...] = Field(max_length=65536)
    multi_label: bool = False
    anchors_px: tuple[tuple[AnchorPx, ...], ...]
    width: int = Field(ge=1, le=8192)
    height: int = Field(ge=1, le=8192)
    resize: Resize = "stretch"
    padding: Padding | None = None
    darknet: DarknetCfg | None = None
    origin: str = ""

    @property
    def architecture(self) -> Architecture:
        """Raises `InputError` when the model is none of ours, or does not do that task."""
        if self.darknet is None:
            return architecture(self.model, self.task)
        return cfg_architecture(
            self.darknet.text,
            source=f"{self.model}.cfg",
            bn_eps=self.darknet.bn_eps,
            width=self.width,
            height=self.height,
        )

    @property
    def name(self) -> str:
        """The model, and the task where the model has several: what folders are called."""
        several = self.darknet is None and len(ARCHITECTURES[self.model]) > 1
        return f"{self.model}-{self.task}" if several else self.model

    def check_size(self, width: int, height: int) -> None:
        """Raises `InputError` unless the network can run at that size."""
        check_size(self.model, self.architecture, width, height)

    @model_validator(mode="after")
    def _labels_fit_the_content(self) -> "Header":
        if (self.content == "network") != bool(self.labels):
            raise ValueError(f"labels: a {self.content} with {len(self.labels)} class names")
        if self.multi_label and self.task != "classify":
            raise ValueError(f"multi_label: only classifiers have it, the task is {self.task}")
        return self

    @model_validator(mode="after")
    def _pads_what_is_left(self) -> "Header":
        check_padding(self.resize, self.padding)
        return self


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights, in eval mode, and what the file said of it."""

    network: nn.Module
    header: Header


def save_checkpoint(path: Path, tensors: dict[str, Tensor], header: Header) -> None:
    """Write atomically.  The same tensors and header give the same bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    with atomic_file(path) as temporary:
        save_file(plain, temporary, metadata={_HEADER_KEY: header.model_dump_json()})


def load_checkpoint(path: Path) -> Checkpoint:
    """Raises `InputError` when the file is not ours, or its tensors are not those of the network it names."""
    header, tensors = read_tensors(path)
    if header.content != "network":
        raise InputError(f"{path}: holds only a {header.content}; train from it: `make train MODEL= WEIGHTS={path}`")
    arch = header.architecture
    header.check_size(header.width, header.height)
    expected_anchors = tuple(len(scale) for scale in arch.default_anchors_px)
    found_anchors = tuple(len(scale) for scale in header.anchors_px)
    if found_anchors != expected_anchors:
        raise InputError(f"{path}: anchors_px: {header.model} has {expected_anchors} per stride, got {found_anchors}")
    with torch.device("meta"):  # costs no memory: a header may claim any number of classes
        require_fit(arch.build(len(header.labels)), tensors, source=str(path))
    network = arch.build(len(header.labels))
    network.load_state_dict(tensors)
    return Checkpoint(network.eval(), header)


def read_tensors(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """Header and tensors as they are in the file; executes nothing."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; a checkpoint may have at most {_MAX_BYTES}")
    metadata, tensors = read_safetensors(path)
    if _HEADER_KEY not in metadata:
        raise InputError(
            f"{path}: has no edgewright header; bring foreign weights in with `make import MODEL= WEIGHTS={path} OUT=`"
        )
    return parse_record_json(Header, metadata[_HEADER_KEY], source=f"{path}: header"), tensors


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of an existing file.  Raises `InputError` when it is cut short or something else."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            return file.metadata() or {}, tensors
    except (SafetensorError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a whole safetensors file: {error}") from None


def load_strictly(network: nn.Module, tensors: dict[str, Tensor], *, source: str) -> None:
    """Load every tensor, by name and shape.  Raises `InputError` as `require_fit` does."""
    require_fit(network, tensors, source=source)
    network.load_state_dict(tensors)


def require_fit(network: nn.Module, tensors: dict[str, Tensor], *, source: str) -> None:
    """Raises `InputError` naming the first tensor that is missing, unknown, misshapen or not finite."""
    wanted = network.state_dict()
    problems = [f"missing tensor {name}" for name in wanted if name not in tensors]
    problems += [f"unknown tensor {name}" for name in tensors if name not in wanted]
    problems += [
        f"tensor {name} has shape {tuple(tensors[name].shape)}, the network needs {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    problems += [
        f"tensor {name} holds NaN or infinity"
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not torch.isfinite(tensor).all()
    ]
    if problems:
        more = f" (and {len(problems) - 1} more differences)" if len(problems) > 1 else ""
        raise InputError(f"{source}: {problems[0]}{more}")
