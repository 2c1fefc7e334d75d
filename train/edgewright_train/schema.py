"""Strict records for every file people write or untrusted machines send: unknown keys and wrong types are errors."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from .errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Record(BaseModel):
    """Immutable; rejects unknown keys, wrong types, NaN and infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


RecordT = TypeVar("RecordT", bound=Record)


def parse_record(kind: type[RecordT], values: Mapping[str, Any], *, source: str) -> RecordT:
    """Validate `values`; the `InputError` names `source`, the field, the value and what is allowed."""
    return parse_record_json(kind, json.dumps(dict(values), default=str), source=source)  # TOML has dates, JSON not


def parse_record_json(kind: type[RecordT], text: str | bytes, *, source: str) -> RecordT:
    """As `parse_record`, from JSON text."""
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error, text)}") from None


def _first_problem(error: ValidationError, text: str | bytes) -> str:
    """`field.path: what is wrong (got value)` for the first of pydantic's findings."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(_path(problem["loc"], text)) if problem["type"] != "json_invalid" else ""
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if problem["type"] == "missing":
        return f"{where}: missing"
    got = repr(problem["input"])
    shown = got if len(got) <= 80 else got[:77] + "..."
    return f"{where}: {problem['msg'].removeprefix('Value error, ')} (got {shown})".removeprefix(": ")


def _path(location: tuple[int | str, ...], text: str | bytes) -> list[str]:
    """Without the names that pydantic adds for the member of a union: those are in no file."""
    value = from_json(text)
    path = []
    for number, part in enumerate(location):
        try:
            value = value[part]
        except (LookupError, TypeError):
            if number < len(location) - 1:
                continue
        path.append(str(part))
    return path


def load_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; syntax errors name the file and the line."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
