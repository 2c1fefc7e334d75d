"""The classes a classifier gives a picture, each beside the source's probability."""

from dataclasses import dataclass

import numpy as np

from edgewright_export.class_parity import compare_classification
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack
from edgewright_train.tasks.classify.decode import ClassifyDecode, classify

from .scenes import Scene
from .seen import Seen

_NUM_SHOWN = 5
_MOST_DIFFERENT = 3  # shown besides the best ones


@dataclass(frozen=True)
class ClassBar:
    """One class; `source`: its probability there.  `differs`: by more than the pack's tolerance."""

    label: str
    probability: float
    source: float
    differs: bool


def see_classes(pack: Pack, scene: Scene, outputs: Outputs) -> Seen[tuple[ClassBar, ...]]:
    """The five most probable classes, then those that differ most from the source, outside the tolerance."""
    manifest = pack.manifest
    decode, tolerance = manifest.decode, manifest.golden.tolerance
    assert isinstance(decode, ClassifyDecode)
    ours, theirs = classify(scene.maps, decode), classify(outputs, decode)
    _, _, problem = compare_classification(scene.maps, outputs, decode, tolerance)
    distances = np.abs(ours.probabilities - theirs.probabilities)
    differs = distances > tolerance.max_score_diff
    shown = theirs.top(_NUM_SHOWN)
    others = [int(index) for index in np.argsort(-distances, kind="stable") if differs[index] and index not in shown]
    bars = tuple(
        ClassBar(
            manifest.labels[index],
            float(theirs.probabilities[index]),
            float(ours.probabilities[index]),
            bool(differs[index]),
        )
        for index in [*shown, *others[:_MOST_DIFFERENT]]
    )
    return Seen(
        drawing=bars,
        found=bars[0].label,
        difference=_difference(int(differs.sum()), problem),
        is_wrong=bool(problem),
        description=", ".join(f"{bar.label} {bar.probability:.3f}" for bar in bars),
    )


def _difference(count: int, problem: str) -> str:
    if count:
        return "1 class differs" if count == 1 else f"{count:,} classes differ"
    return "another best class" if problem else ""
