"""Class names as a dataset.toml lists them."""

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, Field


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"a class may be listed once; {twice[0]!r} is there twice")
    if any(name != name.strip() or not name for name in names):
        raise ValueError("a class name is text without spaces around it")
    return names


ClassNames = Annotated[tuple[str, ...], Field(min_length=1, max_length=65536), AfterValidator(_checked)]
