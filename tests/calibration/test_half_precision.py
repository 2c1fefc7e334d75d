"""Networks that half precision is too small for: found, named, and exported with those layers in float32."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ncnn_int8 import Captured, Maps, captured
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.nn import functional as F

from edgewright_calibration.half.full_precision import full_precision
from edgewright_calibration.half.ranges import LARGEST_HALF, SAFETY_FACTOR, HalfCounts, HalfRange, half_ranges
from edgewright_export.conversion import ConversionSpec, FullPrecision
from edgewright_export.manifest import TARGETS, Manifest, ModelInput, ModelOutput, Target
from edgewright_export.ncnn_bin import TAG_FLOAT16, TAG_FLOAT32, read_bin
from edgewright_export.ncnn_param import parse_param
from edgewright_export.runners import open_runner
from edgewright_export.targets import converter_module_of
from edgewright_train.errors import CheckError

ON_HALF_VALUES: tuple[Target, ...] = ("ncnn", "coreml", "onnx")


class Overflowing(nn.Module):
    """Between `large` and `small`, values are a hundred thousand times as large as before and after."""

    def __init__(self, factor: float = 1e5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem, self.large = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1)
        self.small, self.side, self.head = nn.Conv2d(8, 16, 1), nn.Conv2d(8, 16, 1), nn.Conv2d(16, 4, 1)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight)
        with torch.no_grad():
            self.large.weight.mul_(factor)
            self.small.weight.div_(factor)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.stem(image))
        y = F.max_pool2d(torch.relu(self.large(x)), 2, 2)
        z = F.channel_shuffle(torch.relu(self.small(y)), 2)
        return self.head(z), self.side(x)


class Vanishing(nn.Module):
    """Weights that half precision has no numbers for, and a layer that needs them."""

    def __init__(self, factor: float = 1e-8) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem, self.tiny, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(8, 5, 1)
        for layer in self.children():
            nn.init.kaiming_normal_(layer.weight)
        with torch.no_grad():
            self.tiny.weight.mul_(factor)
        self.factor = factor

    def forward(self, image: Tensor) -> tuple[Tensor]:
        x = torch.relu(self.tiny(torch.relu(self.stem(image)))) / self.factor
        return (self.head(x.mean((2, 3), keepdim=True)),)


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem, self.depthwise = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        x = torch.relu(self.depthwise(torch.relu(self.stem(image))))
        return (torch.softmax(self.head(x.mean((2, 3), keepdim=True)), 1),)


def ranges_of(source: Captured) -> dict[str, HalfRange]:
    found = half_ranges(source.graph, source.preprocess, _named(source))
    return {each.node: each for each in found}


def kept_of(source: Captured) -> dict[Target, FullPrecision]:
    return full_precision(source.graph, source.preprocess, _named(source), TARGETS)


def _named(source: Captured) -> list[tuple[str, np.ndarray]]:
    return [(f"{number}.png", image) for number, image in enumerate(source.images)]


def exported(source: Captured, target: Target, folder: Path, kept: FullPrecision | None) -> list[Maps]:
    """Per image, what the runtime makes of the fp16 artefact, which is written to `folder`."""
    folder.mkdir()
    (folder.parent / "scratch").mkdir(exist_ok=True)
    spec = ConversionSpec(
        precision="fp16", input_name="image", output_names=source.output_names, preprocess=source.preprocess,
        scratch=folder.parent / "scratch", full_precision=tuple(kept.nodes) if kept else (),
    )  # fmt: skip
    convert = import_module(kept.converter_module if kept else converter_module_of(target)).convert
    artefact = convert(source.exported, spec, folder)
    manifest = Manifest.model_construct(
        target=target, precision="fp16", entry=artefact.entry,
        input=ModelInput(
            name="image", kind=artefact.input_kind, layout=artefact.input_layout, preprocess=source.preprocess
        ),
        outputs=tuple(
            ModelOutput(name=name, layout=artefact.output_layout, shape=(1, 1, 1)) for name in source.output_names
        ),
    )  # fmt: skip
    run = open_runner(folder, manifest)
    return [dict(run(image)) for image in source.images]


def expected(source: Captured) -> list[Maps]:
    with torch.no_grad():
        runs = [source.graph(x) for x in source.tensors()]
    return [
        {name: value[0].numpy() for name, value in zip(source.output_names, values, strict=True)} for values in runs
    ]


def largest_error(found: list[Maps], wanted: list[Maps]) -> float:
    """Of all outputs, as a share of the largest value; infinite where one is not finite."""
    errors = [
        float(np.abs(a[name].ravel() - b[name].ravel()).max() / np.abs(b[name]).max())
        if np.isfinite(a[name]).all()
        else np.inf
        for a, b in zip(found, wanted, strict=True)
        for name in b
    ]
    return max(errors)


@pytest.fixture(scope="module")
def overflowing() -> Captured:
    return captured(Overflowing())


@pytest.fixture(scope="module")
def vanishing() -> Captured:
    return captured(Vanishing())


def test_a_plain_network_has_no_risks() -> None:
    source = captured(Plain())
    assert kept_of(source) == {}
    assert all(not each.risk for each in ranges_of(source).values())


def test_overflow_is_found_at_every_node_that_has_it_and_its_readers_are_kept(overflowing: Captured) -> None:
    ranges = ranges_of(overflowing)
    at_risk = [name for name, each in ranges.items() if each.value_risk]
    assert at_risk == ["conv2d_1", "relu_1", "max_pool2d"]
    assert ranges["conv2d_1"].values.headroom < 1
    assert "is beyond 65504" in ranges["conv2d_1"].value_risk
    kept = kept_of(overflowing)["ncnn"].nodes
    assert list(kept) == [*at_risk, "conv2d_2"]
    assert kept_of(overflowing)["tflite"].nodes.keys() == {"conv2d_2"}  # its weights are all below 2^-14


@pytest.mark.parametrize("target", ON_HALF_VALUES)
def test_what_overflows_in_half_precision_is_right_in_float32(
    target: Target, overflowing: Captured, tmp_path: Path
) -> None:
    wanted, kept = expected(overflowing), kept_of(overflowing)[target]
    if target != "onnx":  # ONNX Runtime computes in float32 on most CPUs: see the next test
        assert not largest_error(exported(overflowing, target, tmp_path / "all", None), wanted) < 0.5
    assert largest_error(exported(overflowing, target, tmp_path / "kept", kept), wanted) < 2e-3


def test_an_onnx_file_is_right_where_half_precision_is_computed_in(overflowing: Captured, tmp_path: Path) -> None:
    """ONNX's reference evaluator does what the types of the file say."""
    wanted = expected(overflowing)[:1]
    image = overflowing.tensors()[0].numpy()
    kept = kept_of(overflowing)["onnx"]
    errors = {}
    for name, nodes in (("all", None), ("kept", kept)):
        exported(overflowing, "onnx", tmp_path / name, nodes)
        evaluator = ReferenceEvaluator(str(tmp_path / name / "model.onnx"))
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = evaluator.run(None, {"image": image})
        found = {key: value[0] for key, value in zip(overflowing.output_names, outputs, strict=True)}
        errors[name] = largest_error([found], wanted)
    assert not errors["all"] < 0.5
    assert errors["kept"] < 2e-3


@pytest.mark.parametrize("target", TARGETS)
def test_what_vanishes_in_half_precision_is_right_in_float32(
    target: Target, vanishing: Captured, tmp_path: Path
) -> None:
    wanted, kept = expected(vanishing), kept_of(vanishing)[target]
    assert "weights of at most" in kept.nodes["conv2d_1"]
    assert not largest_error(exported(vanishing, target, tmp_path / "all", None), wanted) < 0.5
    assert largest_error(exported(vanishing, target, tmp_path / "kept", kept), wanted) < 2e-3


def test_ncnn_masks_the_layers_and_converts_what_they_read(overflowing: Captured, tmp_path: Path) -> None:
    """On x86 nothing computes in half precision: what an ARM CPU is told is all that can be looked at here."""
    exported(overflowing, "ncnn", tmp_path / "kept", kept_of(overflowing)["ncnn"])
    layers = parse_param((tmp_path / "kept" / "model.param").read_text())
    weights = read_bin(layers, (tmp_path / "kept" / "model.bin").read_bytes())
    masked = {layer.name for layer in layers if layer.integer(31, 0) & 3 == 3}
    producers = {blob: layer for layer in layers for blob in layer.outputs}
    for layer, tensors in zip(layers, weights, strict=True):
        if layer.kind == "Convolution":
            assert tensors[0].tag == (TAG_FLOAT32 if layer.name in masked else TAG_FLOAT16)
        if layer.name in masked:
            sources = [producers[blob] for blob in layer.inputs]
            assert all(each.name in masked or each.kind in ("Permute", "Input") for each in sources)
    assert len(masked & {layer.name for layer in layers if layer.kind == "Convolution"}) == 2
    bridges = [layer for layer in layers if layer.kind == "Permute"]
    assert [layer.params for layer in bridges] == [{0: "0"}]
    assert producers[bridges[0].inputs[0]].name not in masked


@pytest.mark.parametrize("target", ["ncnn", "coreml"])
def test_nothing_at_risk_gives_the_bytes_of_the_target_s_own_converter(target: Target, tmp_path: Path) -> None:
    source = captured(Plain(), num_images=1)
    exported(source, target, tmp_path / "own", None)
    none = FullPrecision(nodes={}, converter_module=f"edgewright_calibration.half.{target}")
    exported(source, target, tmp_path / "other", none)
    own, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "own", tmp_path / "other")
    )
    assert own == other


