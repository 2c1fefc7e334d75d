"""Single steps of the C++ core, run by edge_driver (edge/tests/driver.cpp)."""

import subprocess
from pathlib import Path


def drive(driver: Path, *arguments: object, given: bytes = b"") -> bytes:
    """What the step writes to standard output."""
    command = [str(driver), *(str(argument) for argument in arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout
