"""DEVICE=qemu:CPU: what an ARM CPU computes, without one.  No latency: that would be QEMU's."""

import json
import shutil
from pathlib import Path

import cv2
import pytest
from small_pack import LABELS, write_ncnn_pack

from edgewright_edge.__main__ import main as bench_main
from edgewright_edge.devices import binary
from edgewright_edge.devices.address import EMULATED
from edgewright_edge.devices.eval_cli import main as eval_main
from edgewright_edge.devices.verify_cli import main as verify_main
from edgewright_train.data.shapes.dataset import ShapesDataset

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"aarch64": "qemu-aarch64", "armv7": "qemu-arm"}


def _require(cpu: str) -> None:
    architecture = EMULATED[cpu]
    if shutil.which(PROGRAMS[architecture]) is None:
        pytest.skip("qemu-user is not installed")
    if not (ROOT / "build" / f"_edge-{architecture}" / "edgebench").is_file():
        pytest.skip(f"run: make edge-rpi ARCH={architecture}")


@pytest.mark.parametrize("cpu", EMULATED)
def test_golden_cases_hold_there(cpu: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _require(cpu)
    pack = write_ncnn_pack(tmp_path / "pack")
    assert verify_main([f"--pack={pack}", f"--device=qemu:{cpu}", "--json=-"]) == 0
    found = json.loads(capsys.readouterr().out)["devices"][f"qemu:{cpu}"]
    assert found["holds"]
    assert max(case["max_error"] for case in found["cases"]) < 1e-6


def test_accuracy_there_is_that_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str], edgebench) -> None:
    """Classes of generated scenes mean nothing to a network with random weights: it is right where it is right here."""
    _require("cortex-a76")
    pack = write_ncnn_pack(tmp_path / "pack", kind="classify")
    scenes = ShapesDataset("val", count=6, size_wh=(80, 64))
    for index, image in enumerate(scenes.image(index) for index in range(6)):
        folder = tmp_path / "sorted" / LABELS[index % len(LABELS)]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{index}.png"), image)
    (tmp_path / "data.toml").write_text(f'format = "folders"\nval = "sorted"\nclasses = {json.dumps(LABELS)}\n')
    records = []
    for device in ("host", "qemu:cortex-a76"):
        assert eval_main([f"--pack={pack}", f"--device={device}", f"--data={tmp_path / 'data.toml'}", "--json=-"]) == 0
        records.append(json.loads(capsys.readouterr().out))
    here, there = records
    assert there.pop("device") == "qemu:cortex-a76"
    assert here.pop("device") == "host"
    assert there == here
    assert there["images"] == 6


@pytest.mark.parametrize("options", [[], ["--sustained=1s"]])
def test_an_emulated_cpu_has_no_latency(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_ncnn_pack(tmp_path / "pack")
    assert bench_main([f"--pack={pack}", "--device=qemu:cortex-a76", *options]) == 2
    error = capsys.readouterr().err
    assert "cortex-a76 is emulated, which has no latency; make bench-arm CPU=cortex-a76 counts" in error
    assert error.count("\n") == 1


def test_what_is_missing_is_one_line_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = write_ncnn_pack(tmp_path / "pack")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert verify_main([f"--pack={pack}", "--device=qemu:cortex-a72"]) == 2
    assert "qemu-aarch64 is not installed; run: sudo apt-get install -y qemu-user" in capsys.readouterr().err
    (tmp_path / "bin" / "qemu-aarch64").symlink_to("/bin/true")
    monkeypatch.setattr(binary, "_BUILD", tmp_path / "build")
    assert verify_main([f"--pack={pack}", "--device=qemu:cortex-a72"]) == 2
    error = capsys.readouterr().err
    assert "edgebench is not built for aarch64; run: make edge-rpi ARCH=aarch64" in error
    assert error.count("\n") == 1
