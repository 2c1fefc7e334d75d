"""Starting a training from a checkpoint: whole, its backbone alone, or all that fits."""

from pathlib import Path

import torch
from torch import nn

from ..checkpoint import DarknetCfg, Header, read_tensors, require_fit
from ..errors import InputError

_MOST_NAMES = 4  # of tensors that did not fit; more would hide the sentence


def start_from(network: nn.Module, own: Header, path: Path) -> tuple[Header, str]:
    """Load into `network`, which `own` describes, what fits by name and shape.

    Returns the header to go on with, which has the anchors of the checkpoint where it has any, and a sentence saying
    what was loaded and what not.  The checkpoint must be of the same model, or both of a darknet cfg; it may have
    other classes, or be for another task.  A file that does not hold what it claims is an `InputError`.
    """
    header, tensors = read_tensors(path)
    if header.model != own.model and not (header.darknet and own.darknet):
        raise InputError(f"WEIGHTS={path}: holds {header.model}, the training is of {own.model}")
    wanted = network.state_dict()
    if header.content == "backbone":
        rest = {name: tensor for name, tensor in wanted.items() if not name.startswith("backbone.")}
        require_fit(network, tensors | rest, source=f"WEIGHTS={path}")
    else:
        with torch.device("meta"):  # costs no memory: a header may claim any number of classes
            require_fit(header.architecture.build(len(header.labels)), tensors, source=f"WEIGHTS={path}")
    fitting = {name: tensors[name] for name in wanted if name in tensors and tensors[name].shape == wanted[name].shape}
    if not fitting:
        raise InputError(f"WEIGHTS={path}: none of its tensors fits {own.model} for the task {own.task}")
    left = [name for name in wanted if name not in fitting]
    network.load_state_dict(wanted | fitting)
    used = own.model_copy(update={"anchors_px": header.anchors_px if header.task == own.task else own.anchors_px})
    if own.darknet and header.darknet:
        used = used.model_copy(update={"darknet": _with_epsilon(network, own.darknet, header.darknet.bn_eps)})
    return used, _said(path, header, own, len(wanted), left)


def _with_epsilon(network: nn.Module, darknet: DarknetCfg, bn_eps: float) -> DarknetCfg:
    """Weights of another engine than AlexeyAB's mean their own epsilon."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = bn_eps
    return darknet.model_copy(update={"bn_eps": bn_eps})


def _said(path: Path, header: Header, own: Header, total: int, left: list[str]) -> str:
    loaded = f"{path}: loaded {total - len(left)} of {total} tensors"
    if header.content == "backbone":
        return f"{loaded}, the backbone; the rest starts at random"
    if left:
        more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
        names = f"{', '.join(left[:_MOST_NAMES])}{more} start at random"
        if header.task != own.task:
            return f"{loaded}; it is for the task {header.task}: {names}"
        return f"{loaded}; it has {len(header.labels)} classes, the data {len(own.labels)}: {names}"
    if header.labels != own.labels:
        return f"{loaded}; the data's {len(own.labels)} class names take the place of its own"
    return loaded
