"""One graph for every target: captured at a fixed size, then rewritten (`rewrites/`) to what all of them run well."""

from typing import TYPE_CHECKING

import torch
from torch import fx, nn

from .rewrites import rewrite
from .rewrites.channel_shuffle import expand_channel_shuffles

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def capture(deployed: nn.Module, width: int, height: int) -> "ExportedProgram":
    """The graph that all converters start from.  Input `image` (1, 3, height, width) float32, normalised.

    `deployed` is left as it is, but for being put into `eval()` mode.
    """
    image = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        whole = torch.export.export(deployed.eval(), (image,))
        return torch.export.export(rewrite(runnable(whole)), (image,))


def runnable(exported: "ExportedProgram") -> fx.GraphModule:
    """The captured graph as a module that tools may call `eval()` on; `ExportedProgram.module()` forbids it."""
    module = exported.module(check_guards=False)
    for override in ("train", "eval"):
        vars(module).pop(override, None)
    assert isinstance(module, fx.GraphModule)
    return module


def without_channel_shuffles(exported: "ExportedProgram") -> fx.GraphModule:
    """`runnable`, for tools that know channel shuffles only as views and an exchange of axes."""
    module = runnable(exported)
    expand_channel_shuffles(module)
    module.recompile()
    return module
