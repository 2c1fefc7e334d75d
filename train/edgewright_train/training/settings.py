"""Single values of a recipe given beside it: `optimizer.learning_rate=0.01 augmentation.flip=0.5 seed=3`."""

import shlex
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def parse_settings(text: str) -> dict[str, Any]:
    """Dotted key -> value.  Values are TOML's; what is none is text, so that paths and words need no quotes."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"SET={text}: {error}") from None
    settings: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not key or not sign:
            raise InputError(f"SET={word}: give key=value, for example optimizer.learning_rate=0.01")
        if key in settings:
            raise InputError(f"SET: {key} is given twice")
        settings[key] = _value(value)
    return settings


def apply_settings(recipe: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """Put each in its place.  Raises `InputError` where there is no such table; unknown keys are found later."""
    for dotted, value in settings.items():
        *tables, key = dotted.split(".")
        place = recipe
        for name in tables:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise InputError(f"SET={dotted}: {name} is no table of the recipe")
        place[key] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
