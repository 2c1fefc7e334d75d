"""Packs of a classifier and a segmenter, written by hand: one 1x1 convolution, of which a classifier takes the mean."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from small_pack import preprocess

from edgewright_export.golden import make_case, write_case
from edgewright_export.manifest import Manifest, Precision
from edgewright_export.pack import list_files, write_manifest
from edgewright_export.parity import TOLERANCES
from edgewright_train.models.architecture import Task
from edgewright_train.tasks.classify.decode import ClassifyDecode
from edgewright_train.tasks.decode import Decode
from edgewright_train.tasks.segment.decode import SegmentDecode
from edgewright_train.vision.preprocess import Preprocess

CLASSES = ("background", "blue", "green", "red", "grey", "white", "black")
WIDTH, HEIGHT = 64, 32

# (channels, 3) weights and (channels,) biases: every class looks for its colour
_WEIGHT = np.array([(0, 0, 0), (6, -3, -3), (-3, 6, -3), (-3, -3, 6), (1, 1, 1), (3, 3, 3), (-6, -6, -6)], np.float32)
_BIAS = np.array([1, 0, 0, 0, 0, -4, 0], np.float32)


def decode_of(task: Task) -> Decode:
    if task == "segment":
        return SegmentDecode(output="logits")
    return ClassifyDecode(output="logits", activation="softmax")


def run(task: Task, nudge: float = 0.0) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """What the network computes, in numpy; `nudge` is added to the logits of blue."""

    def maps(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        x = preprocess(WIDTH, HEIGHT).normalise(network_image)[0]
        logits = np.einsum("oc,chw->ohw", _WEIGHT, x) + _nudged(nudge)[:, None, None]
        mean = logits.mean((1, 2), keepdims=True)
        return {"logits": (logits if task == "segment" else mean).astype(np.float32)}

    return maps


def picture(width: int = 96, height: int = 60) -> NDArray[np.uint8]:
    """BGR: a dark ground, the left third blue, a green square."""
    image = np.full((height, width, 3), 10, np.uint8)
    image[:, : width // 3] = (220, 30, 30)
    image[height // 4 : height // 2, width // 2 : width // 2 + height // 4] = (30, 200, 30)
    return image


def write_task_pack(
    folder: Path, task: Task, *, precision: Precision = "fp32", nudge: float = 0.0, letterbox: bool = False
) -> Path:
    """An ONNX pack with one golden picture and one of noise; with a `nudge` its network is not the source."""
    rule = preprocess(WIDTH, HEIGHT).model_dump() | ({"resize": "letterbox", "padding": 0} if letterbox else {})
    placing = Preprocess.model_validate(rule)
    (folder / "golden").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for index, image in enumerate((picture(), noise)):
        case = make_case(image, run(task), placing, decode_of(task))
        write_case(folder / f"golden/00{index}.safetensors", case)
    _write_onnx(folder / "model.onnx", task, nudge)
    sides = (HEIGHT, WIDTH) if task == "segment" else (1, 1)
    values = {
        "format_version": 1, "model": "small", "task": task, "target": "onnx", "precision": precision,
        "num_parameters": 28, "entry": "model.onnx", "files": [file.model_dump() for file in list_files(folder)],
        "input": {"name": "image", "kind": "tensor", "layout": "nchw",
                  "preprocess": placing.model_dump()},
        "outputs": [{"name": "logits", "layout": "nchw", "shape": (len(CLASSES), *sides)}],
        "decode": decode_of(task).model_dump(), "labels": CLASSES,
        "golden": {"cases": ["golden/000.safetensors", "golden/001.safetensors"],
                   "tolerance": TOLERANCES[task][precision].model_dump()},
        "accuracy": None,
        "provenance": {"checkpoint_sha256": "0" * 64, "origin": "a test", "tools": {}, "created_utc": "2026-01-01"},
    }  # fmt: skip
    write_manifest(folder, Manifest.model_validate_json(json.dumps(values)))
    return folder


def _nudged(nudge: float) -> NDArray[np.float32]:
    return _BIAS + np.float32(nudge) * (np.arange(len(_BIAS)) == 1)


def _write_onnx(path: Path, task: Task, nudge: float) -> None:
    from onnx import TensorProto, helper, numpy_helper, save  # noqa: PLC0415

    tensors = [
        numpy_helper.from_array(_WEIGHT[:, :, None, None], "weight"),
        numpy_helper.from_array(_nudged(nudge).astype(np.float32), "bias"),
    ]
    nodes = [helper.make_node("Conv", ["image", "weight", "bias"], ["logits" if task == "segment" else "map"])]
    if task == "classify":
        nodes.append(helper.make_node("GlobalAveragePool", ["map"], ["logits"]))
    sides = [HEIGHT, WIDTH] if task == "segment" else [1, 1]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(CLASSES), *sides])
    graph = helper.make_graph(nodes, "small", [image], [logits], tensors)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
