"""Bad records stop a training before its first step, or are left out, counted and listed in the run folder."""

import cv2
import numpy as np
import pytest
from training_runs import train, write_recipe

from edgewright_train.training.recipe import load_recipe
from edgewright_train.training.run_folder import RunFolder


@pytest.fixture
def recipe(tmp_path):
    """Twelve images to train on, of which one is cut short and one has a wrong line among its labels."""
    rng = np.random.default_rng(0)
    data = tmp_path / "data"
    for split, count in {"train": 12, "val": 3}.items():
        (data / "images" / split).mkdir(parents=True)
        (data / "labels" / split).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            encoded = cv2.imencode(".png", image)[1].tobytes()
            cut = 3000 if (split, index) == ("train", 4) else len(encoded)
            (data / "images" / split / f"{index:02d}.png").write_bytes(encoded[:cut])
            wrong = "0 0.5 0.5 1.5 0.5\n" if (split, index) == ("train", 7) else ""
            (data / "labels" / split / f"{index:02d}.txt").write_text(f"{index % 2} 0.5 0.5 0.5 0.5\n{wrong}")
    (data / "names.txt").write_text("cat\ndog\n")
    return write_recipe(tmp_path, data=str(data), epochs=1, anchors="default")


def test_a_wrong_annotation_stops_a_training_before_it_starts(tmp_path, recipe, capsys):
    assert train(tmp_path, recipe) == 2
    assert "07.txt:2: width must be from 0 to 1, relative to the image, got 1.5" in capsys.readouterr().err
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_bad_records_are_left_out_counted_and_listed(tmp_path, recipe, capsys):
    assert train(tmp_path, recipe, "--skip-bad") == 0
    error = capsys.readouterr().err
    assert "2 problems:" in error
    folder = RunFolder.named(tmp_path, "run")
    lines = folder.skipped.read_text().splitlines()
    assert len(lines) == 2
    assert "07.txt:2: width must be" in lines[0]
    assert "04.png: not a readable image" in lines[1]
    assert load_recipe(folder.config).skip_bad
    assert folder.best.is_file()


def test_a_resumed_training_leaves_the_same_records_out(tmp_path, recipe, capsys):
    assert train(tmp_path, recipe, "--skip-bad") == 0
    first = RunFolder.named(tmp_path, "run").best.read_bytes()
    assert train(tmp_path, recipe, "--skip-bad", "--resume") == 0
    assert RunFolder.named(tmp_path, "run").best.read_bytes() == first


def test_a_training_without_bad_records_has_no_list(tmp_path):
    path = write_recipe(tmp_path, epochs=1)
    assert train(tmp_path, path, "--skip-bad") == 0
    assert not RunFolder.named(tmp_path, "run").skipped.exists()
