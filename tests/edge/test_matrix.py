"""The matrix is made once, continued where it stopped, and never hides a cell that is not proven."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright_edge.matrix.__main__ import main
from edgewright_edge.matrix.cells import Cell, cell_path, missing_targets, read_cells, renumber
from edgewright_edge.matrix.fill import fill
from edgewright_edge.matrix.markdown import matrix_markdown
from edgewright_edge.matrix.prepare import Prepared, prepare
from edgewright_edge.matrix.rows import Row, choose_rows
from edgewright_export.manifest import FLOAT_PRECISIONS, TARGETS
from edgewright_export.pack import digest_file
from edgewright_export.targets import tool_versions
from edgewright_train.errors import InputError

SMALL = '[[row]]\nmodel = "shufflenetv2-0.1"\nwidth = 64\nheight = 64\n'
NETWORK = "shufflenetv2-0.1-64x64"
LITTLE_CFG = """
[net]
width=32
height=32
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky
[avgpool]
[softmax]
"""


def rows_file(folder: Path, text: str) -> Path:
    path = folder / "rows.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("sources")
    return prepare(Row(model="shufflenetv2-0.1", width=64, height=64), 3, None, folder)


def write_cells(prepared: Prepared, folder: Path) -> Iterator[Path]:
    """A proven cell for every pack, as if made now."""
    for target in TARGETS:
        for precision in FLOAT_PRECISIONS:
            cell = Cell(
                network=prepared.name, position=prepared.position, task=prepared.task, width=64, height=64,
                published=False, num_parameters=prepared.num_parameters, macs=prepared.macs, target=target,
                precision=precision, checkpoint_sha256=digest_file(prepared.checkpoint), tools=tool_versions(target),
                error="", max_error=1e-6, min_cosine=0.99999, num_agreeing=9, num_parts=9, size_bytes=5_000,
                conversion_s=1.5, peak_mib=300.0, latency_ms=0.25,
            )  # fmt: skip
            yield change_cell(cell_path(folder, prepared.name, target, precision), cell)


def change_cell(path: Path, cell: Cell | None = None, **changes: object) -> Path:
    kept = Cell.model_validate_json(path.read_text()) if cell is None else cell
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kept.model_copy(update=changes).model_dump_json())
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[row]]\nmodel = "shufflenetv2-0.5"\ncolour = "red"\n', "row.0.colour: unknown key"),
        ('[[row]]\nmodel = "shufflenetv2-0.5"\ncfg = "x.cfg"\n', "row.0: give one of model and cfg"),
        ("[[row]]\nwidth = 64\nheight = 64\n", "row.0: give one of model and cfg"),
        ('[[row]]\nmodel = "shufflenetv2-0.5"\nwidth = 64\n', "row.0: give width and height together"),
        ('[[row]]\nmodel = "alexnet"\n', "row.0: MODEL=alexnet: unknown model"),
        ('[[row]]\nmodel = "dicenet-0.5"\n', "row.0: MODEL=dicenet-0.5: give TASK="),
        ('[[row]]\nmodel = "espnetv2-0.5"\ntask = "segment"\nwidth = 65\nheight = 64\n', "row.0: SIZE=65x64"),
        ("", "row: missing"),
        ("[[row]", "not valid TOML"),
    ],
)
def test_a_wrong_list_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    path = rows_file(tmp_path, text)
    assert main([f"--rows={path}", f"--build={tmp_path / 'matrix'}", f"--out={tmp_path / 'm.md'}"]) == 2
    error = capsys.readouterr().err
    assert str(path) in error
    assert problem in error
    assert not (tmp_path / "matrix").exists()


@pytest.mark.parametrize(
    ("argument", "problem"),
    [("--only=nothing", "ONLY=nothing: in no row"), ("--target=tpu", "unknown 'tpu'"), ("--weights-dir=no", "no such")],
)
def test_a_wrong_choice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argument: str, problem: str
) -> None:
    path = rows_file(tmp_path, SMALL)
    assert main([f"--rows={path}", f"--build={tmp_path / 'matrix'}", f"--out={tmp_path / 'm.md'}", argument]) == 2
    assert problem in capsys.readouterr().err


def test_the_projects_own_list_is_right_and_all_adds_the_rest_of_the_zoo() -> None:
    path = Path(main.__code__.co_filename).with_name("rows.toml")
    listed = choose_rows(path, everything=False, only="")
    every = choose_rows(path, everything=True, only="")
    assert every[: len(listed)] == listed
    titles = [row.title for _, row in every]
    assert "espnetv2-1.5 segment" in titles
    assert len(set(titles)) == len(titles)
    assert all("segment" in row.title for _, row in choose_rows(path, everything=True, only="segment"))


def test_a_cell_that_is_missing_out_of_date_or_failed_is_made_again(prepared: Prepared, tmp_path: Path) -> None:
    paths = {path.stem: path for path in write_cells(prepared, tmp_path)}
    assert missing_targets(prepared, tmp_path) == []
    paths["onnx-fp16"].unlink()
    change_cell(paths["ncnn-fp32"], checkpoint_sha256="1" * 64)
    change_cell(paths["tflite-fp16"], tools={"edgewright": "0.0.1"})
    assert missing_targets(prepared, tmp_path) == ["onnx", "ncnn", "tflite"]
    change_cell(paths["coreml-fp32"], error="did not convert")
    assert missing_targets(prepared, tmp_path) == ["onnx", "ncnn", "tflite", "coreml"]
    assert missing_targets(prepared, tmp_path, ["tflite"]) == ["tflite"]
    for path in write_cells(prepared, tmp_path):
        path.write_text("{}")
    assert missing_targets(prepared, tmp_path) == list(TARGETS)


def test_what_is_done_already_is_not_touched(prepared: Prepared, tmp_path: Path) -> None:
    chosen = [(3, Row(model="shufflenetv2-0.1", width=64, height=64))]
    before = {path: path.stat().st_mtime_ns for path in write_cells(prepared, tmp_path)}
    assert fill(chosen, TARGETS, weights_dir=None, build=tmp_path, page=tmp_path / "m.md") == []
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not (tmp_path / "packs").exists()
    assert "8 of 8 cells proven" in (tmp_path / "m.md").read_text()


def test_a_row_that_moved_takes_its_cells_along(prepared: Prepared, tmp_path: Path) -> None:
    for path in write_cells(prepared, tmp_path):
        change_cell(path, position=9)
    renumber(prepared, tmp_path)
    assert {cell.position for cell in read_cells(tmp_path)} == {3}


def test_two_rows_of_one_network_are_said(prepared: Prepared, tmp_path: Path) -> None:
    list(write_cells(prepared, tmp_path))
    row = Row(model="shufflenetv2-0.1", width=64, height=64)
    (problem,) = fill([(3, row), (4, row)], TARGETS, weights_dir=None, build=tmp_path, page=tmp_path / "m.md")
    assert "two rows give this network" in problem


def test_a_row_whose_cfg_is_not_there_is_skipped_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = rows_file(tmp_path, '[[row]]\ncfg = "some/x.cfg"\n')
    assert main([f"--rows={path}", f"--build={tmp_path / 'matrix'}", f"--out={tmp_path / 'm.md'}"]) == 0
    assert "skipped, needs WEIGHTS_DIR= with some/x.cfg in it" in capsys.readouterr().err


def test_the_same_row_gives_the_same_bytes(prepared: Prepared, tmp_path: Path) -> None:
    again = prepare(Row(model="shufflenetv2-0.1", width=64, height=64), 3, None, tmp_path)
    assert again.checkpoint.read_bytes() == prepared.checkpoint.read_bytes()
    assert again.name == prepared.name == NETWORK


def test_the_page_has_every_cell_and_every_reason(prepared: Prepared, tmp_path: Path) -> None:
    paths = {path.stem: path for path in write_cells(prepared, tmp_path)}
    change_cell(paths["coreml-fp16"], error="a reason", max_error=None, min_cosine=None)
    paths["ncnn-fp32"].unlink()
    page = matrix_markdown(read_cells(tmp_path))
    lines = page.splitlines()
    (overview,) = [line for line in lines if line.startswith(f"| {NETWORK} * | {prepared.num_parameters:,} |")]
    assert [text.strip() for text in overview.split("|")[4:-1]] == [
        "1e-06", "0.99999", "", "0.99999", "1e-06", "0.99999", "1e-06", "failed"
    ]  # fmt: skip
    assert f"- {NETWORK} *, coreml-fp16: a reason" in lines
    assert "6 of 7 cells proven" in page
    figures = [line for line in lines if line.startswith(f"| {NETWORK} * | onnx-fp32 |")]
    assert figures == [f"| {NETWORK} * | onnx-fp32 | 1.0e-06 | 0.999990 | 100.0000% | 5 | 1.5 | 300 | 0.25 |"]
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert set(tables) == {12, 10}


@pytest.fixture
def little(tmp_path: Path) -> list[str]:
    """Arguments for a matrix of a network of one convolution, to one target."""
    pytest.importorskip("onnxscript")
    (tmp_path / "little.cfg").write_text(LITTLE_CFG)
    path = rows_file(tmp_path, '[[row]]\ncfg = "little.cfg"\n')
    places = [f"--build={tmp_path / 'matrix'}", f"--out={tmp_path / 'm.md'}", f"--weights-dir={tmp_path}"]
    return [f"--rows={path}", *places, "--target=onnx"]


def test_an_export_that_ends_early_leaves_cells_that_say_why(
    little: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "matrix").mkdir()
    (tmp_path / "matrix/packs").write_text("no place for a pack")
    assert main(little) == 1
    output = capsys.readouterr()
    assert "onnx-fp32: the export ended early" in output.err
    assert "2 not proven; the first: little-32x32 onnx-fp32: the export ended early" in output.err
    assert "- little-32x32 *, onnx-fp16: the export ended early" in (tmp_path / "m.md").read_text()


def test_a_network_is_made_proven_and_kept(
    little: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*little, f"--json={tmp_path / 'm.json'}"]) == 0
    output = capsys.readouterr()
    assert "1/1 little-32x32: onnx" in output.err
    assert "2 of 2 cells proven" in output.out
    for cell in json.loads((tmp_path / "m.json").read_text()):
        assert cell["error"] == ""
        assert cell["num_agreeing"] == cell["num_parts"] == 11
        assert all(cell[name] > 0 for name in ("size_bytes", "conversion_s", "peak_mib", "latency_ms"))

    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for kept in ("packs", "cells") for path in tmp_path.rglob(f"{kept}/**/*")}

    before = written()
    assert len(before) > 10
    assert main(little) == 0
    assert "done already" in capsys.readouterr().err
    assert written() == before


def test_a_size_that_does_not_fit_is_named_with_its_row(tmp_path: Path) -> None:
    path = rows_file(tmp_path, SMALL + '[[row]]\nmodel = "yolo-fastestv2"\nwidth = 100\nheight = 64\n')
    with pytest.raises(InputError, match=r"row\.1: SIZE=100x64"):
        choose_rows(path, everything=False, only="")
    assert len(choose_rows(path, everything=False, only="shuffle")) == 1
