"""The programs under test, as `make edge` builds them, and a pack to run them on."""

import os
import subprocess
from pathlib import Path

import pytest
from small_pack import write_ncnn_pack

_BUILD = Path(__file__).resolve().parents[2] / "build" / "_edge"


def _built(name: str) -> Path:
    if not (_BUILD / name).is_file():
        pytest.skip(f"{name} is not built; run: make edge")
    return _BUILD / name


@pytest.fixture(scope="session")
def driver() -> Path:
    """Single steps of the core (edge/tests/driver.cpp); EDGEWRIGHT_TEST_DRIVER: another build, test_cross.py's."""
    given = os.environ.get("EDGEWRIGHT_TEST_DRIVER")
    return Path(given) if given else _built("edge_driver")


class Edgebench:
    """Runs edgebench."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(self.binary), *(str(argument) for argument in arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="session")
def edgebench() -> Edgebench:
    return Edgebench(_built("edgebench"))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A small NCNN pack that is right."""
    return write_ncnn_pack(tmp_path / "pack")
