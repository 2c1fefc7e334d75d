"""Which networks the matrix is made of (rows.toml beside this file)."""

from pathlib import Path

from pydantic import Field, model_validator

from edgewright_train.models import ARCHITECTURES
from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, load_toml, parse_record

DEFAULT_ROWS = Path(__file__).with_name("rows.toml")


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
    def size_wh(self) -> tuple[int, int] | None:
        return (self.width, self.height) if self.width else None


class _Rows(Record):
    row: tuple[Row, ...] = Field(min_length=1)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Raises `InputError` naming the field."""
    return parse_record(_Rows, load_toml(path), source=str(path)).row


def every_row(listed: tuple[Row, ...]) -> tuple[Row, ...]:
    """The listed ones, then every other network of the zoo at its own size."""
    known = {(row.model, row.task) for row in listed}
    zoo = ((model, task) for model, tasks in ARCHITECTURES.items() for task in tasks)
    return (*listed, *(Row(model=model, task=task) for model, task in zoo if (model, task) not in known))
