"""The detections in a picture, those that the source has not or has alone marked."""

import numpy as np

from edgewright_export.detection_parity import without_partner
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.detections import Detections, Suppression

from .overlay import Box, Frame, Verdict, overlay
from .scenes import Scene
from .seen import Seen


def see_detections(pack: Pack, scene: Scene, outputs: Outputs) -> Seen[tuple[Box, ...]]:
    """The detections found, and those of the source that are missing."""
    manifest = pack.manifest
    decode = manifest.decode
    assert isinstance(decode, Suppression)
    source, found = detect(scene.maps, decode), detect(outputs, decode)
    missing, extra = without_partner(scene.maps, outputs, decode, manifest.golden.tolerance)
    verdicts: list[Verdict] = ["extra" if is_extra else "same" for is_extra in extra]
    verdicts += ["missing"] * int(missing.sum())
    shown = Detections(
        np.concatenate([found.boxes_xyxy, source.boxes_xyxy[missing]]),
        np.concatenate([found.scores, source.scores[missing]]),
        np.concatenate([found.class_indices, source.class_indices[missing]]),
    )
    height, width = scene.image_bgr.shape[:2]
    in_picture = shown.to_source(manifest.input.preprocess.placement((width, height)))
    boxes = overlay(in_picture, manifest.labels, Frame.of(width, height), verdicts)
    num_different = int(missing.sum() + extra.sum())
    return Seen(
        drawing=boxes,
        found=f"{len(found)} found",
        difference=f"{num_different} different" if num_different else "",
        is_wrong=num_different > 0,
        description=", ".join(box.description for box in boxes) or "nothing found",
    )
