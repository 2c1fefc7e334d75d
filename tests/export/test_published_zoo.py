"""Published weights of the zoo through every target: the task metric on real images stays the source's."""

from pathlib import Path

import pytest
from shared_material import SHARED, needs_shared
from voc_masks import write_voc_masks_toml

from edgewright_calibration.__main__ import main as export_main
from edgewright_export.manifest import TARGETS
from edgewright_export.pack import open_pack
from edgewright_train.commands.import_weights import main as import_main

pytestmark = [needs_shared, pytest.mark.slow]

MAX_DIFFERENCE = 0.003  # of AP50 or mIoU, in fp16


def _accuracies(weights: Path, data: Path, out: Path) -> dict[str, tuple[str, int, float, float]]:
    """Pack -> metric, images, value, source's value; an export outside its tolerance fails by itself."""
    arguments = [f"--weights={weights}", "--target=all", "--precision=fp16", f"--data={data}", f"--out={out}"]
    assert export_main(arguments) == 0
    found = {}
    for manifest in out.glob("*/*/manifest.json"):
        accuracy = open_pack(manifest.parent).manifest.accuracy
        assert accuracy is not None
        found[manifest.parent.name] = (accuracy.metric, accuracy.num_images, accuracy.value, accuracy.source_value)
    return found


@pytest.mark.parametrize(
    ("model", "file", "published_mean_iou"),
    [
        ("espnetv2-0.5", "espnetv2_s_0.5_pascal_256x256.pth", 0.2740),
        ("dicenet-0.5", "dicenet_s_0.5_pascal_256x256.pth", 0.2697),
    ],
)
def test_segmenters_keep_their_mean_iou_on_every_target(
    model: str, file: str, published_mean_iou: float, tmp_path: Path
) -> None:
    weights = tmp_path / "voc.safetensors"
    published = SHARED / "weights/edgenets-segmentation" / file
    assert import_main([f"--model={model}", "--task=segment", f"--weights={published}", f"--out={weights}"]) == 0
    found = _accuracies(weights, write_voc_masks_toml(tmp_path / "voc.toml"), tmp_path / "packs")
    assert set(found) == {f"{target}-fp16" for target in TARGETS}
    for metric, num_images, value, source_value in found.values():
        assert (metric, num_images) == ("mIoU", 100)
        assert source_value == pytest.approx(published_mean_iou, abs=0.001)
        assert value == pytest.approx(source_value, abs=MAX_DIFFERENCE)


def test_a_darknet_detector_keeps_its_average_precision_on_every_target(tmp_path: Path) -> None:
    weights = tmp_path / "fastest.safetensors"
    cfg, published = (SHARED / f"weights/darknet/yolo-fastest-1.1{suffix}" for suffix in (".cfg", ".weights"))
    assert import_main([f"--cfg={cfg}", f"--weights={published}", f"--out={weights}"]) == 0
    found = _accuracies(weights, SHARED / "data/coco_val2017_dev/instances.json", tmp_path / "packs")
    assert set(found) == {f"{target}-fp16" for target in TARGETS}
    for metric, num_images, value, source_value in found.values():
        assert (metric, num_images) == ("AP50", 177)
        assert source_value == pytest.approx(0.3527, abs=0.001)
        assert value == pytest.approx(source_value, abs=MAX_DIFFERENCE)
