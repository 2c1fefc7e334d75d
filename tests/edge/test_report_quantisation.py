"""The report shows packs in few bits with what they cost, and which layers few bits hurt."""

import json
from pathlib import Path
from typing import Any

import pytest
from report_matter import HOSTILE, Page, accuracy
from small_pack import write_ncnn_pack

from edgewright_edge.report.cli import main
from edgewright_edge.report.heat_map import LEGEND, Cell, heat_map
from edgewright_edge.report.packs import CheckedPack, PackGroup
from edgewright_edge.report.quantisation import QuantisedPart, quantised_part
from edgewright_export.manifest import Quantisation
from edgewright_export.pack import open_pack

NOISES = {"conv_a": 0.003, "conv_b": 0.0155, "conv_c": 0.0, "conv_d": 0.0015}  # conv_c is always float


def layer(name: str, noise: float) -> dict[str, Any]:
    quantised = noise > 0
    return {
        "name": name, "kind": "conv" if quantised else "depthwise", "macs": 2_500_000, "weights": 100,
        "quantised": quantised, "noise": noise, "sqnr_db": 20.0 if quantised else None,
        "loss": 0.0125 if quantised else None,
    }  # fmt: skip


def sensitivity(**changes: Any) -> dict[str, Any]:
    """Of the small pack's checkpoint, as `make sensitivity` writes it."""
    return {
        "format_version": 1, "model": "small", "task": "detect", "target": "ncnn", "precision": "int8", "method": "mse",
        "checkpoint_sha256": "0" * 64, "calibration_sha256": "2" * 64, "width": 64, "height": 32,
        "dataset": {"name": "shapes", "sha256": "1" * 64, "split": "val"},
        "images": [{"name": "1.png", "sha256": "3" * 64}], "metric": "AP50", "source_value": 0.62,
        "tools": {"torch": "2"},
        "together": {"noise": 0.0211, "sqnr_db": 16.8, "loss": 0.02, "loss_low": -0.01, "loss_high": 0.04},
        "layers": [layer(name, noise) for name, noise in NOISES.items()],
        **changes,
    }  # fmt: skip


