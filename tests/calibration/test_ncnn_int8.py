"""int8 NCNN artefacts, run by NCNN: they compute what the plan says, in a file as the plan says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ncnn_int8 import Captured, Converted, captured, converted, int8_plan, read_model
from torch import Tensor, nn

from edgewright_calibration.grid import Grid
from edgewright_calibration.layers import layers
from edgewright_calibration.plan import LayerPlan, Plan
from edgewright_calibration.quantise.ncnn_check import check_layers
from edgewright_calibration.quantise.ncnn_match import find_layers
from edgewright_export.ncnn_bin import TAG_CODEBOOK, TAG_FLOAT16, TAG_FLOAT32, TAG_INT8, write_bin
from edgewright_train.errors import CheckError


class Chain(nn.Module):
    """Convolutions that read each other: directly, through a pool, and two that read the same one.

    Depthwise layers of 12 channels, since x86 kernels for multiples of 8 divide with 12 bits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, 2, 1)
        self.depthwise = nn.Conv2d(12, 12, 3, 1, 1, groups=12)
        self.point = nn.Conv2d(12, 24, 1)
        self.left, self.right = nn.Conv2d(24, 16, 1), nn.Conv2d(24, 16, 3, 1, 1)
        self.head = nn.Conv2d(16, 5, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = nn.functional.max_pool2d(
            torch.relu(self.point(torch.relu(self.depthwise(torch.relu(self.stem(image)))))), 2
        )
        left, right = torch.relu(self.left(x)), torch.relu(self.right(x))
        return torch.sigmoid(self.head(left)), self.head(torch.relu(self.point_of(right)))

    def point_of(self, x: Tensor) -> Tensor:
        return self.left(torch.cat([x, x[:, :8]], 1))


class DeadChannels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.last = nn.Conv2d(12, 4, 1)
        with torch.no_grad():
            for layer in (self.first, self.second):
                layer.weight[[0, 5, 11]] = 0

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return (self.last(torch.relu(self.second(torch.relu(self.first(image))))),)


class Grouped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.grouped = nn.Conv2d(3, 32, 3, 2, 1), nn.Conv2d(32, 32, 3, padding=1, groups=4)
        self.twofold, self.last = nn.Conv2d(32, 64, 3, groups=32), nn.Conv2d(64, 6, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return (self.last(self.twofold(torch.relu(self.grouped(torch.relu(self.stem(image)))))),)


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.hidden, self.last = nn.Conv2d(3, 20, 3, 2, 1), nn.Linear(20, 30), nn.Linear(30, 7)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = torch.relu(self.stem(image)).mean((2, 3))
        return (self.last(torch.relu(self.hidden(x))),)


class Ones(nn.Module):
    """Every product has the same sign and the largest size: what int8 Winograd kernels overflow on."""

    def __init__(self, num_channels: int = 128) -> None:
        super().__init__()
        self.widen, self.dense = nn.Conv2d(3, num_channels, 1), nn.Conv2d(num_channels, num_channels, 3, padding=1)
        for layer in (self.widen, self.dense):
            nn.init.ones_(layer.weight)
            nn.init.ones_(layer.bias)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return (self.dense(torch.relu(self.widen(image)).clamp(max=0.01)),)


class Activated(nn.Module):
    """Layers whose activation becomes part of them, and one with an uneven border, which does too."""

    def __init__(self) -> None:
        super().__init__()
        activations = [nn.LeakyReLU(0.1), nn.ReLU6(), nn.SiLU(), nn.Hardswish(), nn.Mish(), nn.Sigmoid()]
        self.stem = nn.Conv2d(3, 8, 3, 2)
        self.layers = nn.ModuleList(nn.Sequential(nn.Conv2d(8, 8, 1), each, nn.Conv2d(8, 8, 1)) for each in activations)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(nn.functional.pad(image, (1, 2, 0, 1)))
        return tuple(layer(x) for layer in self.layers)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "chain": Chain, "dead channels": DeadChannels, "grouped": Grouped, "linear": Linear, "ones": Ones,
    "activated": Activated,
}  # fmt: skip


@pytest.fixture(scope="module")
def sources() -> dict[str, Captured]:
    torch.manual_seed(3)
    return {name: captured(make()) for name, make in NETWORKS.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One per network: its float model is made once."""
    return {name: tmp_path_factory.mktemp("int8") for name in NETWORKS}


Convert = Callable[..., Converted]


@pytest.fixture
def convert(sources: dict[str, Captured], folders: dict[str, Path]) -> Convert:
    """A network by name, by default all in int8."""

    def make(name: str, plan: Plan | None = None) -> Converted:
        return converted(sources[name], plan or int8_plan(sources[name]), folders[name])

    return make


def assert_equal_to_the_reference(artefact: Converted) -> None:
    for computed, expected in zip(artefact.computed(), artefact.expected(), strict=True):
        for output, value in expected.items():
            np.testing.assert_allclose(computed[output], value, rtol=0, atol=1e-5 * float(np.abs(value).max()))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_runtime_computes_what_the_reference_does(convert: Convert, name: str) -> None:
    assert_equal_to_the_reference(convert(name))


@pytest.mark.parametrize("name", ["chain", "linear", "grouped", "activated"])
def test_int8_layers_between_float_layers_compute_what_the_reference_does(convert: Convert, name: str, sources) -> None:
    names = [layer.name for layer in layers(sources[name].graph)]
    assert_equal_to_the_reference(convert(name, int8_plan(sources[name], float_layers=names[1::2])))


def test_codes_travel_between_convolutions_only(convert: Convert) -> None:
    """102 and 101: the output is codes, since only int8 convolutions read it."""
    found = [(layer.kind.removeprefix("Convolution"), layer.integer(8, 0)) for layer, _ in convert("chain").weighted()]
    by_pool, by_concat, to_float = 2, 2, 2
    left_then_head, shared_then_head = 102, 102
    assert sorted(found) == sorted([
        ("", 102), ("DepthWise", 101), ("", by_pool),
        ("", left_then_head), ("", by_concat), ("", shared_then_head), ("", to_float), ("", to_float),
    ])  # fmt: skip


def test_a_float_reader_gets_floats(convert: Convert, sources: dict[str, Captured]) -> None:
    source = sources["chain"]
    stem, depthwise, *_ = (layer.name for layer in layers(source.graph))
    artefact = convert("chain", int8_plan(source, float_layers=[depthwise]))
    codes = [layer.integer(8, 0) for layer, _ in artefact.weighted()]
    assert codes[:2] == [2, 0], stem


def test_scales_are_the_reciprocals_of_the_steps(convert: Convert, sources: dict[str, Captured]) -> None:
    artefact = convert("chain")
    first = next(iter(artefact.plan.layers.values()))
    assert first.input is not None
    _, tensors = artefact.weighted()[0]
    np.testing.assert_array_equal(tensors["input_scale"].values, [np.float32(1 / first.input.scale)])
    np.testing.assert_array_equal(tensors["weight_scales"].values, np.float32(1 / np.array(first.weight_scales)))


def test_channels_of_zeros_have_scale_one(convert: Convert) -> None:
    (_, first), (_, second), _ = convert("dead channels").weighted()
    for tensors in (first, second):
        codes = tensors["weight"].values.reshape(12, -1)
        assert (np.flatnonzero(tensors["weight_scales"].values == 1) == [0, 5, 11]).all()
        assert not codes[[0, 5, 11]].any()
        assert np.abs(codes[1:5]).max(1).tolist() == [127] * 4


def test_groups_of_several_channels_stay_in_float(convert: Convert) -> None:
    """Several inputs, or several outputs."""
    found = convert("grouped").weighted()
    assert [layer.integer(8, 0) for layer, _ in found] == [2, 0, 0, 2]
    for _, tensors in found[1:3]:
        assert tensors["weight"].tag == TAG_FLOAT16
        assert set(tensors) == {"weight", "bias"}


def test_only_dense_3x3_layers_are_kept_from_winograd(convert: Convert) -> None:
    """Which overflows: without the mask the runtime's result differs wildly."""
    artefact = convert("ones")
    (widen, _), (dense, _) = artefact.weighted()
    assert (widen.integer(31, 0), dense.integer(31, 0)) == (0, 64)
    assert [layer.integer(31, 0) for layer, _ in convert("chain").weighted()].count(64) == 1
    param = artefact.folder / "model.param"
    param.write_text(param.read_text().replace(" 31=64", ""))
    computed, expected = artefact.computed()[0]["y0"], artefact.expected()[0]["y0"]
    assert np.abs(computed - expected).max() > 0.05 * np.abs(expected).max()


def test_an_inner_product_never_gives_codes(convert: Convert) -> None:
    codes = [(layer.kind, layer.integer(8, 0)) for layer, _ in convert("linear").weighted()]
    assert codes == [("Convolution", 2), ("InnerProduct", 2), ("InnerProduct", 2)]


@pytest.mark.parametrize("num_entries", [2, 100, 256])
def test_a_palette_computes_in_float_on_its_entries(
    convert: Convert, sources: dict[str, Captured], num_entries: int
) -> None:
    palette = tuple(np.linspace(-0.4, 0.5, num_entries, dtype=np.float32).tolist())
    for name in ("chain", "grouped", "linear"):
        names = [layer.name for layer in layers(sources[name].graph)]
        plan = Plan(
            target="ncnn", layers={each: LayerPlan(input=None, palette=palette) for each in names}, half_floats=True
        )
        artefact = convert(name, plan)
        assert_equal_to_the_reference(artefact)
        for _, tensors in artefact.weighted():
            assert tensors["weight"].tag == TAG_CODEBOOK
            assert tensors["weight"].values.max() < num_entries


@pytest.mark.parametrize(("half", "tag"), [(True, TAG_FLOAT16), (False, TAG_FLOAT32)])
def test_what_stays_float_is_stored_as_the_plan_says(convert: Convert, half: bool, tag: int, sources) -> None:
    plan = int8_plan(sources["linear"]).model_copy(update={"half_floats": half})
    (kept, *others) = plan.layers
    artefact = convert("linear", plan.model_copy(update={"layers": {name: plan.layers[name] for name in others}}))
    tags = [tensors["weight"].tag for _, tensors in artefact.weighted()]
    assert tags == [tag, TAG_INT8, TAG_INT8], kept
    assert_equal_to_the_reference(artefact)


def test_the_same_plan_gives_the_same_bytes(sources: dict[str, Captured], tmp_path: Path) -> None:
    plan = int8_plan(sources["grouped"])
    made = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        folder = converted(sources["grouped"], plan, tmp_path / run).folder
        made.append([(path.name, path.read_bytes()) for path in sorted(folder.iterdir())])
    assert made[0] == made[1]
    assert [name for name, _ in made[0]] == ["model.bin", "model.param"]


def _first_only(values: np.ndarray, change: float) -> np.ndarray:
    return values + np.array([change] + [0] * (len(values) - 1), values.dtype)


# which layer of the chain, which of its tensors, and what happens to it
WRONG: dict[str, tuple[int, str, Callable[[np.ndarray], np.ndarray]]] = {
    "the input's scale is 1 % off": (-1, "input_scale", lambda values: values * np.float32(1.01)),
    "the scale of one channel is 1 % off": (-1, "weight_scales", lambda values: _first_only(values, 0.01 * values[0])),
    "the scale of its codes is 2 % off": (0, "output_scale", lambda values: values * np.float32(1.02)),
    "one bias is off": (-1, "bias", lambda values: _first_only(values, 0.001)),
    "one weight is one step off": (-1, "weight", lambda values: _first_only(values, -np.sign(values[0]))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_layer_that_computes_something_else_is_named(
    convert: Convert, sources: dict[str, Captured], folders: dict[str, Path], name: str
) -> None:
    index, role, change = WRONG[name]
    artefact, source = convert("chain"), sources["chain"]
    places = find_layers(source.graph, *read_model(folders["chain"] / "ncnn-float"))
    layer = list(layers(source.graph))[index].name
    weights = list(artefact.weights)
    weights[places[layer]] = tuple(
        replace(tensor, values=change(tensor.values)) if tensor.role == role else tensor
        for tensor in weights[places[layer]]
    )
    param, image = artefact.folder / "model.param", source.tensors()[0]
    check_layers(source.graph, artefact.plan, param, places, image)
    param.with_suffix(".bin").write_bytes(write_bin(weights))
    with pytest.raises(CheckError, match=f"layer '{layer}' is .* off the reference"):
        check_layers(source.graph, artefact.plan, param, places, image)


IMPOSSIBLE = {
    "has groups of several channels": ("grouped", 1, Grid(scale=0.1, zero_point=0, low=-127, high=127)),
    "groups of several channels": ("grouped", 2, Grid(scale=0.1, zero_point=0, low=-127, high=127)),
    "without zero point": ("chain", 0, Grid(scale=0.1, zero_point=3, low=-127, high=127)),
    "codes are -127..127": ("chain", 0, Grid(scale=0.1, zero_point=0, low=-128, high=127)),
    "NCNN needs a palette": ("chain", 0, None),
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_a_plan_that_ncnn_cannot_compute_is_refused_by_layer(
    convert: Convert, sources: dict[str, Captured], message: str
) -> None:
    name, position, grid = IMPOSSIBLE[message]
    layer = list(layers(sources[name].graph))[position]
    plan = LayerPlan(input=grid, weight_scales=(0.1,) * len(layer.weight))
    with pytest.raises(CheckError, match=f"{layer.name!r}.*{message}"):
        convert(name, Plan(target="ncnn", layers={layer.name: plan}, half_floats=True))


def test_a_layer_that_does_not_exist_is_refused_by_name(convert: Convert, sources: dict[str, Captured]) -> None:
    plan = int8_plan(sources["linear"])
    with pytest.raises(CheckError, match="'conv2d_99'"):
        convert("linear", plan.model_copy(update={"layers": {"conv2d_99": next(iter(plan.layers.values()))}}))


def test_a_layer_whose_weights_ncnn_does_not_have_is_named(convert: Convert, sources: dict[str, Captured]) -> None:
    artefact = convert("linear", Plan(target="ncnn", layers={}, half_floats=False))
    names = [layer.name for layer in layers(sources["linear"].graph)]
    found = find_layers(sources["linear"].graph, artefact.layers, artefact.weights)
    assert list(found) == names
    weights = artefact.weights[found[names[1]]][0].values.copy()
    weights[3] += 1e-3
    with pytest.raises(CheckError, match=f"layer '{names[1]}' was found 0 times"):
        find_layers(sources["linear"].graph, artefact.layers, _with_first_weight(artefact, found[names[1]], weights))


def _with_first_weight(artefact: Converted, position: int, values: np.ndarray) -> list:
    changed = list(artefact.weights)
    changed[position] = (replace(changed[position][0], values=values), *changed[position][1:])
    return changed
