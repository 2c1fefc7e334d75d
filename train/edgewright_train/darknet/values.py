"""The kinds of value an option can have, read from text.  darknet's own readers stop at the first character they do not
understand and take what they have; here that is an error.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

ValueT = TypeVar("ValueT")

MAX_SIDE = 8192
MAX_CHANNELS = 65536
_MAX_ITEMS = 65536


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError("must be a whole number")
    return int(text)


def _decimal(text: str) -> float:
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text[:400]):
        raise ValueError("must be a number")
    value = float(text[:400])
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _flag(text: str) -> bool:
    return _integer(text) != 0


def _list(item: Callable[[str], ValueT]) -> Callable[[str], tuple[ValueT, ...]]:
    def read(text: str) -> tuple[ValueT, ...]:
        if text.count(",") >= _MAX_ITEMS:
            raise ValueError(f"must be at most {_MAX_ITEMS} items")
        try:
            return tuple(item(part) for part in text.removesuffix(",").split(","))
        except ValueError as error:
            raise ValueError(f"every item {error}") from None

    return read


def _pairs(text: str) -> tuple[tuple[float, float], ...]:
    numbers = _list(_decimal)(text)
    if len(numbers) % 2:
        raise ValueError(f"must be pairs of width,height, got {len(numbers)} numbers")
    if not all(0 < number <= MAX_SIDE for number in numbers):
        raise ValueError(f"must be sizes in pixels above 0, at most {MAX_SIDE}")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _unsupported(text: str) -> bool:
    if _flag(text):
        raise ValueError("not supported; only 0 is")
    return False


def _refused(text: str) -> None:
    raise ValueError("not supported")


def _from_text(read: Callable[[str], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


Integer = Annotated[int, _from_text(_integer)]
Positive = Annotated[int, _from_text(_integer), Field(ge=1, le=1 << 31)]
Decimal = Annotated[float, _from_text(_decimal)]
Flag = Annotated[bool, _from_text(_flag)]
Unsupported = Annotated[bool, _from_text(_unsupported)]
Refused = Annotated[None, _from_text(_refused)]
Integers = Annotated[tuple[int, ...], _from_text(_list(_integer))]
Decimals = Annotated[tuple[float, ...], _from_text(_list(_decimal))]
SizesPx = Annotated[tuple[tuple[float, float], ...], _from_text(_pairs)]
Side = Annotated[int, _from_text(_integer), Field(ge=1, le=MAX_SIDE)]
Channels = Annotated[int, _from_text(_integer), Field(ge=1, le=MAX_CHANNELS)]
Kernel = Annotated[int, _from_text(_integer), Field(ge=1, le=64)]
Stride = Annotated[int, _from_text(_integer), Field(ge=1, le=64)]
