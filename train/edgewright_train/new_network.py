"""Networks that nobody trained yet, as checkpoints: from the zoo by name, or from a darknet cfg."""

from pathlib import Path

from .checkpoint import Checkpoint, DarknetCfg, Header
from .darknet.cfg import read_cfg
from .darknet.network import DEFAULT_BN_EPS
from .errors import InputError
from .labels import labels_without_names
from .models import architecture
from .models.architecture import Task


def untrained(model: str, task: Task | None, *, num_classes: int | None = None) -> Checkpoint:
    """With random weights, of torch's generator, and by default as many classes as the published ones have."""
    arch = architecture(model, task)
    if num_classes is not None and not 1 <= num_classes <= 65536:
        raise InputError(f"number of classes: {num_classes}; give 1 to 65536")
    count = arch.default_num_classes if num_classes is None else num_classes
    width, height = arch.default_size_wh
    network = arch.build(count)
    arch.initialise(network)
    header = Header(
        model=model,
        task=arch.task,
        labels=labels_without_names(count, arch.task)[0],
        anchors_px=arch.default_anchors_px,
        width=width,
        height=height,
        origin="untrained",
    )
    return Checkpoint(network.eval(), header)


def untrained_cfg(cfg: Path, *, size_wh: tuple[int, int] | None = None, bn_eps: float = DEFAULT_BN_EPS) -> Checkpoint:
    """What a cfg describes, at its own size or another, with random weights; its warnings are the caller's to show."""
    parsed = read_cfg(cfg)
    width, height = size_wh or (parsed.net.width, parsed.net.height)
    header = cfg_header(cfg, parsed.text, (width, height), bn_eps)
    return Checkpoint(header.architecture.build(len(header.labels)).eval(), header)


def cfg_header(cfg: Path, text: str, size_wh: tuple[int, int], bn_eps: float, labels: tuple[str, ...] = ()) -> Header:
    """Without `labels`, the usual names for that many classes."""
    width, height = size_wh
    header = Header(
        model=cfg.stem,
        labels=labels or ("unnamed",),
        anchors_px=(),
        width=width,
        height=height,
        darknet=DarknetCfg(text=text, bn_eps=bn_eps),
        origin=f"{cfg.name}, untrained",
    )
    arch = header.architecture
    names = labels or labels_without_names(arch.default_num_classes, arch.task)[0]
    return header.model_copy(update={"task": arch.task, "labels": names})
