"""The network that a recipe names: one of the zoo, or a darknet cfg."""

from pathlib import Path

from ..checkpoint import Header
from ..darknet.cfg import read_cfg
from ..darknet.network import DEFAULT_BN_EPS
from ..darknet.plan import Plan, plan_network
from ..darknet.weights_header import WeightsHeader
from ..errors import InputError
from ..models import architecture
from ..models.architecture import Architecture, Task
from ..models.darknet_cfg import cfg_architecture
from ..new_network import cfg_header

SizeWh = tuple[int, int]


def find_architecture(model: str, cfg: str, task: Task | None, size_wh: SizeWh | None = None) -> Architecture:
    """Exactly one of `model` and `cfg` is not empty.  A cfg is planned at `size_wh`, else at its own size."""
    if bool(model) == bool(cfg):
        both = f"MODEL={model} and CFG={cfg} both name the network" if model else "MODEL= or CFG= is needed"
        raise InputError(f"{both}; give one, for example MODEL=yolo-fastestv2")
    if model:
        return architecture(model, task)
    plan = _plan(cfg, size_wh)
    arch = cfg_architecture(
        plan.cfg.text, source=cfg, bn_eps=DEFAULT_BN_EPS, width=plan.image.width, height=plan.image.height
    )
    if task not in (None, arch.task):
        raise InputError(f"TASK={task}: {cfg} is a network for the task {arch.task}")
    return arch


def new_header(model: str, cfg: str, task: Task, *, labels: tuple[str, ...], size_wh: SizeWh) -> Header:
    """Of a network that is about to be trained."""
    if cfg:
        return cfg_header(Path(cfg), _plan(cfg, size_wh), DEFAULT_BN_EPS, labels, WeightsHeader())
    anchors = architecture(model, task).default_anchors_px
    return Header(model=model, task=task, labels=labels, anchors_px=anchors, width=size_wh[0], height=size_wh[1])


def _plan(cfg: str, size_wh: SizeWh | None) -> Plan:
    width, height = size_wh or (None, None)
    return plan_network(read_cfg(Path(cfg)), width=width, height=height)
