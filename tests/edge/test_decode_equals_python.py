"""The C++ core makes of any outputs what Python makes of them, bit for bit, for every kind of decode.

Cases are drawn at random: sizes, strides, anchors, classes, thresholds (0, 1 and scores that occur among them) and the
outputs themselves, with ties and with values that overflow an exponential.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import drive
from numpy.typing import NDArray
from small_pack import KINDS, write_ncnn_pack

from edgewright_export.manifest import Manifest
from edgewright_export.pack import MANIFEST
from edgewright_train.tasks.classify.decode import Classification
from edgewright_train.tasks.decode import decode_outputs, scaled_to_source
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.detections import Detections

NUM_CASES = 40
Rng = np.random.Generator
Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Case:
    """`decode` without its kind; `shapes` of the outputs by name."""

    size_wh: tuple[int, int]
    num_classes: int
    decode: dict[str, Any]
    shapes: dict[str, tuple[int, int, int]]
    resize: dict[str, Any] = field(default_factory=dict)  # fields of the pre-processing that are not the template's


def _pairs(rng: Rng, low: float, high: float) -> list[list[float]]:
    return rng.uniform(low, high, (int(rng.integers(1, 4)), 2)).tolist()


def _suppression(rng: Rng) -> dict[str, Any]:
    return {
        "score_threshold": float(rng.choice([0.0, 0.001, 0.25, 0.5, 0.999])),
        "iou_threshold": float(rng.choice([0.0, 0.45, 1.0])),
        "max_detections": int(rng.choice([1, 20, 300, 10000])),
    }


def _yolo_case(rng: Rng, num_channels: Callable[[int, int], int], **extra: Callable[[], object]) -> Case:
    """Two grids; `num_channels(anchors, classes)`."""
    grids = [(int(rng.integers(1, 14)), int(rng.integers(1, 10)), stride) for stride in (8, 13)]
    size_wh = tuple(
        max(side) for side in zip(*(((w * s + s // 2), (h * s + s // 2)) for w, h, s in grids), strict=True)
    )
    num_classes = int(rng.integers(1, 7))
    scales = [
        {"output": f"stride{stride}", "stride": stride, "anchors_px": _pairs(rng, 0.5, 90.0)}
        | {name: draw() for name, draw in extra.items()}
        for _, _, stride in grids
    ]
    shapes = {
        scale["output"]: (
            num_channels(len(scale["anchors_px"]), num_classes),
            size_wh[1] // scale["stride"],
            size_wh[0] // scale["stride"],
        )
        for scale in scales
    }
    return Case(size_wh, num_classes, {**_suppression(rng), "scales": scales}, shapes)


def _ssd_case(rng: Rng) -> Case:
    width, height, num_classes = int(rng.integers(40, 200)), int(rng.integers(40, 200)), int(rng.integers(1, 7))
    scales, shapes = [], {}
    for name in ("fine", "coarse"):
        grid_w, grid_h = int(rng.integers(1, 10)), int(rng.integers(1, 10))
        priors = _pairs(rng, 0.01, 1.0)
        stride_wh = (width / grid_w * rng.uniform(0.8, 1.2), height / grid_h)  # some centres leave the input
        scales.append({"output": name, "stride_wh": stride_wh, "priors_wh": priors})
        shapes[name] = (len(priors) * (4 + num_classes + 1), grid_h, grid_w)
    decode = {**_suppression(rng), "width": width, "height": height, "scales": scales}
    return Case((width, height), num_classes, decode, shapes)


def _draw(kind: str, rng: Rng) -> Case:
    if kind == "yolo-fastestv2":
        return _yolo_case(rng, lambda anchors, classes: 5 * anchors + classes)
    if kind == "yolo":
        new_coords = bool(rng.integers(2))
        return _yolo_case(
            rng,
            lambda anchors, classes: anchors * (5 + classes),
            scale_x_y=lambda: float(rng.choice([1.0, 1.05, 2.0])),
            new_coords=lambda: new_coords,
        )
    if kind == "ssd":
        return _ssd_case(rng)
    if kind == "classify":
        count, activation = int(rng.choice([1, 2, 7, 80, 1000])), str(rng.choice(["softmax", "sigmoid"]))
        return Case((64, 32), count, {"output": "x", "activation": activation}, {"x": (count, 1, 1)})
    count = int(rng.choice([1, 2, 21, 300]))
    return Case((64, 32), count, {"output": "x"}, {"x": (count, int(rng.integers(1, 40)), int(rng.integers(1, 40)))})


def _maps(kind: str, case: Case, rng: Rng) -> Maps:
    activated = kind == "yolo-fastestv2" or (kind == "yolo" and case.decode["scales"][0]["new_coords"])
    spread = np.float32(rng.choice([0.5, 3.0, 30.0, 300.0]))
    maps = {}
    for name, shape in case.shapes.items():
        values = rng.random(shape, np.float32) if activated else rng.standard_normal(shape, np.float32) * spread
        maps[name] = np.round(values * 4) / np.float32(4) if rng.integers(3) == 0 else values
    return maps


def _manifest(template: dict[str, Any], kind: str, case: Case) -> dict[str, Any]:
    outputs = [{"name": name, "layout": "nchw", "shape": shape} for name, shape in case.shapes.items()]
    width, height = case.size_wh
    preprocess = {**template["input"]["preprocess"], "width": width, "height": height, **case.resize}
    return {
        **template,
        "input": {**template["input"], "preprocess": preprocess},
        "outputs": outputs,
        "decode": {"kind": kind, **case.decode},
        "labels": [f"class {index}" for index in range(case.num_classes)],
    }


def _with_a_score_that_occurs(document: dict[str, Any], maps: Maps, rng: Rng) -> None:
    """The comparison with the threshold must be exact on both sides of the border."""
    manifest = Manifest.model_validate_json(json.dumps(document))
    scores = detect(maps, manifest.decode, score_threshold=0.0, iou_threshold=1.0).scores  # type: ignore[arg-type]
    if len(scores):
        score = rng.choice(scores)
        document["decode"]["score_threshold"] = float(rng.choice([score, np.nextafter(score, np.float32(0))]))


def _bytes(result: object) -> bytes:
    """As edge_driver writes it."""
    if isinstance(result, Detections):
        classes = result.class_indices.astype(np.float32)
        return np.column_stack((result.boxes_xyxy, result.scores, classes)).astype(np.float32).tobytes()
    return result.probabilities.tobytes() if isinstance(result, Classification) else result.labels.tobytes()


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")  # on purpose
@pytest.mark.parametrize("kind", KINDS)
def test_random_outputs_decode_to_the_same_bits(driver: Path, kind: str, tmp_path: Path) -> None:
    template = json.loads((write_ncnn_pack(tmp_path / "pack", kind=kind) / MANIFEST).read_text())
    file, num_told = tmp_path / "manifest.json", 0
    for seed in range(NUM_CASES):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        case = _draw(kind, rng)
        if seed % 3 == 0:
            case = replace(case, resize={"resize": "letterbox", "padding": 114})
        maps, document = _maps(kind, case, rng), _manifest(template, kind, case)
        if "scales" in case.decode and seed % 2:
            _with_a_score_that_occurs(document, maps, rng)
        file.write_text(json.dumps(document))
        manifest = Manifest.model_validate_json(file.read_text())
        source_wh = (int(rng.integers(1, 300)), int(rng.integers(1, 300)))
        found = drive(driver, "decode", file, *source_wh, given=b"".join(value.tobytes() for value in maps.values()))
        expected = scaled_to_source(
            decode_outputs(maps, manifest.decode), manifest.input.preprocess.placement(source_wh)
        )
        assert found == _bytes(expected), (seed, document["decode"])
        num_told += bool(found)
    assert num_told > NUM_CASES / 2
