"""What few bits do to each layer, as `make sensitivity` wrote it: the file, its worst layers, a map of all."""

from collections.abc import Iterator
from dataclasses import dataclass

from edgewright_export.manifest import Target
from edgewright_export.sensitivity import GLOB, LayerSensitivity, Sensitivity, read_sensitivity
from edgewright_train.errors import InputError
from edgewright_train.tasks.evaluation import Metric

from .heat_map import Cell, HeatMap, heat_map
from .packs import PackGroup

_NUM_WORST = 10


@dataclass(frozen=True)
class WorstLayer:
    """A row of the table; `share_of_worst` is what its bar shows, 0 to 1."""

    rank: int
    name: str
    kind: str
    share: str
    share_of_worst: float
    sqnr_db: str
    loss: str
    million_macs: str


@dataclass(frozen=True)
class SensitivityPart:
    """One target's in one precision.

    Attributes:
        title: target, precision and method.
        images: what it was measured on.
        together: what all layers in few bits come to.
        metric: empty without labels.
        next_step: a command.
    """

    target: Target
    title: str
    images: str
    together: str
    metric: str
    worst: tuple[WorstLayer, ...]
    drawing: HeatMap
    next_step: str


def read_sensitivities(group: PackGroup) -> tuple[list[SensitivityPart], list[str]]:
    """Those beside the packs of `group`, and why others there are not shown."""
    found, problems = [], []
    for path in sorted(group.first.path.resolve().parent.glob(GLOB)):
        try:
            record = read_sensitivity(path)
        except InputError as error:
            problems.append(str(error))
            continue
        if _is_of(record, group):
            found.append(_part(record, group.name))
        else:
            problems.append(f"{path.name} is of another checkpoint or input size; make sensitivity makes it again")
    return found, problems


def _is_of(record: Sensitivity, group: PackGroup) -> bool:
    manifest = group.first.manifest
    size = manifest.input.preprocess
    made_of = (manifest.provenance.checkpoint_sha256, size.width, size.height)
    return (record.checkpoint_sha256, record.width, record.height) == made_of


def _part(record: Sensitivity, model: str) -> SensitivityPart:
    order = sorted(
        (index for index, layer in enumerate(record.layers) if layer.noise > 0),
        key=lambda index: -record.layers[index].noise,
    )[:_NUM_WORST]
    ranks = {index: rank for rank, index in enumerate(order, start=1)}
    total = sum(layer.noise for layer in record.layers) or 1.0
    shares = [layer.noise / total for layer in record.layers]
    method = f" by {record.method}" if record.method else ""
    cells = [
        Cell(shares[at] if layer.quantised else None, ranks.get(at), _described(at, layer, shares[at], record.metric))
        for at, layer in enumerate(record.layers)
    ]
    worst_names = ", ".join(record.layers[at].name for at in order[:3])
    return SensitivityPart(
        target=record.target,
        title=f"{record.target}, {record.precision}{method}",
        images=f"{len(record.images)} images of {record.dataset.name}",
        together=", ".join(_together(record)),
        metric=record.metric or "",
        worst=tuple(_worst(ranks[at], record.layers[at], shares[at], shares[order[0]]) for at in order),
        drawing=heat_map(cells, description=f"{len(cells)} layers of {model} in order; worst: {worst_names}"),
        next_step=f"make export TARGET={record.target} PRECISION={record.precision} FLOAT={worst_names}".replace(
            ", ", ","
        ),
    )


def _worst(rank: int, layer: LayerSensitivity, share: float, largest: float) -> WorstLayer:
    return WorstLayer(
        rank=rank,
        name=layer.name,
        kind=layer.kind,
        share=f"{share:.1%}",
        share_of_worst=share / largest,
        sqnr_db="–" if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}",
        loss="–" if layer.loss is None else f"{layer.loss:+.4f}",
        million_macs=f"{layer.macs / 1e6:,.2f}",
    )


def _described(at: int, layer: LayerSensitivity, share: float, metric: Metric | None) -> str:
    text = f"layer {at + 1}, {layer.name}, {layer.kind}: "
    if not layer.quantised:
        return text + "always float"
    text += f"{share:.1%} of the error"
    text += f", SQNR {layer.sqnr_db:.1f} dB" if layer.sqnr_db is not None else ""
    return text + (f", loses {layer.loss:+.4f} of {metric}" if layer.loss is not None else "")


def _together(record: Sensitivity) -> Iterator[str]:
    whole = record.together
    yield f"noise {whole.noise:.4f}"
    if whole.sqnr_db is not None:
        yield f"SQNR {whole.sqnr_db:.1f} dB"
    if whole.loss is not None:
        between = f" [{whole.loss_low:+.4f}, {whole.loss_high:+.4f}]" if whole.loss_low is not None else ""
        of = f" of {record.metric} {record.source_value:.4f}" if record.source_value is not None else ""
        yield f"loses {whole.loss:+.4f}{between}{of}"
