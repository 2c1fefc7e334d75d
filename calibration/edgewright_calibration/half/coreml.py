"""CoreML: operations that half precision is too small for compute in float32, with casts where the two meet."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright_export import to_coreml
from edgewright_export.capture import runnable
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_train.errors import CheckError

from ..layers import layers
from .regions import Operation, covering

if TYPE_CHECKING:
    from torch import fx
    from torch.export import ExportedProgram

_WEIGHTED = ("conv", "linear")


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.mlpackage`.  Raises `CheckError` naming a layer that cannot be told from others."""
    if not spec.full_precision:
        return to_coreml.convert(exported, spec, folder)
    selector = _Selector(runnable(exported), spec.full_precision)
    model = to_coreml.convert_program(exported, spec, in_float32=selector)
    to_coreml.write_package(model, folder / to_coreml.ENTRY)
    return Artefact(entry=to_coreml.ENTRY, input_kind="image")


class _Selector:
    """Decides at its first call, when the program is in float32 still; later calls see it half changed."""

    def __init__(self, graph_module: "fx.GraphModule", nodes: Collection[str]) -> None:
        self._graph_module, self._nodes = graph_module, nodes
        self._chosen: set[str] | None = None

    def __call__(self, operation: Any) -> bool:
        if self._chosen is None:
            self._chosen = self._choose(list(operation.enclosing_block.operations))
        return operation.name in self._chosen

    def _choose(self, program: list[Any]) -> set[str]:
        computing = [operation for operation in program if operation.op_type != "const"]
        names = self._layer_names(computing)
        operations = [
            Operation(
                tuple(value.name for value in _variables(operation)),
                tuple(value.name for value in operation.outputs),
                names.get(position),
            )
            for position, operation in enumerate(computing)
        ]
        found = covering(self._graph_module.graph, list(names.values()), self._nodes, operations)
        return {computing[position].name for position in found}

    def _layer_names(self, computing: list[Any]) -> dict[int, str]:
        """Both have their layers in one order."""
        weighted = [
            position
            for position, operation in enumerate(computing)
            if operation.op_type in _WEIGHTED and operation.inputs["weight"].val is not None
        ]
        graph_layers = list(layers(self._graph_module))
        same = len(weighted) == len(graph_layers) and all(
            np.array_equal(computing[position].inputs["weight"].val, layer.weight.numpy())
            for position, layer in zip(weighted, graph_layers, strict=True)
        )
        if not same:
            raise CheckError(
                f"coreml: {next(iter(self._nodes))!r} is too large or too small for half precision, and cannot stay in "
                "float32 because the layers of the program are not those of the network; use fp32 or int8"
            )
        return {position: layer.name for position, layer in zip(weighted, graph_layers, strict=True)}


def _variables(operation: Any) -> list[Any]:
    """All values that it reads; constants are among them and belong to no layer."""
    values: list[Any] = []
    for value in operation.inputs.values():
        values.extend(value if isinstance(value, list | tuple) else [value])
    return [value for value in values if value is not None]
