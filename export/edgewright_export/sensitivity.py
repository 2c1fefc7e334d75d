"""sensitivity-<target>-<precision>.json: what few bits do to each layer of a network, and how that was measured."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.evaluation import Metric
from edgewright_train.untrusted_file import read_at_most

from .image_records import DatasetRecord, ImageRecord
from .manifest import Fraction, Name, Precision, Sha256, SignedFraction, Target

GLOB = "sensitivity-*.json"
_MAX_BYTES = 16 << 20

LayerKind = Literal["conv", "depthwise", "grouped", "linear"]

Noise = Annotated[float, Field(ge=0)]


class LayerSensitivity(Record):
    """One layer in few bits, all others in float.

    Attributes:
        macs: multiplications per image.
        quantised: false where the target computes this layer in float in any case; its noise is 0.
        noise: power of the error of the network's outputs, as a fraction of theirs.
        sqnr_db: the same as signal to noise, in decibels; null without noise.
        loss: of the metric; null without labels, and where the layer is always float.
    """

    name: Name
    kind: LayerKind
    macs: int = Field(ge=0)
    weights: int = Field(ge=1)
    quantised: bool
    noise: Noise
    sqnr_db: float | None
    loss: SignedFraction | None


class Together(Record):
    """All layers in few bits that can be.

    Attributes:
        loss_low, loss_high: 95 % interval of the loss, by a paired bootstrap over the images.
    """

    noise: Noise
    sqnr_db: float | None
    loss: SignedFraction | None
    loss_low: SignedFraction | None
    loss_high: SignedFraction | None


class Sensitivity(Record):
    """See docs/quantisation.md.

    Attributes:
        method: of the ranges; null where only weights are in few bits, as `calibration_sha256`.
        width, height: of the network's input, pixels.
        images: on which it was measured; `sha256` as in calibration.json.
        metric, source_value: of the float network on these images; null without labels.
        layers: in the order of the graph.
    """

    format_version: Literal[1] = 1
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
    together: Together
    layers: tuple[LayerSensitivity, ...] = Field(min_length=1, max_length=65536)

    @model_validator(mode="after")
    def _has_losses_with_a_metric(self) -> "Sensitivity":
        given = [self.source_value, self.together.loss, self.together.loss_low, self.together.loss_high]
        if any((value is None) != (self.metric is None) for value in given):
            raise ValueError("metric, source_value and the loss of all layers: all of them, or none")
        for layer in self.layers:
            if (layer.loss is not None) != (layer.quantised and self.metric is not None):
                raise ValueError(f"layers: {layer.name}: loss must be given for quantised layers, with a metric")
        return self

    @property
    def summed_noise(self) -> float:
        """Of all layers alone: what shares are of."""
        return sum(layer.noise for layer in self.layers)

    @property
    def worst_first(self) -> list[LayerSensitivity]:
        """Without those that are always float."""
        return sorted((layer for layer in self.layers if layer.quantised), key=lambda layer: -layer.noise)


def file_name(target: Target, precision: Precision) -> str:
    return f"sensitivity-{target}-{precision}.json"


def read_sensitivity(path: Path) -> Sensitivity:
    """Raises `InputError` naming the field for anything but a whole file."""
    return parse_record_json(Sensitivity, read_at_most(path, _MAX_BYTES, "a sensitivity"), source=str(path))
