"""What few bits do to each layer, as `make sensitivity` wrote it: the file, its worst layers, a map of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from edgewright_export.manifest import Fraction, Name, Precision, Sha256, SignedFraction, Target
from edgewright_train.errors import InputError
from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.evaluation import Metric
from edgewright_train.untrusted_file import read_at_most

from .report_heat_map import Cell, HeatMap, heat_map
from .report_packs import PackGroup

_MAX_BYTES = 16 << 20
_NUM_WORST = 10

Noise = Annotated[float, Field(ge=0)]


class LayerRecord(Record):
    """`noise`: of the network's outputs with this layer alone in few bits; `quantised` false: always float."""

    name: Name
    kind: Literal["conv", "depthwise", "grouped", "linear"]
    macs: int = Field(ge=0)
    weights: int = Field(ge=1)
    quantised: bool
    noise: Noise
    sqnr_db: float | None
    loss: SignedFraction | None


class TogetherRecord(Record):
    """With all layers in few bits; `loss_low`, `loss_high`: 95 % interval."""

    noise: Noise
    sqnr_db: float | None
    loss: SignedFraction | None
    loss_low: SignedFraction | None
    loss_high: SignedFraction | None


class ImageRecord(Record):
    name: str
    sha256: Sha256


class DatasetRecord(Record):
    name: Name
    sha256: Sha256
    split: str | None


class SensitivityRecord(Record):
    """build/<model>/sensitivity-<target>.json; docs/quantisation.md has the fields."""

    format_version: Literal[1]
    model: Name
    task: Task
    target: Target
    precision: Precision
    method: Name | None
    checkpoint_sha256: Sha256
    calibration_sha256: Sha256 | None
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    dataset: DatasetRecord
    images: tuple[ImageRecord, ...] = Field(min_length=1)
    metric: Metric | None
    source_value: Fraction | None
    tools: dict[str, str]
    together: TogetherRecord
    layers: tuple[LayerRecord, ...] = Field(min_length=1, max_length=65536)


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
class Sensitivity:
    """One target's.

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


def read_sensitivities(group: PackGroup) -> tuple[list[Sensitivity], list[str]]:
    """Those beside the packs of `group`, and why others there are not shown."""
    found, problems = [], []
    for path in sorted(group.first.path.resolve().parent.glob("sensitivity-*.json")):
        try:
            record = parse_record_json(
                SensitivityRecord, read_at_most(path, _MAX_BYTES, "a sensitivity"), source=str(path)
            )
        except InputError as error:
            problems.append(str(error))
            continue
        if _is_of(record, group):
            found.append(_sensitivity(record, group.name))
        else:
            problems.append(f"{path.name} is of another checkpoint or input size; make sensitivity makes it again")
    return found, problems


def _is_of(record: SensitivityRecord, group: PackGroup) -> bool:
    manifest = group.first.manifest
    size = manifest.input.preprocess
    made_of = (manifest.provenance.checkpoint_sha256, size.width, size.height)
    return (record.checkpoint_sha256, record.width, record.height) == made_of


def _sensitivity(record: SensitivityRecord, model: str) -> Sensitivity:
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
    return Sensitivity(
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


def _worst(rank: int, layer: LayerRecord, share: float, largest: float) -> WorstLayer:
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


def _described(at: int, layer: LayerRecord, share: float, metric: Metric | None) -> str:
    text = f"layer {at + 1}, {layer.name}, {layer.kind}: "
    if not layer.quantised:
        return text + "always float"
    text += f"{share:.1%} of the error"
    text += f", SQNR {layer.sqnr_db:.1f} dB" if layer.sqnr_db is not None else ""
    return text + (f", loses {layer.loss:+.4f} of {metric}" if layer.loss is not None else "")


def _together(record: SensitivityRecord) -> Iterator[str]:
    whole = record.together
    yield f"noise {whole.noise:.4f}"
    if whole.sqnr_db is not None:
        yield f"SQNR {whole.sqnr_db:.1f} dB"
    if whole.loss is not None:
        between = f" [{whole.loss_low:+.4f}, {whole.loss_high:+.4f}]" if whole.loss_low is not None else ""
        of = f" of {record.metric} {record.source_value:.4f}" if record.source_value is not None else ""
        yield f"loses {whole.loss:+.4f}{between}{of}"
