"""Pre-processing by itself: the benchmark beside cv2, and the unit tests on emulated ARM CPUs."""

import json
import shutil
from pathlib import Path

import pytest

from edgewright_edge.pixels import main

_TOOLS = {
    "host": (),
    "aarch64": ("aarch64-linux-gnu-g++", "qemu-aarch64"),
    "armv7": ("arm-linux-gnueabihf-g++", "qemu-arm"),
}


def _require(target: str) -> None:
    missing = [tool for tool in ("cmake", "ninja", *_TOOLS[target]) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("target", _TOOLS)
def test_the_kernels_of_every_cpu_give_the_same_bits(target: str, capfd: pytest.CaptureFixture[str]) -> None:
    _require(target)
    assert main(["--test", target]) == 0
    assert "0 failed" in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["scalar", "neon"])
def test_arm_instructions_of_a_frame_are_counted_and_neon_needs_fewer(kernels: str, tmp_path: Path) -> None:
    _require("aarch64")
    written = tmp_path / "count.json"
    words = ["--cpu", "cortex-a72", "--source", "640x480", "--network", "128x96", "--kernels", kernels]
    assert main([*words, "--json", str(written)]) == 0
    count = json.loads(written.read_text())["instructions"]
    per_value = count / (3 * 128 * 96)
    assert (4 < per_value < 18) if kernels == "neon" else (20 < per_value < 80)


@pytest.mark.slow
def test_the_benchmark_compares_equal_bits_and_tells_a_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _require("host")
    written = tmp_path / "figures.json"
    words = ["--source", "64x48", "--network", "32x32", "--rounds", "10", "--json", str(written)]
    assert main(words) == 0
    figures = json.loads(written.read_text())
    ratio = figures["paired_ratio"]
    assert 0 < ratio["p10"] <= ratio["median"] <= ratio["p90"]
    assert "paired: median" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--source", "0x5"], ["--network", "9x"], ["--rounds", "1"], ["--cpu", "8086"]])
def test_words_that_mean_nothing_are_refused_in_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert words[1] in capsys.readouterr().err
