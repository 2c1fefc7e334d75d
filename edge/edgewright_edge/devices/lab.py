"""lab.toml: devices by name.

[devices.pi5]
device = "ssh://pi@10.0.0.5"
architecture = "aarch64"                             # optional: instead of what uname -m says
runner = ["qemu-aarch64", "-cpu", "cortex-a76"]      # optional: the words before edgebench
folder = "/var/tmp"                                  # optional: where programs may be written and started
timeout_s = 3600                                     # optional: the most that one command may take
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from edgewright_train.errors import InputError
from edgewright_train.schema import Record, load_toml, parse_record

from .address import parse_device
from .target import DEFAULT_TIMEOUT_S, Target

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]  # they become parts of file names
_Word = Annotated[str, Field(min_length=1, max_length=4096)]


class _Device(Record):
    device: str
    architecture: _Name | None = None
    runner: tuple[_Word, ...] = ()
    folder: str = ""
    timeout_s: float = Field(default=DEFAULT_TIMEOUT_S, gt=0, le=86_400)

    @field_validator("device")
    @classmethod
    def _is_one(cls, text: str) -> str:
        try:
            parse_device(text)
        except InputError as error:
            raise ValueError(str(error).removeprefix(f"DEVICE={text}: ")) from None
        return text

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: str) -> str:
        if folder and (not folder.startswith("/") or any(ord(letter) < 32 for letter in folder)):
            raise ValueError("must be an absolute path")
        return folder

    @field_validator("runner")
    @classmethod
    def _has_no_nul(cls, runner: tuple[str, ...]) -> tuple[str, ...]:
        if any("\0" in word for word in runner):
            raise ValueError("no word may contain NUL")
        return runner


class _Lab(Record):
    devices: dict[_Name, _Device] = Field(min_length=1, max_length=64)


def read_lab(path: Path) -> tuple[Target, ...]:
    """In their order.  Raises `InputError` that names the file and the field."""
    lab = parse_record(_Lab, load_toml(path), source=str(path))
    return tuple(
        Target(
            name,
            parse_device(each.device),
            architecture=each.architecture,
            runner=each.runner,
            folder=each.folder,
            timeout_s=each.timeout_s,
        )
        for name, each in lab.devices.items()
    )
