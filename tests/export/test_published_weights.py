"""The published COCO weights through every target: accuracy on real images, and an old TFLite runtime."""

import json
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest
from shared_material import SHARED, needs_shared

from edgewright_calibration.__main__ import main as export_main
from edgewright_export.eval_cli import main as eval_main
from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS
from edgewright_export.pack import open_pack
from edgewright_train.commands.import_weights import main as import_main

pytestmark = [needs_shared, pytest.mark.slow]

PUBLISHED_AP50 = 0.3205  # PyTorch, score threshold 0.001, NMS 0.4, stretch resize to 352
MAX_DIFFERENCE = {"fp32": 0.001, "fp16": 0.003}


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = SHARED / "data" / "coco_val2017_dev"
    path = tmp_path_factory.mktemp("data") / "coco.toml"
    path.write_text(f'format = "coco"\n[val]\nimages = "{folder}/images"\nannotations = "{folder}/instances.json"\n')
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("coco") / "best.safetensors"
    published = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    assert import_main(["--model=yolo-fastestv2", f"--weights={published}", f"--out={path}"]) == 0
    return path


@pytest.fixture(scope="module")
def packs(weights: Path, coco: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packs, with their accuracy: an export whose AP50 leaves the tolerance fails here."""
    out = tmp_path_factory.mktemp("packs")
    assert export_main([f"--weights={weights}", "--target=all", f"--data={coco}", f"--out={out}"]) == 0
    return out / "yolo-fastestv2"


@pytest.mark.parametrize("precision", FLOAT_PRECISIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_pack_keeps_the_accuracy_of_its_source(target: str, precision: str, packs: Path) -> None:
    accuracy = open_pack(packs / f"{target}-{precision}").manifest.accuracy
    assert accuracy is not None
    assert accuracy.num_images == 177
    assert accuracy.source_value == pytest.approx(PUBLISHED_AP50, abs=0.001)
    assert accuracy.value == pytest.approx(accuracy.source_value, abs=MAX_DIFFERENCE[precision])


def test_what_edgebench_finds_scores_the_same(packs: Path, coco: Path, tmp_path: Path) -> None:
    edgebench = Path(__file__).resolve().parents[2] / "build" / "_edge" / "edgebench"
    if not edgebench.exists():
        pytest.skip("edgebench is not built; run make edge")
    found, scores = tmp_path / "found.json", tmp_path / "scores.json"
    images = SHARED / "data" / "coco_val2017_dev" / "images"
    command = [edgebench, "run", packs / "ncnn-fp32", images, "--score", "0.001", "--iou", "0.4", "--json", found]
    subprocess.run(command, check=True)
    assert eval_main([f"--detections={found}", f"--data={coco}", f"--json={scores}"]) == 0
    assert json.loads(scores.read_text())["AP50"] == pytest.approx(PUBLISHED_AP50, abs=0.003)


@pytest.mark.parametrize("precision", FLOAT_PRECISIONS)
def test_tflite_packs_run_in_tflite_runtime_2_14(precision: str, packs: Path, tflite_runtime: Path) -> None:
    """In an environment of its own: that runtime needs numpy < 2."""
    pack = packs / f"tflite-{precision}"
    manifest = open_pack(pack).manifest
    done = subprocess.run(
        [tflite_runtime, "-c", RUN_TFLITE, pack, manifest.input.layout], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) <= {"fp32": 1e-4, "fp16": 0.02}[precision]


@pytest.fixture(scope="module")
def tflite_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime 2.14 exists for Python up to 3.11 only")
    folder = tmp_path_factory.mktemp("tflite-runtime")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wanted = ["tflite-runtime==2.14.0", "numpy==1.26.4", "safetensors==0.8.0"]
    subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
    return python


RUN_TFLITE = textwrap.dedent(
    """
    import sys
    import numpy as np
    from safetensors.numpy import load_file
    from tflite_runtime.interpreter import Interpreter
    pack, layout = sys.argv[1:]
    runner = Interpreter(model_path=f"{pack}/model.tflite").get_signature_runner()
    worst = 0.0
    for number in range(3):
        case = load_file(f"{pack}/golden/{number:03d}.safetensors")
        image = case["network_image"][None].astype(np.float32) * np.float32(1 / 255)
        outputs = runner(image=image if layout == "nhwc" else image.transpose(0, 3, 1, 2))
        for name, value in outputs.items():
            value = value[0].transpose(2, 0, 1) if layout == "nhwc" else value[0]
            worst = max(worst, float(np.abs(value - case[name]).max()))
    print(worst)
    """
)
