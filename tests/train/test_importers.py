"""Foreign checkpoints come in whole and checked, or not at all."""

import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared

from edgewright_train.checkpoint import load_checkpoint, read_tensors
from edgewright_train.commands import import_weights as import_cli
from edgewright_train.errors import InputError
from edgewright_train.importers.torch_pickle import read_state_dict
from edgewright_train.inference import preprocess_of
from edgewright_train.models.yolo_fastestv2 import Backbone, YoloFastestV2

PUBLISHED = SHARED / "weights/yolo-fastestv2/coco2017-0.241078ap-model.pth"


def run_import(weights: Path, out: Path, *options: str) -> int:
    return import_cli.main(["--model=yolo-fastestv2", f"--weights={weights}", f"--out={out}", *options])


@pytest.fixture
def three_classes(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "three.pth"
    torch.save(YoloFastestV2(3).state_dict(), path)
    return path


@needs_shared
def test_published_detector_gives_the_published_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_import(PUBLISHED, tmp_path / "coco.safetensors") == 0
    assert "COCO" in capsys.readouterr().err
    checkpoint = load_checkpoint(tmp_path / "coco.safetensors")
    assert checkpoint.header.labels[0] == "person"
    assert checkpoint.header.labels[79] == "toothbrush"
    fixture = np.load(SHARED / "fixtures/yolo-fastestv2/yfv2_coco_raw_b2_96x160.npz")
    with torch.no_grad():
        maps = checkpoint.network(torch.from_numpy(fixture["input"]))
    names = ("reg_s16", "obj_s16", "cls_s16", "reg_s32", "obj_s32", "cls_s32")
    for name, found in zip(names, maps, strict=True):
        np.testing.assert_allclose(found.numpy(), fixture[name], atol=1e-5)


@needs_shared
def test_published_backbone_is_kept_as_a_backbone(tmp_path: Path) -> None:
    out = tmp_path / "backbone.safetensors"
    assert run_import(SHARED / "weights/yolo-fastestv2/backbone.pth", out) == 0
    header, tensors = read_tensors(out)
    assert header.content == "backbone"
    assert set(tensors) == {name for name in YoloFastestV2(1).state_dict() if name.startswith("backbone.")}
    with pytest.raises(InputError, match="holds only a backbone"):
        load_checkpoint(out)


def test_values_survive_and_the_data_parallel_prefix_goes(three_classes: Path, tmp_path: Path) -> None:
    tensors = torch.load(three_classes, weights_only=True)
    torch.save({f"module.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "parallel.pth")
    assert run_import(tmp_path / "parallel.pth", tmp_path / "out.safetensors") == 0
    header, imported = read_tensors(tmp_path / "out.safetensors")
    assert imported.keys() == tensors.keys()
    assert all(torch.equal(imported[name], tensors[name]) for name in tensors)
    assert header.labels == ("class_0", "class_1", "class_2")


def test_importing_twice_gives_the_same_bytes(three_classes: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    assert [run_import(three_classes, out) for out in outs] == [0, 0]
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_names_and_size_go_into_the_header(three_classes: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("cat\ntraffic light\n\ndög\n", encoding="utf-8")
    out = tmp_path / "out.safetensors"
    assert run_import(three_classes, out, f"--classes={names}", "--size=320x192") == 0
    header, _ = read_tensors(out)
    assert header.labels == ("cat", "traffic light", "dög")
    assert (header.width, header.height) == (320, 192)


def test_malicious_pickle_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {trace}",)

    bare, zipped = tmp_path / "bare.pth", tmp_path / "zipped.pth"
    bare.write_bytes(pickle.dumps({"first_conv.0.weight": Payload()}, protocol=2))
    torch.save({"first_conv.0.weight": Payload()}, zipped)
    for weights in (bare, zipped):
        assert run_import(weights, tmp_path / "out.safetensors") == 2
        assert "system" in capsys.readouterr().err
    assert not trace.exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_unusable_files_are_one_line_and_exit_2(
    three_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = three_classes.read_bytes()
    other = torch.nn.Linear(3, 4).state_dict()
    huge = dict.fromkeys(("a", "b"), torch.zeros(1).expand(1 << 29))
    cases: dict[str, tuple[bytes | object, str]] = {
        "truncated": (whole[: len(whole) // 2], "not a whole PyTorch file"),
        "text": (b"hello, not a checkpoint\n", "not a whole PyTorch file"),
        "empty": (b"", "not a whole PyTorch file"),
        "list": ([1, 2], "not a state dict"),
        "wrapped": ({"state_dict": other}, "bare state dict"),
        "other_network": (other, "missing tensor backbone.first_conv.0.weight (and 445 more differences)"),
        "claims_gigabytes": (huge, "at most"),
    }
    for name, (content, message) in cases.items():
        weights = tmp_path / f"{name}.pth"
        if isinstance(content, bytes):
            weights.write_bytes(content)
        else:
            torch.save(content, weights)
        assert run_import(weights, tmp_path / "out.safetensors") == 2, name
        error = capsys.readouterr().err
        assert message in error, name
        assert str(weights) in error
        assert error.count("\n") == 1
    assert run_import(tmp_path / "absent.pth", tmp_path / "out.safetensors") == 2
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("fpn.conv1x1_2.0.weight"), "missing tensor fpn.conv1x1_2.0.weight"),
        (lambda t: t.update(extra=torch.zeros(1)), "unknown tensor extra"),
        (lambda t: t["output_obj_layers.bias"].fill_(float("nan")), "output_obj_layers.bias holds NaN"),
        (lambda t: t.update({"output_obj_layers.bias": torch.zeros(5)}), r"shape \(5,\), the network needs \(3,\)"),
    ],
)
def test_any_difference_from_the_network_is_named(
    three_classes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], object],
    message: str,
) -> None:
    tensors = torch.load(three_classes, weights_only=True)
    change(tensors)
    torch.save(tensors, tmp_path / "changed.pth")
    assert run_import(tmp_path / "changed.pth", tmp_path / "out.safetensors") == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_backbone_with_a_missing_tensor_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = Backbone().state_dict()
    del tensors["stage4.3.branch_main.6.weight"]
    torch.save(tensors, tmp_path / "backbone.pth")
    assert run_import(tmp_path / "backbone.pth", tmp_path / "out.safetensors") == 2
    assert "missing tensor stage4.3.branch_main.6.weight" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat\ndog\n", "names 2 classes, but"),
        ("cat\ndog\ncat\n", "names.txt:3: class 'cat' was already named on line 1"),
        ("\n", "names no class"),
    ],
)
def test_class_names_that_do_not_fit_are_refused(
    three_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    names = tmp_path / "names.txt"
    names.write_text(text)
    assert run_import(three_classes, tmp_path / "out.safetensors", f"--classes={names}") == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("stretch", None)),
        (["--resize=letterbox"], ("letterbox", 114)),
        (["--resize=letterbox", "--padding=0"], ("letterbox", 0)),
    ],
)
def test_a_checkpoint_remembers_how_images_came_to_its_size(
    three_classes: Path, tmp_path: Path, options: list[str], expected: tuple[str, int | None]
) -> None:
    assert run_import(three_classes, tmp_path / "out.safetensors", *options) == 0
    header = load_checkpoint(tmp_path / "out.safetensors").header
    preprocess = preprocess_of(header)
    assert (header.resize, header.padding) == (preprocess.resize, preprocess.padding) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--padding=114"], "PADDING=114: images that are stretched have none"),
        (["--resize=letterbox", "--padding=256"], "PADDING=256: give 0 to 255"),
        (["--resize=letterbox", "--padding=-1"], "PADDING=-1: give 0 to 255"),
    ],
)
def test_padding_that_cannot_be_is_refused(
    three_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert run_import(three_classes, tmp_path / "out.safetensors", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_unknown_model_and_size_are_refused(three_classes: Path, tmp_path: Path) -> None:
    assert run_import(three_classes, tmp_path / "o", "--size=350x352") == 2
    assert import_cli.main(["--model=yolo-v99", f"--weights={three_classes}", f"--out={tmp_path / 'o'}"]) == 2


def test_a_file_that_claims_to_unpack_to_too_much_is_refused_before_loading(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("archive/data.pkl", "w", force_zip64=True) as entry,
    ):
        for _ in range(65):
            entry.write(bytes(1 << 24))
    with pytest.raises(InputError, match="at most"):
        read_state_dict(tmp_path / "bomb.pth")
