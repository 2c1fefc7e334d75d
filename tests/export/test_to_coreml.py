"""Conversion to CoreML, its result run by the interpreter and read back by coremltools."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import coremltools as ct
import numpy as np
import pytest
import torch
from mil_cases.programs import edit_model, operations_of
from torch import Tensor, nn

from edgewright_export.capture import capture
from edgewright_export.conversion import ConversionSpec
from edgewright_export.manifest import Manifest, ModelInput, ModelOutput
from edgewright_export.runners.coreml import open_runner
from edgewright_export.to_coreml import ENTRY, convert
from edgewright_train.checkpoint import Checkpoint, Header
from edgewright_train.errors import CheckError, InputError
from edgewright_train.models import architecture
from edgewright_train.vision.preprocess import Preprocess

Precision = Literal["fp32", "fp16"]
WIDTH, HEIGHT = 96, 64
EVEN_SCALE = {"mean": (10.0, 20.0, 30.0), "scale": (1 / 255, 1 / 255, 1 / 255)}
IMAGENET = {"mean": (123.675, 116.28, 103.53), "scale": (1 / 58.395, 1 / 57.12, 1 / 57.375)}


def preprocess_of(*, colour_order: str = "bgr", **normalisation: Any) -> Preprocess:
    return Preprocess(
        width=WIDTH, height=HEIGHT, colour_order=colour_order, resize="stretch", interpolation="linear",
        **(normalisation or EVEN_SCALE),
    )  # fmt: skip


class Probe(nn.Module):
    """Tells the channels apart: output `sum` weighs them differently, `same` is the normalised image."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        weights = torch.tensor([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
        return (image * weights).sum(1, keepdim=True), image * 1.0


def convert_module(
    module: nn.Module, folder: Path, preprocess: Preprocess, *, precision: Precision, outputs: tuple[str, ...]
) -> None:
    exported = torch.export.export(module, (torch.zeros(1, 3, HEIGHT, WIDTH),))
    convert_captured(exported, folder, preprocess, precision=precision, outputs=outputs)


def convert_captured(
    exported: Any, folder: Path, preprocess: Preprocess, *, precision: Precision, outputs: tuple[str, ...]
) -> None:
    folder.mkdir()
    spec = ConversionSpec(
        precision=precision, input_name="image", output_names=outputs, preprocess=preprocess, scratch=folder.parent
    )
    artefact = convert(exported, spec, folder)
    assert (artefact.entry, artefact.input_kind) == (ENTRY, "image")


def runner_of(folder: Path, preprocess: Preprocess, outputs: tuple[str, ...]) -> Any:
    manifest = Manifest.model_construct(
        entry=ENTRY,
        input=ModelInput(name="image", kind="image", layout="nchw", preprocess=preprocess),
        outputs=tuple(ModelOutput(name=name, layout="nchw", shape=(1, 1, 1)) for name in outputs),
    )
    return open_runner(folder, manifest)


def network_image() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """YOLO-FastestV2 with random weights and statistics, so that folding its batch norms matters."""
    torch.manual_seed(0)
    arch = architecture("yolo-fastestv2")
    network = arch.build(3).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    header = Header(
        model="yolo-fastestv2", labels=("a", "b", "c"), anchors_px=arch.default_anchors_px, width=WIDTH, height=HEIGHT
    )
    return Checkpoint(network, header)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_converted_network_computes_what_its_source_computes(
    checkpoint: Checkpoint, tmp_path: Path, precision: Precision
) -> None:
    arch, preprocess = architecture("yolo-fastestv2"), preprocess_of()
    exported = capture(architecture("yolo-fastestv2").deploy(checkpoint.network), WIDTH, HEIGHT)
    convert_captured(exported, tmp_path / "out", preprocess, precision=precision, outputs=arch.output_names)
    image = network_image()
    maps = runner_of(tmp_path / "out", preprocess, arch.output_names)(image)
    with torch.no_grad():
        references = arch.deploy(checkpoint.network)(torch.from_numpy(preprocess.normalise(image)))
    for name, reference in zip(arch.output_names, references, strict=True):
        expected = reference[0].numpy()
        assert maps[name].dtype == np.float32
        if precision == "fp32":
            np.testing.assert_allclose(maps[name], expected, rtol=0, atol=1e-5)
        else:
            cosine = (maps[name] * expected).sum() / np.linalg.norm(maps[name]) / np.linalg.norm(expected)
            assert cosine > 0.99999
            assert 0 < np.abs(maps[name] - expected).max() < 0.01  # above 0: half precision was really used


