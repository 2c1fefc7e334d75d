"""A program as data: inputs, operations in an order that defines every name before its use, names of the outputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .malformed import Malformed
from .package import Package
from .schema import FeatureTypes_pb2
from .tensor_types import TensorType, read_type
from .values import Constant, read_value

ColourLayout = Literal["rgb", "bgr"]

_ENTRY = "main"
_COLOUR_SPACES: dict[int, ColourLayout] = {
    FeatureTypes_pb2.ImageFeatureType.RGB: "rgb",
    FeatureTypes_pb2.ImageFeatureType.BGR: "bgr",
}


@dataclass(frozen=True)
class Input:
    """An input of the program; `colour_layout` is the order of the planes it wants when it is an image."""

    name: str
    type: TensorType
    colour_layout: ColourLayout | None


@dataclass(frozen=True)
class Name:
    """Refers to an input or to an output of an earlier operation."""

    text: str


Operand = Name | Constant


@dataclass(frozen=True)
class Operation:
    """One operation, its operands by parameter: constants, or names of values."""

    type: str
    inputs: dict[str, tuple[Operand, ...]]
    outputs: tuple[tuple[str, TensorType], ...]

    def __str__(self) -> str:
        return f"{self.type} {', '.join(repr(name) for name, _ in self.outputs)}"


@dataclass(frozen=True)
class Program:
    inputs: tuple[Input, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]


def read_program(package: Package) -> Program:
    """The `main` function of the package's model."""
    functions = package.model.mlProgram.functions
    if _ENTRY not in functions:
        raise Malformed(f"functions: there is no {_ENTRY!r}")
    function = functions[_ENTRY]
    if function.opset not in function.block_specializations:
        raise Malformed(f"{_ENTRY}: there is no block for its opset {function.opset!r}")
    block = function.block_specializations[function.opset]
    inputs = tuple(_read_inputs(function, package.model.description))
    reader = _Reader(package, {given.name for given in inputs})
    operations = []
    for message in block.operations:
        if message.type == "const":
            reader.keep_constant(message)
        else:
            operations.append(reader.operation(message))
    outputs = tuple(block.outputs)
    if sorted(outputs) != sorted(feature.name for feature in package.model.description.output):
        raise Malformed(f"outputs {', '.join(outputs)}: they are not those of the model's description")
    for name in outputs:
        if not isinstance(reader.operand(name), Name):
            raise Malformed(f"output {name!r} is a constant")
    return Program(inputs, tuple(operations), outputs)


def _read_inputs(function: Any, description: Any) -> Iterator[Input]:
    features = {feature.name: feature.type for feature in description.input}
    for message in function.inputs:
        if message.name not in features:
            raise Malformed(f"input {message.name!r}: it is not in the model's description")
        declared = read_type(message.type)
        layout = None
        if features[message.name].WhichOneof("Type") == "imageType":
            image = features[message.name].imageType
            layout = _COLOUR_SPACES.get(image.colorSpace)
            if layout is None or declared.shape != (1, 3, image.height, image.width):
                raise Malformed(
                    f"input {message.name!r}: {declared} for an image of {image.height} x {image.width}, colour space "
                    f"{image.colorSpace}; only RGB and BGR images of shape [1, 3, height, width] are supported"
                )
        yield Input(message.name, declared, layout)


class _Reader:
    """Reads operations in order, keeping the constants and the names seen so far."""

    def __init__(self, package: Package, defined: set[str]) -> None:
        self._package = package
        self._defined = defined
        self._constants: dict[str, Constant] = {}

    def keep_constant(self, message: Any) -> None:
        if len(message.outputs) != 1 or "val" not in message.attributes:
            raise Malformed("const: needs one output and the attribute val")
        name = message.outputs[0].name
        self._define(name)
        self._constants[name] = self._value(message.attributes["val"], f"const {name!r}")

    def operation(self, message: Any) -> Operation:
        where = f"{message.type} {', '.join(repr(output.name) for output in message.outputs)}"
        inputs: dict[str, tuple[Operand, ...]] = {}
        for parameter, argument in message.inputs.items():
            inputs[parameter] = tuple(
                self.operand(binding.name)
                if binding.WhichOneof("binding") == "name"
                else self._value(binding.value, f"{where}: {parameter}")
                for binding in argument.arguments
            )
        for parameter, value in message.attributes.items():  # operands of constexpr operations up to iOS 17
            if parameter != "name":
                inputs[parameter] = (self._value(value, f"{where}: {parameter}"),)
        for output in message.outputs:
            self._define(output.name)
        try:
            return Operation(message.type, inputs, tuple((o.name, read_type(o.type)) for o in message.outputs))
        except Malformed as error:
            raise Malformed(f"{where}: {error}") from None

    def operand(self, name: str) -> Operand:
        if name not in self._defined:
            raise Malformed(f"{name!r} is used before it is defined")
        return self._constants.get(name, Name(name))

    def _define(self, name: str) -> None:
        if name in self._defined:
            raise Malformed(f"{name!r} is defined twice")
        self._defined.add(name)

    def _value(self, message: Any, where: str) -> Constant:
        try:
            return read_value(message, self._package)
        except Malformed as error:
            raise Malformed(f"{where}: {error}") from None
