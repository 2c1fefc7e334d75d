"""What a converter is given and what it leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edgewright_train.vision.preprocess import Preprocess

from .manifest import Precision

if TYPE_CHECKING:
    from torch.export import ExportedProgram


@dataclass(frozen=True, kw_only=True)
class ConversionSpec:
    """What the artefact must be.  Names become the artefact's own tensor or blob names.

    Attributes:
        scratch: a folder that all precisions of one export share; intermediate results may be kept there.
        plan: of a precision that is not float: the quantisation plan's file.
        full_precision: nodes of the graph that stay in float32 in an fp16 artefact.
    """

    precision: Precision
    input_name: str
    output_names: tuple[str, ...]
    preprocess: Preprocess
    scratch: Path
    plan: Path | None = None
    full_precision: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FullPrecision:
    """What half precision is too small for, on one target.

    Attributes:
        nodes: of the captured graph -> why they stay in float32 in an fp16 artefact.
        converter_module: holds the `convert` that can do so.
    """

    nodes: Mapping[str, str]
    converter_module: str


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """What a converter wrote: the file or folder a runtime opens, and how its tensors lie in memory.

    Attributes:
        input_steps, output_steps: (scale, zero point) of int8 tensors, by name; the others are float32.
        rewrites: what was done to the graph to make it faster, by name.
    """

    entry: str
    input_kind: Literal["tensor", "image"] = "tensor"
    input_layout: Literal["nchw", "nhwc"] = "nchw"
    output_layout: Literal["nchw", "nhwc"] = "nchw"
    input_steps: tuple[float, int] | None = None
    output_steps: dict[str, tuple[float, int]] = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()


class Converter(Protocol):
    """One target's way from the captured graph to its files."""

    def __call__(self, exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
        """Write the artefact under `folder`.  Raises `CheckError` when the tool chain cannot convert the graph."""
