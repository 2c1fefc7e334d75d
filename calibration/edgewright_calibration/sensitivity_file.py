"""From what was measured to the file that says so (`edgewright_export.sensitivity`)."""

from collections.abc import Sequence
from pathlib import Path

from edgewright_export.image_records import DatasetRecord, ImageRecord
from edgewright_export.manifest import Precision, Target
from edgewright_export.sensitivity import LayerSensitivity, Sensitivity, Together
from edgewright_train.atomic import atomic_file
from edgewright_train.data.dataset import Dataset

from .layer_losses import LayerLoss, Measured, Picture
from .material import Material
from .precisions import ACTIVATIONS
from .ranges import Ranges
from .sensitivity import decibels


def sensitivity_of(
    material: Material,
    measured: Measured,
    pictures: Sequence[Picture],
    *,
    target: Target,
    precision: Precision,
    ranges: Ranges,
    dataset: Dataset,
    split: str | None,
) -> Sensitivity:
    """`dataset`, `split`: that the pictures are from."""
    header, source, loss = material.source.checkpoint.header, measured.source, measured.loss
    has_ranges = precision in ACTIVATIONS
    return Sensitivity(
        model=header.model,
        task=header.task,
        target=target,
        precision=precision,
        method=ranges.method if has_ranges else None,
        checkpoint_sha256=material.source.digest,
        calibration_sha256=material.calibration.digest if has_ranges else None,
        width=header.width,
        height=header.height,
        dataset=DatasetRecord(name=dataset.name, sha256=dataset.fingerprint, split=split),
        images=tuple(ImageRecord(name=each.identity.name, sha256=each.identity.sha256) for each in pictures),
        metric=source.metric if source else None,
        source_value=source.value() if source else None,
        tools=material.calibration.tools,
        together=Together(
            noise=measured.noise,
            sqnr_db=_sqnr_db(measured.noise),
            loss=loss.value if loss else None,
            loss_low=loss.low if loss else None,
            loss_high=loss.high if loss else None,
        ),
        layers=tuple(_layer(each) for each in measured.layers),
    )


def _layer(found: LayerLoss) -> LayerSensitivity:
    layer, noise = found.error.layer, found.error.noise
    return LayerSensitivity(
        name=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        weights=layer.weight.numel(),
        quantised=found.quantised,
        noise=noise,
        sqnr_db=_sqnr_db(noise),
        loss=found.loss,
    )


def _sqnr_db(noise: float) -> float | None:
    return decibels(noise) if noise > 0 else None


def write_sensitivity(path: Path, sensitivity: Sensitivity) -> None:
    """Atomically; the same sensitivity gives the same bytes."""
    with atomic_file(path) as temporary:
        temporary.write_text(sensitivity.model_dump_json(indent=1) + "\n")
