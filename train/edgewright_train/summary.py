"""A network layer by layer: output shapes, parameters, multiplications."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class LayerSummary:
    """One module that has none inside.

    Attributes:
        name: its path in the network.
        kind: its class and what it was made with.
        output_shape: without the batch; of the first tensor it gives.
        macs: multiply-accumulate operations of convolutions and matrix products.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    num_parameters: int
    macs: int


@dataclass(frozen=True)
class Summary:
    """Of a network for one image.

    Attributes:
        num_trainable: parameters that training changes.
        num_stored: values in a checkpoint: parameters and batch-norm statistics.
    """

    layers: tuple[LayerSummary, ...]
    num_trainable: int
    num_stored: int
    macs: int


def summarise(network: nn.Module, width: int, height: int) -> Summary:
    """By running the network once on zeros, in eval mode."""
    layers: dict[str, tuple[nn.Module, tuple[int, ...]]] = {}
    hooks = [
        module.register_forward_hook(_noting(layers, name, module))
        for name, module in network.named_modules()
        if not any(module.children())
    ]
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    flops = counter.get_flop_counts()
    root = type(network).__name__
    return Summary(
        layers=tuple(
            LayerSummary(
                name=name,
                kind=_kind(module),
                output_shape=shape,
                num_parameters=sum(p.numel() for p in module.parameters()),
                macs=sum(flops.get(f"{root}.{name}", {}).values()) // 2,
            )
            for name, (module, shape) in layers.items()
        ),
        num_trainable=sum(p.numel() for p in network.parameters() if p.requires_grad),
        num_stored=sum(t.numel() for t in network.state_dict().values() if t.is_floating_point()),
        macs=counter.get_total_flops() // 2,
    )


def torch_latency_ms(network: nn.Module, width: int, height: int, *, num_runs: int = 20) -> float:
    """Median of `num_runs` forward passes of one image after five unmeasured ones, with the threads PyTorch has."""
    image = torch.zeros(1, 3, height, width)
    times = []
    with torch.inference_mode():
        for _ in range(num_runs + 5):
            start = time.perf_counter()
            network(image)
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[5:])


def _noting(layers: dict[str, tuple[nn.Module, tuple[int, ...]]], name: str, module: nn.Module) -> Any:
    def note(_: nn.Module, __: Any, output: Any) -> None:
        first = output if isinstance(output, Tensor) else output[0]
        layers[name] = (module, tuple(first.shape[1:]))

    return note


def _kind(module: nn.Module) -> str:
    """`Conv2d 3x3/2 16 -> 32, groups 4`; of PyTorch's other modules the name, of ours also what they print."""
    if not isinstance(module, nn.Conv2d):
        details = "" if type(module).__module__.startswith("torch.") else module.extra_repr()
        return f"{type(module).__name__} {details}".rstrip()
    (height, width), stride = module.kernel_size, module.stride[0]
    text = f"Conv2d {height}x{width}{f'/{stride}' if stride > 1 else ''} {module.in_channels} -> {module.out_channels}"
    more = (("groups", module.groups), ("dilation", module.dilation[0]))
    return text + "".join(f", {name} {value}" for name, value in more if value > 1)
