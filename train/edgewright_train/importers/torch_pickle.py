"""State dicts from PyTorch's pickled files (`.pth`, `.pt`), which are not trusted: nothing in them is executed."""

import re
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from ..errors import InputError

MAX_BYTES = 1 << 30
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32, torch.int64)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors by name, on the CPU, without the `module.` that DataParallel puts before every name.

    Raises `InputError` for a file that is missing, too large, cut short, or holds anything but named, dense tensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    _check_size(path, path.stat().st_size)
    _check_size(path, _unpacked_size(path))
    tensors = _load(path)
    if not isinstance(tensors, dict) or not tensors or not all(isinstance(name, str) for name in tensors):
        raise InputError(f"{path}: not a state dict (tensors by name) but a {type(tensors).__name__}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{path}: {name}: not a tensor but a {type(tensor).__name__}; give a bare state dict")
        if (
            tensor.is_nested
            or tensor.layout != torch.strided
            or tensor.device.type != "cpu"
            or tensor.dtype not in _DTYPES
        ):
            raise InputError(f"{path}: {name}: not a plain tensor of numbers ({tensor.dtype}, {tensor.layout})")
    # A view can claim far more elements than the file holds.
    _check_size(path, sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()))
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _unpacked_size(path: Path) -> int:
    """Of a zip's entries together; 0 for PyTorch's older format, which is no zip."""
    try:
        if not zipfile.is_zipfile(path):
            return 0
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise InputError(f"{path}: not a whole PyTorch file ({type(error).__name__})") from None


def _load(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"refers to {code[1]}, which is not a tensor" if code else "holds more than tensors"
        raise InputError(f"{path}: refused, nothing in it was run: it {reason}") from None
    except Exception as error:  # on a damaged file torch.load lets KeyError, EOFError, OSError and others through
        raise InputError(f"{path}: not a whole PyTorch file ({type(error).__name__})") from None


def _check_size(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size} bytes; a foreign checkpoint may have at most {MAX_BYTES}")
