"""CoreML: compressed weights, and pairs of quantize and dequantize around the inputs of int8 layers.

coremltools quantises activations only on a Mac, where it can run the model to see their ranges; here the plan has them.
A layer in int8 reads dequantize(quantize(x)) and weights that are stored as codes with a step per channel: what
coremltools itself writes for W8A8, from iOS 17 on.  Weights alone need iOS 16.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgewright_export import to_coreml
from edgewright_export.capture import runnable
from edgewright_export.conversion import Artefact, ConversionSpec
from edgewright_train.errors import CheckError

from ..grid import Grid
from ..layers import Layer, layers
from ..plan import LayerPlan, Plan, read_plan
from ..weights import palette_indices, weight_codes
from .match import Candidate, find_layers

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_WEIGHTED = ("conv", "linear")
_SMALL = 8  # elements of a constant that is looked for among those that there are
_TABLE_BITS = (1, 2, 4, 6, 8)  # of constexpr_lut_to_dense


def convert(exported: "ExportedProgram", spec: ConversionSpec, folder: Path) -> Artefact:
    """Write `model.mlpackage`.  Raises `CheckError` for a plan that does not fit the network."""
    assert spec.plan is not None
    plan, graph_layers = read_plan(spec.plan), list(layers(runnable(exported)))
    in_int8 = any(layer.input is not None for layer in plan.layers.values())
    model = to_coreml.convert_program(
        exported,
        spec,
        ios=17 if in_int8 else 16,
        last_pass=lambda program: quantise(program.functions["main"], graph_layers, plan),
    )
    to_coreml.write_package(model, folder / to_coreml.ENTRY)
    return Artefact(entry=to_coreml.ENTRY, input_kind="image")


def quantise(block: Any, graph_layers: Sequence[Layer], plan: Plan) -> None:
    """Change a MIL block in half precision, in place.  `graph_layers` are all layers of the captured graph, in order.

    Raises `CheckError` when a layer is not in the program or the plan is not for it.
    """
    found = find_layers(graph_layers, plan, list(_candidates(block)), np.float16)
    new = _NewValues()
    with block:
        for layer, operation in found:
            _replace(block, operation, layer, plan.layers[layer.name], new)


@dataclass
class _NewValues:
    """Values that several operations read are there once: inputs rounded to one grid, and equal small constants.

    The constants matter for the size: coremltools has strides, padding ... per layer, of 110 bytes each.
    """

    rounded: dict[tuple[str, Grid], Any] = field(default_factory=dict)
    constants: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def constant(self, value: Any, name: str, operation: Any) -> Any:
        from coremltools.converters.mil import Builder as mb  # noqa: N813, PLC0415

        array = np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = mb.const(val=value, name=name, before_op=operation)
        return self.constants[key]


def _replace(block: Any, operation: Any, layer: Layer, plan: LayerPlan, new: _NewValues) -> None:
    """The same operation, reading other operands."""
    from coremltools.converters.mil import Builder as mb  # noqa: N813, PLC0415

    operands = {name: value for name, value in operation.inputs.items() if value is not None}
    for name, value in operands.items():
        if value.val is not None and np.size(value.val) <= _SMALL:
            operands[name] = new.constant(value.val, value.name, operation)
    operands["weight"] = _weight(operation, layer, plan)
    if plan.input is not None:
        operands["x"] = _rounded(operation, operands["x"], layer, plan.input, new)
    result = operation.outputs[0]
    replacement = getattr(mb, operation.op_type)(**operands, before_op=operation, name=operation.name)
    block.replace_uses_of_var_after_op(anchor_op=operation, old_var=result, new_var=replacement)
    block.remove_ops([operation])


def _rounded(operation: Any, value: Any, layer: Layer, grid: Grid, new: _NewValues) -> Any:
    """`value` rounded to the grid; its parts are named after the first layer that reads them."""
    from coremltools.converters.mil import Builder as mb  # noqa: N813, PLC0415

    if (value.name, grid) not in new.rounded:
        if (grid.low, grid.high) != (-128, 127):
            raise CheckError(f"coreml: {layer.name!r}: quantize has the codes -128..127, not {grid.low}..{grid.high}")
        steps = {
            "scale": new.constant(_half(grid.scale, layer.name), f"{layer.name}_x_scale", operation),
            "zero_point": new.constant(np.int8(grid.zero_point), f"{layer.name}_x_zero_point", operation),
        }
        int8 = new.constant("int8", "code_type", operation)
        codes = mb.quantize(input=value, output_dtype=int8, name=f"{layer.name}_x_codes", before_op=operation, **steps)
        new.rounded[value.name, grid] = mb.dequantize(input=codes, name=f"{layer.name}_x", before_op=operation, **steps)
    return new.rounded[value.name, grid]


def _weight(operation: Any, layer: Layer, plan: LayerPlan) -> Any:
    from coremltools.converters.mil import Builder as mb  # noqa: N813, PLC0415

    place = {"before_op": operation, "name": f"{layer.name}_weight"}
    if not plan.palette:
        codes = weight_codes(layer.weight, plan.weight_scales).numpy().astype(np.int8)
        scales = np.array([_half(scale, layer.name) for scale in plan.weight_scales])
        return mb.constexpr_affine_dequantize(
            quantized_data=codes, zero_point=np.int8(0), scale=scales, axis=np.int32(0), **place
        )
    bits = next(bits for bits in _TABLE_BITS if len(plan.palette) <= 2**bits)
    table = np.array([_half(entry, layer.name) for entry in plan.palette])
    return mb.constexpr_lut_to_dense(
        indices=_packed(palette_indices(layer.weight, plan.palette).numpy(), bits),
        lut=np.pad(table, (0, 2**bits - len(table)), mode="edge"),
        shape=np.array(layer.weight.shape, np.uint32),
        **place,
    )


def _half(value: float, name: str) -> np.float16:
    """Raises `CheckError` for a number that half precision does not have: the plan was made for another target."""
    half = np.float16(value)
    if float(half) != value:
        raise CheckError(f"coreml: {name!r}: {value} is not a half-precision number")
    return half


def _packed(indices: NDArray[np.int64], bits: int) -> NDArray[np.uint8]:
    """`bits` bits each, lowest first, across byte borders."""
    each = np.unpackbits(indices.astype(np.uint8).reshape(-1, 1), axis=1, count=bits, bitorder="little")
    return np.packbits(each, bitorder="little")


def _candidates(block: Any) -> Iterator[Candidate]:
    for operation in block.operations:
        if operation.op_type in _WEIGHTED and operation.inputs["weight"].val is not None:
            yield Candidate(operation, operation.name.removesuffix("_cast_fp16"), operation.inputs["weight"].val)
