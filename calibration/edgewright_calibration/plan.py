"""A plan: which operations of one captured graph a target computes in int8, and on which grids.

Everything that makes a quantised artefact works from a plan, and so does the reference that it has to equal
(`reference.py`): the writer of a target and the reference share these numbers and nothing else.
"""

import hashlib
from pathlib import Path

from pydantic import Field, model_validator

from edgewright_export.manifest import Target
from edgewright_train.schema import Record, parse_record_json

from .grid import Grid


class LayerPlan(Record):
    """A convolution or linear layer, by the name of its node.

    Attributes:
        input: the grid of what it reads; None: it computes in float, and only its weights are stored in few bits.
        weight_scales: one step per output channel, codes -127..127; or empty, with a palette.
        palette: up to 256 values, ascending, of which each weight is the nearest; or empty.
    """

    input: Grid | None
    weight_scales: tuple[float, ...] = ()
    palette: tuple[float, ...] = Field(default=(), max_length=256)

    @model_validator(mode="after")
    def _one_way_to_store_weights(self) -> "LayerPlan":
        if bool(self.weight_scales) == bool(self.palette):
            raise ValueError("either weight_scales or a palette")
        if self.palette and self.input is not None:
            raise ValueError("a layer with a palette computes in float: input must be null")
        return self


class Plan(Record):
    """`layers`: those not computed in float, in the order of the graph.

    Attributes:
        outputs: node -> grid that its value is rounded to when it has been computed; only targets that keep whole
            chains of operations in int8 (TFLite) have any.
        ends: node -> grid of the input and of outputs that enter and leave the artefact as codes (TFLite).
        half_floats: what stays float is stored in half precision.
    """

    target: Target
    layers: dict[str, LayerPlan]
    outputs: dict[str, Grid] = Field(default_factory=dict)
    ends: dict[str, Grid] = Field(default_factory=dict)
    half_floats: bool

    @property
    def digest(self) -> str:
        """SHA-256 of its content."""
        return hashlib.sha256(plan_text(self).encode()).hexdigest()


def plan_text(plan: Plan) -> str:
    """A plan's file; the same plan gives the same text."""
    return plan.model_dump_json()


def read_plan(path: Path) -> Plan:
    return parse_record_json(Plan, path.read_bytes(), source=str(path))
