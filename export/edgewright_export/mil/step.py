"""One operation bound to its kernel: its constant operands are ready, the others are looked up when it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .kernels import Kernel, Parameter, parameters_of
from .malformed import Malformed
from .program import Name, Operand, Operation

# What torch raises when the operands of an operation do not fit each other.
_KERNEL_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError, KeyError)


@dataclass
class Step:
    """`releases` names the values that nothing needs after this step."""

    operation: Operation
    kernel: Kernel
    fixed: dict[str, Any]
    variable: dict[str, tuple[Parameter, tuple[Operand, ...]]]
    releases: tuple[str, ...] = ()

    @classmethod
    def bind(cls, operation: Operation, kernel: Kernel, constants: Mapping[str, Tensor]) -> "Step":
        """Match the operation's inputs with the kernel's parameters."""
        parameters = parameters_of(kernel)
        if unknown := operation.inputs.keys() - parameters.keys():
            raise Malformed(f"{operation}: unknown input {min(unknown)!r}; known: {', '.join(parameters)}")
        step = cls(operation, kernel, {}, {})
        for name, parameter in parameters.items():
            if name in operation.inputs:
                step._bind_operands(name, parameter, operation.inputs[name], constants)
            elif parameter.required:
                raise Malformed(f"{operation}: input {name!r} is missing")
        return step

    def _bind_operands(
        self, name: str, parameter: Parameter, operands: tuple[Operand, ...], constants: Mapping[str, Tensor]
    ) -> None:
        values = [_look_up(operand, constants) for operand in operands]
        if not any(isinstance(value, Name) for value in values):
            self.fixed[name] = self._convert(name, parameter, values)
        elif parameter.takes_tensors:
            self.variable[name] = (parameter, operands)
        else:
            raise Malformed(f"{self.operation}: input {name!r}: must be a constant")

    def run(self, values: dict[str, Tensor]) -> None:
        """Compute the outputs into `values`, check them against their declared types, drop what is not needed."""
        operands = {
            name: self._convert(name, parameter, [_look_up(operand, values) for operand in operands])
            for name, (parameter, operands) in self.variable.items()
        }
        try:
            computed = self.kernel(**self.fixed, **operands)
        except _KERNEL_ERRORS as error:
            raise Malformed(f"{self.operation}: {' '.join(str(error).split())}") from error
        results = computed if isinstance(computed, tuple) else (computed,)
        if len(results) != len(self.operation.outputs):
            raise Malformed(f"{self.operation}: {len(results)} outputs computed")
        try:
            for (name, declared), result in zip(self.operation.outputs, results, strict=True):
                values[name] = declared.settle(result)
        except Malformed as error:
            raise Malformed(f"{self.operation}: {error}") from None
        for name in self.releases:
            del values[name]

    def _convert(self, name: str, parameter: Parameter, values: list[Any]) -> Any:
        try:
            return parameter.convert(values)
        except Malformed as error:
            raise Malformed(f"{self.operation}: input {name!r}: {error}") from None


def _look_up(operand: Operand, values: Mapping[str, Tensor]) -> Any:
    return values.get(operand.text, operand) if isinstance(operand, Name) else operand
