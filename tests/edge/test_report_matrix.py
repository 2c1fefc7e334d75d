"""The report shows the matrix as its cells are, and says why a cell is not proven."""

from pathlib import Path
from typing import Any

import pytest
from report_matter import HOSTILE, Page

from edgewright_edge.matrix.cells import Cell, cell_path
from edgewright_edge.report.cli import main
from edgewright_edge.report.matrix import read_matrix


def write_cell(build: Path, **changes: Any) -> Path:
    """A proven one, unless `changes` say otherwise."""
    values = {
        "network": "small-64x32", "position": 0, "task": "segment", "width": 64, "height": 32, "published": False,
        "num_parameters": 1234, "macs": 5_600_000, "target": "ncnn", "precision": "fp16", "checkpoint_sha256": "0" * 64,
        "tools": {}, "error": "", "max_error": 0.001, "min_cosine": 0.99995, "num_agreeing": 99, "num_parts": 100,
        "size_bytes": 7_000, "conversion_s": 8.25, "peak_mib": 301.4, "latency_ms": 1.5,
    }  # fmt: skip
    cell = Cell(**{**values, **changes})
    path = cell_path(build / "matrix", cell.network, cell.target, cell.precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(cell.model_dump_json())
    return path


def report(place: Path) -> Page:
    folders = [f"--{name}={place / name}" for name in ("build", "runs", "results")]
    assert main([*folders, f"--out={place / 'report.html'}"]) == 0
    return Page((place / "report.html").read_text())


def test_a_report_without_a_matrix_does_not_mention_it(tmp_path: Path) -> None:
    assert read_matrix(tmp_path) is None
    assert "Matrix" not in report(tmp_path).text


def test_proven_and_failed_cells_are_told_apart_in_colour_and_text(tmp_path: Path) -> None:
    write_cell(tmp_path / "build")
    write_cell(tmp_path / "build", precision="fp32", max_error=2e-6)
    write_cell(tmp_path / "build", target="coreml", error=HOSTILE, max_error=None, min_cosine=None, size_bytes=None)
    page = report(tmp_path)
    assert "2 of 3 conversions proven" in page.text
    assert "0.99995" in page.text
    assert "2e-06" in page.text
    assert page.count("span", "failed") == 1
    assert HOSTILE in page.attributes("title")
    assert f"small-64x32, coreml-fp16: {HOSTILE}" in page.text
    assert "segment, random weights" in page.text


def test_every_figure_of_a_cell_is_in_the_table(tmp_path: Path) -> None:
    write_cell(tmp_path / "build")
    page = report(tmp_path)
    names = "parameters million MACs largest error cosine agree kB conversion s peak MiB latency ms"
    values = "1,234 5.6 1.0e-03 0.999950 99 of 100 7 8.2 301 1.50"
    assert names in page.text
    assert values in page.text


def test_networks_stand_in_the_order_of_the_list(tmp_path: Path) -> None:
    for position, network in enumerate(("zebra", "ant", "mole")):
        for target in ("tflite", "onnx"):
            write_cell(tmp_path / "build", network=network, position=position, target=target)
    matrix = read_matrix(tmp_path / "build/matrix")
    assert matrix is not None
    assert [row.network for row in matrix.rows] == ["zebra", "ant", "mole"]
    packs = [entry.pack for entry in matrix.rows[0].entries if entry]
    assert packs == ["onnx-fp16", "tflite-fp16"]
    assert sum(entry is None for entry in matrix.rows[0].entries) == 6


def test_a_cell_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    damaged = write_cell(tmp_path / "build")
    damaged.write_text("{")
    assert f"The matrix cannot be read: {damaged}" in report(tmp_path).text


@pytest.mark.parametrize("published", [True, False])
def test_it_says_whose_weights_they_are(tmp_path: Path, published: bool) -> None:
    write_cell(tmp_path / "build", published=published)
    matrix = read_matrix(tmp_path / "build/matrix")
    assert matrix is not None
    assert matrix.rows[0].facts == f"segment, {'published' if published else 'random'} weights"
