"""Shuffle channels by interleaving two halves, in blocks that are written to take every second channel.

ShuffleNetV2 blocks as YOLO-FastestV2 has them keep the even channels of y = [kept, made], make new ones of the odd
channels, and join both again.  Where a runtime stores 4 or 8 channels side by side, to gather every second channel is
slow, and to interleave two halves is not (NCNN).  The order in which a convolution gives its channels is free, so that
this can be had: by the number of blocks that will keep a channel, most first.  Then what the next block keeps are the
first halves of `kept` and of `made`; interleaved, they are the first half of the result, in the same order again.

Of h kept channels ceil(h / 2^i) have an even number i times over, and as many places are below h / 2^i; for the made
ones the two counts agree as well, so that this holds for any number of blocks and any even h.  Weights change places,
and nothing else: exact up to the order in which products are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from .call import call
from .channel_order import Order, Reordering, follow, free_producer, is_dense_convolution, reorder
from .channel_shuffle import SHUFFLE

_aten = torch.ops.aten


@dataclass(frozen=True)
class _Block:
    """`joined` = [kept, made], every second channel of which goes to `readers`, the others to `next_joined`."""

    joined: fx.Node
    shuffle: fx.Node
    readers: tuple[fx.Node, ...]
    next_joined: fx.Node

    @property
    def half(self) -> int:
        """Channels kept."""
        return int(self.shuffle.meta["val"].shape[1]) // 2


def interleave_shuffles(graph_module: fx.GraphModule) -> None:
    """In chains of such blocks whose channels come from dense convolutions and end in convolutions."""
    found = [_read_block(node) for node in graph_module.graph.find_nodes(op="call_function", target=SHUFFLE)]
    blocks = {block.joined: block for block in found if block is not None}
    followers = {block.next_joined for block in blocks.values()}
    for first in [block for joined, block in blocks.items() if joined not in followers]:
        chain = [first]
        while chain[-1].next_joined in blocks:
            chain.append(blocks[chain[-1].next_joined])
        changes = _changes(graph_module, chain)
        if changes is None:
            continue
        for block in chain:
            with graph_module.graph.inserting_before(block.shuffle):
                block.shuffle.replace_all_uses_with(call(graph_module.graph, SHUFFLE, block.joined, 2))
        reorder(graph_module, changes)


def _changes(graph_module: fx.GraphModule, chain: Sequence[_Block]) -> dict[fx.Node, Reordering] | None:
    """None where something cannot have its channels in another order."""
    half = chain[0].half
    if not all(is_dense_convolution(graph_module, reader) for block in chain for reader in block.readers):
        return None
    inputs: dict[fx.Node, Order] = {}
    outputs: dict[fx.Node, Order] = {}
    counted: list[int] = list(range(half))  # kept channels as the network counts them
    lying: list[int] = list(_longest_kept_first(0, half, len(chain)))  # the same as they lie
    first_kept = free_producer(graph_module, _parts(chain[0].joined)[0])
    if first_kept is None:
        return None
    outputs[first_kept] = tuple(lying)
    for number, block in enumerate(chain):
        made = free_producer(graph_module, _parts(block.joined)[1])
        if made is None or made in outputs:
            return None
        outputs[made] = _longest_kept_first(half, half, len(chain) - number)
        start = half * (number + 1)
        counted += range(start, start + half)
        interleaved = [each for pair in zip(lying, [start + i for i in outputs[made]], strict=True) for each in pair]
        inputs.update(dict.fromkeys(block.readers, _order(counted[1::2], interleaved[half:])))
        counted, lying = counted[::2], interleaved[:half]
    end = (*_order(counted, lying), *range(half, 2 * half))
    behind = follow(graph_module, chain[-1].next_joined, end)
    if behind is None:
        return None
    inputs.update((node, change.inputs) for node, change in behind.items() if change.inputs is not None)
    return {node: Reordering(inputs.get(node), outputs.get(node)) for node in inputs | outputs}


def _longest_kept_first(first: int, count: int, num_blocks: int) -> Order:
    """Numbers from 0, of channels that the next block counts from `first`: it keeps the even ones, and halves them."""

    def times_kept(number: int) -> int:
        return next((i for i in range(num_blocks) if (first + number) >> i & 1), num_blocks)

    return tuple(sorted(range(count), key=times_kept, reverse=True))


def _order(counted: Sequence[int], lying: Sequence[int]) -> Order:
    """Which place by count each lying channel has."""
    places = {channel: place for place, channel in enumerate(counted)}
    return tuple(places[channel] for channel in lying)


def _read_block(shuffle: fx.Node) -> _Block | None:
    """None for any other use of a shuffle."""
    arguments: tuple[Any, ...] = shuffle.args
    joined, groups = arguments
    half = shuffle.meta["val"].shape[1] // 2
    if groups != half or half % 2 or half == 2 or not _parts(joined) or [*joined.users] != [shuffle]:
        return None
    ends = _halves(shuffle)
    if ends is None or len(ends[0].users) != 1:
        return None
    (next_joined,) = ends[0].users
    parts = _parts(next_joined)
    if not parts or parts[0] is not ends[0]:
        return None
    return _Block(joined, shuffle, tuple(ends[1].users), next_joined)


def _parts(node: fx.Node) -> list[fx.Node]:
    """Of a concatenation of two different values with equally many channels; of anything else, none."""
    if node.target is not _aten.cat.default or node.args[1:] != (1,):
        return []
    parts: Any = node.args[0]
    halves = len({*parts}) == len(parts) == 2 and len({part.meta["val"].shape[1] for part in parts}) == 1
    return list(parts) if halves else []


def _halves(shuffle: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """The two halves of its channels, when nothing else reads it."""
    half = shuffle.meta["val"].shape[1] // 2
    (divided, *others) = [*shuffle.users, None]
    if divided is None or others != [None]:
        return None
    if (divided.target, divided.args[1:]) not in ((_aten.chunk.default, (2, 1)), (_aten.split.Tensor, (half, 1))):
        return None
    getters = {getter.args[1]: getter for getter in divided.users}
    return (getters[0], getters[1]) if getters.keys() == {0, 1} and len(divided.users) == 2 else None
