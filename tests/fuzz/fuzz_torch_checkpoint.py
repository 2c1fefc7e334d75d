"""Coverage-guided fuzzing of `.pth` import: `python tests/fuzz/fuzz_torch_checkpoint.py [CORPUS] -max_total_time=60`.

Without a corpus it starts from a small whole checkpoint, in both of PyTorch's file formats.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import atheris
import torch

with atheris.instrument_imports(include=["edgewright_train.importers"]):
    from edgewright_train.errors import InputError
    from edgewright_train.importers.edgenets import convert
    from edgewright_train.importers.torch_pickle import read_state_dict

FILE = Path(tempfile.mkdtemp()) / "fuzzed.pth"
IMPORT = convert("shufflenetv2", "0.1", "classify")


def one_input(data: bytes) -> None:
    FILE.write_bytes(data)
    with contextlib.suppress(InputError):
        IMPORT(read_state_dict(FILE), "fuzzed.pth")


def seeds() -> list[bytes]:
    tensors = {"module.classifier.bias": torch.ones(3), "level1.cbr.0.weight": torch.ones(8, 3, 3, 3)}
    files = []
    for modern in (True, False):
        stream = io.BytesIO()
        torch.save(tensors, stream, _use_new_zipfile_serialization=modern)
        files.append(stream.getvalue())
    return files


if __name__ == "__main__":
    corpus = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    if not corpus:
        folder = FILE.parent / "corpus"
        folder.mkdir()
        for number, seed in enumerate(seeds()):
            (folder / str(number)).write_bytes(seed)
        sys.argv.insert(1, str(folder))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
