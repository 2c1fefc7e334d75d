"""A stream of frames costs the core no memory allocation, whatever the task; what ncnn allocates is told apart."""

import re
import subprocess
from pathlib import Path

import pytest
from small_pack import KINDS, write_ncnn_pack

_BINARY = Path(__file__).resolve().parents[2] / "build" / "_edge" / "edge_allocations"


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_allocates_nothing_outside_the_network(kind: str, tmp_path: Path) -> None:
    if not _BINARY.is_file():
        pytest.skip("edge_allocations is not built; run: make edge")
    pack = write_ncnn_pack(tmp_path / "pack", kind=kind)
    told = subprocess.run([str(_BINARY), str(pack)], capture_output=True, text=True, check=True).stdout
    found = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", told)}
    assert found["planes"] == found["decode"] == 0
    assert found["network"] > 0, "nothing is counted"
    assert found["predict"] == found["network"]
