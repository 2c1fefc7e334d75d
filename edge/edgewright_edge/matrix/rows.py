"""Which networks the matrix is made of (rows.toml beside this file)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field, model_validator

from edgewright_train.errors import InputError
from edgewright_train.models import ARCHITECTURES, architecture, check_size
from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, load_toml, parse_record


class Row(Record):
    """One network at one size.

    Attributes:
        model, task: of the zoo; the task may be left out where the model has one.
        cfg: instead of a model, a darknet network; relative to the folder of published weights, as `weights` is.
        weights: published ones; a network without any, or where they are missing, gets random ones.
        width, height: of the input; 0 for the network's own.
    """

    model: str = ""
    task: Task | None = None
    cfg: str = ""
    weights: str = ""
    width: int = Field(default=0, ge=0, le=8192)
    height: int = Field(default=0, ge=0, le=8192)

    @model_validator(mode="after")
    def _names_one_network(self) -> "Row":
        if bool(self.model) == bool(self.cfg):
            raise ValueError("give one of model and cfg")
        if bool(self.width) != bool(self.height):
            raise ValueError("give width and height together")
        return self

    @property
    def network(self) -> str:
        return self.model or Path(self.cfg).stem

    @property
    def title(self) -> str:
        """What a person chooses it by."""
        return f"{self.network} {self.task}" if self.task else self.network

    @property
    def size_wh(self) -> tuple[int, int] | None:
        return (self.width, self.height) if self.width else None


class _Rows(Record):
    row: tuple[Row, ...] = Field(min_length=1)


def choose_rows(path: Path, *, everything: bool, only: str) -> list[tuple[int, Row]]:
    """Rows whose title holds `only`, with their place in the list; `everything`: the rest of the zoo comes after it.

    Raises `InputError` naming the field that is wrong, or when no row is chosen.
    """
    listed = parse_record(_Rows, load_toml(path), source=str(path)).row
    rows = (*listed, *_rest_of_the_zoo(listed)) if everything else listed
    chosen = [(position, row) for position, row in enumerate(rows) if only in row.title]
    if not chosen:
        raise InputError(f"ONLY={only}: in no row of {path}: {', '.join(row.title for row in rows)}")
    for position, row in chosen:
        try:
            _require_network(row)
        except InputError as error:
            raise InputError(f"{path}: row.{position}: {error}") from None
    return chosen


def _require_network(row: Row) -> None:
    if row.model:
        arch = architecture(row.model, row.task)
        check_size(row.model, arch, *(row.size_wh or arch.default_size_wh))


def _rest_of_the_zoo(listed: Sequence[Row]) -> Iterator[Row]:
    """Every other network, at its own size."""
    known = {(row.model, row.task or architecture(row.model).task) for row in listed if row.model}
    for model, tasks in ARCHITECTURES.items():
        yield from (Row(model=model, task=task) for task in tasks if (model, task) not in known)