def quantisation(**changes: Any) -> Quantisation:
    return Quantisation(
        **{
            "method": "percentile", "calibration_sha256": "2" * 64, "plan_sha256": "4" * 64, "num_layers": 3,
            "float_layers": ("conv_c", HOSTILE), "float_cosine": 0.98765, **changes,
        }
    )  # fmt: skip


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A float pack and one in int8."""
    measured = accuracy(0.616).model_copy(update={"budget": 0.005, "loss_low": -0.002, "loss_high": 0.009})
    write_ncnn_pack(tmp_path / "build/small/ncnn-fp32", accuracy=accuracy())
    write_ncnn_pack(
        tmp_path / "build/small/ncnn-int8", precision="int8", quantisation=quantisation(), accuracy=measured
    )
    return tmp_path / "build"


def write_sensitivity(build: Path, name: str = "sensitivity-ncnn-int8.json", **changes: Any) -> Path:
    path = build / "small" / name
    path.write_text(json.dumps(sensitivity(**changes)))
    return path


def report(build: Path) -> Page:
    out = build.parent / "report.html"
    places = [f"--{name}={build.parent / name}" for name in ("build", "runs", "results")]
    assert main([*places, f"--out={out}"]) == 0
    return Page(out.read_text())


def part(build: Path) -> QuantisedPart:
    """Of the packs, without running them."""
    packs = [
        CheckedPack(open_pack(path.parent), "0" * 64, "proven") for path in sorted(build.glob("*/*/manifest.json"))
    ]
    found = quantised_part(PackGroup(tuple(packs)))
    assert found is not None
    return found


def squares(page: Page) -> list[str]:
    """What colour each layer has, in order."""
    return [
        (attributes.get("class") or "").removeprefix("square ")
        for tag, attributes in page.tags
        if tag == "g" and (attributes.get("class") or "").startswith("square")
    ]


def test_without_anything_in_few_bits_there_is_no_such_part(tmp_path: Path) -> None:
    write_ncnn_pack(tmp_path / "build/small/ncnn-fp32")
    text = report(tmp_path / "build").text
    assert "In few bits" not in text
    assert "make sensitivity" not in text
    assert "proven equal to the source" in text


def test_a_pack_in_few_bits_shows_what_it_costs(build: Path) -> None:
    page = report(build)
    assert "ncnn int8 3 of 5 2 layers" in page.text
    assert f"conv_c, {HOSTILE}" in page.text
    assert "percentile 0.9877 0.6160 +0.0040 95 %: -0.0020 to +0.0090; budget 0.005" in page.text
    assert "100% of fp32" in page.text
    assert "All 2 packs are proven equal to what they were made from." in page.text


def test_weights_only_and_unmeasured_packs_say_so(build: Path) -> None:
    made = quantisation(method=None, calibration_sha256=None, float_layers=())
    write_ncnn_pack(build / "small/ncnn-w8", precision="w8", quantisation=made)
    row = part(build).rows[-1]
    assert (row.precision, row.layers, row.num_float, row.method) == ("w8", "3 of 3", 0, "")
    assert (row.value, row.loss, row.interval) == ("", "", "")


def test_a_missing_sensitivity_names_the_command_that_makes_it(build: Path) -> None:
    found = part(build)
    assert (found.without_sensitivity, found.sensitivities) == (("ncnn",), ())
    assert "Which layers hurt for ncnn: make sensitivity TARGET=ncnn DATA=" in report(build).text
    write_sensitivity(build)
    assert part(build).without_sensitivity == ()


def test_the_worst_layers_come_first_and_every_layer_is_a_square_in_the_order_of_the_graph(build: Path) -> None:
    write_sensitivity(build)
    page = report(build)
    assert "1. conv_b conv 77.5% 20.0 +0.0125 2.50 2. conv_a conv 15.0%" in page.text
    assert "3. conv_d" in page.text
    assert "4. conv_c" not in page.text
    assert "All together: noise 0.0211, SQNR 16.8 dB, loses +0.0200 [-0.0100, +0.0400] of AP50 0.6200" in page.text
    assert "make export TARGET=ncnn PRECISION=int8 FLOAT=conv_b,conv_a,conv_d" in page.text
    assert "Which layers hurt" not in page.text
    assert squares(page) == ["h5", "h5", "always-float", "h4"]
    assert page.count("span", "step") == len(LEGEND) + 1
    assert "layer 2, conv_b, conv: 77.5% of the error, SQNR 20.0 dB, loses +0.0125 of AP50" in page.text
    assert "layer 3, conv_c, depthwise: always float" in page.text
    assert any("worst: conv_b, conv_a, conv_d" in label for label in page.attributes("aria-label"))


def test_without_labels_no_loss_is_shown(build: Path) -> None:
    nothing = {"loss": None, "loss_low": None, "loss_high": None}
    write_sensitivity(
        build, metric=None, source_value=None, together={"noise": 0.02, "sqnr_db": 17.0, **nothing},
        layers=[{**layer(name, noise), "loss": None} for name, noise in NOISES.items()],
    )  # fmt: skip
    (found,) = part(build).sensitivities
    assert (found.metric, found.together) == ("", "noise 0.0200, SQNR 17.0 dB")
    assert {row.loss for row in found.worst} == {"–"}


def test_names_from_the_file_stay_text_and_what_is_not_shown_is_named(build: Path) -> None:
    write_sensitivity(build, layers=[layer(HOSTILE, 0.1)])
    write_sensitivity(build, "sensitivity-tflite-int8.json", width=96)
    page = report(build)
    assert "A sensitivity is not shown: sensitivity-tflite-int8.json is of another" in page.text
    assert f"1. {HOSTILE} conv" in page.text
    assert not any(tag == "script" for tag, _ in page.tags)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"checkpoint_sha256": "f" * 64}, "of another checkpoint or input size"),
        ({"width": 96}, "of another checkpoint or input size"),
        ({"layers": []}, "layers: "),
        ({"extra": 1}, "extra: unknown key"),
        ({"together": {"noise": -1.0, "sqnr_db": None, "loss": None, "loss_low": None, "loss_high": None}}, "noise"),
    ],
)
def test_a_sensitivity_that_does_not_belong_or_is_damaged_is_named_not_shown(
    build: Path, changes: dict[str, Any], why: str
) -> None:
    write_sensitivity(build, **changes)
    found = part(build)
    assert found.sensitivities == ()
    (problem,) = found.problems
    assert "sensitivity-ncnn-int8.json" in problem
    assert why in problem


def test_each_precision_of_a_target_is_shown(build: Path) -> None:
    write_sensitivity(build)
    write_sensitivity(build, "sensitivity-ncnn-w8.json", precision="w8", method=None, calibration_sha256=None)
    assert [found.title for found in part(build).sensitivities] == ["ncnn, int8 by mse", "ncnn, w8"]


def test_golden_scenes_come_from_a_float_pack_only(tmp_path: Path) -> None:
    """Those of a pack in few bits are its plan's, and would be shown as the source's."""
    write_ncnn_pack(tmp_path / "build/small/a-int8", precision="int8", quantisation=quantisation())
    text = report(tmp_path / "build").text
    assert ".safetensors of the pack" not in text
    assert "The pack is proven equal to what it was made from." in text
    write_ncnn_pack(tmp_path / "build/small/ncnn-fp32")
    assert ".safetensors of the pack" in report(tmp_path / "build").text


def test_more_error_is_never_a_weaker_colour_and_rows_wrap() -> None:
    shares = [index / 300 for index in range(75)]
    drawing = heat_map([Cell(share, None, "") for share in shares], description="")
    kinds = [square.kind for square in drawing.squares]
    assert kinds == sorted(kinds)
    assert (kinds[0], kinds[-1]) == ("h0", f"h{len(LEGEND) - 1}")
    assert len({(square.x, square.y) for square in drawing.squares}) == 75
    assert all(
        square.x + drawing.side <= 400 and square.y + drawing.side <= drawing.height for square in drawing.squares
    )
    assert [first for _, first in drawing.rows] == [1, 17, 33, 49, 65]
