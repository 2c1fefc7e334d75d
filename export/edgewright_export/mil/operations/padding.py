"""Padding of convolutions and pools, as MIL counts it: (before, after) for each spatial axis, first axis first."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

Pads = tuple[tuple[int, int], ...]


def resolve_padding(
    pad_type: str,
    pad: Sequence[int] | None,
    *,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
) -> Pads:
    """`size` is the input's, `kernel` the window's with its dilation.

    `same` keeps ceil(size / stride) outputs and puts the odd element after, as TensorFlow does; `same_lower` before.
    """
    match pad_type:
        case "valid":
            return ((0, 0),) * len(kernel)
        case "custom":
            if pad is None or len(pad) != 2 * len(kernel):
                raise ValueError(f"pad_type custom needs pad with {2 * len(kernel)} elements, got {pad}")
            return tuple(zip(pad[::2], pad[1::2], strict=True))
        case "same" | "same_lower":
            totals = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in zip(size, kernel, strides, strict=True)]
            if pad_type == "same":
                return tuple((total // 2, total - total // 2) for total in totals)
            return tuple((total - total // 2, total // 2) for total in totals)
    raise ValueError(f"pad_type {pad_type!r}: known are valid, same, same_lower, custom")


def pad_spatial(x: Tensor, pads: Pads, value: float = 0.0) -> Tensor:
    """Negative padding crops."""
    if not any(before or after for before, after in pads):
        return x
    return F.pad(x, [count for axis in reversed(pads) for count in axis], value=value)
