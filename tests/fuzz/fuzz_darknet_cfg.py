"""Coverage-guided fuzzing of the cfg parser and the network builder: `python tests/fuzz/fuzz_darknet_cfg.py [CORPUS]
-max_total_time=60`.  Good seeds are real cfgs.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: F401 (before the instrumentation, which would take minutes over it)

with atheris.instrument_imports(include=["edgewright_train.darknet"]):
    from darknet_fuzzing import built


def one_input(data: bytes) -> None:
    built(data.decode("utf-8", errors="replace"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
