"""Axes hold what they should, and no text in a drawing covers another one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_edge.report.axis import axis
from edgewright_edge.report.charts import PLOT, Sample, line_chart, scatter_chart
from edgewright_edge.report.labels import label_points, text_width
from edgewright_edge.report.overlay import FRAME, Frame, class_colour, overlay
from edgewright_train.tasks.detect.detections import Detections

NAMES = [f"{target}-{precision}" for target in ("ncnn", "onnx", "tflite", "coreml") for precision in ("fp32", "fp16")]
numbers = st.floats(-1e6, 1e6, allow_nan=False)
places = st.tuples(st.floats(PLOT.left, PLOT.right), st.floats(PLOT.top, PLOT.bottom))


@given(st.lists(numbers, min_size=1, max_size=20), st.booleans())
def test_an_axis_covers_its_values_and_has_round_numbers(values: list[float], inverted: bool) -> None:
    start, end = (200.0, 10.0) if inverted else (10.0, 200.0)
    made = axis(values, start, end, from_zero=False)
    assert all(10 <= made(value) <= 200 for value in values)
    ticks = made.ticks(5)
    assert 1 <= len(ticks) <= 12
    assert all(9.9 <= tick.at <= 200.1 for tick in ticks)
    assert len({tick.text for tick in ticks}) == len(ticks)


def test_small_differences_stay_small() -> None:
    made = axis([0.3204, 0.3205], 0, 100, from_zero=False, least_span=0.02)
    assert abs(made(0.3204) - made(0.3205)) < 1


@settings(deadline=None, max_examples=30)
@given(st.lists(places, min_size=1, max_size=8))
def test_labels_cover_neither_each_other_nor_a_mark(points: list[tuple[float, float]]) -> None:
    labels = label_points(points, NAMES[: len(points)], bounds=PLOT, font_size=12, mark_radius=5)
    placed = [label for label in labels if label]
    for one, other in combinations(placed, 2):
        assert not any(part.overlaps(other.rect) for part in one.parts)
    for label in placed:
        assert label.rect.inside(PLOT)
        assert not any(abs(x - clamp(x, label.rect.left, label.rect.right)) < 4
                       and abs(y - clamp(y, label.rect.top, label.rect.bottom)) < 4 for x, y in points)  # fmt: skip


def clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def test_packs_of_nearly_the_same_cost_and_accuracy_all_get_a_label() -> None:
    costs = (465, 489, 500, 610, 907, 934, 936, 1048)
    samples = [Sample(name, cost, 0.3205, "ncnn", False) for name, cost in zip(NAMES, costs, strict=True)]
    chart = scatter_chart("", "", samples, y_label="AP50", x_unit="kB", level=(0.3205, ""), least_span=0.02)
    assert [mark.name for mark in chart.marks if mark.label is None] == []
    assert "ncnn-fp32: 465 kB, AP50 0.3205" in chart.description


def test_a_curve_of_one_point_is_drawn() -> None:
    chart = line_chart("", "", {"a": [(1, 0.5)], "b": []}, description="")
    assert chart.curves[0].dots
    assert chart.curves[1].path == ""


def detections(boxes: list[tuple[float, float, float, float]]) -> Detections:
    count = len(boxes)
    scores = np.linspace(0.9, 0.4, count).astype(np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.zeros(count, np.int64))


def test_texts_of_a_crowd_cover_neither_each_other_nor_leave_the_picture() -> None:
    crowd = detections([(10 * n, 5 * n, 10 * n + 60, 5 * n + 80) for n in range(25)])
    frame = Frame.of(320, 240)
    boxes = overlay(crowd, ("person",), frame, ["same"] * 25)
    tags = [box.label_at for box in boxes if box.label_at]
    assert len(tags) > 5
    assert not any(one.overlaps(other) for one, other in combinations(tags, 2))
    assert all(tag.left >= 0 and tag.right <= FRAME and tag.bottom <= frame.height for tag in tags)
    assert boxes[0].text == "person 0.90"


def test_differences_come_first_and_a_flood_is_cut() -> None:
    boxes = overlay(detections([(0, 0, 9, 9)] * 300), ("a",), Frame.of(100, 100), ["same"] * 299 + ["missing"])
    assert len(boxes) == 40
    assert boxes[0].verdict == "missing"
    assert boxes[0].text == "- a 0.40"


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (50, 50)])
def test_a_picture_stands_in_the_middle_of_its_frame(width: int, height: int) -> None:
    frame = Frame.of(width, height)
    whole = frame.rect(np.array([0, 0, width, height], np.float32))
    assert whole.left == pytest.approx(FRAME - whole.right, abs=0.2)
    assert max(whole.right - whole.left, whole.bottom) == pytest.approx(FRAME, abs=0.2)
    assert frame.picture_width / frame.height == pytest.approx(width / height, rel=0.01)


def test_black_text_is_legible_on_every_class_colour() -> None:
    colours = [class_colour(index) for index in range(80)]
    assert len(set(colours)) == 80
    for colour in colours:
        red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        assert (luminance + 0.05) / 0.05 >= 4.5


def test_longer_texts_are_wider() -> None:
    assert text_width("person 0.9", 10) > text_width("person", 10)
