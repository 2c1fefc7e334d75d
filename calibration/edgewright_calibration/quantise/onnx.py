"""ONNX: QuantizeLinear and DequantizeLinear written into the float model, so that every runtime computes the same bits.

An int8 layer works on codes less their zero point, as float32: sums of their products are whole numbers, which float32
has exactly up to 2^24, in whatever order a kernel adds them.  The steps of input and weights come as one multiplication
behind it, the bias after that.

The usual pattern has the steps in the DequantizeLinear before the layer.  onnxruntime then computes some layers in
integers and some in float, as the operations around them happen to be, and its results depend on its options and on
the CPU: without VNNI, its x86 kernel for uint8 activations and int8 weights adds pairs of products in 16 bits and
saturates (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).  A last bit that differs
moves a code, and some layers later two runs are far apart: YOLO-FastestV2's outputs had a cosine similarity of 0.9990
with those of the same file without graph optimisations.  On x86 the usual pattern is not faster than float32 either.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgewright_export import to_onnx
from edgewright_export.capture import runnable
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_train.errors import CheckError

from ..grid import Grid
from ..layers import Layer, layers
from ..plan import LayerPlan, Plan, read_plan
from ..weights import weight_codes
from .match import Candidate, find_layers

if TYPE_CHECKING:
    import onnx
    from torch.export import ExportedProgram

# Operation -> axis of its weight that has the output channels; Gemm: with transB, as torch's exporter writes it.
_OUTPUT_AXIS = {"Conv": 0, "Gemm": 0, "MatMul": 1}


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.onnx`.  Raises `CheckError` for a plan that does not fit the network."""
    import onnx  # noqa: PLC0415

    assert spec.plan is not None
    model = to_onnx.float_model(exported, spec)
    quantise(model, list(layers(runnable(exported))), read_plan(spec.plan))
    onnx.checker.check_model(model, full_check=True)
    (folder / to_onnx.ENTRY).write_bytes(model.SerializeToString(deterministic=True))
    return Artefact(entry=to_onnx.ENTRY)


def quantise(model: "onnx.ModelProto", graph_layers: Sequence[Layer], plan: Plan) -> None:
    """In place.  `graph_layers` are all layers of the captured graph, in its order.

    Raises `CheckError` when a layer is not in the model or the plan is not for it.
    """
    found = find_layers(graph_layers, plan, list(_candidates(model.graph)), np.float32)
    changes = _Changes()
    for layer, operation in found:
        changes.apply(operation, layer, plan.layers[layer.name])
    _rewrite(model.graph, changes)


