"""One checkpoint becomes proven packs for every target, or nothing at all."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from edgewright_calibration.__main__ import main as export_main
from edgewright_export import to_ncnn
from edgewright_export.assemble import assemble
from edgewright_export.capture import capture, runnable
from edgewright_export.conversion import ConversionSpec
from edgewright_export.eval_cli import main as eval_main
from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS
from edgewright_export.pack import open_pack
from edgewright_export.parity import TOLERANCES
from edgewright_export.source import Source, load_source
from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.errors import CheckError, EdgewrightError
from edgewright_train.models import architecture

ALL_PACKS = {f"{target}-{precision}" for target in TARGETS for precision in FLOAT_PRECISIONS}

_FP32 = TOLERANCES["detect"]["fp32"]


@pytest.fixture(scope="module")
def all_packs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("all")
    os.environ["SOURCE_DATE_EPOCH"] = "1000000000"
    assert export_main([f"--weights={checkpoint}", "--target=all", f"--out={out}"]) == 0
    return out / "yolo-fastestv2"


def test_every_target_and_precision_becomes_a_pack(all_packs: Path) -> None:
    assert {path.name for path in all_packs.iterdir()} == ALL_PACKS | {"logs"}
    for name in ALL_PACKS:
        manifest = open_pack(all_packs / name).manifest
        assert f"{manifest.target}-{manifest.precision}" == name
        assert [output.name for output in manifest.outputs] == ["stride16", "stride32"]
        assert manifest.outputs[0].shape == (5 * 3 + 3, 4, 6)  # 96x64 (width x height) at stride 16
        assert manifest.input.kind == ("image" if manifest.target == "coreml" else "tensor")
        assert manifest.provenance.created_utc == "2001-09-09T01:46:40Z"


def test_fp16_packs_are_about_half_the_size(all_packs: Path) -> None:
    for target in ("onnx", "ncnn", "tflite", "coreml"):
        sizes = [open_pack(all_packs / f"{target}-{precision}").size_bytes for precision in ("fp16", "fp32")]
        assert sizes[0] < 0.65 * sizes[1]


def test_no_file_tells_where_it_was_made(all_packs: Path) -> None:
    here = str(Path(__file__).resolve().parents[2]).encode()
    for path in all_packs.glob("*-*/**/*"):
        if path.is_file():
            data = path.read_bytes()
            assert here not in data, path
            assert b"site-packages" not in data, path


def test_the_onnx_file_passes_the_checker(all_packs: Path) -> None:
    for precision in ("fp32", "fp16"):
        onnx.checker.check_model(onnx.load(all_packs / f"onnx-{precision}" / "model.onnx"), full_check=True)


def test_a_second_export_gives_the_same_bytes(all_packs: Path, checkpoint: Path, tmp_path: Path) -> None:
    os.environ["SOURCE_DATE_EPOCH"] = "1000000000"
    assert export_main([f"--weights={checkpoint}", "--target=ncnn,coreml,onnx", f"--out={tmp_path}"]) == 0
    for path in (tmp_path / "yolo-fastestv2").glob("*-*/**/*"):
        if path.is_file():
            first = all_packs / path.relative_to(tmp_path / "yolo-fastestv2")
            assert path.read_bytes() == first.read_bytes(), path


def test_the_captured_graph_computes_what_the_network_computes(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint)
    image = torch.rand(1, 3, 160, 96)
    deployed = architecture("yolo-fastestv2").deploy(loaded.network)
    graph = runnable(capture(deployed, width=96, height=160))
    with torch.no_grad():
        expected = deployed(image)
        for a, b in zip(graph(image), expected, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def source(checkpoint: Path) -> Source:
    scenes = ShapesDataset("val", count=2)
    return load_source(checkpoint, None, {scenes.source(i): scenes.image(i) for i in range(2)})


def test_an_artefact_with_one_wrong_weight_never_becomes_a_pack(source: Source, tmp_path: Path) -> None:
    exported = capture(architecture("yolo-fastestv2").deploy(source.checkpoint.network), 96, 64)
    folder, scratch = tmp_path / "files", tmp_path / "scratch"
    folder.mkdir(), scratch.mkdir()
    spec = ConversionSpec(
        precision="fp32",
        input_name="image",
        output_names=("stride16", "stride32"),
        preprocess=source.preprocess,
        scratch=scratch,
    )
    artefact = to_ncnn.convert(exported, spec, folder)
    weights = np.fromfile(folder / "model.bin", np.float32)
    weights[100] += 0.5  # inside the first convolution, behind its tag word
    weights.tofile(folder / "model.bin")
    place = tmp_path / "out" / "ncnn-fp32"
    with pytest.raises(CheckError, match="ncnn-fp32 does not equal its source on golden/000"):
        assemble(source, artefact, folder, place, target="ncnn", precision="fp32", tolerance=_FP32)
    assert list((tmp_path / "out").iterdir()) == []
    (folder / "model.bin").write_bytes(b"\0" * 10)
    with pytest.raises(CheckError, match="cannot load it"):
        assemble(source, artefact, folder, place, target="ncnn", precision="fp32", tolerance=_FP32)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_export_leaves_an_earlier_pack_as_it_was(packs: Path, source: Source, tmp_path: Path) -> None:
    place = shutil.copytree(packs / "ncnn-fp32", tmp_path / "ncnn-fp32")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "model.param").write_text("7767517\n0 0\n")
    (tmp_path / "files" / "model.bin").write_bytes(b"")
    artefact = to_ncnn.Artefact(entry="model.param")
    with pytest.raises(EdgewrightError):
        assemble(source, artefact, tmp_path / "files", place, target="ncnn", precision="fp32", tolerance=_FP32)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_labelled_data_adds_the_task_metric(checkpoint: Path, tmp_path: Path) -> None:
    data = tmp_path / "dataset.toml"
    data.write_text('format = "shapes"\n[val]\ncount = 3\n[train]\ncount = 1\n')
    code = export_main([f"--weights={checkpoint}", "--precision=fp32", f"--data={data}", f"--out={tmp_path}"])
    assert code == 2  # six shape classes against the three of the checkpoint


KILLS = 20


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_no_pack_or_a_whole_one(checkpoint: Path, tmp_path: Path) -> None:
    """The first, unharmed run measures how long an export takes; the others are killed at random moments of that."""
    place = tmp_path / "yolo-fastestv2" / "ncnn-fp32"
    command = [sys.executable, "-m", "edgewright_calibration", f"--weights={checkpoint}", "--precision=fp32"]

    def start(out: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*command, f"--out={out}"], stderr=subprocess.DEVNULL, start_new_session=True)

    began = time.monotonic()
    assert start(tmp_path).wait() == 0
    duration = time.monotonic() - began
    open_pack(place)
    rng = random.Random(0)
    outcomes = []
    for _ in range(KILLS):
        shutil.rmtree(place, ignore_errors=True)
        process = start(tmp_path)
        # imports and the capture write nothing; most kills go to the second half
        time.sleep(duration * rng.betavariate(4, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if place.exists():
            open_pack(place)
        outcomes.append(place.exists())
    leftovers = [path for path in place.parent.iterdir() if path.name not in ("ncnn-fp32", "logs")]
    assert all(path.name.startswith(".") and path.name.endswith((".part", ".old")) for path in leftovers)
    assert not all(outcomes)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_is_one_line_and_leaves_no_pack(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], check=False).returncode != 0:
        pytest.skip("this machine does not allow mounting")
    try:
        assert export_main([f"--weights={checkpoint}", "--precision=fp32", f"--out={disk}"]) == 2
        assert "No space left on device" in capsys.readouterr().err
        assert [path.name for path in (disk / "yolo-fastestv2").iterdir()] == ["logs"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target=tensorrt"], "TARGET=tensorrt: unknown 'tensorrt'; choose from: onnx, ncnn, tflite, coreml, all"),
        (["--target=,"], "TARGET= is empty"),
        (
            ["--precision=int3"],
            "PRECISION=int3: unknown 'int3'; choose from: fp32, fp16, int8, mixed, w8, palette8, palette6",
        ),
        (["--size=100x64"], "SIZE=100x64: yolo-fastestv2 needs a width and a height that are multiples of 32"),
        (["--size=64xx"], "SIZE=64xx: give WIDTHxHEIGHT"),
        (["--data=/nowhere.toml"], "/nowhere.toml"),
        (["--weights=/nowhere.safetensors"], "/nowhere.safetensors: no such file"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_main([f"--weights={checkpoint}", f"--out={tmp_path / 'out'}", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named_before_any_work(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxsim", None)
    assert export_main([f"--weights={checkpoint}", "--target=onnx,ncnn", f"--out={tmp_path}"]) == 2
    assert "onnxsim is not installed; pip install 'edgewright[onnx]'" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["truncate", "text", "another network"])
def test_weights_that_are_not_a_checkpoint_are_refused(
    damage: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "bad.safetensors"
    data = checkpoint.read_bytes()
    weights.write_bytes(
        {"truncate": data[:5000], "text": b"hello", "another network": data.replace(b"fastestv2", b"slowestv9")}[damage]
    )
    assert export_main([f"--weights={weights}", f"--out={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert ("unknown model" if damage == "another network" else str(weights)) in error


def test_eval_of_a_pack_and_of_its_source_agree(
    checkpoint: Path, packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True), (folder / "labels").mkdir()
    (folder / "classes.names").write_text("disc\nring\nstar\n")
    scenes = ShapesDataset("val", count=4)
    for index in range(4):
        cv2.imwrite(str(folder / "images" / f"{index}.png"), scenes.image(index))
        (folder / "labels" / f"{index}.txt").write_text(f"{index % 3} 0.5 0.5 0.4 0.4\n")
    (folder / "set.data").write_text("classes=3\nvalid=list.txt\nnames=classes.names\n")
    (folder / "list.txt").write_text("".join(f"images/{i}.png\n" for i in range(4)))
    results = []
    for what in (f"--pack={packs / 'ncnn-fp32'}", f"--weights={checkpoint}"):
        assert eval_main([what, f"--data={folder / 'set.data'}", "--json=-"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    assert results[0]["images"] == 4
    assert results[0]["AP50"] == pytest.approx(results[1]["AP50"], abs=1e-3)
    assert {"AP", "AP50", "AP75", "APs", "APm", "APl", "seconds"} <= results[0].keys()


def test_eval_refuses_two_sources_and_other_classes(
    checkpoint: Path, packs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert eval_main([f"--pack={packs / 'ncnn-fp32'}", f"--weights={checkpoint}"]) == 2
    assert "give one of PACK=, WEIGHTS= and DETECTIONS=" in capsys.readouterr().err
    assert eval_main([f"--weights={checkpoint}"]) == 2  # the generated set has six classes
    assert "classes, the model has 3" in capsys.readouterr().err
