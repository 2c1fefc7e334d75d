"""YOLO-FastestV2 with the published weights in int8 NCNN: as small as claimed, and equal to the reference."""

from pathlib import Path
from typing import Any

import cv2
import ncnn
import numpy as np
import pytest
import torch
from ncnn_int8 import Captured, Converted, converted, cosine, int8_plan
from numpy.typing import NDArray
from shared_material import SHARED, needs_shared
from torch import Tensor, fx

from edgewright_calibration.layers import layers
from edgewright_calibration.plan import Plan
from edgewright_calibration.quantise.ncnn_match import find_layers
from edgewright_calibration.reference import Reference
from edgewright_export.capture import capture, runnable
from edgewright_export.ncnn_bin import read_bin
from edgewright_export.ncnn_param import parse_param
from edgewright_train.importers import import_checkpoint
from edgewright_train.inference import preprocess_of

pytestmark = needs_shared

NUM_CALIBRATION, NUM_COMPARED = 16, 4
MAX_BYTES = 300_000


@pytest.fixture(scope="module")
def calibration() -> Captured:
    torch.set_num_threads(1)
    published = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    found = import_checkpoint("yolo-fastestv2", published, task="detect", size_wh=None)
    header = found.header
    network = header.architecture.build(len(header.labels))
    network.load_state_dict(found.tensors)
    exported = capture(header.architecture.deploy(network.eval()), header.width, header.height)
    preprocess = preprocess_of(header)
    paths = sorted((SHARED / "data" / "coco_train2017_128").rglob("*.jpg"))[:NUM_CALIBRATION]
    images = np.stack([preprocess.network_image(_read(path)) for path in paths])
    return Captured(exported, runnable(exported), tuple(header.architecture.output_names), preprocess, images)


@pytest.fixture(scope="module")
def plan(calibration: Captured) -> Plan:
    return int8_plan(calibration)


@pytest.fixture(scope="module")
def compared(calibration: Captured) -> Captured:
    images = calibration.images[:NUM_COMPARED]
    return Captured(calibration.exported, calibration.graph, calibration.output_names, calibration.preprocess, images)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def all_int8(compared: Captured, plan: Plan, folder: Path) -> Converted:
    return converted(compared, plan, folder)


def test_all_in_int8_it_is_smaller_than_300_kb(all_int8: Converted) -> None:
    assert len(all_int8.plan.layers) == 75
    assert sum(path.stat().st_size for path in all_int8.folder.iterdir()) < MAX_BYTES


def test_with_depthwise_layers_in_float_it_is_the_reference_and_still_smaller(
    compared: Captured, plan: Plan, folder: Path
) -> None:
    depthwise = {layer.name for layer in layers(compared.graph) if layer.depthwise}
    others = {name: found for name, found in plan.layers.items() if name not in depthwise}
    artefact = converted(compared, plan.model_copy(update={"layers": others}), folder)
    assert sum(path.stat().st_size for path in artefact.folder.iterdir()) < MAX_BYTES
    assert _worst_cosine(artefact, packing=True) >= 0.9999


def test_all_in_int8_it_is_the_reference_where_kernels_divide_exactly(all_int8: Converted) -> None:
    """Those of x86 that take 8 channels at a time do not, in depthwise layers."""
    assert _worst_cosine(all_int8, packing=False) >= 0.9999


def test_every_layer_computes_what_the_reference_does_from_the_same_input(
    compared: Captured, all_int8: Converted, folder: Path
) -> None:
    """Without what the layers before it did differently: a code that is one step off moves others behind it."""
    values = _Recording(compared.graph, all_int8.plan).values_of(compared.tensors()[0])
    float_layers = parse_param((folder / "ncnn-float" / "model.param").read_text())
    float_weights = read_bin(float_layers, (folder / "ncnn-float" / "model.bin").read_bytes())
    places = find_layers(compared.graph, float_layers, float_weights)
    net = _load(all_int8.folder)
    for layer in layers(compared.graph):
        line = all_int8.layers[places[layer.name]]
        computed = _computed(net, line.inputs[0], values[layer.input], line.outputs[0])
        node = next(iter(layer.node.users)) if 9 in line.params else layer.node  # the activation is part of the layer
        expected = values[node]
        if line.integer(8, 0) > 100:
            (scale,) = all_int8.weights[places[layer.name]][-1].values
            expected = np.trunc(expected * scale + np.copysign(np.float32(0.5), expected)).clip(-127, 127)
            assert np.abs(computed - expected).max() <= 1, layer.name
            assert (computed != expected).mean() < 0.01, layer.name
        else:
            # The reciprocal instruction of x86 is right to 1.5 * 2^-12.
            tolerance = 4e-4 if layer.depthwise else 1e-6
            assert np.abs(computed - expected).max() <= tolerance * np.abs(expected).max(), layer.name


class _Recording(Reference):
    def values_of(self, image: Tensor) -> dict[fx.Node, NDArray[np.float32]]:
        self._values: dict[fx.Node, NDArray[np.float32]] = {}
        with torch.no_grad():
            self.run(image)
        return self._values

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self._values[n] = value[0].numpy()
        return value


def _worst_cosine(artefact: Converted, *, packing: bool) -> float:
    pairs = zip(artefact.computed(packing=packing), artefact.expected(), strict=True)
    return min(cosine(computed[name], value) for computed, expected in pairs for name, value in expected.items())


def _load(folder: Path) -> Any:
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    assert net.load_param(str(folder / "model.param")) == 0
    assert net.load_model(str(folder / "model.bin")) == 0
    return net


def _computed(net: Any, name: str, value: NDArray[np.float32], wanted: str) -> NDArray[np.float32]:
    extractor = net.create_extractor()
    assert extractor.input(name, ncnn.Mat(np.ascontiguousarray(value)).clone()) == 0
    status, blob = extractor.extract(wanted)
    assert status == 0
    return np.array(blob, dtype=np.float32)


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8)
