"""A pack of two 1x1 convolutions, written by hand in a moment: small enough for every test, real enough to run.

Each output looks at one pixel per cell, so that numpy computes what the runtimes must compute.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewright_export.golden import make_case, write_case
from edgewright_export.manifest import Manifest
from edgewright_export.pack import MANIFEST, list_files, write_manifest
from edgewright_train.tasks.detect.yolo_fastestv2 import YoloFastestV2Decode
from edgewright_train.vision.preprocess import Preprocess

LABELS = ("circle", "square", "triangle")
# name, stride, anchors
SCALES = (("stride16", 16, ((10.5, 20.0), (30.0, 40.0))), ("stride32", 32, ((50.0, 60.0),)))

Weights = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def preprocess(width: int = 64, height: int = 32) -> Preprocess:
    return Preprocess(
        width=width, height=height, colour_order="bgr", resize="stretch", interpolation="linear",
        mean=(1.0, 2.0, 3.0), scale=(1 / 255, 1 / 127, 1 / 64),
    )  # fmt: skip


def decode() -> YoloFastestV2Decode:
    scales = tuple({"output": name, "stride": stride, "anchors_px": anchors} for name, stride, anchors in SCALES)
    values = {"kind": "yolo-fastestv2", "score_threshold": 0.3, "iou_threshold": 0.4, "max_detections": 300}
    return YoloFastestV2Decode.model_validate_json(json.dumps({**values, "scales": scales}))


def random_weights(seed: int = 0) -> Weights:
    """Output name -> weight (channels, 3), bias (channels,)."""
    rng = np.random.default_rng(seed)
    counts = {name: 5 * len(anchors) + len(LABELS) for name, _, anchors in SCALES}
    return {
        name: (rng.normal(size=(count, 3)).astype(np.float32), rng.normal(size=count).astype(np.float32))
        for name, count in counts.items()
    }


def run(weights: Weights) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """What the network computes, in numpy: sigmoid of a 1x1 convolution with the stride of the output."""

    def maps(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        x = preprocess().normalise(network_image)[0]
        found = {}
        for name, stride, _ in SCALES:
            weight, bias = weights[name]
            logits = np.einsum("oc,chw->ohw", weight, x[:, ::stride, ::stride]) + bias[:, None, None]
            found[name] = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return found

    return maps


def write_ncnn_pack(folder: Path, *, target: str = "ncnn", entry: str = "model.param", **changes: Any) -> Path:
    """A whole, verified-looking pack; `changes` replace fields of its manifest."""
    weights = random_weights()
    (folder / "golden").mkdir(parents=True)
    for index, size_hw in enumerate(((48, 80), (32, 64))):
        image = np.random.default_rng(index).integers(0, 256, (*size_hw, 3), np.uint8)
        write_case(folder / f"golden/00{index}.safetensors", make_case(image, run(weights), preprocess(), decode()))
    if target == "ncnn":
        _write_ncnn(folder, weights)
    else:
        _write_onnx(folder / entry, weights)
    manifest = _manifest(folder, target, entry)
    write_manifest(folder, manifest.model_copy(update=changes))
    return folder


def _write_ncnn(folder: Path, weights: Weights) -> None:
    lines = ["Input image 0 1 image", "Split split 1 2 image a b"]
    blobs = []
    for (name, stride, _), source in zip(SCALES, "ab", strict=True):
        weight, bias = weights[name]
        lines.append(f"Convolution {name} 1 1 {source} {name} 0={len(bias)} 1=1 3={stride} 5=1 6={weight.size} 9=4")
        blobs += [np.zeros(1, np.uint32).tobytes(), weight.tobytes(), bias.tobytes()]
    (folder / "model.param").write_text("\n".join(["7767517", "4 5", *lines, ""]))
    (folder / "model.bin").write_bytes(b"".join(blobs))


def _write_onnx(path: Path, weights: Weights) -> None:
    from onnx import TensorProto, helper, numpy_helper, save  # noqa: PLC0415

    nodes, tensors, outputs = [], [], []
    for name, stride, _ in SCALES:
        weight, bias = weights[name]
        tensors += [
            numpy_helper.from_array(weight[:, :, None, None], f"{name}.w"),
            numpy_helper.from_array(bias, f"{name}.b"),
        ]
        nodes.append(
            helper.make_node("Conv", ["image", f"{name}.w", f"{name}.b"], [f"{name}.z"], strides=[stride, stride])
        )
        nodes.append(helper.make_node("Sigmoid", [f"{name}.z"], [name]))
        outputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, len(bias), 32 // stride, 64 // stride])
        )
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 64])
    graph = helper.make_graph(nodes, "small", [image], outputs, tensors)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def _manifest(folder: Path, target: str, entry: str) -> Manifest:
    rule = preprocess()
    outputs = [
        {"name": name, "layout": "nchw",
         "shape": (5 * len(anchors) + len(LABELS), rule.height // stride, rule.width // stride)}
        for name, stride, anchors in SCALES
    ]  # fmt: skip
    values = {
        "format_version": 1, "model": "small", "task": "detect", "target": target, "precision": "fp32",
        "num_parameters": 1, "entry": entry, "files": [file.model_dump() for file in list_files(folder)],
        "input": {"name": "image", "kind": "tensor", "layout": "nchw", "preprocess": rule.model_dump()},
        "outputs": outputs, "decode": decode().model_dump(), "labels": LABELS,
        "golden": {"cases": ["golden/000.safetensors", "golden/001.safetensors"],
                   "tolerance": {"max_error": 1e-4, "min_cosine": None, "min_iou": 0.99, "max_score_diff": 0.001}},
        "accuracy": None,
        "provenance": {"checkpoint_sha256": "0" * 64, "origin": "a test", "tools": {}, "created_utc": "2026-01-01"},
    }  # fmt: skip
    return Manifest.model_validate_json(json.dumps(values))


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit manifest.json as a hostile sender would: with a digest that is right."""
    import hashlib  # noqa: PLC0415

    values = json.loads((folder / MANIFEST).read_text())
    change(values)
    text = json.dumps(values).encode()
    (folder / MANIFEST).write_bytes(text)
    (folder / f"{MANIFEST}.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n")
