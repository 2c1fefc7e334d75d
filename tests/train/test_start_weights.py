"""Training starts from what fits, and says what did not."""

from pathlib import Path

import pytest
import torch
from training_runs import TINY_CFG, write_cfg

from edgewright_train.checkpoint import Header, save_checkpoint
from edgewright_train.errors import InputError
from edgewright_train.models import architecture
from edgewright_train.models.architecture import Task
from edgewright_train.models.yolo_fastestv2 import COCO_ANCHORS_PX, YoloFastestV2
from edgewright_train.new_network import untrained_cfg
from edgewright_train.training.start_weights import start_from

MODEL = "yolo-fastestv2"
CLASS_OUTPUT = {"output_cls_layers.weight", "output_cls_layers.bias"}


def save(folder: Path, labels: tuple[str, ...], *, backbone: bool = False, model: str = MODEL) -> Path:
    """A checkpoint whose tensors no other network shares."""
    torch.manual_seed(1)
    tensors = YoloFastestV2(max(1, len(labels))).state_dict()
    if backbone:
        tensors = {name: tensor for name, tensor in tensors.items() if name.startswith("backbone.")}
    content = "backbone" if backbone else "network"
    header = Header(
        model=model, content=content, labels=labels, anchors_px=COCO_ANCHORS_PX, width=352, height=352, origin="test"
    )
    save_checkpoint(folder / "weights.safetensors", tensors, header)
    return folder / "weights.safetensors"


def started(path: Path, labels: tuple[str, ...]) -> tuple[set[str], str]:
    """Names of the tensors that did not come from the checkpoint, and what was said."""
    torch.manual_seed(0)
    network = YoloFastestV2(len(labels))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    own = Header(model=MODEL, labels=labels, anchors_px=COCO_ANCHORS_PX, width=352, height=352)
    _, said = start_from(network, own, path)
    random_at_first = {name for name, tensor in before.items() if tensor.ndim > 1 or name.startswith("output_")}
    after = network.state_dict()
    return {name for name in random_at_first if torch.equal(before[name], after[name])}, said


def test_the_same_classes_load_whole(tmp_path: Path) -> None:
    left, said = started(save(tmp_path, ("a", "b")), ("a", "b"))
    assert left == set()
    assert said.endswith("loaded 444 of 444 tensors")


def test_another_number_of_classes_loads_all_but_the_class_output(tmp_path: Path) -> None:
    left, said = started(save(tmp_path, ("a", "b", "c")), ("x", "y"))
    assert left == CLASS_OUTPUT
    assert "loaded 442 of 444 tensors; it has 3 classes, the data 2" in said
    assert all(name in said for name in CLASS_OUTPUT)


def test_a_backbone_loads_into_the_backbone(tmp_path: Path) -> None:
    left, said = started(save(tmp_path, (), backbone=True), ("a",))
    assert left
    assert not any(name.startswith("backbone.") for name in left)
    assert "loaded 330 of 444 tensors, the backbone" in said


def test_other_names_for_as_many_classes_are_said(tmp_path: Path) -> None:
    left, said = started(save(tmp_path, ("a", "b")), ("x", "y"))
    assert left == set()
    assert "class names" in said


def header_of(model: str, task: Task, labels: tuple[str, ...]) -> Header:
    anchors = architecture(model, task).default_anchors_px
    return Header(model=model, task=task, labels=labels, anchors_px=anchors, width=64, height=64)


@pytest.mark.parametrize("task", ["segment", "detect"])
def test_a_classifier_fills_the_backbone_of_the_same_networks_other_tasks(task: Task, tmp_path: Path) -> None:
    torch.manual_seed(1)
    classifier = architecture("dicenet-0.2", "classify").build(5).state_dict()
    save_checkpoint(tmp_path / "c.safetensors", classifier, header_of("dicenet-0.2", "classify", tuple("abcde")))
    network, own = architecture("dicenet-0.2", task).build(3), header_of("dicenet-0.2", task, ("x", "y", "z"))
    used, said = start_from(network, own, tmp_path / "c.safetensors")
    assert used == own
    assert "it is for the task classify: " in said
    assert said.endswith("more start at random")
    after = network.state_dict()
    shared = [name for name in after if name in classifier]
    assert len(shared) > 100
    assert all(torch.equal(after[name], classifier[name]) for name in shared)


def test_a_segmenter_of_other_classes_gives_all_that_fits(tmp_path: Path) -> None:
    tensors = architecture("dicenet-0.2", "segment").build(21).state_dict()
    save_checkpoint(
        tmp_path / "s.safetensors", tensors, header_of("dicenet-0.2", "segment", tuple(f"c{n}" for n in range(21)))
    )
    network = architecture("dicenet-0.2", "segment").build(7)
    _, said = start_from(network, header_of("dicenet-0.2", "segment", tuple("abcdefg")), tmp_path / "s.safetensors")
    assert "it has 21 classes, the data 7: decoder." in said


def test_a_cfg_takes_what_fits_from_another_and_keeps_its_epsilon(tmp_path: Path) -> None:
    old = untrained_cfg(write_cfg(tmp_path), bn_eps=1e-6)
    save_checkpoint(tmp_path / "old.safetensors", old.network.state_dict(), old.header)
    other = tmp_path / "other.cfg"
    other.write_text(TINY_CFG.replace("classes=6", "classes=2").replace("filters=22", "filters=14"))
    new = untrained_cfg(other)
    used, said = start_from(new.network, new.header, tmp_path / "old.safetensors")
    assert used.darknet is not None
    assert used.darknet.bn_eps == 1e-6
    assert {module.eps for module in new.network.modules() if isinstance(module, torch.nn.BatchNorm2d)} == {1e-6}
    assert said.endswith("it has 6 classes, the data 2: layers.3.conv.weight, layers.3.conv.bias start at random")


def test_a_network_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    old = untrained_cfg(write_cfg(tmp_path))
    save_checkpoint(tmp_path / "old.safetensors", old.network.state_dict(), old.header)
    other = tmp_path / "other.cfg"
    other.write_text(
        "[net]\nwidth=64\nheight=64\nchannels=3\n[convolutional]\nfilters=11\n[yolo]\nanchors=9,9\nclasses=6\n"
    )
    new = untrained_cfg(other)
    with pytest.raises(InputError, match="none of its tensors fits other for the task detect"):
        start_from(new.network, new.header, tmp_path / "old.safetensors")


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds tiny-darknet, the training is of yolo-fastestv2"):
        started(save(tmp_path, ("a",), model="tiny-darknet"), ("a",))


def test_a_checkpoint_that_does_not_fit_its_own_header_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, ("a", "b"))
    header = Header(model=MODEL, labels=("a", "b"), anchors_px=COCO_ANCHORS_PX, width=352, height=352)
    save_checkpoint(path, YoloFastestV2(3).state_dict(), header)
    with pytest.raises(InputError, match="has shape"):
        started(path, ("a",))


def test_a_training_from_nothing_expects_few_objects() -> None:
    network = YoloFastestV2(2).eval()
    architecture(MODEL).initialise(network)
    maps = network(torch.rand(1, 3, 64, 64))
    assert float(maps[1].detach().sigmoid().mean()) == pytest.approx(0.01, rel=0.5)
