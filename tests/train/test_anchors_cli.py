"""`edgewright-anchors` prints anchors, how well they cover the boxes, and what to do with them."""

import json

import numpy as np
import pytest
from voc_data import write_image

from edgewright_train.commands.anchors import main
from edgewright_train.data.resolve import open_split
from edgewright_train.models import architecture
from edgewright_train.tasks.detect.anchors import box_sizes, by_scale, fit_anchors


@pytest.fixture
def data(tmp_path):
    """Images of 100x50 with boxes of two shapes, and one without a height."""
    rng = np.random.default_rng(0)
    (tmp_path / "labels" / "train").mkdir(parents=True)
    for index in range(30):
        write_image(tmp_path / "images" / "train" / f"{index}.png", (100, 50))
        rows = [(*(0.5, 0.5), *(np.array(side) * rng.uniform(0.9, 1.1, 2))) for side in ((0.1, 0.1), (0.4, 0.8))]
        text = "".join(f"0 {' '.join(map(str, row))}\n" for row in rows)
        (tmp_path / "labels" / "train" / f"{index}.txt").write_text(text + "0 0.5 0.5 0.1 0\n")
    return tmp_path


def found(capsys, *options):
    assert main([*options, "--json=-"]) == 0
    return json.loads(capsys.readouterr().out)


def test_fits_any_number_at_any_size(data, capsys):
    record = found(capsys, f"--data={data}", "--size=200x100", "--count=2")
    assert record["boxes"] == 60
    np.testing.assert_allclose(record["fitted"]["anchors"], [[20, 10], [80, 80]], rtol=0.05)
    assert record["fitted"]["boxes_per_anchor"] == [30, 30]
    assert record["fitted"]["mean_best_iou"] > 0.85
    assert record["before"] is None


def test_compares_with_the_anchors_of_the_network(data, capsys):
    record = found(capsys, f"--data={data}", "--model=yolo-fastestv2")
    assert record["size_wh"] == [352, 352]
    assert len(record["fitted"]["anchors"]) == 6
    assert record["before"]["mean_best_iou"] < record["fitted"]["mean_best_iou"]
    assert sum(record["before"]["boxes_per_anchor"]) == 60


def test_they_are_those_that_a_training_would_fit(data, capsys):
    record = found(capsys, f"--data={data}", "--model=yolo-fastestv2", "--seed=5")
    own = architecture("yolo-fastestv2", "detect").default_anchors_px
    sizes = box_sizes(open_split(str(data), "train"), (352, 352))
    scales = by_scale(fit_anchors(sizes, 6, seed=5), [len(scale) for scale in own])
    np.testing.assert_allclose(record["fitted"]["anchors"], [anchor for scale in scales for anchor in scale], atol=1e-9)


def test_the_text_says_how_to_use_them(data, capsys):
    assert main([f"--data={data}", "--model=yolo-fastestv2"]) == 0
    text = capsys.readouterr().out
    assert 'anchors = "auto" in the recipe' in text
    assert "in a cfg: anchors = " in text
    assert main([f"--data={data}", "--model=yolo-fastestv2", "--count=4"]) == 0
    assert "auto" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model=espnetv2-1.0",), "espnetv2-1.0: has no anchors to fit"),
        ((), "MODEL= or CFG= is needed; or SIZE= and COUNT="),
        (("--size=64", "--count=0"), "COUNT=0: must be a whole number from 1 to 100"),
        (("--size=64", "--count=3", "--seed=-1"), "SEED=-1"),
        (("--size=64", "--count=99"), "99 anchors need as many box sizes, the data has 60"),
        (("--size=64", "--count=3", "--split=val"), "SPLIT=val: DATA="),
    ],
)
def test_wrong_values_are_named(data, capsys, options, message):
    assert main([f"--data={data}", *options]) == 2
    assert message in capsys.readouterr().err
