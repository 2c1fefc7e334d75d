"""Binding operations to the functions that compute them.

A kernel is a plain function whose parameters are named as MIL names the operation's inputs, with MIL's defaults.  Its
annotations say in what form it wants them: `Tensor` and `list[Tensor]` as they are, `int`, `float`, `bool`, `str` and
`tuple[int, ...]` as Python values.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch import Tensor

from .malformed import Malformed

Kernel = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Parameter:
    form: Any
    required: bool

    def convert(self, values: list[Tensor | str | tuple[str, ...]]) -> Any:
        """The operand as the kernel wants it."""
        if self.form == list[Tensor]:
            if not all(isinstance(value, Tensor) for value in values):
                raise Malformed("must be tensors")
            return values
        if len(values) != 1:
            raise Malformed(f"{len(values)} values, one is expected")
        return _FORMS[self.form](values[0])


@cache
def parameters_of(kernel: Kernel) -> dict[str, Parameter]:
    hints = get_type_hints(kernel)
    return {
        name: Parameter(_without_none(hints[name]), parameter.default is inspect.Parameter.empty)
        for name, parameter in inspect.signature(kernel).parameters.items()
    }


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (option for option in get_args(hint) if option is not type(None))
    return hint


def _tensor(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise Malformed("must be a tensor")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("must be a string")
    return value


def _scalar(value: Any) -> Any:
    if not isinstance(value, Tensor) or value.dim() != 0:
        raise Malformed("must be a single number")
    return value.item()


def _integer(value: Any) -> int:
    if isinstance(value := _scalar(value), bool) or not isinstance(value, int):
        raise Malformed(f"must be an integer, got {value}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value := _scalar(value), bool):
        raise Malformed(f"must be a boolean, got {value}")
    return value


def _integers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, Tensor) or value.dim() != 1 or value.is_floating_point():
        raise Malformed("must be a list of integers")
    return tuple(value.tolist())


def _booleans(value: Any) -> tuple[bool, ...]:
    if not isinstance(value, Tensor) or value.dim() != 1:
        raise Malformed("must be a list of booleans")
    return tuple(bool(element) for element in value.tolist())


_FORMS: dict[Any, Callable[[Any], Any]] = {
    Tensor: _tensor,
    str: _text,
    int: _integer,
    float: lambda value: float(_scalar(value)),
    bool: _boolean,
    tuple[int, ...]: _integers,
    tuple[bool, ...]: _booleans,
}
