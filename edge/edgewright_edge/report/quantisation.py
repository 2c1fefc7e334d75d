"""A model's packs in few bits: what was quantised, what it cost, and which layers few bits hurt."""

from dataclasses import dataclass

from edgewright_export.manifest import Accuracy, Manifest, Quantisation, Target
from edgewright_export.pack import Pack

from .packs import CheckedPack, PackGroup
from .sensitivity import SensitivityPart, read_sensitivities


@dataclass(frozen=True)
class QuantisedRow:
    """A pack in the table; empty texts where something is unknown or does not apply."""

    target: Target
    precision: str
    layers: str
    num_float: int
    float_layers: str
    method: str
    cosine: str
    metric: str
    value: str
    loss: str
    interval: str
    is_inside: bool
    size: str
    size_change: str


@dataclass(frozen=True)
class QuantisedPart:
    """Everything the template shows of a group in few bits.

    Attributes:
        problems: why a sensitivity is not shown.
        without_sensitivity: targets whose packs are in few bits.
    """

    rows: tuple[QuantisedRow, ...]
    sensitivities: tuple[SensitivityPart, ...]
    problems: tuple[str, ...]
    without_sensitivity: tuple[Target, ...]


def quantised_part(group: PackGroup) -> QuantisedPart | None:
    """None where nothing is in few bits and no sensitivity was measured."""
    quantised = [(checked, made) for checked in group.packs if (made := checked.pack.manifest.quantisation)]
    sensitivities, problems = read_sensitivities(group)
    if not (quantised or sensitivities or problems):
        return None
    measured = {sensitivity.target for sensitivity in sensitivities}
    targets = dict.fromkeys(checked.pack.manifest.target for checked, _ in quantised)
    return QuantisedPart(
        rows=tuple(_row(checked, made, group) for checked, made in quantised),
        sensitivities=tuple(sensitivities),
        problems=tuple(problems),
        without_sensitivity=tuple(target for target in targets if target not in measured),
    )


def _row(checked: CheckedPack, made: Quantisation, group: PackGroup) -> QuantisedRow:
    pack, manifest = checked.pack, checked.pack.manifest
    accuracy = manifest.accuracy
    return QuantisedRow(
        target=manifest.target,
        precision=manifest.precision,
        layers=f"{made.num_layers} of {made.num_layers + len(made.float_layers)}",
        num_float=len(made.float_layers),
        float_layers=", ".join(made.float_layers),
        method=made.method or "",
        cosine=f"{made.float_cosine:.4f}",
        metric=accuracy.metric if accuracy else "",
        value=f"{accuracy.value:.4f}" if accuracy else "",
        loss=f"{accuracy.source_value - accuracy.value:+.4f}" if accuracy else "",
        interval=_interval(accuracy) if accuracy else "",
        is_inside=_is_inside(manifest),
        size=f"{pack.size_bytes / 1000:,.0f} kB",
        size_change=_size_change(pack, group),
    )


def _interval(accuracy: Accuracy) -> str:
    parts = []
    if accuracy.loss_low is not None and accuracy.loss_high is not None:
        parts.append(f"95 %: {accuracy.loss_low:+.4f} to {accuracy.loss_high:+.4f}")
    parts.append(f"budget {accuracy.budget:g}" if accuracy.budget is not None else "any loss accepted")
    return "; ".join(parts)


def _is_inside(manifest: Manifest) -> bool:
    accuracy = manifest.accuracy
    return (
        accuracy is not None
        and accuracy.budget is not None
        and accuracy.source_value - accuracy.value <= accuracy.budget
    )


def _size_change(pack: Pack, group: PackGroup) -> str:
    """Against fp32 for the same target, if it is there."""
    for other in group.packs:
        if other.pack.manifest.target == pack.manifest.target and other.pack.manifest.precision == "fp32":
            return f"{pack.size_bytes / other.pack.size_bytes:.0%} of fp32"
    return ""
