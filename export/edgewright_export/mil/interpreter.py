"""Runs the `main` function of a package's ML program with torch on the CPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewright_train.errors import InputError

from .kernels import Kernel, Parameter, parameters_of
from .malformed import Malformed
from .operations import OPERATIONS
from .package import Package
from .program import Input, Name, Operand, Operation, read_program

# What torch raises when an operation's operands do not fit each other.
_KERNEL_ERRORS = (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError, KeyError)


class Interpreter:
    """A program ready to run: everything that depends on constants alone is computed once, here.

    Raises `InputError` for a package that cannot be used, naming every operation that is not known.
    """

    def __init__(self, package: Path) -> None:
        self._source = package
        try:
            program = read_program(Package(package))
            self.inputs = program.inputs
            self.outputs = program.outputs
            self._constants: dict[str, Tensor] = {}
            self._steps = self._plan(program.operations)
        except Malformed as error:
            raise InputError(f"{package}: {error}") from None

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """Output name -> value, from input name -> value.

        An image is (H, W, 3) uint8 RGB, whatever order of planes the program wants: that is part of the file, and
        applied here as Core ML does.  Any other input is an array of the declared shape.
        """
        values = dict(self._constants)
        for declared in self.inputs:
            values[declared.name] = self._read_input(declared, inputs)
        try:
            for step in self._steps:
                step.run(values)
        except Malformed as error:
            raise InputError(f"{self._source}: {error}") from None
        return {name: values[name].numpy() for name in self.outputs}

    def _plan(self, operations: Sequence[Operation]) -> list["_Step"]:
        unknown = [str(operation) for operation in operations if operation.type not in OPERATIONS]
        if unknown:
            raise Malformed(f"unknown operations: {'; '.join(unknown)}")
        steps = []
        for operation in operations:
            step = _Step.bind(operation, OPERATIONS[operation.type], self._constants)
            if step.variable:
                steps.append(step)
            else:
                step.run(self._constants)
        return _with_releases(steps, keep=self.outputs)

    def _read_input(self, declared: Input, inputs: Mapping[str, NDArray[Any]]) -> Tensor:
        if declared.name not in inputs:
            raise InputError(f"{self._source}: input {declared.name!r} is missing")
        value = inputs[declared.name]
        if declared.colour_layout is not None:
            _, planes, height, width = declared.type.shape
            if value.dtype != np.uint8 or value.shape != (height, width, planes):
                raise InputError(
                    f"{self._source}: input {declared.name!r}: an image of {height} x {width} x {planes} uint8 is "
                    f"expected, got {value.dtype}{list(value.shape)}"
                )
            ordered = value[..., ::-1] if declared.colour_layout == "bgr" else value
            value = np.ascontiguousarray(ordered.transpose(2, 0, 1)[None])
        return declared.type.settle(torch.from_numpy(value).to(declared.type.element.torch))


@dataclass
class _Step:
    """One operation, bound: operands that are constants are ready in the form the kernel wants."""

    operation: Operation
    kernel: Kernel
    fixed: dict[str, Any]
    variable: dict[str, tuple[Parameter, tuple[Operand, ...]]]
    releases: tuple[str, ...] = ()

    @classmethod
    def bind(cls, operation: Operation, kernel: Kernel, constants: Mapping[str, Tensor]) -> "_Step":
        parameters = parameters_of(kernel)
        for name in operation.inputs:
            if name not in parameters:
                raise Malformed(f"{operation}: unknown input {name!r}; known: {', '.join(parameters)}")
        for name, parameter in parameters.items():
            if parameter.required and name not in operation.inputs:
                raise Malformed(f"{operation}: input {name!r} is missing")
        fixed, variable = {}, {}
        for name, operands in operation.inputs.items():
            known = [_resolve(operand, constants) for operand in operands]
            if any(isinstance(value, Name) for value in known):
                variable[name] = (parameters[name], operands)
            else:
                fixed[name] = _convert(operation, name, parameters[name], known)
        return cls(operation, kernel, fixed, variable)

    def run(self, values: dict[str, Tensor]) -> None:
        """Compute the outputs into `values`, check them against their declared types, drop what is not needed."""
        operands = {
            name: _convert(self.operation, name, parameter, [_resolve(operand, values) for operand in given])
            for name, (parameter, given) in self.variable.items()
        }
        try:
            computed = self.kernel(**self.fixed, **operands)
        except _KERNEL_ERRORS as error:
            raise Malformed(f"{self.operation}: {' '.join(str(error).split())}") from error
        results = computed if isinstance(computed, tuple) else (computed,)
        if len(results) != len(self.operation.outputs):
            raise Malformed(f"{self.operation}: {len(results)} outputs computed")
        for (name, declared), result in zip(self.operation.outputs, results, strict=True):
            try:
                values[name] = declared.settle(result)
            except Malformed as error:
                raise Malformed(f"{self.operation}: output {name!r}: {error}") from None
        for name in self.releases:
            del values[name]


def _resolve(operand: Operand, values: Mapping[str, Tensor]) -> Any:
    return values.get(operand.text, operand) if isinstance(operand, Name) else operand


def _convert(operation: Operation, name: str, parameter: Parameter, values: list[Any]) -> Any:
    try:
        return parameter.convert(values)
    except Malformed as error:
        raise Malformed(f"{operation}: input {name!r}: {error}") from None


def _with_releases(steps: list[_Step], *, keep: Sequence[str]) -> list[_Step]:
    """Each step drops the values that no later step and no output needs, so that memory stays that of a few layers."""
    needed = set(keep)
    for step in reversed(steps):
        used = {o.text for _, operands in step.variable.values() for o in operands if isinstance(o, Name)}
        used |= {name for name, _ in step.operation.outputs}
        step.releases = tuple(sorted(used - needed))
        needed |= used
    return steps
