"""A segmenter's and a classifier's pictures say what the source sees, what each pack sees, and where they differ."""

import base64
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from report_matter import Page
from task_packs import CLASSES, HEIGHT, WIDTH, picture, run, write_task_pack

from edgewright_edge.report.classes import see_classes
from edgewright_edge.report.cli import main
from edgewright_edge.report.label_maps import legend, map_colour, see_label_map
from edgewright_edge.report.png import palette_png
from edgewright_edge.report.scenes import Scene, dataset_scenes, golden_scenes
from edgewright_export.outputs import Outputs
from edgewright_export.pack import Pack, open_pack
from edgewright_train.data.resolve import open_images
from edgewright_train.data.shapes.dataset import ShapesDataset
from edgewright_train.data.shapes.write_darknet import write_darknet
from edgewright_train.models.architecture import Task

Report = Callable[[Task, float, int], Page]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """The report on an fp32 pack that is right and an fp16 pack that is `nudge` away."""

    def write(task: Task, nudge: float, code: int) -> Page:
        write_task_pack(tmp_path / "build/small/onnx-fp32", task)
        write_task_pack(tmp_path / "build/small/onnx-fp16", task, precision="fp16", nudge=nudge)
        places = [f"--{name}={tmp_path / name}" for name in ("build", "runs", "results")]
        assert main([*places, f"--out={tmp_path / 'report.html'}"]) == code
        return Page((tmp_path / "report.html").read_text())

    return write


@pytest.fixture
def segmenter(tmp_path: Path) -> Pack:
    return open_pack(write_task_pack(tmp_path / "segment", "segment", precision="fp16"))


@pytest.fixture
def classifier(tmp_path: Path) -> Pack:
    return open_pack(write_task_pack(tmp_path / "classify", "classify", precision="fp16"))


def scene(pack: Pack, image: NDArray[np.uint8] | None = None) -> Scene:
    shown = picture() if image is None else image
    network_image = pack.manifest.input.preprocess.network_image(shown)
    return Scene("a picture", shown, network_image, run(pack.manifest.task)(network_image))


def test_equal_segmenters_share_one_map_per_picture(report: Report) -> None:
    page = report("segment", 0.0, 0)
    pngs = [reference for reference in page.attributes("href") if reference.startswith("data:image/png")]
    assert len(pngs) == 1  # of the one golden picture that is not noise
    assert "PyTorch source 3 classes" in page.text
    assert "onnx-fp16 equal" in page.text
    assert "4,096 of 4,096 pixels agree" in page.text
    assert "blue 32.8 %" in page.text
    assert page.count("span", "clear") == 1  # the background's colour
    assert any(label.startswith("onnx-fp16: ") and "blue 32.8 %" in label for label in page.attributes("aria-label"))


def test_a_wrong_segmenter_has_its_pixels_marked_and_counted(report: Report) -> None:
    page = report("segment", 4.0, 1)
    pngs = [reference for reference in page.attributes("href") if reference.startswith("data:image/png")]
    assert len(pngs) == 3  # the source's map, the wrong pack's and its marks
    assert page.count("li", "differs") == 1
    assert "pixels differ" in page.text
    assert "onnx-fp16 does not equal its source" in page.text
    drawings = [attributes for tag, attributes in page.tags if tag == "svg" and "aria-hidden" not in attributes]
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in drawings)


def test_a_classifier_is_shown_as_probabilities_beside_its_picture(report: Report) -> None:
    page = report("classify", 0.0, 0)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [attributes.get("alt") for attributes in images] == ["golden/000.safetensors of the pack"]
    assert page.count("ol", "classes") == 3
    assert "onnx-fp16 equal" in page.text
    assert "2 of 2 images agree" in page.text


def test_a_wrong_classifier_has_its_classes_marked(report: Report) -> None:
    page = report("classify", 0.5, 1)
    assert page.count("li", "differs") == 1
    assert page.count("li", "apart") >= 2
    assert "classes differ" in page.text
    assert "source 0." in page.text


def test_wrong_pixels_are_those_beyond_the_tolerance(segmenter: Pack) -> None:
    seen = scene(segmenter)
    logits = seen.maps["logits"].copy()
    logits[:, 0, 0] = np.arange(len(CLASSES))  # black, where the source sees blue
    result = see_label_map(segmenter, seen, {"logits": logits})
    assert result.difference == "1 pixel differs"
    assert not result.is_wrong  # 1 of 2048 is within the 0.999 that must agree
    marks = _decoded(result.drawing.marks_png)
    rows, columns = np.nonzero(marks[..., 3])
    assert 0 < max(rows.max(), columns.max()) < marks.shape[1] // 8  # around the corner, and large enough to be seen
    logits[:, 1, :3] = np.arange(len(CLASSES))[:, None]
    assert see_label_map(segmenter, seen, {"logits": logits}).is_wrong


def test_a_tie_that_falls_the_other_way_is_no_difference(segmenter: Pack) -> None:
    seen = scene(segmenter)
    tied = seen.maps["logits"].copy()
    tied[2] = tied.max(0)
    other = tied.copy()
    other[2] += 0.001
    result = see_label_map(
        segmenter, Scene("", seen.image_bgr, seen.network_image, {"logits": tied}), {"logits": other}
    )
    assert (result.difference, result.drawing.marks_png) == ("", "")


