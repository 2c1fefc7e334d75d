"""What edgebench finds on a device is scored here: the two agree about the file between them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from small_pack import LABELS, decode, preprocess, random_weights, run, write_ncnn_pack

from edgewright_export.eval_cli import main as eval_main
from edgewright_train.tasks.decode import decode_outputs, scaled_to_source
from edgewright_train.vision.placement import stretched

NUM_IMAGES = 4


def _pictures() -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(11)
    return {f"{index}.png": rng.integers(0, 256, (40 + index, 50, 3), np.uint8) for index in range(NUM_IMAGES)}


def _expected(image: NDArray[np.uint8], kind: str) -> object:
    outputs = run(random_weights(kind), kind)(preprocess().network_image(image))
    return scaled_to_source(
        decode_outputs(outputs, decode(kind)), stretched((64, 32), (image.shape[1], image.shape[0]))
    )


def _score(found: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert eval_main([f"--detections={found}", f"--data={data}", "--json=-"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_classifications_score_as_labelled(edgebench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind="classify")
    num_right = 0
    for index, (name, image) in enumerate(_pictures().items()):
        class_index = index % len(LABELS)
        num_right += _expected(image, "classify").top(1) == [class_index]  # type: ignore[attr-defined]
        (tmp_path / "sorted" / LABELS[class_index]).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "sorted" / LABELS[class_index] / name), image)
    assert 0 < num_right < NUM_IMAGES
    (tmp_path / "data.toml").write_text(f'format = "folders"\nval = "sorted"\nclasses = {json.dumps(LABELS)}\n')
    folders = [tmp_path / "sorted" / label for label in LABELS]
    assert edgebench("run", pack, *folders, "--json", tmp_path / "found.json").returncode == 0
    record = _score(tmp_path / "found.json", tmp_path / "data.toml", capsys)
    assert (record["top1"], record["images"]) == (num_right / NUM_IMAGES, NUM_IMAGES)


def test_label_maps_score_as_masked(edgebench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_ncnn_pack(tmp_path / "pack", kind="segment")
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name, image in _pictures().items():
        cv2.imwrite(str(tmp_path / "images" / name), image)
        labels = _expected(image, "segment").labels  # type: ignore[attr-defined]
        cv2.imwrite(str(tmp_path / "masks" / name), labels.astype(np.uint8))
    pairs = '[val]\nimages = "images"\nmasks = "masks"\n'
    (tmp_path / "data.toml").write_text(f'format = "masks"\nclasses = {json.dumps(LABELS)}\n{pairs}')
    found = tmp_path / "found" / "found.json"
    done = edgebench("run", pack, tmp_path / "images", "--out", tmp_path / "found" / "maps", "--json", found)
    assert done.returncode == 0, done.stderr
    record = _score(found, tmp_path / "data.toml", capsys)
    assert (record["mIoU"], record["pixel_accuracy"], record["images"]) == (1, 1, NUM_IMAGES)


def test_images_that_file_names_cannot_tell_apart_are_not_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in LABELS:
        (tmp_path / "sorted" / label).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "sorted" / label / "0.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "data.toml").write_text(f'format = "folders"\nval = "sorted"\nclasses = {json.dumps(LABELS)}\n')
    images = [{"file_name": "0.png", "probabilities": [1.0, 0.0, 0.0]}] * len(LABELS)
    (tmp_path / "found.json").write_text(json.dumps({"task": "classify", "labels": LABELS, "images": images}))
    assert eval_main([f"--detections={tmp_path / 'found.json'}", f"--data={tmp_path / 'data.toml'}"]) == 2
    assert "several images called 0.png, in different folders" in capsys.readouterr().err