@pytest.mark.parametrize("colour_order", ["bgr", "rgb"])
@pytest.mark.parametrize("normalisation", [EVEN_SCALE, IMAGENET], ids=["one scale", "a scale per channel"])
def test_the_program_normalises_each_channel_with_its_own_mean_and_scale(
    tmp_path: Path, colour_order: str, normalisation: dict[str, Any]
) -> None:
    preprocess, outputs = preprocess_of(colour_order=colour_order, **normalisation), ("sum", "same")
    convert_module(Probe(), tmp_path / "out", preprocess, precision="fp32", outputs=outputs)
    image = network_image()
    expected = preprocess.normalise(image)
    maps = runner_of(tmp_path / "out", preprocess, outputs)(image)
    np.testing.assert_allclose(maps["same"], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(maps["sum"], Probe()(torch.from_numpy(expected))[0][0], rtol=1e-5, atol=1e-4)


def test_a_file_that_wants_the_other_colour_order_is_not_hidden_by_the_runner(tmp_path: Path) -> None:
    preprocess = preprocess_of(colour_order="bgr")
    convert_module(Probe(), tmp_path / "out", preprocess, precision="fp32", outputs=("sum", "same"))

    def swap(model: Any) -> None:
        model.description.input[0].type.imageType.colorSpace = ct.proto.FeatureTypes_pb2.ImageFeatureType.RGB

    edit_model(tmp_path / "out" / ENTRY, swap)
    image = network_image()
    maps = runner_of(tmp_path / "out", preprocess, ("sum", "same"))(image)
    assert np.abs(maps["same"] - preprocess.normalise(image)[0]).max() > 0.5


_CONVERT_AGAIN = """
import sys, torch
from pathlib import Path
sys.path[:0] = [{tests!r}, {here!r}]
from test_to_coreml import Probe, convert_module, preprocess_of
convert_module(Probe(), Path(sys.argv[1]), preprocess_of(), precision="fp16", outputs=("sum", "same"))
"""


def test_two_conversions_are_byte_identical_even_in_other_processes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        convert_module(Probe(), tmp_path / name, preprocess_of(), precision="fp16", outputs=("sum", "same"))
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, "-c", _CONVERT_AGAIN.format(tests=str(here.parent), here=str(here)), tmp_path / "third"],
        env={**os.environ, "PYTHONHASHSEED": "7"}, check=True, capture_output=True,
    )  # fmt: skip
    first, second, third = (contents(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second == third


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_coremltools_reloads_the_package_with_its_names_and_types(tmp_path: Path) -> None:
    convert_module(Probe(), tmp_path / "out", preprocess_of(), precision="fp16", outputs=("sum", "same"))
    spec = ct.models.MLModel(str(tmp_path / "out" / ENTRY), skip_model_load=True).get_spec()
    (image,) = spec.description.input
    assert (image.name, image.type.imageType.width, image.type.imageType.height) == ("image", WIDTH, HEIGHT)
    assert image.type.imageType.colorSpace == ct.proto.FeatureTypes_pb2.ImageFeatureType.BGR
    float32 = ct.proto.FeatureTypes_pb2.ArrayFeatureType.FLOAT32
    outputs = {output.name: output.type.multiArrayType for output in spec.description.output}
    assert {name: list(array.shape) for name, array in outputs.items()} == {
        "sum": [1, 1, HEIGHT, WIDTH],
        "same": [1, 3, HEIGHT, WIDTH],
    }
    assert all(array.dataType == float32 for array in outputs.values())
    assert spec.specificationVersion == 7  # iOS 16
    half = [op for op in operations_of(spec) if op.outputs[0].type.tensorType.dataType == ct.proto.MIL_pb2.FLOAT16]
    assert {"mul", "reduce_sum"} <= {op.type for op in half}


def test_the_package_holds_what_its_manifest_lists_and_no_date(tmp_path: Path) -> None:
    convert_module(Probe(), tmp_path / "out", preprocess_of(), precision="fp32", outputs=("sum", "same"))
    package = tmp_path / "out" / ENTRY
    items = json.loads((package / "Manifest.json").read_text())["itemInfoEntries"].values()
    assert sorted(path.name for path in package.iterdir()) == ["Data", "Manifest.json"]
    assert sorted(item["path"] for item in items) == ["com.apple.CoreML/model.mlmodel", "com.apple.CoreML/weights"]
    assert all((package / "Data" / item["path"]).exists() for item in items)
    assert b"conversion_date" not in (package / "Data" / "com.apple.CoreML" / "model.mlmodel").read_bytes()


def test_the_runner_refuses_a_tensor_input_and_a_missing_output(tmp_path: Path) -> None:
    preprocess = preprocess_of()
    convert_module(Probe(), tmp_path / "out", preprocess, precision="fp32", outputs=("sum", "same"))
    with pytest.raises(CheckError, match="has no output 'other'"):
        runner_of(tmp_path / "out", preprocess, ("sum", "other"))(network_image())
    manifest = Manifest.model_construct(
        entry=ENTRY, input=ModelInput(name="image", kind="tensor", layout="nchw", preprocess=preprocess), outputs=()
    )
    with pytest.raises(InputError, match="a coreml pack takes an image, not a tensor"):
        open_runner(tmp_path / "out", manifest)
