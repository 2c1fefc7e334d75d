"""`edgewright-eval` measures a classifier and a segmenter as well, on data that are labelled for their task."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from edgewright_calibration.__main__ import main as export_main
from edgewright_export.eval_cli import main as eval_main
from edgewright_export.eval_table import evaluation_as_text
from edgewright_export.pack import open_pack
from edgewright_export.proof_images import proof_images
from edgewright_train.checkpoint import Header, save_checkpoint
from edgewright_train.data.shapes.outline import LABELS
from edgewright_train.models import architecture
from edgewright_train.models.architecture import Task


def save_untrained(path: Path, task: Task, labels: tuple[str, ...]) -> Path:
    torch.manual_seed(3)
    arch = architecture("espnetv2-0.5", task)
    network = arch.build(len(labels))
    header = Header(model="espnetv2-0.5", task=task, labels=labels, anchors_px=(), width=64, height=64, origin="a test")
    save_checkpoint(path, network.state_dict(), header)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Eight generated images of 64x64, labelled for every task."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "dataset.toml").write_text('format = "shapes"\nwidth = 64\nheight = 64\nval = 8\n')
    return str(folder)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_untrained(tmp_path_factory.mktemp("a") / "segment.safetensors", "segment", ("background", *LABELS))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_untrained(tmp_path_factory.mktemp("a") / "classify.safetensors", "classify", LABELS)


def test_a_segmenter_is_measured_by_its_overlap_with_the_masks(
    segmenter: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert eval_main([f"--weights={segmenter}", f"--data={data}", "--json=-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["task"], record["images"]) == ("segment", 8)
    assert 0 <= record["mIoU"] <= 1
    assert sum(each["pixels"] for each in record["classes"].values()) == 8 * 64 * 64
    assert "score_threshold" not in record
    assert eval_main([f"--weights={segmenter}", f"--data={data}"]) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("mIoU", "pixel_accuracy", "background", *LABELS))


def test_a_classifier_is_measured_by_the_classes_of_the_images(
    classifier: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert eval_main([f"--weights={classifier}", f"--data={data}", "--json=-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["task"], record["images"]) == ("classify", 8)
    assert record["top5"] >= record["top1"]
    assert sum(each["images"] for each in record["classes"].values()) == 8


def test_thresholds_of_detectors_are_refused_for_others(
    segmenter: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert eval_main([f"--weights={segmenter}", f"--data={data}", "--score=0.3"]) == 2
    assert "SCORE= and IOU= are thresholds of detectors" in capsys.readouterr().err


def test_data_of_another_task_are_refused(
    segmenter: Path, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dataset.toml").write_text('format = "folders"\nval = "x"\n')
    for command in (eval_main, export_main):
        assert command([f"--weights={segmenter}", f"--data={tmp_path}"]) == 2
        assert "has classes of images; the task segment needs masks" in capsys.readouterr().err


@pytest.mark.parametrize(("task", "truth"), [("detect", "annotation"), ("segment", "label_map")])
def test_an_export_is_proven_on_images_labelled_for_its_task(data: str, task: Task, truth: str) -> None:
    dataset, images = proof_images(data, "val", task)
    assert hasattr(dataset, truth)
    assert len(images) == 8
    assert proof_images(None, "val", task)[0] is None


@pytest.mark.slow
def test_an_export_is_proven_by_the_metric_of_its_task(
    segmenter: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--weights={segmenter}", f"--data={data}", "--target=onnx", "--precision=fp32", f"--out={tmp_path}"]
    assert export_main(options) == 0
    assert "source: mIoU" in capsys.readouterr().err
    pack = open_pack(next(tmp_path.glob("*/onnx-fp32")))
    accuracy = pack.manifest.accuracy
    assert accuracy is not None
    assert (accuracy.metric, accuracy.num_images, accuracy.score_threshold) == ("mIoU", 8, None)
    assert eval_main([f"--pack={pack.path}", f"--data={data}", "--json=-"]) == 0
    assert json.loads(capsys.readouterr().out)["mIoU"] == pytest.approx(accuracy.value)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of red and of green, each in the folder of its class, and masks of the same."""
    for index, label in enumerate(("red", "green")):
        for folder in (tmp_path / "sorted" / label, tmp_path / "images", tmp_path / "masks"):
            folder.mkdir(parents=True, exist_ok=True)
        image = np.zeros((4, 6, 3), np.uint8)
        for path in (tmp_path / "sorted" / label / f"{label}.png", tmp_path / "images" / f"{label}.png"):
            cv2.imwrite(str(path), image)
        cv2.imwrite(str(tmp_path / "masks" / f"{label}.png"), np.full((4, 6), index, np.uint8))
    (tmp_path / "sorted.toml").write_text('format = "folders"\nval = "sorted"\nclasses = ["red", "green"]\n')
    masks = '[val]\nimages = "images"\nmasks = "masks"\n'
    (tmp_path / "masks.toml").write_text(f'format = "masks"\nclasses = ["red", "green"]\n{masks}')
    return tmp_path