def test_a_map_has_the_colours_of_its_legend_and_a_clear_background(segmenter: Pack) -> None:
    result = see_label_map(segmenter, scene(segmenter), scene(segmenter).maps)
    image = _decoded(result.drawing.png)
    assert image.shape == (HEIGHT, WIDTH, 4)
    assert tuple(image[0, 0, :3][::-1]) == map_colour(CLASSES.index("blue"))
    assert image[0, 0, 3] > 0
    assert image[-1, -1, 3] == 0
    entries = legend(result.drawing, [], CLASSES)
    assert [entry.label for entry in entries] == ["background", "blue", "green"]
    assert entries[0].colour == ""
    assert entries[1].colour == "#" + bytes(map_colour(1)).hex()


def test_a_letterboxed_map_lies_on_the_picture_without_its_padding(tmp_path: Path) -> None:
    """Of 60x60 pixels the network, which is 64x32, sees 32x32 in its middle; the rest is black."""
    pack = open_pack(write_task_pack(tmp_path / "pack", "segment", letterbox=True))
    seen = scene(pack, picture(60, 60))
    logits = seen.maps["logits"].copy()
    logits[:, 0, 16] = np.arange(len(CLASSES))  # the corner of the picture
    logits[:, 0, 15] = np.arange(len(CLASSES))  # beside it
    result = see_label_map(pack, seen, {"logits": logits})
    image = _decoded(result.drawing.png)
    assert image.shape == (HEIGHT, HEIGHT, 4)
    assert tuple(image[HEIGHT // 2, 0, :3][::-1]) == map_colour(CLASSES.index("blue"))
    assert result.drawing.shares[CLASSES.index("blue")] == pytest.approx(1 / 3, abs=0.03)
    assert sum(result.drawing.shares.values()) == pytest.approx(1)
    assert result.difference == "2 pixels differ"
    rows, columns = np.nonzero(_decoded(result.drawing.marks_png)[..., 3])
    assert (rows.min(), columns.min()) == (0, 0)
    logits = seen.maps["logits"].copy()
    logits[:, 0, 15] = np.arange(len(CLASSES))
    assert see_label_map(pack, seen, {"logits": logits}).drawing.marks_png == ""


def test_the_legend_names_what_only_a_pack_sees(segmenter: Pack) -> None:
    seen = scene(segmenter)
    flooded = {"logits": seen.maps["logits"] + np.eye(len(CLASSES), dtype=np.float32)[5][:, None, None] * 99}
    source = see_label_map(segmenter, seen, seen.maps).drawing
    other = see_label_map(segmenter, seen, flooded).drawing
    assert [entry.share for entry in legend(source, [other], CLASSES) if entry.label == "white"] == [""]


def test_colours_of_classes_can_be_told_apart() -> None:
    colours = [np.array(map_colour(index), int) for index in range(21)]
    assert min(np.abs(one - other).sum() for one, other in combinations(colours, 2)) > 40


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_a_palette_image_has_the_colours_of_its_indices(indices: NDArray[np.uint8]) -> None:
    palette = np.random.default_rng(0).integers(0, 256, (256, 4), np.uint8)
    image = cv2.imdecode(np.frombuffer(palette_png(indices, palette.tolist()), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(image[..., [2, 1, 0, 3]], palette[indices])


def test_classes_that_left_the_first_five_are_shown_when_they_differ(classifier: Pack) -> None:
    seen = scene(classifier)
    logits = seen.maps["logits"].copy()
    best = int(logits.argmax())
    logits[best] -= 30
    result = see_classes(classifier, seen, {"logits": logits})
    assert [bar.label for bar in result.drawing if bar.differs][-1] == CLASSES[best]
    assert len(result.drawing) == 6
    assert result.is_wrong
    assert see_classes(classifier, seen, seen.maps).difference == ""


def test_another_best_class_is_a_difference_even_when_no_probability_is(classifier: Pack) -> None:
    probabilities = np.full(len(CLASSES), 0.02)
    probabilities[:2] = 0.465, 0.435  # apart by more than the 0.02 of fp16, moved by less
    moved = probabilities + np.array([-0.018, 0.018, 0, 0, 0, 0, 0])
    source, outputs = (_logits(values) for values in (probabilities, moved))
    seen = scene(classifier)
    result = see_classes(classifier, Scene("", seen.image_bgr, seen.network_image, source), outputs)
    assert (result.difference, result.is_wrong) == ("another best class", True)


def test_golden_noise_is_not_shown(segmenter: Pack, classifier: Pack) -> None:
    for pack in (segmenter, classifier):
        assert [seen.caption for seen in golden_scenes(pack)] == ["golden/000.safetensors of the pack"]


def test_scenes_of_a_data_set_are_spread_over_it(segmenter: Pack) -> None:
    dataset = ShapesDataset("val", count=11)
    scenes = list(dataset_scenes(segmenter, run("segment"), dataset))
    assert [seen.caption for seen in scenes] == [dataset.source(index) for index in (0, 2, 4, 6, 8, 10)]
    assert scenes[0].maps["logits"].shape == (len(CLASSES), HEIGHT, WIDTH)


def test_images_that_are_labelled_for_another_task_do(tmp_path: Path) -> None:
    assert open_images(None, "val", "segment").labels[0] == "background"
    splits = {split: ShapesDataset(split, count=2) for split in ("train", "val")}
    write_darknet(tmp_path, splits, advance=lambda: None)
    boxes = open_images(str(tmp_path), "val", "segment")
    assert (len(boxes), boxes.labels) == (2, splits["val"].labels)


def _decoded(png: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(image, np.uint8)


def _logits(probabilities: NDArray[np.float64]) -> Outputs:
    return {"logits": np.log(probabilities).astype(np.float32)[:, None, None]}
