"""Starting a training from a checkpoint: whole, its backbone alone, or all but the classes."""

from pathlib import Path

from torch import nn

from .checkpoint import Header, load_strictly, read_tensors
from .errors import InputError
from .models import architecture


def start_from(network: nn.Module, model: str, labels: tuple[str, ...], path: Path) -> tuple[Header, str]:
    """Load into `network` what fits; the checkpoint's header, and a sentence saying what was loaded and what not.

    A backbone fills the backbone.  A checkpoint with another number of classes fills all but the class output.
    Any other difference is an `InputError`.
    """
    header, tensors = read_tensors(path)
    if header.model != model:
        raise InputError(f"WEIGHTS={path}: holds {header.model}, the training is of {model}")
    own = network.state_dict()
    if header.content == "backbone":
        left = [name for name in own if not name.startswith("backbone.")]
    else:
        load_strictly(architecture(model).build(len(header.labels)), tensors, source=f"WEIGHTS={path}")
        left = [name for name in own if own[name].shape != tensors[name].shape]
    load_strictly(network, tensors | {name: own[name] for name in left}, source=f"WEIGHTS={path}")
    return header, _said(path, header, labels, len(own), left)


def _said(path: Path, header: Header, labels: tuple[str, ...], total: int, left: list[str]) -> str:
    loaded = f"{path}: loaded {total - len(left)} of {total} tensors"
    if header.content == "backbone":
        return f"{loaded}, the backbone; the rest starts at random"
    if left:
        return (
            f"{loaded}; it has {len(header.labels)} classes, the data {len(labels)}: {', '.join(left)} start at random"
        )
    if header.labels != labels:
        return f"{loaded}; the data's {len(labels)} class names take the place of its own"
    return loaded
