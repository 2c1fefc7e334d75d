"""Optimisers, rules for single layers, frozen layers, batches in parts and half precision."""

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_runs import run_folder, saved_step, start, train, write_cfg, write_recipe

from edgewright_train.checkpoint import load_checkpoint
from edgewright_train.errors import InputError
from edgewright_train.training.freeze import freeze, train_mode
from edgewright_train.training.optimizer import AdamW, AnyOptimizer, Rule, Sgd, build_optimizer, set_rate

COMMON: dict[str, Any] = {
    "learning_rate": 0.1, "weight_decay": 0.01, "decay_norms_and_biases": False, "max_gradient_norm": 0.0,
}  # fmt: skip
SGD = Sgd(kind="sgd", momentum=0.9, nesterov=True, **COMMON)
ADAMW = AdamW(kind="adamw", **COMMON)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def learns(net: nn.Module, settings: AnyOptimizer, steps: int = 3) -> None:
    optimizer = build_optimizer(net, settings)
    for _ in range(steps):
        set_rate(optimizer, settings.learning_rate)
        optimizer.zero_grad()
        net(torch.ones(2, 3, 5, 5)).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("settings", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_only_matrices_decay_unless_the_recipe_wants_all(settings: AnyOptimizer) -> None:
    def decays(chosen: AnyOptimizer) -> dict[int, float]:
        groups = build_optimizer(network(), chosen).param_groups
        return {parameter.ndim: group["weight_decay"] for group in groups for parameter in group["params"]}

    assert decays(settings) == {4: 0.01, 1: 0.0}
    assert decays(settings.model_copy(update={"decay_norms_and_biases": True})) == {4: 0.01, 1: 0.01}


def test_of_two_rules_for_a_parameter_the_last_counts() -> None:
    rules = (Rule(names="*", rate=10.0), Rule(names="0.*", rate=1.0, weight_decay=0.5))
    net = network()
    optimizer = build_optimizer(net, SGD.model_copy(update={"rules": rules}))
    set_rate(optimizer, 0.2)
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    found = {name: (group_of[id(p)]["lr"], group_of[id(p)]["weight_decay"]) for name, p in net.named_parameters()}
    assert found["0.weight"] == found["0.bias"] == (0.2, 0.5)
    assert found["3.weight"] == (2.0, 0.01)
    assert found["3.bias"] == found["1.weight"] == (2.0, 0.0)


HEAD = SGD.model_copy(update={"rules": (Rule(names="head.*"),)})


@pytest.mark.parametrize(
    "make", [lambda net: build_optimizer(net, HEAD), lambda net: freeze(net, ["head.*"])], ids=["rules", "freeze"]
)
def test_a_pattern_that_matches_nothing_is_refused_with_what_there_is(make: Any) -> None:
    with pytest.raises(InputError, match=r"'head\.\*' matches no parameter.*0\.\*, 1\.\*, 3\.\*"):
        make(network())


@pytest.mark.parametrize("settings", [SGD, ADAMW], ids=["sgd", "adamw"])
def test_frozen_layers_keep_weights_and_statistics(settings: AnyOptimizer) -> None:
    net = network()
    freeze(net, ["0.*", "1.*"])
    train_mode(net)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    learns(net, settings)
    changed = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"3.weight", "3.bias"}


def test_all_batch_norms_freeze_without_a_name() -> None:
    net = network()
    freeze(net, [], batch_norms=True)
    train_mode(net)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    learns(net, SGD)
    changed = {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"0.weight", "0.bias", "3.weight", "3.bias"}


def losses(folder: Path, name: str = "run") -> list[float]:
    with sqlite3.connect(run_folder(folder, name).log) as log:
        return [loss for (loss,) in log.execute("SELECT loss FROM loss ORDER BY iteration")]


def test_a_batch_in_parts_has_the_gradients_of_the_whole(tmp_path: Path) -> None:
    """Without batch norm and with equally many classes per image, the mean of the parts is that of the batch."""
    cfg = write_cfg(tmp_path)
    cfg.write_text(cfg.read_text().replace("batch_normalize=1\n", ""))
    for name, parts in (("whole", 1), ("parts", 2)):
        recipe = write_recipe(tmp_path, "yolo-shapes", cfg=str(cfg), model="", batch_size=8, accumulate=parts,
                              optimizer__learning_rate=1e-4)  # fmt: skip
        assert train(tmp_path, recipe, name=name) == 0
    assert losses(tmp_path, "parts") == pytest.approx(losses(tmp_path, "whole"), rel=1e-5)


OPTIONS: dict[str, dict[str, Any]] = {
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "parts": {"accumulate": 2},
    "frozen": {"freeze": ["backbone.*"]},
    "adamw": {"optimizer": ADAMW.model_copy(update={"learning_rate": 1e-3}).model_dump()},
}


_QUICK = ("fp16", "adamw")  # these two keep something beside what every training keeps


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(changes, id=name, marks=() if name in _QUICK else pytest.mark.slow)
        for name, changes in OPTIONS.items()
    ],
)
def test_what_is_killed_resumes_to_the_same_bits_with_every_option(changes: dict[str, Any], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, evaluate_every=2, **changes)
    process = start(tmp_path, recipe)
    state = run_folder(tmp_path).state
    while process.poll() is None and saved_step(tmp_path) < 3:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert train(tmp_path, recipe, "--resume") == 0
    assert train(tmp_path, recipe, name="whole") == 0
    assert state.read_bytes() == run_folder(tmp_path, "whole").state.read_bytes()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_nearly_the_same_and_keeps_fp32_weights(precision: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"cfg": str(write_cfg(tmp_path)), "model": "", "optimizer__learning_rate": 1e-3}
    for name in ("fp32", precision):
        recipe = write_recipe(tmp_path, "yolo-shapes", precision=name, **options)
        assert train(tmp_path, recipe, name=name) == 0
    assert losses(tmp_path, precision) != losses(tmp_path, "fp32")
    assert losses(tmp_path, precision) == pytest.approx(losses(tmp_path, "fp32"), rel=0.02)
    tensors = load_checkpoint(run_folder(tmp_path, precision).best).network.state_dict().values()
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}
