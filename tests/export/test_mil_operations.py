"""Every operation of the interpreter, run from a saved package, against numpy, torch or numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from mil_cases import CASES
from mil_cases.case import Case, t
from mil_cases.programs import operations_of, save_program

from edgewright_export.mil import Interpreter
from edgewright_export.mil.operations import OPERATIONS
from edgewright_export.mil.package import Package


def test_every_operation_has_a_case() -> None:
    assert {case.operation for case in CASES} == set(OPERATIONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_an_operation_computes_what_its_reference_says(case: Case, tmp_path: Path) -> None:
    package = save_program(tmp_path, case.build, [(x.shape, x.dtype) for x in case.inputs], target=case.target)
    assert case.operation in {operation.type for operation in operations_of(Package(package).model)}

    interpreter = Interpreter(package)
    names = [declared.name for declared in interpreter.inputs]
    computed = interpreter.run(dict(zip(names, case.inputs, strict=True)))

    truth = case.truth(*(t(x) for x in case.inputs))
    expected = truth if isinstance(truth, tuple | list) else (truth,)
    assert len(computed) == len(expected)
    for name, value in zip(interpreter.outputs, expected, strict=True):
        np.testing.assert_allclose(computed[name], np.asarray(value), rtol=2e-6, atol=2e-6)
