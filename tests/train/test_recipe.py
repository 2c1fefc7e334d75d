"""Recipes are strict, complete, and survive being written down."""

from pathlib import Path

import pytest
from training_runs import write_cfg

from edgewright_train.errors import InputError
from edgewright_train.models.architecture import Task
from edgewright_train.training.recipe import RECIPES, Recipe, default_recipe, first_difference, load_recipe, recipe_toml
from edgewright_train.training.schedule import MultiStep
from edgewright_train.training.settings import parse_settings

SHAPES = RECIPES / "yolo-fastestv2-shapes.toml"


def changed(folder: Path, old: str, new: str) -> Path:
    text = SHAPES.read_text()
    assert old in text
    path = folder / "changed.toml"
    path.write_text(text.replace(old, new))
    return path


# For recipes of a kind of head, which name no network: one with such a head.
NETWORKS = {"classify": "shufflenetv2-1.0", "segment": "dicenet-0.5", "ssd": "espnetv2-0.5"}


def loaded(path: Path, folder: Path) -> Recipe:
    kind = path.stem.split("-")[0]
    cfg = str(write_cfg(folder)) if path.stem in ("yolo-own", "yolo-shapes", "yolov4-tiny-coco") else None
    return load_recipe(path, model=NETWORKS.get(kind), cfg=cfg)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_loads_and_survives_being_written(path: Path, tmp_path: Path) -> None:
    recipe = loaded(path, tmp_path)
    copy = tmp_path / "copy.toml"
    copy.write_text(recipe_toml(recipe), encoding="utf-8")
    assert load_recipe(copy) == recipe


def test_the_coco_recipe_is_the_published_one() -> None:
    recipe = load_recipe(RECIPES / "yolo-fastestv2-coco.toml")
    assert (recipe.epochs, recipe.batch_size, recipe.size_wh) == (300, 64, (352, 352))
    assert (recipe.optimizer.learning_rate, recipe.optimizer.momentum) == (0.001, 0.949)
    assert recipe.schedule == MultiStep(
        kind="multistep", warmup_epochs=5.0, warmup_power=4.0, milestones=(150, 250), gamma=0.1
    )
    assert (recipe.loss.box, recipe.loss.objectness, recipe.loss.classification) == (3.2, 64.0, 32.0)


