"""Runs the `main` function of a package's ML program with torch on the CPU."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewright_train.errors import InputError

from .malformed import Malformed
from .operations import OPERATIONS
from .package import Package
from .program import Input, Name, Program, read_program
from .step import Step


class Interpreter:
    """A program ready to run: what depends on constants alone is computed once, here.

    Raises `InputError` for a package that cannot be used, naming every operation that is not known.
    """

    def __init__(self, package: Path) -> None:
        self._source = package
        try:
            program = read_program(Package(package))
            self.inputs, self.outputs = program.inputs, program.outputs
            self._constants: dict[str, Tensor] = {}
            self._steps = self._plan(program)
        except Malformed as error:
            raise InputError(f"{package}: {error}") from None

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Output name -> value, from input name -> value.

        An image is (H, W, 3) uint8 RGB, whatever order of planes the program wants: that is part of the file, and
        applied here as Core ML does.  Any other input is an array of the declared shape.
        """
        values = dict(self._constants)
        for declared in self.inputs:
            if declared.name not in inputs:
                raise InputError(f"{self._source}: input {declared.name!r} is missing")
            values[declared.name] = self._read_input(declared, inputs[declared.name])
        try:
            for step in self._steps:
                step.run(values)
        except Malformed as error:
            raise InputError(f"{self._source}: {error}") from None
        return {name: values[name].numpy() for name in self.outputs}

    @torch.inference_mode()
    def _plan(self, program: Program) -> list[Step]:
        if unknown := [str(operation) for operation in program.operations if operation.type not in OPERATIONS]:
            raise Malformed(f"unknown operations: {'; '.join(unknown)}")
        steps = []
        for operation in program.operations:
            step = Step.bind(operation, OPERATIONS[operation.type], self._constants)
            if step.variable:
                steps.append(step)
            else:
                step.run(self._constants)
        return _with_releases(steps, keep=program.outputs)

    def _read_input(self, declared: Input, value: NDArray[Any]) -> Tensor:
        shape, dtype = declared.type.shape, np.dtype(declared.type.element.numpy)
        if declared.colour_layout is not None:
            shape, dtype = (*shape[2:], 3), np.dtype(np.uint8)
        if value.shape != shape or value.dtype != dtype:
            raise InputError(
                f"{self._source}: input {declared.name!r}: {dtype}{list(shape)} is expected, "
                f"got {value.dtype}{list(value.shape)}"
            )
        if declared.colour_layout is not None:
            planes = value[..., ::-1] if declared.colour_layout == "bgr" else value
            value = planes.transpose(2, 0, 1)[None]
        return torch.from_numpy(np.ascontiguousarray(value)).to(declared.type.element.torch)


def _with_releases(steps: list[Step], *, keep: Sequence[str]) -> list[Step]:
    """Each step drops the values that no later step and no output needs, so that memory stays that of a few layers."""
    needed = set(keep)
    for step in reversed(steps):
        used = {o.text for _, operands in step.variable.values() for o in operands if isinstance(o, Name)}
        used |= {name for name, _ in step.operation.outputs}
        step.releases = tuple(sorted(used - needed))
        needed |= used
    return steps
