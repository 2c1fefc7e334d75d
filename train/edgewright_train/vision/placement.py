"""Where a source image lies in the network's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """In network pixels, from `left` and `top` on.  The rest of a letterboxed image is padding."""

    left: int
    top: int
    width: int
    height: int
    network_wh: tuple[int, int]
    source_wh: tuple[int, int]


def stretched(network_wh: tuple[int, int], source_wh: tuple[int, int]) -> Placement:
    """All of the network's image."""
    return Placement(0, 0, *network_wh, network_wh, source_wh)


def letterboxed(network_wh: tuple[int, int], source_wh: tuple[int, int]) -> Placement:
    """As large as fits in its own shape, centred: sides rounded half up, a spare pixel to the right or below."""
    (network_width, network_height), (source_width, source_height) = network_wh, source_wh
    width, height = network_wh
    if network_width * source_height <= network_height * source_width:
        height = _scaled(source_height, network_width, source_width)
    else:
        width = _scaled(source_width, network_height, source_height)
    return Placement((network_width - width) // 2, (network_height - height) // 2, width, height, network_wh, source_wh)


def _scaled(value: int, numerator: int, denominator: int) -> int:
    return max(1, (2 * value * numerator + denominator) // (2 * denominator))