def test_text_with_quotes_and_letters_survives(tmp_path: Path) -> None:
    recipe = load_recipe(SHAPES, data='my "data"\\größe\t1', weights="a b")
    copy = tmp_path / "copy.toml"
    copy.write_text(recipe_toml(recipe), encoding="utf-8")
    assert load_recipe(copy) == recipe


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("momentum =", "momentun =", "changed.toml: optimizer.momentu[mn]: (missing|unknown key)"),
        ("[loss]", "epoch = 3\n[loss]", "epoch: unknown key"),
        ("seed = 0\n", "", "seed: missing"),
        ("seed = 0", 'seed = "zero"', r"seed: .*got 'zero'"),
        ("seed = 0", "seed = nan", "seed"),
        ('kind = "cosine"', 'kind = "sine"', "schedule: .*'cosine', 'linear', 'polynomial'"),
        ('kind = "sgd"', 'kind = "adam"', "optimizer: .*'sgd', 'adamw'"),
        ("seed = 0", "seed = 0\naccumulate = 5", "accumulate: 5 parts of 8 images are not equal"),
        ("seed = 0", 'seed = 0\nprecision = "fp8"', "precision: .*'fp32', 'bf16'"),
        ('model = "yolo-fastestv2"', 'model = "yolo-v99"', "unknown model; choose from: yolo-fastestv2"),
        ("[optimizer]", "[optimizer", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_naming_the_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_recipe(changed(tmp_path, old, new))


def test_a_value_given_beside_a_recipe_takes_the_place_of_its_own() -> None:
    recipe = load_recipe(SHAPES, epochs=7, size_wh=(64, 96), data=None)
    assert (recipe.epochs, recipe.size_wh) == (7, (64, 96))
    assert recipe.data == load_recipe(SHAPES).data


def test_a_size_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(InputError, match="multiples of 32"):
        load_recipe(SHAPES, size_wh=(350, 352))


def test_there_is_a_recipe_for_generated_and_for_own_data() -> None:
    assert default_recipe("yolo-fastestv2", None) == SHAPES
    assert default_recipe("yolo-fastestv2", "x.data").stem == "yolo-fastestv2-own"
    with pytest.raises(InputError, match="unknown model"):
        default_recipe("yolo-v99", None)


@pytest.mark.parametrize(
    ("model", "task", "stem"),
    [
        ("shufflenetv2-1.0", None, "classify"),
        ("espnetv2-1.0", "segment", "segment"),
        ("espnetv2-1.0", "detect", "ssd"),
    ],
)
def test_a_network_without_a_recipe_of_its_own_gets_that_of_its_head(model: str, task: Task | None, stem: str) -> None:
    assert default_recipe(model, None, task=task).stem == f"{stem}-shapes"
    assert default_recipe(model, "x.data", task=task).stem == f"{stem}-own"


def test_a_cfg_gets_the_recipe_of_its_head(tmp_path: Path) -> None:
    assert default_recipe("", None, cfg=str(write_cfg(tmp_path))).stem == "yolo-shapes"


def test_the_default_size_is_the_networks_own(tmp_path: Path) -> None:
    cfg = str(write_cfg(tmp_path))
    assert load_recipe(RECIPES / "yolo-own.toml", cfg=cfg).size_wh == (64, 64)
    assert load_recipe(RECIPES / "segment-own.toml", model="espnetv2-0.5").size_wh == (256, 256)


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("segment-own", {}, "MODEL= or CFG= is needed"),
        ("segment-own", {"model": "shufflenetv2-1.0"}, "TASK=segment: shufflenetv2-1.0 does not do that"),
        ("segment-own", {"model": "espnetv2-0.5", "task": "classify"}, "learns by 'classify', got 'segment'"),
        ("ssd-own", {"model": "yolo-fastestv2"}, "loss.kind: yolo-fastestv2 .* learns by 'yolo-fastestv2', got 'ssd'"),
        ("ssd-own", {"model": "espnetv2-0.5", "anchors": "auto"}, "anchors: 'auto', but espnetv2-0.5 has none to fit"),
        ("ssd-own", {"model": "espnetv2-0.5", "cfg": "x.cfg"}, "both name the network"),
        ("yolo-own", {"cfg": "nowhere.cfg"}, "nowhere.cfg: No such file"),
        ("segment-own", {"model": "espnetv2-0.5", "task": "swim"}, "task: .*'detect', 'classify' or 'segment'"),
    ],
)
def test_a_network_that_does_not_do_what_the_recipe_wants_is_refused(
    name: str, overrides: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_recipe(RECIPES / f"{name}.toml", **overrides)


def test_a_cfg_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"TASK=segment: .*tiny.cfg is a network for the task detect"):
        load_recipe(RECIPES / "segment-own.toml", cfg=str(write_cfg(tmp_path)))


def test_names_the_first_difference() -> None:
    recipe = load_recipe(SHAPES)
    other = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"warmup_power": 2.0})})
    assert first_difference(recipe, recipe) is None
    assert first_difference(recipe, other) == "schedule.warmup_power was 1.0, now 2.0"
    multistep = load_recipe(RECIPES / "yolo-fastestv2-coco.toml").schedule
    assert "schedule" in str(first_difference(recipe, recipe.model_copy(update={"schedule": multistep})))


def test_a_recipe_cannot_be_changed() -> None:
    recipe: Recipe = load_recipe(SHAPES)
    with pytest.raises(ValueError, match="frozen"):
        recipe.epochs = 3


def test_any_key_can_be_given_beside_a_recipe() -> None:
    settings = parse_settings(
        "optimizer.learning_rate=0.5 augmentation.flip=0.25 size_wh=[64,96] data='my data' weights=a/b.safetensors"
    )
    recipe = load_recipe(SHAPES, settings, seed=3)
    assert recipe.optimizer.learning_rate == 0.5
    assert recipe.augmentation.flip == 0.25
    assert (recipe.size_wh, recipe.data, recipe.weights, recipe.seed) == ((64, 96), "my data", "a/b.safetensors", 3)
    before = load_recipe(SHAPES)
    assert recipe.schedule == before.schedule
    assert recipe.optimizer.weight_decay == before.optimizer.weight_decay


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optimizer.rate=1", "optimizer.rate: unknown key"),
        ("nothing.at=1", "nothing: unknown key"),
        ("seed.x=1", "SET=seed.x: seed is no table"),
        ("seed", "SET=seed: give key=value"),
        ("seed=1 seed=2", "seed is given twice"),
        ("seed=one", "seed: .*got 'one'"),
        ("data='x", "SET=data='x: No closing quotation"),
    ],
)
def test_a_wrong_setting_is_refused_naming_it(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_recipe(SHAPES, parse_settings(text))
