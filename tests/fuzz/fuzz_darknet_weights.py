"""Coverage-guided fuzzing of the weights reader: `python tests/fuzz/fuzz_darknet_weights.py [CORPUS]
-max_total_time=60`.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: F401 (before the instrumentation, which would take minutes over it)

with atheris.instrument_imports(include=["edgewright_train.darknet"]):
    from darknet_fuzzing import read, small_plan

PLAN = small_plan()


def one_input(data: bytes) -> None:
    read(data, PLAN)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
