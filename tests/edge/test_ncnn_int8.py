"""edgebench runs int8, mixed and w8 packs as NCNN's Python wheel does, which proved them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ncnn_int8 import captured, converted, int8_plan
from small_pack import decode, preprocess, rewrite_manifest, write_ncnn_pack
from torch import Tensor, nn

from edgewright_calibration.layers import layers
from edgewright_calibration.plan import LayerPlan, Plan
from edgewright_export.golden import make_case, write_case
from edgewright_export.manifest import Precision
from edgewright_export.pack import list_files, open_pack
from edgewright_export.runners import open_runner

NUM_GOLDEN = 2


class Network(nn.Module):
    """With the outputs of the small pack: a chain of codes, a depthwise layer, a dense 3x3 one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.depthwise = nn.Conv2d(3, 16, 3, 4, 1), nn.Conv2d(16, 16, 3, 2, 1, groups=16)
        self.dense, self.down = nn.Conv2d(16, 24, 3, 1, 1), nn.Conv2d(24, 24, 3, 2, 1)
        self.fine, self.coarse = nn.Conv2d(24, 13, 1), nn.Conv2d(24, 8, 3, 2, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = torch.relu(self.dense(torch.relu(self.depthwise(torch.relu(self.stem(image))))))
        x = torch.relu(self.down(x))
        return torch.sigmoid(self.fine(x)), torch.sigmoid(self.coarse(x))


@pytest.fixture(scope="module")
def source():
    torch.manual_seed(5)
    return captured(Network(), width=preprocess().width, height=preprocess().height)


def plan_of(source, precision: Precision) -> Plan:
    names = [layer.name for layer in layers(source.graph)]
    if precision == "w8":
        palette = tuple(np.linspace(-0.4, 0.4, 256, dtype=np.float32).tolist())
        return Plan(
            target="ncnn", layers={name: LayerPlan(input=None, palette=palette) for name in names}, half_floats=True
        )
    return int8_plan(source, float_layers=names[1:3] if precision == "mixed" else ())


@pytest.mark.parametrize("precision", ["int8", "mixed", "w8"])
def test_edgebench_computes_what_the_wheel_does(edgebench, source, precision: Precision, tmp_path: Path) -> None:
    pack = write_ncnn_pack(tmp_path / "pack")
    (tmp_path / "scratch").mkdir()
    artefact = converted(source, plan_of(source, precision), tmp_path / "scratch", precision)
    text = (artefact.folder / "model.param").read_text()
    for name, own in (("y0", "stride16"), ("y1", "stride32")):
        text = text.replace(f" {name} ", f" {own} ")
    (pack / "model.param").write_text(text)
    (pack / "model.bin").write_bytes((artefact.folder / "model.bin").read_bytes())
    rewrite_manifest(pack, lambda m: _as_quantised(m, pack, artefact.plan, precision))
    run = open_runner(pack, open_pack(pack).manifest)
    for index in range(NUM_GOLDEN):
        image = np.random.default_rng(index).integers(0, 256, (48, 80, 3), np.uint8)
        write_case(pack / f"golden/00{index}.safetensors", make_case(image, run, preprocess(), decode()))
    rewrite_manifest(pack, lambda m: m.update(files=[file.model_dump() for file in list_files(pack)]))
    done = edgebench("verify", pack, "--json")
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    assert len(cases) == NUM_GOLDEN
    assert max(case["max_error"] for case in cases) < 1e-6


def _as_quantised(manifest: dict[str, Any], pack: Path, plan: Plan, precision: Precision) -> None:
    manifest["precision"] = precision
    manifest["files"] = [file.model_dump() for file in list_files(pack)]
    manifest["quantisation"] = {
        "method": None, "calibration_sha256": None, "plan_sha256": plan.digest, "num_layers": len(plan.layers),
        "float_layers": [], "float_cosine": 1.0,
    }  # fmt: skip
