"""`make compare`: what is printed and drawn of trainings is what their logs hold; what cannot be compared is said."""

import json
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_matter import HOSTILE, write_run
from small_checkpoint import write_small_checkpoint

from edgewright_edge.compare.cli import main
from edgewright_edge.compare.run import RunFolder, differing, read_run

RECIPE = """task = "detect"
epochs = {epochs}
[loss]
kind = "yolo-fastestv2"
[optimizer]
kind = "sgd"
"""


def write(runs: Path, name: str, *, epochs: int = 4, steps: int = 40) -> Path:
    """An evaluation after each epoch; the AP50 of the last is 0.6."""
    write_run(runs / name, steps=steps, evaluations=epochs)
    (runs / name / "config.toml").write_text(RECIPE.format(epochs=epochs))
    return runs / name


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "runs", "one")
    write(tmp_path / "runs", "two", epochs=8, steps=80)
    return tmp_path


class Page(HTMLParser):
    """Texts, and every address that is referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "href"} & dict(attrs).keys()

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def test_facts_and_differing_recipe_keys_are_printed_side_by_side(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--names=one two"]) == 0
    shown = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    table = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in shown}
    assert table["task"] == ["detect", "detect"]
    assert table["best AP50"] == ["0.6000", "0.6000"]
    assert table["best after epoch"] == ["4 of 4", "8 of 8"]
    assert table["images/s"] == ["100.0", "100.0"]
    assert table["epochs"] == ["4", "8"]
    assert "optimizer.kind" not in table


def test_json_has_the_same_and_runs_are_found_by_path_too(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place / "else where", "three")
    assert main(["--names=one 'else where/three'", "--out=c.html", "--json=-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [run["name"] for run in record["runs"]] == ["one", "else where/three"]
    assert record["runs"][0]["figures"] == {"AP": pytest.approx(0.3), "AP50": pytest.approx(0.6)}
    assert record["runs"][0]["num_parameters"] is None
    assert record["recipe_differences"] == {}
    assert (record["curves"], Path("c.html").is_file()) == ("c.html", True)


def test_curves_go_over_epochs_so_that_runs_of_other_batch_sizes_lie_over_each_other(place: Path) -> None:
    one, two = (read_run(name, RunFolder(place / "runs" / name)) for name in ("one", "two"))
    assert [x for x, _ in one.accuracies] == [1, 2, 3, 4]
    assert [y for _, y in one.accuracies] == pytest.approx([0.15, 0.3, 0.45, 0.6])
    assert one.losses[-1][0] == 4
    assert two.losses[-1][0] == 8
    assert differing([one, two]) == {"epochs": [4, 8]}


def test_the_page_loads_nothing_and_text_from_logs_stays_text(place: Path) -> None:
    assert main(["--names=one two"]) == 0
    text = Path("build/compare.html").read_text()
    page = Page(text)
    assert page.tags.count("svg") == 2
    assert "script" not in page.tags
    assert HOSTILE in page.texts
    assert {"Loss, yolo-fastestv2", "AP50 on val", "epochs"} <= set(page.texts)


def test_parameters_are_those_of_the_best_checkpoint(place: Path) -> None:
    write_small_checkpoint(place / "runs/one/best.safetensors")
    found = read_run("one", RunFolder(place / "runs/one"))
    assert found.num_parameters is not None
    assert found.num_stored is not None
    assert 0 < found.num_parameters < found.num_stored


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("", "give 2 to 8 runs"),
        ("one", "give 2 to 8 runs"),
        ("one 'two", "a quote is not closed"),
        ("one three", "RUNS: three: no such run; those in runs: one, two"),
        ("one one", "RUNS: one: given twice"),
        ("one runs/one", "RUNS: runs/one: given twice"),
        ("one empty", "has no log.sqlite"),
        ("one old", "runs/old/log.sqlite: written by another version of edgewright"),
        ("one new", "runs/new: has no evaluation yet"),
        ("one broken", "runs/broken/log.sqlite: file is not a database"),
        ("one lost", "runs/lost/config.toml: no such file"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    place: Path, names: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "runs/empty").mkdir()
    (place / "runs/broken").mkdir()
    (place / "runs/broken/log.sqlite").write_text("no database, but a text that is long enough to be looked at" * 20)
    with sqlite3.connect(write(place / "runs", "old") / "log.sqlite") as log:
        log.execute("PRAGMA user_version = 3")
    write_run(place / "runs/new", steps=3, evaluations=0)
    write_run(place / "runs/lost", steps=3)
    if "three" in names:
        for extra in ("empty", "broken", "old", "new", "lost"):
            (place / "runs" / extra).rename(place / extra)
    assert main([f"--names={names}"]) == 2
    error = capsys.readouterr().err.strip()
    assert expected in error
    assert "\n" not in error
    assert not Path("build").exists()


def test_a_training_that_finds_nothing_is_a_line_on_a_readable_axis(place: Path) -> None:
    for name in ("one", "two"):
        with sqlite3.connect(place / "runs" / name / "log.sqlite") as log:
            log.execute("UPDATE eval_summary SET ap50 = 0")
    assert main(["--names=one two"]) == 0
    texts = Page(Path("build/compare.html").read_text()).texts
    after = texts[texts.index("AP50 on val") :]
    assert after[after.index("0") + 1] == "0.002"
