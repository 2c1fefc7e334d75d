"""In what form a kernel wants the operands of its operation.

A kernel is a plain function whose parameters are named as MIL names the operation's inputs, with MIL's defaults.  Its
annotations say the form: `Tensor` and `list[Tensor]` as they are, the others as Python values, which must be constant.
"""

import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch import Tensor

from .malformed import Malformed

Kernel = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel, `form` being its annotation without `None`."""

    form: Any
    required: bool

    @property
    def takes_tensors(self) -> bool:
        return self.form in (Tensor, list[Tensor])

    def convert(self, values: Sequence[Any]) -> Any:
        """The operand as the kernel wants it."""
        if self.form == list[Tensor]:
            return [_tensor(value) for value in values]
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


def _scalar(kind: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        number = value.item() if isinstance(value, Tensor) and value.dim() == 0 else None
        if type(number) is int and kind is float:
            return float(number)
        if type(number) is not kind:
            raise Malformed(f"must be of type {kind.__name__}, and a single one")
        return number

    return convert


def _vector(kind: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        numbers = value.tolist() if isinstance(value, Tensor) and value.dim() == 1 else [None]
        if any(type(number) is not kind for number in numbers):
            raise Malformed(f"must be a list of type {kind.__name__}")
        return tuple(numbers)

    return convert


_FORMS: dict[Any, Callable[[Any], Any]] = {
    Tensor: _tensor,
    str: _text,
    int: _scalar(int),
    float: _scalar(float),
    bool: _scalar(bool),
    tuple[int, ...]: _vector(int),
    tuple[bool, ...]: _vector(bool),
}
