"""ONNX: QuantizeLinear and DequantizeLinear around every operation on codes, in the form that runtimes look for.

Activations are uint8 with a zero point, weights int8 with a step per output channel, biases int32 in steps of their
products.  onnxruntime makes one integer operation of each such layer, on every CPU: of int8 activations only on ARM.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgewright_export import to_onnx
from edgewright_export.capture import runnable
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_train.errors import CheckError

from ..layers import Layer, layers
from ..plan import LayerPlan, Plan, read_plan
from ..weights import weight_codes
from .match import Candidate, find_layers

if TYPE_CHECKING:
    import onnx
    from torch.export import ExportedProgram

_LAYERS = frozenset({"Conv", "Gemm", "MatMul"})


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.onnx`.  Raises `CheckError` for a plan that does not fit the network."""
    import onnx  # noqa: PLC0415

    assert spec.plan is not None
    plan, graph_module = read_plan(spec.plan), runnable(exported)
    model = rounded_model(exported, spec, plan)
    quantise_weights(model, list(layers(graph_module)), plan)
    onnx.checker.check_model(model, full_check=True)
    (folder / to_onnx.ENTRY).write_bytes(model.SerializeToString(deterministic=True))
    return Artefact(entry=to_onnx.ENTRY)


def rounded_model(exported: "ExportedProgram", spec: ConversionSpec, plan: Plan) -> "onnx.ModelProto":
    """The float model; where the plan has codes, values are rounded to them."""
    if not plan.outputs:
        return to_onnx.float_model(exported, spec)
    from .onnx_roundings import translations, with_roundings  # noqa: PLC0415

    return to_onnx.model_of(with_roundings(runnable(exported), plan), spec, translations())


def quantise_weights(model: "onnx.ModelProto", graph_layers: Sequence[Layer], plan: Plan) -> None:
    """In place.  `graph_layers` are all layers of the captured graph, in its order.

    Raises `CheckError` when a layer is not in the model or the plan is not for it.
    """
    found = find_layers(graph_layers, plan, list(_candidates(model.graph)), np.float32)
    added = _Added()
    for layer, operation in found:
        added.quantise(operation, layer, plan.layers[layer.name])
    _rewrite(model.graph, added)


@dataclass
class _Added:
    """Operations in front of the one of that name, and constants; their names have a slash, as none of torch's has."""

    before: dict[str, list["onnx.NodeProto"]] = field(default_factory=dict)
    constants: list["onnx.TensorProto"] = field(default_factory=list)

    def quantise(self, node: "onnx.NodeProto", layer: Layer, plan: LayerPlan) -> None:
        """Let `node`, which is the layer, read its weights from codes, and its bias if its operand is codes too."""
        if plan.palette:
            raise CheckError(f"onnx: layer {layer.name!r} has a palette, which ONNX has no operation for")
        codes = weight_codes(layer.weight, plan.weight_scales).numpy().astype(np.int8)
        scales, axis = np.array(plan.weight_scales, np.float32), _output_axis(node)
        weight, bias = f"{layer.name}/weight", f"{layer.name}/bias"
        operands = [
            self._constant(f"{weight}/codes", codes if axis == 0 else codes.T),
            self._constant(f"{weight}/scale", scales),
        ]
        if plan.input is not None:
            # onnxruntime, asked for exact sums, makes uint8 of int8: wrongly without these, or if layers share them.
            operands.append(self._constant(f"{weight}/zero_point", np.zeros(len(scales), np.int8)))
        node.input[1] = self._decoded(node, weight, operands, axis=axis)
        if plan.input is not None and len(node.input) > 2:
            steps = np.float32(plan.input.scale) * scales
            sums = np.rint(layer.bias.double().numpy() / steps.astype(np.float64)).astype(np.int32)
            operands = [self._constant(f"{bias}/codes", sums), self._constant(f"{bias}/scale", steps)]
            node.input[2] = self._decoded(node, bias, operands, axis=0)

    def _decoded(self, node: "onnx.NodeProto", name: str, operands: list[str], *, axis: int) -> str:
        from onnx import helper  # noqa: PLC0415

        operation = helper.make_node("DequantizeLinear", operands, [name], name=f"DequantizeLinear_{name}", axis=axis)
        self.before.setdefault(node.name, []).append(operation)
        return name

    def _constant(self, name: str, value: "NDArray[np.generic]") -> str:
        from onnx import numpy_helper  # noqa: PLC0415

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _candidates(graph: "onnx.GraphProto") -> Iterator[Candidate]:
    from onnx import numpy_helper  # noqa: PLC0415

    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in _LAYERS and node.input[1] in constants:
            weight = numpy_helper.to_array(constants[node.input[1]])
            yield Candidate(node, node.output[0], weight.T if _output_axis(node) == 1 else weight)


def _output_axis(node: "onnx.NodeProto") -> int:
    """Of a layer's weights, that of the output channels."""
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else 1


def _rewrite(graph: "onnx.GraphProto", added: _Added) -> None:
    """Put the new operations in their places, and drop the constants that nothing reads any more."""
    nodes = [each for node in graph.node for each in (*added.before.get(node.name, ()), node)]
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in (*graph.initializer, *added.constants) if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(constants)
