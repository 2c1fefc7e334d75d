"""The report says what is so, in one file that needs nothing else, whatever the texts in it are."""

import re
import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from report_matter import (
    HOSTILE,
    Page,
    accuracy,
    hostile_labels,
    rewrite_weights,
    store_latency,
    write_packs,
    write_run,
)

from edgewright_calibration.__main__ import main as export_main
from edgewright_edge.report.cli import main
from edgewright_train.checkpoint import Header, save_checkpoint
from edgewright_train.models import architecture

_WITHOUT_ONNXRUNTIME = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "onnxruntime" else find_spec(name, *rest)
"""
CSS = files("edgewright_edge").joinpath("report/templates/report.css").read_text()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(*arguments: str, code: int = 0) -> Page:
    assert main([*arguments]) == code
    return Page(Path("build/report.html").read_text())


@pytest.fixture(scope="module")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The HTML of a report in which nothing is missing but the checkpoint."""
    place = tmp_path_factory.mktemp("full")
    packs = write_packs(place / "build", accuracy=accuracy(), labels=hostile_labels())
    for pack, milliseconds in zip(packs, (2.0, 3.0), strict=True):
        store_latency(place / "results.sqlite", pack, milliseconds)
    write_run(place / "runs" / HOSTILE.replace("/", "|"), steps=300)
    folders = [f"--{name}={place / name}" for name in ("build", "runs")]
    assert main([*folders, f"--results={place / 'results.sqlite'}", f"--out={place / 'report.html'}"]) == 0
    return (place / "report.html").read_text()


def test_it_is_well_formed_and_loads_nothing(full_report: str) -> None:
    page = Page(full_report)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    references = [*page.attributes("href"), *page.attributes("src")]
    assert any(reference.startswith("data:image/jpeg;base64,") for reference in references)
    assert all(reference.startswith(("#", "data:image/jpeg;base64,")) for reference in references)
    assert not re.search(r"https?://|url\(|@import", full_report)
    targets = {reference[1:] for reference in references if reference.startswith("#")}
    assert targets <= set(page.attributes("id"))


def test_text_from_packs_and_runs_stays_text(full_report: str) -> None:
    page = Page(full_report)
    assert HOSTILE in page.text
    assert HOSTILE.replace("/", "|") in page.text
    assert any(HOSTILE in label for label in page.attributes("aria-label"))
    assert not {name for _, attributes in page.tags for name in attributes if name.startswith("on")}


def test_it_answers_at_a_glance(full_report: str) -> None:
    page = Page(full_report)
    assert "All 2 packs are proven equal to the source." in page.text
    assert "Proven 2 of 2 every pack equals its source" in page.text
    assert "Fastest on 1 core 2.00 ms ncnn-fp32" in page.text
    assert re.search(r"Smallest \d+ kB \w+-fp32", page.text)
    assert "AP50 0.6200 of the source; packs within 0.0100" in page.text
    assert page.count("svg", "definitions") == 2  # each picture embedded once
    assert page.count("li", "view") == 2 * 3  # the source and two packs
    assert page.count("li", "differs") == 0
    assert page.count("figure", "chart") == 3 + 3  # of the packs and of the training


def test_every_picture_and_chart_is_described(full_report: str) -> None:
    page = Page(full_report)
    drawings = [attributes for tag, attributes in page.tags if tag == "svg" and "aria-hidden" not in attributes]
    assert drawings
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in drawings)
    cells = [attributes for tag, attributes in page.tags if tag == "td"]
    assert all(attributes.get("data-label") for attributes in cells)


def test_what_is_missing_names_the_command_that_makes_it(place: Path) -> None:
    page = report()
    assert "No packs yet." in page.text
    assert "make export WEIGHTS=" in page.text
    assert "make train MODEL=" in page.text
    write_packs(place / "build")
    page = report()
    assert "make bench MODEL=small" in page.text
    assert "TARGET=all DATA=" in page.text
    assert "is in no run" in page.text
    assert page.count("figure", "chart") == 0


def test_a_pack_with_wrong_results_fails_the_report_that_shows_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, _ = write_packs(place / "build")
    rewrite_weights(wrong)
    page = report(code=1)
    assert "1 of 2 packs is not what the source computes." in capsys.readouterr().err
    assert "1 of 2 packs is not what the source computes." in page.text
    assert "ncnn-fp32 does not equal its source on golden/000.safetensors" in page.text
    assert page.count("li", "differs") >= 1
    assert "different" in page.text


def test_a_damaged_pack_is_named(place: Path) -> None:
    damaged, _ = write_packs(place / "build")
    data = bytearray((damaged / "model.bin").read_bytes())
    data[10] ^= 1
    (damaged / "model.bin").write_bytes(data)
    page = report(code=1)
    assert "model.bin: its SHA-256 is not the one in the manifest" in page.text


