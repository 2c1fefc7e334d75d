"""One graph for every target: captured at a fixed size, then rewritten (`rewrites/`) to what all of them run well."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import fx, nn

from .rewrites import rewrite
from .rewrites.channel_shuffle import expand_channel_shuffles

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_REWRITES = "rewrites"


def capture(deployed: nn.Module, width: int, height: int) -> "ExportedProgram":
    """The graph that all converters start from.  Input `image` (1, 3, height, width) float32, normalised.

    `deployed` is left as it is, but for being put into `eval()` mode.
    """
    image = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        whole = torch.export.export(deployed.eval(), (image,))
        rewritten, changed = rewrite(runnable(whole))
        exported = torch.export.export(rewritten, (image,))
    exported.graph_module.meta[_REWRITES] = changed
    return exported


def save_graph(exported: "ExportedProgram", path: Path) -> None:
    """What `capture` gave, with the names of its rewrites."""
    torch.export.save(exported, path, extra_files={_REWRITES: ",".join(exported.graph_module.meta[_REWRITES])})


def load_graph(path: Path) -> tuple["ExportedProgram", tuple[str, ...]]:
    """A graph that `save_graph` wrote, and what changed it from the network that was captured, by name."""
    names = {_REWRITES: ""}
    exported = torch.export.load(path, extra_files=names)
    return exported, tuple(name for name in names[_REWRITES].split(",") if name)


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
