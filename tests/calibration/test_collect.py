"""Ranges come from the captured graph, and are those of the artefacts that are made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from edgewright_calibration.collect import collect_statistics
from edgewright_calibration.statistics import TensorStatistics
from edgewright_export import to_onnx, to_tflite
from edgewright_export.capture import capture, runnable
from edgewright_export.conversion import ConversionSpec
from edgewright_train.errors import CheckError
from edgewright_train.inference import preprocess_of
from edgewright_train.new_network import settled, untrained
from edgewright_train.vision.preprocess import Preprocess

WIDTH, HEIGHT = 96, 64
PREPROCESS = Preprocess(
    width=WIDTH, height=HEIGHT, colour_order="bgr", resize="stretch", interpolation="linear",
    mean=(10.0, 20.0, 30.0), scale=(1 / 255, 1 / 255, 1 / 255),
)  # fmt: skip
IMAGES = [
    (f"{seed}.png", np.random.default_rng(seed).integers(0, 256, (50 + seed, 80, 3), np.uint8)) for seed in range(4)
]


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.conv(image).relu().chunk(2, 1)
        return left * right, right.flatten(2)


@pytest.fixture(scope="module")
def small() -> fx.GraphModule:
    torch.manual_seed(0)
    return runnable(capture(Small(), WIDTH, HEIGHT))


def test_every_tensor_of_floats_is_seen_the_input_included(small: fx.GraphModule) -> None:
    reports: list[tuple[int, int]] = []
    found = collect_statistics(small, PREPROCESS, IMAGES, lambda done, total: reports.append((done, total)))
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)]
    computed = [node.name for node in small.graph.nodes if node.op in ("placeholder", "call_function")]
    assert [name for name in computed if not name.startswith("chunk")] == list(found)  # a chunk is a list of tensors
    assert next(iter(found)) == "image"
    inputs = [PREPROCESS.normalise(PREPROCESS.network_image(image)) for _, image in IMAGES]
    assert (found["image"].low, found["image"].high) == (np.min(inputs), np.max(inputs))
    assert found["image"].num_values == len(IMAGES) * 3 * HEIGHT * WIDTH
    assert found["relu"].low == 0 < found["relu"].num_zeros


def test_images_are_read_one_at_a_time(small: fx.GraphModule) -> None:
    class Counting:
        open = most = 0

        def __iter__(self) -> Iterator[tuple[str, NDArray[np.uint8]]]:
            for name, image in IMAGES:
                self.open += 1
                self.most = max(self.most, self.open)
                yield name, image
                self.open -= 1

    images = Counting()
    collect_statistics(small, PREPROCESS, images)
    assert images.most == 1


def test_the_number_of_threads_is_left_as_it_was(small: fx.GraphModule) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        collect_statistics(small, PREPROCESS, IMAGES)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_node_that_computes_nan_is_named_with_the_image() -> None:
    class Logarithm(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return (image - 0.2).log()

    graph_module = runnable(torch.export.export(Logarithm(), (torch.zeros(1, 3, HEIGHT, WIDTH),)))
    with pytest.raises(CheckError, match=r"node 'log' is not finite on calibration image '0.png'"):
        collect_statistics(graph_module, PREPROCESS, IMAGES)


@dataclass(frozen=True)
class Network:
    """YOLO-FastestV2 with random weights, its statistics, and its float artefacts in `folder`."""

    statistics: dict[str, TensorStatistics]
    inputs: list[NDArray[np.float32]]
    folder: Path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    torch.manual_seed(0)
    checkpoint = settled(untrained("yolo-fastestv2", None, num_classes=3, size_wh=(WIDTH, HEIGHT)))
    arch, preprocess = checkpoint.header.architecture, preprocess_of(checkpoint.header)
    exported = capture(arch.deploy(checkpoint.network), WIDTH, HEIGHT)
    folder = tmp_path_factory.mktemp("artefacts")
    spec = ConversionSpec(
        precision="fp32", input_name="image", output_names=arch.output_names, preprocess=preprocess, scratch=folder
    )
    to_onnx.convert(exported, spec, folder)
    to_tflite.convert(exported, spec, folder)
    return Network(
        statistics=collect_statistics(runnable(exported), preprocess, IMAGES),
        inputs=[preprocess.normalise(preprocess.network_image(image)) for _, image in IMAGES],
        folder=folder,
    )


class Seen:
    """Smallest and largest value of each tensor of an artefact."""

    def __init__(self) -> None:
        self.ranges: dict[str, tuple[float, float]] = {}

    def add(self, name: str, value: NDArray[np.float32]) -> None:
        low, high = self.ranges.get(name, (np.inf, -np.inf))
        self.ranges[name] = (min(low, float(value.min())), max(high, float(value.max())))

    def must_equal(self, statistics: dict[str, TensorStatistics], *, at_least: int) -> None:
        common = [name for name in statistics if name in self.ranges]
        assert len(common) >= at_least
        for name in common:
            found = statistics[name]
            margin = 1e-4 * found.largest_magnitude
            assert self.ranges[name] == pytest.approx((found.low, found.high), rel=0, abs=margin), name


def test_ranges_are_those_of_the_tflite_artefact(network: Network) -> None:
    interpreter = Interpreter(
        model_path=str(network.folder / to_tflite.ENTRY),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,  # XNNPACK would hide tensors
    )
    interpreter.allocate_tensors()
    tensors = [each for each in interpreter.get_tensor_details() if each["name"] in network.statistics]
    seen = Seen()
    for x in network.inputs:
        interpreter.set_tensor(
            interpreter.get_input_details()[0]["index"], np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        )
        interpreter.invoke()
        for each in tensors:
            seen.add(each["name"], interpreter.get_tensor(each["index"]))
    seen.must_equal(network.statistics, at_least=120)


def test_ranges_are_those_of_the_onnx_artefact(network: Network) -> None:
    model = onnx.load(network.folder / to_onnx.ENTRY)
    names = [name for node in model.graph.node for name in node.output if name in network.statistics]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    seen = Seen()
    for x in network.inputs:
        for name, value in zip(names, session.run(names, {"image": x}), strict=True):
            seen.add(name, value)
    seen.must_equal(network.statistics, at_least=120)
