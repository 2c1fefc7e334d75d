"""One graph for every target: the deployed form, batch norm folded, linear convolutions merged, then captured once."""

import copy
from typing import TYPE_CHECKING

import torch
from torch import fx
from torch.fx.experimental.optimization import fuse

from edgewright_train.checkpoint import Checkpoint
from edgewright_train.models import architecture

from .merge_linear import merge_linear_convolutions

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def capture(checkpoint: Checkpoint, width: int, height: int) -> "ExportedProgram":
    """The graph that all converters start from.  Input `image` (1, 3, height, width) float32, normalised."""
    deployed = architecture(checkpoint.header.model).deploy(copy.deepcopy(checkpoint.network)).eval()
    with torch.no_grad():
        folded = fuse(deployed)
        assert isinstance(folded, fx.GraphModule)
        return torch.export.export(merge_linear_convolutions(folded), (torch.zeros(1, 3, height, width),))


def runnable(exported: "ExportedProgram") -> fx.GraphModule:
    """The captured graph as a module that tools may call `eval()` on; `ExportedProgram.module()` forbids it."""
    module = exported.module()
    for override in ("train", "eval"):
        vars(module).pop(override, None)
    assert isinstance(module, fx.GraphModule)
    return module
