"""Recipes: everything a training needs, in one TOML file (train/recipes/); an unknown or missing key is an error."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field

from ..data.augmentation.settings import Augmentation, check_augmentation
from ..errors import InputError
from ..models import check_size
from ..models.architecture import Architecture, Task
from ..schema import Record, load_toml, parse_record
from ..tasks.distillation import Distillation
from ..tasks.objective import LossSettings
from .optimizer import OptimizerSettings
from .recipe_network import find_architecture
from .schedule import Schedule
from .settings import apply_settings

RECIPES = Path(__file__).resolve().parents[2] / "recipes"

Positive = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=8192)]


class Average(Record):
    """The moving average of the weights: see `ema.MovingAverage`."""

    decay: Annotated[float, Field(ge=0, lt=1)]
    ramp_steps: Annotated[int, Field(ge=0)]


class Recipe(Record):
    """One training.

    Attributes:
        model: of the zoo; empty where `cfg` names the network.
        cfg: a darknet network; empty where `model` names it.
        data: as `DATA=` takes it; empty for the generated set.
        weights: checkpoint of ours to start from; empty for random weights.
        size_wh: the network's input, pixels; a file may say "default" for the network's own.
        anchors: "default" keeps those of `weights`, or else the model's; "auto" fits them to the training boxes.
        batch_size: images per step.
        evaluate_every: in epochs; the last epoch is always evaluated.
        save_every: in steps; the end of an epoch is always saved.
        threads: of PyTorch; part of the recipe because sums over another number of them round differently.
        workers: threads that prepare samples; their number changes nothing.
        cache_megabytes: decoded images and masks kept in memory, 0 for none.
        loss: of the kind that the network's head learns by.
        freeze: names of parameters, `*` for anything, that stay as they are, with the statistics of their batch norms.
        freeze_batch_norms: the weights and statistics of every batch norm stay as they are.
        accumulate: parts in which each process computes its share of a batch, one after the other, to need less memory.
        precision: of most of the network's arithmetic; weights and losses stay fp32.
        device: "auto" is the GPU where there is one.
        sync_batch_norm: whether several processes normalise over all their images, as one process would.
        teacher: checkpoint of the same task to learn from as well; empty for none.
        skip_bad: leave bad records of the data out, which are errors otherwise; all images are then read at the start.
    """

    model: str
    cfg: str
    task: Task
    data: str
    weights: str
    size_wh: tuple[Side, Side]
    anchors: Literal["default", "auto"]
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    epochs: Positive
    batch_size: Positive
    evaluate_every: Positive
    save_every: Positive
    threads: Annotated[int, Field(ge=1, le=256)]
    workers: Annotated[int, Field(ge=1, le=256)]
    cache_megabytes: Annotated[int, Field(ge=0)]
    optimizer: OptimizerSettings
    schedule: Schedule
    average: Average
    loss: LossSettings
    augmentation: Augmentation
    freeze: tuple[str, ...] = ()
    freeze_batch_norms: bool = False
    accumulate: Positive = 1
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    sync_batch_norm: bool = True
    teacher: str = ""
    distillation: Distillation = Distillation()
    skip_bad: bool = False

    @property
    def architecture(self) -> Architecture:
        """Raises `InputError` when there is no such network for the task and the size."""
        return find_architecture(self.model, self.cfg, self.task, self.size_wh)

    @property
    def network_name(self) -> str:
        """What a person calls it."""
        return self.model or Path(self.cfg).stem


class _Named(Record):
    """The keys that say which network it is."""

    model: str
    cfg: str
    task: Task


def load_recipe(path: Path, settings: Mapping[str, Any] = MappingProxyType({}), **overrides: Any) -> Recipe:
    """The file with `overrides` (None: not given) and `settings` (see `settings.py`) in place of its own values."""
    values = load_toml(path) | {key: value for key, value in overrides.items() if value is not None}
    apply_settings(values, settings)
    if values.get("size_wh") == "default":
        named = {key: values[key] for key in _Named.model_fields if key in values}
        network = parse_record(_Named, named, source=str(path))
        values["size_wh"] = find_architecture(network.model, network.cfg, network.task).default_size_wh
    recipe = parse_record(Recipe, values, source=str(path))
    arch = recipe.architecture
    check_size(recipe.network_name, arch, *recipe.size_wh)
    kind = arch.decode(recipe.size_wh, arch.default_anchors_px).kind
    if recipe.loss.kind != kind:
        what = f"{recipe.network_name} for the task {recipe.task}"
        raise InputError(f"{path}: loss.kind: {what} learns by {kind!r}, got {recipe.loss.kind!r}")
    if recipe.batch_size % recipe.accumulate:
        raise InputError(f"{path}: accumulate: {recipe.accumulate} parts of {recipe.batch_size} images are not equal")
    if recipe.anchors == "auto" and not arch.default_anchors_px:
        raise InputError(f"{path}: anchors: 'auto', but {recipe.network_name} has none to fit; must be 'default'")
    check_augmentation(recipe.augmentation, kind, source=str(path))
    return recipe


def default_recipe(model: str, data: str | None, *, cfg: str = "", task: Task | None = None) -> Path:
    """For the generated data, or for data of one's own: the model's recipe, else that of its kind of head."""
    arch = find_architecture(model, cfg, task)
    kind = arch.decode(arch.default_size_wh, arch.default_anchors_px).kind
    use = "own" if data else "shapes"
    paths = [RECIPES / f"{model}-{use}.toml", RECIPES / f"{kind}-{use}.toml"]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise InputError(f"RECIPE: there is no {paths[-1]}; name one, for example from {RECIPES}")
    return found


def recipe_toml(recipe: Recipe) -> str:
    """The recipe as TOML; reading it gives an equal recipe."""
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True))


def first_difference(stored: Recipe, given: Recipe) -> str | None:
    """`key was a, now b` for the first key in which two recipes differ."""
    before, now = _flat(stored.model_dump()), _flat(given.model_dump())
    for key in before | now:
        if before.get(key) != now.get(key):
            return f"{key} was {before.get(key)!r}, now {now.get(key)!r}"
    return None


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
