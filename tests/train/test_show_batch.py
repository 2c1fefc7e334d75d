"""`edgewright-show-batch` draws what the loader of a training gives, and nothing else."""

import cv2
import numpy as np
import pytest
from training_runs import write_recipe

from edgewright_train.batch_picture import batch_picture
from edgewright_train.commands.show_batch import main
from edgewright_train.processes.group import ALONE
from edgewright_train.training.data import make_loader, open_data
from edgewright_train.training.recipe import load_recipe

BASES = {
    "detect": ("yolo-fastestv2-shapes", {}),
    "classify": ("classify-shapes", {"model": "espnetv2-0.5", "task": "classify"}),
    "segment": ("segment-shapes", {"model": "espnetv2-0.5", "task": "segment"}),
}


def shown(path, *options):
    assert main([f"--out={path}", *options]) == 0
    return cv2.imread(str(path))


@pytest.fixture(params=BASES)
def recipe(request, tmp_path):
    base, changes = BASES[request.param]
    return write_recipe(tmp_path, base, **changes)


def test_shows_the_very_batch_of_a_step(tmp_path, recipe):
    picture = shown(tmp_path / "x.png", f"--recipe={recipe}", "--step=5")
    assert picture.shape[1] == 2 * 64 + 3 * 4
    settings = load_recipe(recipe)
    data = open_data(settings, lambda text: None)
    parts = next(make_loader(settings, data.train_set, ALONE).batches(5, 6))
    np.testing.assert_array_equal(picture, batch_picture(parts, settings.task, data.train_set.labels))
    np.testing.assert_array_equal(picture, shown(tmp_path / "y.png", f"--recipe={recipe}", "--step=5"))


def test_another_seed_or_step_shows_other_images(tmp_path):
    recipe = write_recipe(tmp_path)
    pictures = [
        shown(tmp_path / "x.png", f"--recipe={recipe}", *options) for options in ((), ("--step=1",), ("--seed=9",))
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(pictures[one][:140], pictures[other][:140])


def test_boxes_are_drawn_where_the_targets_are(tmp_path):
    settings = load_recipe(write_recipe(tmp_path))
    data = open_data(settings, lambda text: None)
    (part,) = next(make_loader(settings, data.train_set, ALONE).batches(0, 1))
    drawn = batch_picture([part], "detect", data.train_set.labels)
    number, _, cx, cy, width, height = part.targets[part.targets[:, 4:].prod(1).argmax()].tolist()
    left = 4 + int(number) % 2 * 68 + round((cx - width / 2) * 64)
    middle = 4 + int(number) // 2 * 68 + round((cy + height / 4) * 64)
    plain = batch_picture([type(part)(part.images, part.targets[:0])], "detect", data.train_set.labels)
    assert (drawn[middle, left] != plain[middle, left]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "MODEL= or RECIPE= is needed"),
        (("--model=yolo-fastestv2", "--cfg=x.cfg"), "give one of MODEL= and CFG="),
        (("--recipe={recipe}", "--step=8"), "STEP=8: the training has the steps 0 to 7"),
        (("--recipe={recipe}", "--step=-1"), "STEP=-1"),
        (("--recipe={recipe}", "--batch=64"), "BATCH=64: data-train has only 16 images"),
        (("--recipe={recipe}", "--out=x.jpg"), "OUT=x.jpg: a picture is written as .png"),
    ],
)
def test_wrong_values_are_named(tmp_path, capsys, options, message):
    recipe = write_recipe(tmp_path)
    assert main([option.format(recipe=recipe) for option in options]) == 2
    error = capsys.readouterr().err
    assert message.split("data-train")[0] in error
    assert error.count("\n") == 1
