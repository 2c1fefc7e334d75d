"""Weights in few bits: per-channel codes, or the nearest entry of a palette."""

import torch
from torch import Tensor

from .grid import Step, as_float32
from .plan import LayerPlan


def channel_scales(weight: Tensor, step: Step = as_float32) -> tuple[float, ...]:
    """One step per output channel (the first axis), so that codes -127..127 reach its largest absolute value.

    A channel of zeros gets step 1: any other would divide by nothing.
    """
    largest = weight.detach().abs().flatten(1).amax(1)
    return tuple(step(float(value) / 127) if value > 0 else 1.0 for value in largest)


def weight_codes(weight: Tensor, scales: tuple[float, ...]) -> Tensor:
    """As float64, in the shape of `weight`; ties go away from zero."""
    steps = torch.tensor(scales, dtype=torch.float64).reshape(-1, *[1] * (weight.dim() - 1))
    ratios = weight.double() / steps
    return (ratios.abs() + 0.5).floor().mul(ratios.sign()).clamp(-127, 127)


def palette_indices(weight: Tensor, palette: tuple[float, ...]) -> Tensor:
    """The nearest entry's index of each weight, int64; the lower of two that are equally near."""
    entries = torch.tensor(palette, dtype=torch.float64)
    middles = (entries[1:] + entries[:-1]) / 2
    return torch.bucketize(weight.double().contiguous(), middles)


def stored_weight(weight: Tensor, plan: LayerPlan) -> Tensor:
    """What the artefact's weights decode to, float64."""
    if plan.palette:
        return torch.tensor(plan.palette, dtype=torch.float64)[palette_indices(weight, plan.palette)]
    steps = torch.tensor(plan.weight_scales, dtype=torch.float64).reshape(-1, *[1] * (weight.dim() - 1))
    return weight_codes(weight, plan.weight_scales) * steps
