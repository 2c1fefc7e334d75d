"""Packs of one layer per output, written by hand in a moment: small enough for every test, real enough to run.

There is one per kind of decode.  Each output looks at one pixel per cell, a classifier at the mean of all, so that
numpy computes what the runtimes must compute.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from edgewright_export.golden import make_case, write_case
from edgewright_export.manifest import Manifest, task_of
from edgewright_export.pack import MANIFEST, list_files, write_manifest
from edgewright_export.parity import TOLERANCES
from edgewright_train.tasks.decode import Decode
from edgewright_train.vision.preprocess import Preprocess

LABELS = ("circle", "square", "triangle")

Weights = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Output:
    """`stride` 0: one vector, of the mean of all pixels.  `activated`: the network ends in a sigmoid."""

    name: str
    num_channels: int
    stride: int
    activated: bool = False


_SUPPRESSION = {"score_threshold": 0.3, "iou_threshold": 0.4, "max_detections": 300}
_GRIDS = (
    {"output": "stride16", "stride": 16, "anchors_px": ((10.5, 20.0), (30.0, 40.0))},
    {"output": "stride32", "stride": 32, "anchors_px": ((50.0, 60.0),)},
)
# kind -> (decode, outputs)
_KINDS: dict[str, tuple[dict[str, Any], tuple[Output, ...]]] = {
    "yolo-fastestv2": (
        {**_SUPPRESSION, "scales": _GRIDS},
        (Output("stride16", 13, 16, activated=True), Output("stride32", 8, 32, activated=True)),
    ),
    "yolo": (
        {**_SUPPRESSION, "scales": [{**grid, "scale_x_y": 1.05, "new_coords": False} for grid in _GRIDS]},
        (Output("stride16", 16, 16), Output("stride32", 8, 32)),
    ),
    "ssd": (
        {
            **_SUPPRESSION, "width": 64, "height": 32,
            "scales": [
                {"output": "fine", "stride_wh": (16.0, 16.0), "priors_wh": ((0.1, 0.2), (0.5, 0.25))},
                {"output": "coarse", "stride_wh": (32.0, 32.0), "priors_wh": ((1.0, 0.75),)},
            ],
        },
        (Output("fine", 16, 16), Output("coarse", 8, 32)),
    ),
    "classify": ({"output": "logits", "activation": "softmax"}, (Output("logits", 3, 0),)),
    "segment": ({"output": "logits"}, (Output("logits", 3, 4),)),
}  # fmt: skip
KINDS = tuple(_KINDS)


def preprocess(width: int = 64, height: int = 32) -> Preprocess:
    return Preprocess(
        width=width, height=height, colour_order="bgr", resize="stretch", interpolation="linear",
        mean=(1.0, 2.0, 3.0), scale=(1 / 255, 1 / 127, 1 / 64),
    )  # fmt: skip


def decode(kind: str = "yolo-fastestv2", **changes: Any) -> Any:
    """Of the pack of that kind; `changes` replace fields."""
    text = json.dumps({"kind": kind, **_KINDS[kind][0], **changes})
    return TypeAdapter(Decode).validate_json(text)


def random_weights(kind: str = "yolo-fastestv2", seed: int = 0) -> Weights:
    """Output name -> weight (channels, 3), bias (channels,)."""
    rng = np.random.default_rng(seed)
    return {
        output.name: (
            rng.normal(size=(output.num_channels, 3)).astype(np.float32),
            rng.normal(size=output.num_channels).astype(np.float32),
        )
        for output in _KINDS[kind][1]
    }


def run(
    weights: Weights, kind: str = "yolo-fastestv2"
) -> Callable[[NDArray[np.uint8]], dict[str, NDArray[np.float32]]]:
    """What the network computes, in numpy."""

    def maps(network_image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        x = preprocess().normalise(network_image)[0]
        return {output.name: _forward(x, output, *weights[output.name]) for output in _KINDS[kind][1]}

    return maps


def _forward(
    x: NDArray[np.float32], output: Output, weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    seen = x[:, :: output.stride, :: output.stride] if output.stride else x.mean((1, 2), keepdims=True)
    logits = np.einsum("oc,chw->ohw", weight, seen) + bias[:, None, None]
    return (1 / (1 + np.exp(-logits))).astype(np.float32) if output.activated else logits


def write_ncnn_pack(
    folder: Path, *, kind: str = "yolo-fastestv2", target: str = "ncnn", entry: str = "model.param", **changes: Any
) -> Path:
    """A whole, verified-looking pack; `changes` replace fields of its manifest."""
    weights, rule = random_weights(kind), decode(kind)
    (folder / "golden").mkdir(parents=True)
    for index, size_hw in enumerate(((48, 80), (32, 64))):
        image = np.random.default_rng(index).integers(0, 256, (*size_hw, 3), np.uint8)
        write_case(folder / f"golden/00{index}.safetensors", make_case(image, run(weights, kind), preprocess(), rule))
    if target == "ncnn":
        _write_ncnn(folder, _KINDS[kind][1], weights)
    elif target == "tflite":
        _write_tflite(folder / entry, _KINDS[kind][1], weights)
    else:
        _write_onnx(folder / entry, _KINDS[kind][1], weights)
    manifest = _manifest(folder, kind, target, entry)
    write_manifest(folder, manifest.model_copy(update=changes))
    return folder


def _write_ncnn(folder: Path, outputs: tuple[Output, ...], weights: Weights) -> None:
    sources = [f"image{index}" for index in range(len(outputs))]
    lines = ["Input image 0 1 image", f"Split split 1 {len(outputs)} image {' '.join(sources)}"]
    blobs = []
    for output, source in zip(outputs, sources, strict=True):
        weight, bias = weights[output.name]
        name, size = output.name, f"0={len(bias)}"
        if output.stride:
            sigmoid = " 9=4" if output.activated else ""
            shape = f"{size} 1=1 3={output.stride} 5=1 6={weight.size}{sigmoid}"
            lines.append(f"Convolution {name} 1 1 {source} {name} {shape}")
        else:
            lines.append(f"Pooling mean 1 1 {source} mean 0=1 4=1")
            lines.append(f"InnerProduct {name} 1 1 mean {name} {size} 1=1 2={weight.size}")
        blobs += [np.zeros(1, np.uint32).tobytes(), weight.tobytes(), bias.tobytes()]
    num_blobs = len(lines) + len(outputs) - 1
    (folder / "model.param").write_text("\n".join(["7767517", f"{len(lines)} {num_blobs}", *lines, ""]))
    (folder / "model.bin").write_bytes(b"".join(blobs))


def _write_onnx(path: Path, outputs: tuple[Output, ...], weights: Weights) -> None:
    from onnx import TensorProto, helper, numpy_helper, save  # noqa: PLC0415

    nodes, tensors, values = [], [], []
    for output in outputs:
        assert output.stride, "only grids so far"
        name, stride = output.name, output.stride
        weight, bias = weights[name]
        tensors += [
            numpy_helper.from_array(weight[:, :, None, None], f"{name}.w"),
            numpy_helper.from_array(bias, f"{name}.b"),
        ]
        logits = f"{name}.z" if output.activated else name
        nodes.append(helper.make_node("Conv", ["image", f"{name}.w", f"{name}.b"], [logits], strides=[stride, stride]))
        if output.activated:
            nodes.append(helper.make_node("Sigmoid", [logits], [name]))
        values.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, len(bias), 32 // stride, 64 // stride])
        )
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 64])
    graph = helper.make_graph(nodes, "small", [image], values, tensors)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def _write_tflite(path: Path, outputs: tuple[Output, ...], weights: Weights) -> None:
    import torch  # noqa: PLC0415

    from edgewright_export.tfl import translate  # noqa: PLC0415

    class Small(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(map(self.layer, outputs))

        @staticmethod
        def layer(output: Output) -> torch.nn.Module:
            weight, bias = (torch.from_numpy(array) for array in weights[output.name])
            layer = torch.nn.Conv2d(3, output.num_channels, 1, stride=output.stride or 1)
            layer.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})
            return layer

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(self.one(x, *pair) for pair in zip(outputs, self.layers, strict=True))

        @staticmethod
        def one(x: torch.Tensor, output: Output, layer: torch.nn.Module) -> torch.Tensor:
            logits: torch.Tensor = layer(x if output.stride else x.mean((2, 3), keepdim=True))
            return logits.sigmoid() if output.activated else logits

    exported = torch.export.export(Small().eval(), (torch.zeros(1, 3, 32, 64),))
    translate(exported, path, input_name="image", output_names=[output.name for output in outputs])


def _manifest(folder: Path, kind: str, target: str, entry: str) -> Manifest:
    preprocessing, rule = preprocess(), decode(kind)
    layout = "nhwc" if target == "tflite" else "nchw"
    outputs = [
        {"name": output.name, "layout": layout, "shape": (output.num_channels, *_grid_hw(output))}
        for output in _KINDS[kind][1]
    ]
    task = task_of(rule)
    values = {
        "format_version": 1, "model": "small", "task": task, "target": target, "precision": "fp32",
        "num_parameters": 1, "entry": entry, "files": [file.model_dump() for file in list_files(folder)],
        "input": {"name": "image", "kind": "tensor", "layout": layout, "preprocess": preprocessing.model_dump()},
        "outputs": outputs, "decode": rule.model_dump(), "labels": LABELS,
        "golden": {"cases": ["golden/000.safetensors", "golden/001.safetensors"],
                   "tolerance": TOLERANCES[task]["fp32"].model_dump()},
        "accuracy": None,
        "provenance": {"checkpoint_sha256": "0" * 64, "origin": "a test", "tools": {}, "created_utc": "2026-01-01"},
    }  # fmt: skip
    return Manifest.model_validate_json(json.dumps(values))


def _grid_hw(output: Output) -> tuple[int, int]:
    rule = preprocess()
    return (rule.height // output.stride, rule.width // output.stride) if output.stride else (1, 1)


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit manifest.json as a hostile sender would: with a digest that is right."""
    import hashlib  # noqa: PLC0415

    values = json.loads((folder / MANIFEST).read_text())
    change(values)
    text = json.dumps(values).encode()
    (folder / MANIFEST).write_bytes(text)
    (folder / f"{MANIFEST}.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n")
