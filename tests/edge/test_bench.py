"""edgewright-bench: what it measures, where it keeps it, and what it refuses."""

import json
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from small_pack import rewrite_manifest, write_ncnn_pack

from edgewright_edge.__main__ import main
from edgewright_edge.building import host
from edgewright_edge.edgebench import bench_with_edgebench
from edgewright_edge.latency.bench_python import bench_in_python
from edgewright_edge.measurement import BenchResult, Stage, summarize
from edgewright_edge.request import Request, method
from edgewright_edge.results import store_result
from edgewright_export.pack import open_pack
from edgewright_train.errors import InputError

CORES = len(os.sched_getaffinity(0))
SHORT = Request((1,), method(seconds=0))


@pytest.fixture
def build(tmp_path: Path, edgebench: object) -> Iterator[Path]:
    """A build folder with one pack per runtime and one that no runtime here takes; the test runs beside it."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "build"
    write_ncnn_pack(folder / "small" / "ncnn-fp32")
    write_ncnn_pack(folder / "small" / "onnx-fp32", target="onnx", entry="model.onnx")
    other = write_ncnn_pack(folder / "small" / "coreml-fp32")
    rewrite_manifest(other, lambda m: m.update(target="coreml"))
    return folder


def _rows(database: Path) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM latencies ORDER BY id").fetchall()


def test_summarize_gives_nearest_rank_percentiles() -> None:
    latency = summarize([4.0, 1.0, 3.0, 2.0])
    assert (latency.count, latency.min, latency.mean, latency.p50, latency.p90, latency.max) == (4, 1, 2.5, 2, 4, 4)
    assert latency.samples == (4.0, 1.0, 3.0, 2.0)
    assert summarize([float(i) for i in range(1, 102)]).p99 == 100
    with pytest.raises(ValueError, match="no samples"):
        summarize([])


def test_a_model_is_measured_pack_by_pack_and_kept(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, database = tmp_path / "out.json", tmp_path / "results.sqlite"
    common = [f"--build={build}", f"--results={database}", "--seconds=0", "--allow-refused"]
    assert main(["--model=small", f"--json={out}", *common]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in ("ncnn-fp32", "onnx-fp32", "coreml-fp32", "1 core"))
    assert "coreml does not run on this host" in table

    counts = sorted({1, min(4, CORES)})
    measured = json.loads(out.read_text())["packs"]
    assert [entry["pack"]["target"] for entry in measured] == ["ncnn", "onnx"]
    assert measured[0]["runtime"] == "ncnn 1.0.20261020"
    assert [threads["threads"] for threads in measured[1]["results"]] == counts

    rows = _rows(database)
    stages = set(get_args(Stage)) - {"image_decode"}
    assert len(rows) == 2 * len(stages) * len(counts)
    assert {row["stage"] for row in rows} == stages
    for row in rows:
        samples = json.loads(row["samples_ms"])
        assert len(samples) == row["count"] == 150
        assert row["valid"] == 0
        assert any("5 s are needed" in problem for problem in json.loads(row["problems"]))
        assert row["p50_ms"] == summarize(samples).p50
        assert row["size_bytes"] == open_pack(build / "small" / row["pack"]).size_bytes
    kept = sorted(path.name for path in (build / "bench").iterdir())
    run = rows[0]["run"]
    assert kept == [f"{run}-small-ncnn-fp32.json", f"{run}-small-onnx-fp32.json"]

    assert main(["--pack", str(build / "small" / "ncnn-fp32"), "--json=-", *common]) == 0
    assert json.loads(capsys.readouterr().out)["packs"][0]["pack"]["target"] == "ncnn"
    assert len(_rows(database)) == 3 * len(stages) * len(counts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=small", f"--threads={CORES + 1}"], f"THREADS={CORES + 1}: give a number from 1 to {CORES}"),
        (["--model=small", "--threads=0"], "THREADS=0: give a number"),
        (["--model=small", "--threads=1,x"], "THREADS=x: give a number"),
        (["--model=large"], "MODEL=large: no packs in"),
        (["--model=small", "--device=pi"], "DEVICE=pi: give host, ssh://user@host:port, adb:SERIAL or qemu:CPU"),
        (["--model=small", "--devices=/no/lab.toml"], "/no/lab.toml: no such file"),
        ([], "give either PACK= or MODEL="),
        (["--pack=/does/not/exist"], "/does/not/exist: not a pack"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ncnn_pack(tmp_path / "small" / "ncnn-fp32")
    assert main([f"--build={tmp_path}", f"--results={tmp_path / 'r.sqlite'}", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "r.sqlite").exists()


def test_a_pack_for_another_host_alone_is_an_error(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pack", str(build / "small" / "coreml-fp32"), f"--results={build / 'r'}", f"--build={build}"]) == 2
    assert "coreml does not run on this host" in capsys.readouterr().err


def test_a_damaged_pack_is_exit_code_1(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "small" / "ncnn-fp32" / "model.bin").write_bytes(b"")
    assert main(["--model=small", f"--build={build}", f"--results={build / 'r'}"]) == 1
    assert "model.bin has 0 bytes" in capsys.readouterr().err


def test_an_error_of_edgebench_keeps_its_words_and_its_kind(build: Path) -> None:
    pack = open_pack(build / "small" / "coreml-fp32")
    with pytest.raises(InputError, match="target: the core runs ncnn and tflite, not coreml"):
        bench_with_edgebench(pack, SHORT)


def test_a_refused_time_is_marked_and_ends_with_exit_code_1(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = build / "small" / "ncnn-fp32"
    assert main(["--pack", str(pack), "--seconds=0", f"--results={build / 'r'}", f"--build={build}"]) == 1
    shown = capsys.readouterr().out
    assert "│ ~0." in shown.replace(" ", "").replace("│~", "│ ~")
    assert "refused: ncnn-fp32, 1 core: 50 runs in" in shown


def test_a_python_runtime_is_measured_in_a_process_of_its_own(build: Path) -> None:
    result = bench_in_python(open_pack(build / "small" / "onnx-fp32"), SHORT)
    assert result.runtime.startswith("onnxruntime 1.")
    assert (result.image.width, result.image.height) == (80, 48)
    (measured,) = result.results
    assert measured.stages_ms.inference.count == 150
    assert measured.stages_ms.image_to_result.min > 0
    assert all(replicate.threads[0].cores == measured.cores for replicate in measured.replicates)


def test_results_of_several_processes_all_arrive(build: Path, tmp_path: Path) -> None:
    pack = open_pack(build / "small" / "onnx-fp32")
    result: BenchResult = bench_in_python(pack, SHORT)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store_result(tmp_path / "r.sqlite", f"run{i}", pack, result), range(12)))
    assert sorted(row["run"] for row in _rows(tmp_path / "r.sqlite")) == sorted([f"run{i}" for i in range(12)] * 4)


def test_a_database_that_is_none_is_an_error_of_the_user(build: Path, tmp_path: Path) -> None:
    pack = open_pack(build / "small" / "onnx-fp32")
    result = bench_in_python(pack, SHORT)
    (tmp_path / "r.sqlite").write_text("this is no database, and longer than a hundred bytes" * 9)
    with pytest.raises(InputError, match="not a database"):
        store_result(tmp_path / "r.sqlite", "run", pack, result)


@pytest.mark.parametrize("tool", ["cmake", "ninja", "c++"])
def test_a_missing_tool_is_one_line_that_says_what_to_install(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for present in {"cmake", "ninja", "c++"} - {tool}:
        (tmp_path / present).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host.main([]) == 2
    error = capsys.readouterr().err
    assert f"{tool} is not installed; run: sudo apt-get install -y " in error
    assert "g++" in error
    assert error.count("\n") == 1