@dataclass
class _Changes:
    """What is added: operations before and after the one of that name, and constants.

    Their names have a slash, as none of torch's has.  A value that several layers read on one grid is rounded once.
    """

    before: dict[str, list["onnx.NodeProto"]] = field(default_factory=dict)
    after: dict[str, list["onnx.NodeProto"]] = field(default_factory=dict)
    constants: list["onnx.TensorProto"] = field(default_factory=list)
    rounded: dict[tuple[str, Grid], str] = field(default_factory=dict)

    def apply(self, node: "onnx.NodeProto", layer: Layer, plan: LayerPlan) -> None:
        """Let `node`, which is the layer, compute as the plan has it."""
        if plan.palette:
            raise CheckError(f"onnx: layer {layer.name!r} has a palette, which ONNX has no operation for")
        scales = np.array(plan.weight_scales, np.float64)
        if plan.input is None:
            node.input[1] = self._weight(node, layer, plan, scales)
            return
        node.input[0] = self._codes(node, node.input[0], plan.input)
        node.input[1] = self._weight(node, layer, plan, np.float64(1))
        self._scale_and_add(node, layer, scales * plan.input.scale)

    def _codes(self, node: "onnx.NodeProto", value: str, grid: Grid) -> str:
        """The codes of `value` less their zero point."""
        if (value, grid) not in self.rounded:
            if (grid.low, grid.high) != (-128, 127):
                raise CheckError(
                    f"onnx: {value!r}: QuantizeLinear has the codes -128..127, not {grid.low}..{grid.high}"
                )
            name = f"{value}/rounded{sum(value == other for other, _ in self.rounded)}"
            scale = self._constant(f"{name}/scale", np.float32(grid.scale))
            one = self._constant(f"{name}/one", np.float32(1))
            zero_point = self._constant(f"{name}/zero_point", np.int8(grid.zero_point))
            self._add_before(node, "QuantizeLinear", [value, scale, zero_point], f"{name}/codes")
            self._add_before(node, "DequantizeLinear", [f"{name}/codes", one, zero_point], name)
            self.rounded[value, grid] = name
        return self.rounded[value, grid]

    def _weight(
        self, node: "onnx.NodeProto", layer: Layer, plan: LayerPlan, scales: "NDArray[np.float64] | np.float64"
    ) -> str:
        """The codes of the weights times `scales`: one for all, or one per output channel."""
        codes = weight_codes(layer.weight, plan.weight_scales).numpy().astype(np.int8)
        axis, name = _OUTPUT_AXIS[node.op_type], f"{layer.name}/weight"
        operands = [
            self._constant(f"{name}/codes", codes if axis == 0 else codes.T),
            self._constant(f"{name}/scale", scales.astype(np.float32)),
        ]
        self._add_before(node, "DequantizeLinear", operands, name, axis=axis)
        return name

    def _scale_and_add(self, node: "onnx.NodeProto", layer: Layer, scales: "NDArray[np.float64]") -> None:
        """Multiply the sums of products; a bias moves behind that, unless it is an operation of its own anyway."""
        output, sums = node.output[0], f"{layer.name}/sums"
        has_bias = len(node.input) > 2
        del node.input[2:]
        node.output[0] = sums
        factors = self._per_channel(f"{layer.name}/scales", scales, layer)
        self._add_after(node, "Mul", [sums, factors], f"{layer.name}/scaled" if has_bias else output)
        if has_bias:
            bias = self._per_channel(f"{layer.name}/bias", layer.bias.numpy(), layer)
            self._add_after(node, "Add", [f"{layer.name}/scaled", bias], output)

    def _per_channel(self, name: str, values: "NDArray[np.generic]", layer: Layer) -> str:
        shape = (-1, 1, 1) if layer.weight.dim() == 4 else (-1,)
        return self._constant(name, values.astype(np.float32).reshape(shape))

    def _add_before(
        self, node: "onnx.NodeProto", operation: str, inputs: list[str], output: str, **attributes: int
    ) -> None:
        self.before.setdefault(node.name, []).append(_operation(operation, inputs, output, **attributes))

    def _add_after(self, node: "onnx.NodeProto", operation: str, inputs: list[str], output: str) -> None:
        self.after.setdefault(node.name, []).append(_operation(operation, inputs, output))

    def _constant(self, name: str, value: "NDArray[np.generic] | np.generic") -> str:
        from onnx import numpy_helper  # noqa: PLC0415

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        return name


def _operation(operation: str, inputs: list[str], output: str, **attributes: int) -> "onnx.NodeProto":
    from onnx import helper  # noqa: PLC0415

    return helper.make_node(operation, inputs, [output], name=f"{operation}_{output}", **attributes)


def _candidates(graph: "onnx.GraphProto") -> Iterator[Candidate]:
    from onnx import numpy_helper  # noqa: PLC0415

    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in _OUTPUT_AXIS and node.input[1] in constants:
            weight = numpy_helper.to_array(constants[node.input[1]])
            yield Candidate(node, node.output[0], weight.T if _OUTPUT_AXIS[node.op_type] == 1 else weight)


def _rewrite(graph: "onnx.GraphProto", changes: _Changes) -> None:
    """Put the new operations in their places, and drop the constants that nothing reads any more."""
    nodes = list(_with_additions(graph.node, changes))
    del graph.node[:]
    graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in (*graph.initializer, *changes.constants) if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(constants)


def _with_additions(nodes: Iterable["onnx.NodeProto"], changes: _Changes) -> Iterator["onnx.NodeProto"]:
    for node in nodes:
        yield from changes.before.get(node.name, ())
        yield node
        yield from changes.after.get(node.name, ())