@pytest.mark.parametrize("target", ON_HALF_VALUES)
def test_two_conversions_give_the_same_bytes(target: Target, overflowing: Captured, tmp_path: Path) -> None:
    kept = kept_of(overflowing)[target]
    for name in ("first", "second"):
        exported(overflowing, target, tmp_path / name, kept)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "first", tmp_path / "second")
    )
    assert first == second


def test_layers_that_the_file_does_not_have_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = captured(Overflowing(), num_images=1)
    kept = kept_of(source)["ncnn"]

    def lost(*_: object) -> dict[str, int]:
        raise CheckError("ncnn: layer 'conv2d_1' was found 0 times, not 1")

    monkeypatch.setattr("edgewright_calibration.half.ncnn.find_layers", lost)
    with pytest.raises(CheckError, match=r"'conv2d_1' is too large or too small.*use fp32 or int8"):
        exported(source, "ncnn", tmp_path / "kept", kept)


def test_the_sum_of_a_large_plane_is_a_risk_though_its_mean_is_small() -> None:
    class Average(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
            x = (image.abs() + 1) * 20
            return x.mean((2, 3)), F.avg_pool2d(x, (24, 40))

    ranges = ranges_of(captured(Average(), num_images=1))
    for name in ("mean", "avg_pool2d"):
        assert ranges[name].values.headroom > 1000
        assert ranges[name].value_risk.startswith("largest sum ")


def test_the_sum_of_a_small_window_is_none() -> None:
    class Windows(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor]:
            return (F.avg_pool2d(image.abs(), 2),)

    pooled = ranges_of(captured(Windows(), num_images=1))["avg_pool2d"]
    assert pooled.largest_sum == pytest.approx(4 * pooled.values.largest)
    assert not pooled.risk


def test_softmax_of_large_logits_reads_them_in_float32() -> None:
    class Logits(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor]:
            return (torch.softmax(image * 1e5, 1),)

    source = captured(Logits(), num_images=2)
    ranges = ranges_of(source)
    assert ranges["mul"].value_risk
    assert ranges["mul"].weight_risk  # the factor is beyond 65504 as well
    assert not ranges["softmax"].risk
    assert ranges["softmax"].largest_sum is not None
    assert 1 <= ranges["softmax"].largest_sum <= 3  # of exponentials, the largest being 1
    assert kept_of(source)["onnx"].nodes["softmax"] == "reads mul"


def test_partial_sums_that_cancel_are_a_note_and_no_risk() -> None:
    class Cancelling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 1, 1, bias=False)
            with torch.no_grad():
                self.conv.weight.copy_(torch.tensor([3e4, -3e4]).reshape(1, 2, 1, 1))

        def forward(self, image: Tensor) -> tuple[Tensor]:
            x = image[:, :1].abs() + 2
            return (self.conv(torch.cat([x, x], 1)),)

    conv = ranges_of(captured(Cancelling(), num_images=1))["conv2d"]
    assert conv.values.largest == 0
    assert not conv.risk
    assert "partial sums can reach" in conv.note


def test_values_that_are_not_finite_in_float32_are_refused_with_node_and_image() -> None:
    class Infinite(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor]:
            return (1 / (image * 0),)

    with pytest.raises(CheckError, match=r"node 'reciprocal|mul_1|div.*'0.png'"):
        ranges_of(captured(Infinite(), num_images=1))


@given(
    st.lists(st.floats(-1e6, 1e6, width=32, allow_nan=False), min_size=1, max_size=40),
    st.lists(st.floats(-1e6, 1e6, width=32, allow_nan=False), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_counts_are_numpy_s_and_do_not_depend_on_how_values_are_split(a: list[float], b: list[float]) -> None:
    parts, whole = HalfCounts(), HalfCounts()
    for values in (a, b):
        parts.update(torch.tensor(values))
    whole.update(torch.tensor(a + b))
    assert parts.num_flushed == whole.num_flushed
    assert parts.rounding_error == pytest.approx(whole.rounding_error)
    array = np.abs(np.array(a + b, np.float32))
    with np.errstate(over="ignore"):
        half = array.astype(np.float16).astype(np.float32)
    assert whole.largest == array.max()
    assert whole.num_flushed == int(((half == 0) & (array > 0)).sum())
    assert whole.num_subnormal == int(((array > 0) & (array < np.finfo(np.float16).smallest_normal)).sum())
    # what the headroom says of overflow is what a conversion does: 65520 and more round to infinity
    assert whole.headroom >= 1 or not np.isfinite(half).all() or array.max() < 65520
    assert np.isfinite(half).all() or whole.headroom < 1


@given(st.floats(1e-3, 1e9))
@settings(max_examples=12, deadline=None)
def test_the_factor_of_safety_decides(factor: float) -> None:
    class Scaled(nn.Module):
        def forward(self, image: Tensor) -> tuple[Tensor]:
            return (image * torch.tensor(factor),)

    source = captured(Scaled(), 8, 8, num_images=1)
    found = ranges_of(source)["mul"]
    assert bool(found.value_risk) == (found.values.largest * SAFETY_FACTOR > LARGEST_HALF)
