"""A letterboxed checkpoint, from import to device: PyTorch, the packs and the C++ runner see a wide picture alike."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_checkpoint import write_small_checkpoint

from edgewright_calibration.__main__ import main as export_main
from edgewright_export.isolation import IsolatedRunner
from edgewright_export.pack import Pack, open_pack
from edgewright_export.verify_cli import main as verify_main
from edgewright_train.checkpoint import load_checkpoint, save_checkpoint
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.inference import Run, decode_of, preprocess_of, torch_run
from edgewright_train.models.architecture import Task
from edgewright_train.new_network import settled, untrained
from edgewright_train.tasks.classify.decode import ClassifyDecode, classify
from edgewright_train.tasks.decode import Decode
from edgewright_train.tasks.detect.detector import detector
from edgewright_train.tasks.segment.decode import SegmentDecode, segment
from edgewright_train.vision.preprocess import Preprocess

PADDING = 90
SIZE_WH = (240, 70)  # the network's is 96x64


def _save(path: Path, task: Task) -> Path:
    if task == "detect":
        return write_small_checkpoint(path, padding=PADDING)
    torch.manual_seed(5)
    checkpoint = settled(untrained("espnetv2-0.5", task, num_classes=5, size_wh=(96, 64)))
    header = checkpoint.header.model_copy(update={"resize": "letterbox", "padding": PADDING})
    save_checkpoint(path, checkpoint.network.state_dict(), header)
    return path


def _export(task: Task, targets: str, folder: Path) -> tuple[Path, list[Pack]]:
    """The checkpoint, and its fp32 packs by name."""
    weights = _save(folder / "best.safetensors", task)
    assert export_main([f"--weights={weights}", f"--target={targets}", "--precision=fp32", f"--out={folder}"]) == 0
    packs = [open_pack(path.parent) for path in sorted(folder.glob("*/*/manifest.json"))]
    assert packs
    return weights, packs


def _picture() -> NDArray[np.uint8]:
    return ShapesDataset("val", count=1, size_wh=SIZE_WH).image(0)


def _seen(run: Run, preprocess: Preprocess, decode: Decode) -> dict[str, NDArray[np.float32]]:
    """The picture's result in its own pixels, as numbers."""
    picture = _picture()
    if isinstance(decode, ClassifyDecode):
        return {"probabilities": classify(run(preprocess.network_image(picture)), decode).probabilities}
    if isinstance(decode, SegmentDecode):
        labels = segment(run(preprocess.network_image(picture)), decode).to_source(preprocess.placement(SIZE_WH)).labels
        return {"label_map": labels.astype(np.float32)}
    found = detector(run, preprocess, decode)(picture)
    return {"boxes_xyxy": found.boxes_xyxy, "scores": found.scores}


def _require_equal(found: dict[str, NDArray[np.float32]], expected: dict[str, NDArray[np.float32]]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert len(values), "nothing is seen, which proves nothing"
        if name == "label_map":
            assert found[name].shape == values.shape
            assert len(np.unique(values)) > 1
            assert (found[name] == values).mean() > 0.999  # near-ties
        else:
            np.testing.assert_allclose(found[name], values, atol=1e-2 if name == "boxes_xyxy" else 1e-4)


def _require_packs_agree(weights: Path, packs: list[Pack]) -> None:
    """Each by its own record of how an image comes to size."""
    checkpoint = load_checkpoint(weights)
    header = checkpoint.header
    expected = _seen(torch_run(checkpoint), preprocess_of(header), decode_of(header))
    for pack in packs:
        preprocess = pack.manifest.input.preprocess
        assert (preprocess.resize, preprocess.padding) == ("letterbox", PADDING)
        with IsolatedRunner(pack.path, pack.manifest) as run:
            _require_equal(_seen(run, preprocess, pack.manifest.decode), expected)
        assert verify_main([f"--pack={pack.path}"]) == 0


@pytest.mark.parametrize(
    "task",
    ["detect", pytest.param("classify", marks=pytest.mark.slow), pytest.param("segment", marks=pytest.mark.slow)],
)
def test_pytorch_the_pack_and_edgebench_see_the_same(task: Task, edgebench, tmp_path: Path) -> None:
    weights, packs = _export(task, "ncnn", tmp_path)
    _require_packs_agree(weights, packs)
    assert edgebench("verify", packs[0].path).returncode == 0

    cv2.imwrite(str(tmp_path / "picture.png"), _picture())
    maps = ["--out", tmp_path / "maps"] if task == "segment" else []
    done = edgebench("run", packs[0].path, tmp_path / "picture.png", *maps, "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((tmp_path / "found.json").read_text())["images"]
    header = load_checkpoint(weights).header
    expected = _seen(torch_run(load_checkpoint(weights)), preprocess_of(header), decode_of(header))
    if task == "segment":
        entry["label_map"] = cv2.imread(str(tmp_path / entry["label_map"]), cv2.IMREAD_UNCHANGED)
    _require_equal({name: np.array(entry[name], np.float32) for name in expected}, expected)


def test_stretching_it_instead_would_be_seen(tmp_path: Path) -> None:
    """The picture is wide enough for the above to mean something."""
    checkpoint = load_checkpoint(_save(tmp_path / "best.safetensors", "detect"))
    letterboxed = preprocess_of(checkpoint.header)
    stretched = letterboxed.model_copy(update={"resize": "stretch", "padding": None})
    run, decode = torch_run(checkpoint), decode_of(checkpoint.header)
    boxes = [_seen(run, preprocess, decode)["boxes_xyxy"] for preprocess in (letterboxed, stretched)]
    assert len(boxes[0]) != len(boxes[1]) or np.abs(boxes[0] - boxes[1]).max() > 1


@pytest.mark.slow
def test_packs_of_every_target_see_the_same(tmp_path: Path) -> None:
    weights, packs = _export("detect", "all", tmp_path)
    assert {pack.manifest.target for pack in packs} == {"ncnn", "tflite", "coreml", "onnx"}
    _require_packs_agree(weights, packs)
