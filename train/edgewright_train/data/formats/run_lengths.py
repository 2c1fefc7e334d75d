"""COCO's run lengths: how many pixels are outside, inside, outside ... going down the columns of a mask.

Either as a list, or as text in which every length takes a few characters of six bits, five of them its value, and from
the third on the difference to the length two before.
"""

import numpy as np
from numpy.typing import NDArray

_LOWEST, _MORE, _SIGN = 48, 0x20, 0x10
_MAX_CHARACTERS = 6  # of one length; more than any image needs


class BadRunLengthsError(ValueError):
    """Not run lengths of an image of that size."""


def run_length_mask(counts: object, height: int, width: int) -> NDArray[np.bool_]:
    """(H, W).  Raises `BadRunLengthsError`."""
    lengths = _from_text(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(isinstance(n, int) and not isinstance(n, bool) for n in lengths):
        raise BadRunLengthsError(f"must be a list of whole numbers, or text, got {str(counts)[:40]!r}")
    if any(length < 0 for length in lengths) or sum(lengths) != height * width:
        raise BadRunLengthsError(f"must be lengths of runs that add up to {width}x{height} pixels")
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def _from_text(text: str) -> list[int]:
    lengths: list[int] = []
    value = position = 0
    for character in text:
        bits = ord(character) - _LOWEST
        if not 0 <= bits < 64 or position >= _MAX_CHARACTERS:
            raise BadRunLengthsError(f"holds {character!r} where no run length has it")
        value |= (bits & 0x1F) << 5 * position
        position += 1
        if not bits & _MORE:
            if bits & _SIGN:
                value -= 1 << 5 * position
            lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
            value = position = 0
    if position:
        raise BadRunLengthsError("is cut short")
    return lengths
