"""edgewright-bench-arm: instructions per precision, or one line that says what is wrong."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from shared_material import SHARED, needs_shared
from small_pack import rewrite_manifest, write_ncnn_pack

from edgewright_edge.bench_arm import main
from edgewright_edge.tune import build_count
from edgewright_edge.tune.build_count import Counter
from edgewright_train.commands.import_weights import main as import_main

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("aarch64-linux-gnu-g++", "qemu-aarch64")

# YOLO-FastestV2 with the published weights, 352x352, as docs/results.md has them.
RECORDED = {"fp32": 38.06e6, "fp16": 22.87e6, "int8": 27.77e6}
LIMITS = {"fp32": 41.0e6, "fp16": 24.3e6}


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """fp16 before fp32 by name, and a pack for another runtime."""
    folder = tmp_path / "packs"
    write_ncnn_pack(folder / "b")
    rewrite_manifest(write_ncnn_pack(folder / "a"), lambda m: m.update(precision="fp16"))
    rewrite_manifest(write_ncnn_pack(folder / "c"), lambda m: m.update(target="coreml"))
    return folder


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for QEMU, which counts 5 million instructions and 7,000,001 per inference; the log of its calls."""
    (tmp_path / "bin").mkdir()
    log, program = tmp_path / "qemu.log", tmp_path / "bin" / "qemu-aarch64"
    program.write_text(
        f'#!/bin/sh\necho "$2 ${{6##*/}} $8" >> "{log}"\necho $((5000000 + $7 * 7000001)) > "${{4#*,out=}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(build_count, "build_count", lambda: Counter(tmp_path / "edgecount", tmp_path / "plugin.so"))
    return log


def test_json_has_the_instructions_of_each_ncnn_precision(
    packs: Path, qemu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "count.json"
    assert main([f"--packs={packs}", "--cpu=cortex-a53", f"--json={written}"]) == 0
    found = json.loads(written.read_text())
    assert found == {"fp32": 7000001, "fp16": 7000001}
    assert list(found) == ["fp32", "fp16"]
    shown = capsys.readouterr().out
    assert "QEMU cortex-a53; not a time" in shown
    assert shown.count("7.00 M") == 2
    assert {line.split()[1] for line in qemu.read_text().splitlines()} == {"a", "b"}
    assert main([f"--packs={packs}", "--json=-"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert "cortex-a76" in qemu.read_text()


def test_stages_are_counted_apart(packs: Path, qemu: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "count.json"
    assert main([f"--packs={packs}", "--stages", f"--json={written}"]) == 0
    each = {"preprocess": 7000001, "network": 7000001, "decode": 7000001}
    assert json.loads(written.read_text()) == {"fp32": each, "fp16": each}
    shown = capsys.readouterr().out
    for stage in each:
        assert shown.count(f"7.00 M {stage}") == 2
        assert len([line for line in qemu.read_text().splitlines() if line.endswith(f" {stage}")]) == 4


def test_without_packs_it_only_builds(qemu: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cpu="]) == 0
    assert capsys.readouterr().out == ""
    assert not qemu.exists()


def _change_checkpoint(manifest: dict[str, Any]) -> None:
    manifest["provenance"]["checkpoint_sha256"] = "4" * 64


def _damage(packs: Path) -> None:
    (packs / "a" / "model.bin").write_bytes(b"")


@pytest.mark.parametrize(
    ("change", "arguments", "message", "code"),
    [
        (lambda packs: None, ["--cpu=cortex-m4"], "CPU=cortex-m4: unknown; choose from: cortex-a53, cortex-a72", 2),
        (lambda packs: None, ["--packs=nowhere"], "PACKS=nowhere: no NCNN packs in it; make export", 2),
        (lambda packs: write_ncnn_pack(packs / "d"), [], "b and d have the same precision", 2),
        (lambda packs: rewrite_manifest(packs / "b", _change_checkpoint), [], "is not that of", 2),
        (_damage, [], "model.bin has 0 bytes", 1),
    ],
)
def test_what_cannot_be_counted_is_one_line(
    change: Any, arguments: list[str], message: str, code: int,
    packs: Path, qemu: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    change(packs)
    assert main([f"--packs={packs}", *arguments]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not qemu.exists()


@pytest.mark.parametrize("program", TOOLS)
def test_a_missing_tool_is_named_with_its_package(
    program: str, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin").mkdir()
    for present in {*TOOLS} - {program}:
        (tmp_path / "bin" / present).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert main([f"--packs={packs}"]) == 2
    error = capsys.readouterr().err
    assert f"{program} is not installed; run: sudo apt-get install -y g++-aarch64-linux-gnu qemu-user" in error
    assert error.count("\n") == 1


@pytest.mark.slow
@needs_shared
def test_the_published_weights_take_as_many_instructions_as_recorded(tmp_path: Path) -> None:
    if not all(shutil.which(program) for program in TOOLS):
        pytest.skip("needs apt-get install g++-aarch64-linux-gnu qemu-user")
    published = SHARED / "weights" / "yolo-fastestv2" / "coco2017-0.241078ap-model.pth"
    weights, counted = tmp_path / "coco.safetensors", tmp_path / "count.json"
    assert import_main(["--model=yolo-fastestv2", f"--weights={published}", f"--out={weights}"]) == 0
    environment = os.environ | {"WEIGHTS": str(weights), "JSON": str(counted)}
    subprocess.run([ROOT / "tools" / "bench_arm.sh"], check=True, env=environment)
    found = json.loads(counted.read_text())
    assert found == {precision: pytest.approx(count, rel=0.005) for precision, count in RECORDED.items()}
    assert all(found[precision] <= limit for precision, limit in LIMITS.items())
