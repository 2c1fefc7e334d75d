"""The learning rate over a training, and the average of its weights."""

import json

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared
from torch import nn

from edgewright_train.training.ema import MovingAverage
from edgewright_train.training.schedule import (
    AnySchedule,
    Constant,
    Cosine,
    Cyclic,
    Exponential,
    Hybrid,
    Linear,
    MultiStep,
    Polynomial,
    rate_factor,
)

PUBLISHED = MultiStep(kind="multistep", warmup_epochs=5.0, warmup_power=4.0, milestones=(150, 250), gamma=0.1)
ONE_CYCLE = Cosine(kind="cosine", warmup_epochs=1.0, warmup_power=1.0, final_fraction=0.01)


def published(step: int) -> float:
    return rate_factor(PUBLISHED, step, steps_per_epoch=10, num_steps=3000)


def test_the_published_schedule_warms_up_by_the_fourth_power_and_falls_twice() -> None:
    assert published(0) == 0
    assert published(25) == pytest.approx(0.5**4)
    assert published(50) == 1
    assert published(1499) == 1
    assert published(1500) == pytest.approx(0.1)
    assert published(2500) == pytest.approx(0.01)


def test_the_cosine_rises_falls_and_ends_at_its_fraction() -> None:
    factors = [rate_factor(ONE_CYCLE, step, steps_per_epoch=10, num_steps=100) for step in range(101)]
    assert factors[10] == max(factors) == 1
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == pytest.approx(0.01)


def test_no_warm_up_starts_at_the_full_rate() -> None:
    schedule = ONE_CYCLE.model_copy(update={"warmup_epochs": 0.0})
    assert rate_factor(schedule, 0, steps_per_epoch=10, num_steps=100) == 1


NO_WARMUP = {"warmup_epochs": 0.0, "warmup_power": 1.0}
HYBRID = Hybrid(kind="hybrid", cycle=5, cyclic_epochs=61, **NO_WARMUP)
# As shared/fixtures/edgenets/edgenets_lr_schedules.json names them
HALVED = (51, 101, 131, 161, 191, 221, 251, 281)
EDGENETS: dict[str, AnySchedule] = {
    "hybrid_seg_lr0.009_clr61_ep100": HYBRID,
    "hybrid_cls_lr0.1_clr61_ep120": HYBRID,
    "hybrid_det_lr0.01_clr61_ep100": HYBRID,
    "clr_cls_default_ep300": Cyclic(kind="cyclic", cycle=5, milestones=HALVED, gamma=0.5, **NO_WARMUP),
    "clr_det_default_ep240": Cyclic(kind="cyclic", cycle=5, milestones=(51, 161, 201), gamma=0.1, **NO_WARMUP),
    "fixed_cls_ep300": MultiStep(kind="multistep", milestones=HALVED, gamma=0.5, **NO_WARMUP),
    "poly_lr0.009_p0.9_ep100": Polynomial(kind="polynomial", power=0.9, **NO_WARMUP),
    "linear_lr0.009_ep100": Linear(kind="linear", final_fraction=0.0, **NO_WARMUP),
    "cosine_lr0.01_ep100": Cosine(kind="cosine", final_fraction=0.0, **NO_WARMUP),
}


def rates(schedule: AnySchedule, num_epochs: int) -> list[float]:
    """Of every epoch's first step."""
    return [
        rate_factor(schedule, 3 * epoch, steps_per_epoch=3, num_steps=3 * num_epochs) for epoch in range(num_epochs)
    ]


@needs_shared
@pytest.mark.parametrize("name", EDGENETS)
def test_the_schedules_of_edgenets_are_the_sources(name: str) -> None:
    recorded = json.loads((SHARED / "fixtures/edgenets/edgenets_lr_schedules.json").read_text())
    assert set(recorded) == set(EDGENETS)
    ours = recorded[name][0] * np.array(rates(EDGENETS[name], len(recorded[name])))
    np.testing.assert_allclose(ours, recorded[name], rtol=0, atol=5.1e-6)  # kept to five or six digits


def test_a_hybrid_training_shorter_than_its_cycles_never_falls_to_nothing() -> None:
    assert rates(HYBRID, 8) == [1, 5, 4, 3, 2, 1, 5, 4]


def test_the_exponential_falls_by_its_factor_in_every_epoch() -> None:
    falling = Exponential(kind="exponential", gamma=0.5, warmup_epochs=1.0, warmup_power=1.0)
    assert rates(falling, 5) == pytest.approx([0, 1, 0.5, 0.25, 0.125])


def test_the_constant_stays() -> None:
    assert set(rates(Constant(kind="constant", **NO_WARMUP), 9)) == {1.0}


@pytest.mark.parametrize("name", EDGENETS)
def test_a_warm_up_leads_into_every_schedule(name: str) -> None:
    schedule = EDGENETS[name].model_copy(update={"warmup_epochs": 4.0})
    rising = rates(schedule, 20)[:4]
    assert rising == pytest.approx([0, 0.25, 0.5, 0.75])


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def test_the_average_of_constant_weights_is_the_weights() -> None:
    source = network()
    average = MovingAverage(source, decay=0.9, ramp_steps=10)
    for step in range(1, 5):
        average.update(step)
    for a, b in zip(average.network.state_dict().values(), source.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_average_moves_by_one_minus_its_decay_statistics_included() -> None:
    source = network()
    average = MovingAverage(source, decay=0.75, ramp_steps=0)
    with torch.no_grad():
        for tensor in source.state_dict().values():
            tensor.zero_()
        source[1].running_var.fill_(5.0)
        source[1].num_batches_tracked.fill_(7)
    average.update(1)
    assert torch.allclose(average.network[1].running_var, torch.full((4,), 2.0))  # 0.75 * 1 + 0.25 * 5
    assert torch.allclose(average.network[0].weight, 0.75 * network()[0].weight)
    assert average.network[1].num_batches_tracked == 7


def test_the_decay_rises_to_its_value() -> None:
    average = MovingAverage(network(), decay=0.99, ramp_steps=100)
    decays = [average.decay(step) for step in (1, 10, 100, 1000, 10000)]
    assert decays == sorted(decays)
    assert decays[0] < 0.01
    assert decays[-1] == pytest.approx(0.99)


def test_the_average_neither_trains_nor_normalises_by_batch() -> None:
    average = MovingAverage(network().train(), decay=0.9, ramp_steps=0)
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
