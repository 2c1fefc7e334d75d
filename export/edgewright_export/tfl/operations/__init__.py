"""Every operation that can be translated: torch's operation -> function.

A function gets the model, then the operation's own arguments: tensors as `Value`, weights and buffers as numpy arrays
in torch's layout.  One file per family, each with its own `TRANSLATIONS`.
"""

from collections.abc import Callable
from typing import Any

from . import activation, arithmetic, convolution, layout, pooling, resampling

Translation = Callable[..., Any]

OPERATIONS: dict[Any, Translation] = {
    operation: translation
    for family in (activation, arithmetic, convolution, layout, pooling, resampling)
    for operation, translation in family.TRANSLATIONS.items()
}
