"""`make export` in few bits: packs that are proven, inside their budget, and the same every time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from small_checkpoint import write_small_checkpoint

from edgewright_calibration.__main__ import main
from edgewright_export.pack import Pack, digest_file, open_pack
from edgewright_export.verify import verify_golden
from edgewright_train.data.shapes.outline import LABELS as SHAPES

QUANTISED = ["onnx-int8", "ncnn-int8", "tflite-int8", "tflite-w8", "coreml-palette6"]  # each takes seconds


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_checkpoint(tmp_path_factory.mktemp("checkpoint") / "best.safetensors")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data") / "dataset.toml"
    data.write_text('format = "shapes"\ntrain = 12\nval = 4\n')
    return data


def export(checkpoint: Path, out: Path, *options: str) -> int:
    return main([f"--weights={checkpoint}", f"--out={out}", "--calibration=8", *options])


@pytest.fixture(scope="module")
def packs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quantised")
    common = ["--budget=any", "--method=min_max", f"--json={out / 'all.json'}"]
    assert export(checkpoint, out, "--target=coreml", "--precision=palette6", *common) == 0
    assert export(checkpoint, out, "--target=tflite", "--precision=w8", *common) == 0
    assert export(checkpoint, out, "--target=onnx,ncnn,tflite", "--precision=int8", *common) == 0
    return out / "yolo-fastestv2"


@pytest.mark.parametrize("name", QUANTISED)
def test_a_quantised_pack_holds_its_plan_in_pytorch_as_golden_vectors(packs: Path, name: str) -> None:
    pack = open_pack(packs / name)
    assert verify_golden(pack).min_cosine >= 0.9995
    made = pack.manifest.quantisation
    assert made is not None
    assert made.num_layers > 0
    assert 0.9 <= made.float_cosine < 1
    assert (made.method is None) == (made.calibration_sha256 is None) == (not name.endswith("int8"))


def test_the_calibration_that_a_pack_names_is_kept_beside_it(packs: Path) -> None:
    pack = open_pack(packs / "tflite-int8")
    assert pack.manifest.quantisation is not None
    assert pack.manifest.quantisation.calibration_sha256 == digest_file(packs / "calibration.json")


def test_int8_packs_are_smaller_than_half_precision(checkpoint: Path, packs: Path, tmp_path: Path) -> None:
    assert main([f"--weights={checkpoint}", "--target=ncnn", "--precision=fp16", f"--out={tmp_path}"]) == 0
    half = (tmp_path / "yolo-fastestv2" / "ncnn-fp16" / "model.bin").stat().st_size
    assert (packs / "ncnn-int8" / "model.bin").stat().st_size < 0.65 * half


def test_the_record_says_what_was_tried(packs: Path) -> None:
    records = json.loads((packs.parent / "all.json").read_text())
    assert {record["target"] + "-" + record["precision"] for record in records} == {
        "onnx-int8",
        "ncnn-int8",
        "tflite-int8",
    }
    for record in records:
        assert record["error"] is None
        assert record["quantisation"]["attempts"][-1]["judgement"] == "any loss is accepted"


def test_with_labels_the_loss_is_measured_and_stored(labelled: Path, tmp_path: Path) -> None:
    checkpoint = write_small_checkpoint(tmp_path / "best.safetensors", SHAPES)
    options = ["--target=ncnn", "--precision=int8", f"--data={labelled}", "--budget=1", "--method=mse"]
    assert export(checkpoint, tmp_path, *options) == 0
    accuracy = open_pack(tmp_path / "yolo-fastestv2" / "ncnn-int8").manifest.accuracy
    assert accuracy is not None
    assert accuracy.budget == 1
    assert accuracy.loss_low is not None
    assert accuracy.loss_high is not None
    assert accuracy.loss_low <= accuracy.source_value - accuracy.value <= accuracy.loss_high


def test_without_labels_layers_go_to_float_until_the_outputs_are_close(
    checkpoint: Path, packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = _noise_of(packs.parent / "all.json", "ncnn")
    options = [f"--budget={noise / 2}", "--method=min_max", f"--json={tmp_path / 'closer.json'}"]
    assert export(checkpoint, tmp_path, "--target=ncnn", "--precision=int8", *options) == 0
    assert 0 < _noise_of(tmp_path / "closer.json", "ncnn") <= noise / 2
    made = open_pack(tmp_path / "yolo-fastestv2" / "ncnn-int8").manifest.quantisation
    whole = open_pack(packs / "ncnn-int8").manifest.quantisation
    assert made is not None
    assert whole is not None
    assert set(whole.float_layers) < set(made.float_layers)
    assert made.num_layers > 0
    assert "of which the search moved" in capsys.readouterr().out


def _noise_of(records: Path, target: str) -> float:
    (record,) = [record for record in json.loads(records.read_text()) if record["target"] == target]
    found: float = record["quantisation"]["noise"]
    return found


def test_what_cannot_be_inside_the_budget_is_refused_with_what_was_tried(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(checkpoint, tmp_path, "--target=coreml", "--precision=palette4", "--budget=0") == 1
    shown = capsys.readouterr().out
    assert "nothing tried is inside BUDGET=0.0" in shown
    assert "0 in float: noise" in shown
    assert not (tmp_path / "yolo-fastestv2" / "coreml-palette4").exists()


@pytest.mark.parametrize("target", ["ncnn", "onnx"])
def test_a_layer_named_by_the_user_stays_in_float(checkpoint: Path, tmp_path: Path, target: str) -> None:
    options = [f"--target={target}", "--precision=int8", "--method=min_max", "--budget=any", "--float=conv2d,conv2d_2"]
    assert export(checkpoint, tmp_path, *options) == 0
    made = open_pack(tmp_path / "yolo-fastestv2" / f"{target}-int8").manifest.quantisation
    assert made is not None
    assert {"conv2d", "conv2d_2"} <= set(made.float_layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget=-0.1"], "BUDGET=-0.1: must be a number from 0 to 1, or any"),
        (["--budget=1.5"], "BUDGET=1.5: must be a number from 0 to 1, or any"),
        (["--budget=nan"], "BUDGET=nan: must be a number from 0 to 1, or any"),
        (["--method=magic"], "METHOD=magic: unknown; choose from: auto, min_max"),
        (["--calibration=7"], "CALIBRATION=7: must be a whole number from 8"),
        (["--float=conv2d_999"], "FLOAT=conv2d_999: no such layer; the network has conv2d, conv2d_1"),
        (["--precision=int9"], "PRECISION=int9: unknown 'int9'"),
        (["--precision=palette8"], "PRECISION=palette8: only for TARGET=coreml"),
        (["--calibration-data=/no/such/folder"], "no such"),
        (["--io=int8"], "IO=int8: only for TARGET=tflite with PRECISION=int8 or mixed"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    every = ["--target=ncnn", "--precision=int8", "--budget=any", *options]
    assert export(checkpoint, tmp_path / "out", *every) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in last
    assert not list((tmp_path / "out").rglob("manifest.json"))


def test_input_and_output_can_be_int8_too(checkpoint: Path, tmp_path: Path) -> None:
    options = ["--target=tflite", "--precision=int8", "--method=min_max", "--budget=any", "--io=int8"]
    assert export(checkpoint, tmp_path, *options) == 0
    pack = open_pack(tmp_path / "yolo-fastestv2" / "tflite-int8")
    runtime = Interpreter(model_path=str(pack.path / pack.manifest.entry)).get_signature_runner()
    ends = {**runtime.get_input_details(), **runtime.get_output_details()}
    assert {name: detail["dtype"] for name, detail in ends.items()} == dict.fromkeys(
        ["image", "stride16", "stride32"], np.int8
    )
    for end in (pack.manifest.input, *pack.manifest.outputs):
        assert end.steps is not None
        assert ends[end.name]["quantization"] == pytest.approx((end.steps.scale, end.steps.zero_point))
    assert verify_golden(pack).min_cosine >= 0.9995


@pytest.mark.parametrize("part", ["ncnn-int8", "tflite-int8/model.tflite"])
def test_a_pack_is_not_quantised_again(
    packs: Path, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(packs / part, tmp_path, "--precision=int8") == 2
    assert "is a pack, which is converted already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_a_pack_made_from_another_plan_than_its_reference_is_refused(
    checkpoint: Path, tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One layer's step is 3 % off in what the writer gets; the reference knows the right one."""
    from edgewright_calibration import quantised_export  # noqa: PLC0415

    right = quantised_export.choose

    def wrong(*arguments: Any, **options: Any) -> Any:
        choice = right(*arguments, **options)
        monkeypatch.setattr(quantised_export, "plan_text", lambda plan: _with_a_wrong_step(plan).model_dump_json())
        return choice

    monkeypatch.setattr(quantised_export, "choose", wrong)
    assert export(checkpoint, tmp_path, f"--target={target}", "--precision=int8", "--budget=any") == 1
    assert "does not equal its source" in capsys.readouterr().out
    assert not (tmp_path / "yolo-fastestv2" / f"{target}-int8").exists()


def _with_a_wrong_step(plan: Any) -> Any:
    name = list(plan.layers)[5]
    layer = plan.layers[name]
    scales = tuple(scale * 1.03 for scale in layer.weight_scales)
    return plan.model_copy(update={"layers": {**plan.layers, name: layer.model_copy(update={"weight_scales": scales})}})


@pytest.mark.slow
def test_packs_have_the_same_bytes_whatever_the_number_of_threads(checkpoint: Path, tmp_path: Path) -> None:
    found = []
    for threads in ("1", "2"):
        out = tmp_path / threads
        command = [
            sys.executable, "-m", "edgewright_calibration", f"--weights={checkpoint}", f"--out={out}", "--target=all",
            "--precision=int8,w8", "--calibration=8", "--budget=any",
        ]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "SOURCE_DATE_EPOCH": "1", "PYTHONHASHSEED": threads}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        folder = out / "yolo-fastestv2"
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "logs" not in path.parts)
        found.append({str(path.relative_to(folder)): digest_file(path) for path in files})
    assert found[0] == found[1]
    assert isinstance(open_pack(tmp_path / "1" / "yolo-fastestv2" / "tflite-int8"), Pack)