def write_results(
    path: Path, task: Task, found: Mapping[str, Mapping[str, Any]], labels: tuple[str, ...] = ("red", "green")
) -> None:
    entries = [{"file_name": name, "width": 6, "height": 4, **result} for name, result in found.items()]
    path.write_text(json.dumps({"pack": {"name": "x"}, "task": task, "labels": labels, "images": entries}))


def test_what_a_device_classified_is_scored(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"green.png": {"probabilities": [0.8, 0.2], "best": []}, "red.png": {"probabilities": [0.7, 0.3]}}
    write_results(images / "found.json", "classify", found)
    options = [f"--detections={images / 'found.json'}", f"--data={images / 'sorted.toml'}", "--json=-"]
    assert eval_main(options) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["top1"], record["images"], record["seconds"]) == (0.5, 2, 0)


def test_label_maps_of_a_device_are_scored(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (images / "maps").mkdir()
    cv2.imwrite(str(images / "maps" / "red.png"), np.zeros((4, 6), np.uint8))
    cv2.imwrite(str(images / "maps" / "green.png"), np.array([[0, 1]], np.uint8))  # of another size
    found = {f"{label}.png": {"label_map": f"maps/{label}.png"} for label in ("red", "green")}
    write_results(images / "found.json", "segment", found)
    options = [f"--detections={images / 'found.json'}", f"--data={images / 'masks.toml'}", "--json=-"]
    assert eval_main(options) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["classes"]["red"]["IoU"] == pytest.approx(24 / 36)
    assert record["classes"]["green"]["IoU"] == 0.5


def test_results_that_do_not_fit_the_data_are_refused(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = images / "found.json"
    classify = [f"--detections={path}", f"--data={images / 'sorted.toml'}"]
    segment = [f"--detections={path}", f"--data={images / 'masks.toml'}"]

    def refusal(options: list[str]) -> str:
        assert eval_main(options) == 2
        return capsys.readouterr().err

    assert "found.json: no such file" in refusal(classify)
    write_results(path, "classify", {"red.png": {"probabilities": [1, 0]}})
    assert "has no results of green.png (1 of 2 images missing)" in refusal(classify)
    assert "has masks; the task classify needs classes of images" in refusal(segment)
    write_results(path, "classify", {f"{label}.png": {"probabilities": [1.0]} for label in ("red", "green")})
    assert "red.png: 1 probabilities, the data set has 2 classes" in refusal(classify)
    write_results(path, "classify", {}, ("red", "blue"))
    assert "class 1 is 'green', the model calls it 'blue'" in refusal(classify)
    cv2.imwrite(str(images / "beyond.png"), np.full((4, 6), 2, np.uint8))
    write_results(path, "segment", {f"{label}.png": {"label_map": "beyond.png"} for label in ("red", "green")})
    assert "beyond.png: holds class 2; the data set has the classes 0 to 1" in refusal(segment)
    write_results(path, "segment", {f"{label}.png": {"label_map": "gone.png"} for label in ("red", "green")})
    assert "gone.png: No such file" in refusal(segment)


def test_of_very_many_classes_only_the_worst_are_shown() -> None:
    classes = {f"c{index}": {"top1": index / 200, "images": 3} for index in range(200)}
    figures = {"top1": 0.5, "top5": None, "images": 600, "seconds": 1.0, "classes": classes}
    text = evaluation_as_text("title", figures, with_classes=True)
    assert "20 worst of 200 classes" in text
    assert "c19 " in text
    assert "c20 " not in text
    assert evaluation_as_text("title", figures, with_classes=False).count("│") == 5
