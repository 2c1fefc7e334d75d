"""A small checkpoint, and packs of it."""

from pathlib import Path

import pytest
from small_checkpoint import write_small_checkpoint

from edgewright_calibration.__main__ import main as export_main


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained yolo-fastestv2 for 96x64 (width x height) whose every weight matters to what it detects."""
    return write_small_checkpoint(tmp_path_factory.mktemp("checkpoint") / "best.safetensors")


@pytest.fixture(scope="session")
def packs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the NCNN packs in both precisions.  Copy before changing anything."""
    out = tmp_path_factory.mktemp("packs")
    assert export_main([f"--weights={checkpoint}", "--target=ncnn", f"--out={out}"]) == 0
    return out / "yolo-fastestv2"