def test_a_runtime_that_is_not_installed_leaves_a_pack_unchecked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_packs(place / "build")
    (place / "sitecustomize.py").write_text(_WITHOUT_ONNXRUNTIME)
    monkeypatch.setenv("PYTHONPATH", str(place))  # of the processes that runtimes live in
    page = report()
    assert "1 of 2 packs proven equal to their source; the others cannot run here." in page.text
    assert "onnx-fp32 unchecked" in page.text
    assert "pip install 'edgewright[onnx]'" in page.text


def test_measurements_of_an_older_export_do_not_count(place: Path) -> None:
    for folder in (place / "before", place / "build"):
        write_packs(folder, labels=("now", "other", folder.name))
    store_latency(place / "results.sqlite", place / "before/small/ncnn-fp32", 1.0)
    assert "make bench MODEL=small" in report().text


def test_times_of_different_devices_are_never_put_beside_each_other(place: Path) -> None:
    first, second = write_packs(place / "build")
    store_latency(place / "results.sqlite", first, 1.25, device="adb:1")
    store_latency(place / "results.sqlite", second, 2.5, device="ssh://pi")
    text = report().text
    assert "2.50 ms" in text
    assert "1.25 ms" not in text
    store_latency(place / "results.sqlite", first, 3.75)
    store_latency(place / "results.sqlite", second, 5.0, device="ssh://pi")
    text = report().text
    assert "3.75 ms" in text  # this host counts before the others, whichever was last
    assert "5.00 ms" not in text
    assert "2.50 ms" not in text


def test_a_refused_time_is_called_so_and_is_never_the_fastest(place: Path) -> None:
    first, second = write_packs(place / "build")
    store_latency(place / "results.sqlite", first, 1.25, problems=["a thread waited"])
    store_latency(place / "results.sqlite", second, 2.5)
    text = report().text
    assert "refused, about 1.25" in text
    assert "2.50 ms" in text
    assert "1.25 ms" not in text


def test_databases_that_cannot_be_read_are_said(place: Path) -> None:
    write_packs(place / "build")
    (place / "results.sqlite").write_bytes(b"not a database" * 100)
    log = write_run(place / "runs/broken", steps=3)
    log.write_bytes(b"nor is this" * 100)
    with sqlite3.connect(place / "runs/other.sqlite") as other:
        other.execute("CREATE TABLE loss (something)")
    (place / "runs/strange").mkdir()
    (place / "runs/other.sqlite").rename(place / "runs/strange/log.sqlite")
    page = report()
    assert "results.sqlite: file is not a database" in page.text
    assert page.text.count("Its log cannot be read") == 2


def test_images_of_a_data_set_are_shown_when_the_checkpoint_is_there(place: Path) -> None:
    weights = place / "runs/mine/best.safetensors"
    _save_untrained(weights)
    assert export_main([f"--weights={weights}", "--target=ncnn", "--precision=fp32"]) == 0
    page = report()
    assert all(f"shapes seed 0, val {index}" in page.text for index in (0, 199))
    assert "Weights without a training log" in page.text


def test_weights_that_no_pack_comes_from_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_packs(place / "build")
    _save_untrained(place / "other.safetensors")
    assert main(["--weights=other.safetensors"]) == 2
    assert "no pack in build comes from this checkpoint" in capsys.readouterr().err
    assert not (place / "build/report.html").exists()


def test_wrong_input_leaves_the_last_report(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report()
    before = (place / "build/report.html").read_bytes()
    assert main(["--data=nowhere"]) == 2
    assert main(["--weights=nowhere"]) == 2
    assert (place / "build/report.html").read_bytes() == before
    assert [path.name for path in (place / "build").iterdir()] == ["report.html"]
    assert "nowhere" in capsys.readouterr().err


def test_nothing_is_wider_than_a_phone() -> None:
    in_pixels = re.findall(r"(?<![-\w])(?:min-width|width|flex-basis|grid-auto-columns|minmax\(): *(\d+)px", CSS)
    columns = re.findall(r"minmax\((\d+)px", CSS)
    assert columns
    assert all(int(number) <= 332 for number in [*in_pixels, *columns])  # 360 less the margins


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_contrast_with_what_they_stand_on(theme: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w+): (#\w+);", light if theme == "light" else dark))
    for text in ("ink", "muted", "good", "bad", "warn"):
        for ground in ("page", "surface"):
            assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    """Of WCAG 2."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _save_untrained(path: Path) -> None:
    torch.manual_seed(1)
    arch = architecture("yolo-fastestv2")
    header = Header(
        model="yolo-fastestv2", labels=("a", "b"), anchors_px=arch.default_anchors_px, width=96, height=96
    )  # fmt: skip
    save_checkpoint(path, arch.build(2).state_dict(), header)
