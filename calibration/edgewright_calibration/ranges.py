"""What the values of a network span: per node of the captured graph, by one method, on one set of images."""

from pydantic import Field, model_validator

from edgewright_train.schema import Record


class Range(Record):
    """Of real values; `low` <= 0 <= `high` is not required."""

    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Ranges(Record):
    """`nodes`: every node of the graph that computes floats, and its input, by name."""

    method: str
    nodes: dict[str, Range] = Field(min_length=1)
