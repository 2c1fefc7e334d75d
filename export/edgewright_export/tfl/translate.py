"""From a captured graph to a TFLite model: every node is translated by the function that stands for its operation."""

import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, fx

from edgewright_train.errors import CheckError

from ..capture import runnable
from .file import write
from .model import Model, Value
from .operations import OPERATIONS
from .quantise import Plan, quantised

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch.export import ExportedProgram


def translate(
    exported: "ExportedProgram",
    path: Path,
    *,
    input_name: str,
    output_names: "Sequence[str]",
    half_weights: bool = False,
    full_precision: "Collection[str]" = (),
    plan: Plan | None = None,
) -> dict[str, str]:
    """Write `path`, channels last; what `plan` names computes in int8.  Returns the node of each input and output.

    `full_precision`: nodes whose weights are not halved.  Raises `CheckError` naming what has no translation.
    """
    graph_module = runnable(exported)
    _refuse_unknown(graph_module.graph)
    model = Model()
    values: dict[fx.Node, Any] = {}
    inputs: dict[str, int] = {}
    outputs: dict[str, int] = {}
    ends: dict[str, str] = {}
    for node in graph_module.graph.nodes:
        match node.op:
            case "placeholder":
                values[node] = model.input(tuple(node.meta["val"].shape))
                inputs[input_name] = values[node].tensor
                ends[input_name] = node.name
            case "get_attr":
                values[node] = _constant(graph_module, node)
            case "output":
                results = fx.map_arg(node.args[0], values.__getitem__)
                outputs = {name: result.tensor for name, result in zip(output_names, results, strict=True)}
                ends |= {name: result.name for name, result in zip(output_names, node.args[0], strict=True)}
            case _:
                model.half_weights = half_weights and node.name not in full_precision
                values[node] = _translate_node(model, node, values)
    if plan is not None:
        computed = {node.name: values[node] for node in values if node.op == "call_function"}
        nodes = {name: value for name, value in computed.items() if isinstance(value, Value)}
        keep = {tensor: plan.ends.get(ends[name]) for name, tensor in {**inputs, **outputs}.items()}
        model, places = quantised(model, plan, nodes, keep)
        inputs = {name: places[tensor] for name, tensor in inputs.items()}
        outputs = {name: places[tensor] for name, tensor in outputs.items()}
    write(model, path, inputs, outputs)
    return ends


def _translate_node(model: Model, node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    arguments, options = fx.map_arg((node.args, dict(node.kwargs)), values.__getitem__)
    result = OPERATIONS[node.target](model, *arguments, **options)
    if not isinstance(result, Value):
        return result
    expected = tuple(node.meta["val"].shape)
    assert result.shape == expected, f"{node.format_node()}: {result.shape}, not {expected}"
    model.name(result, node.name)
    (reader,) = users if len(users := list(node.users)) == 1 else (None,)
    return Value(result.tensor, result.shape, read_once=reader is not None and reader.op != "output")


def _constant(graph_module: fx.GraphModule, node: fx.Node) -> NDArray[np.float32]:
    value: Tensor = operator.attrgetter(str(node.target))(graph_module)
    return value.detach().numpy()


def _refuse_unknown(graph: fx.Graph) -> None:
    calls = {node.target for node in graph.nodes if node.op.startswith("call_")}
    if unknown := sorted(str(target) for target in calls - OPERATIONS.keys()):
        raise CheckError(f"tflite: no translation of {', '.join(unknown)}")
