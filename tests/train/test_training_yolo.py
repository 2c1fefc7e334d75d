"""Darknet's [yolo] heads learn what the cfg says, cell by cell."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shared_material import SHARED, needs_shared
from torch import Tensor
from training_runs import train, write_recipe

from edgewright_train.checkpoint import Header
from edgewright_train.darknet.cfg import parse_cfg
from edgewright_train.darknet.heads import YoloHead, heads_of
from edgewright_train.darknet.plan import plan_network
from edgewright_train.errors import InputError
from edgewright_train.inference import decode_of
from edgewright_train.models import ARCHITECTURES
from edgewright_train.models.lightnet import BDD100K_ANCHORS_PX
from edgewright_train.new_network import untrained_cfg
from edgewright_train.tasks.detect.decode import detect
from edgewright_train.tasks.detect.overlap import OVERLAPS
from edgewright_train.tasks.detect.yolo import YoloDecode
from edgewright_train.tasks.detect.yolo_assign import assign_yolo
from edgewright_train.tasks.detect.yolo_heads import heads_of_decode
from edgewright_train.tasks.detect.yolo_loss import YoloLoss, yolo_loss
from edgewright_train.tasks.objective import objective_of

ANCHORS = "10,14, 23,27, 37,58, 81,82"


def cfg(*, coarse: str = "2,3", fine: str = "0,1", activation: str = "linear", **options: object) -> str:
    """Two heads at strides 16 and 8 of 64x48 pixels, three classes."""
    shared = "\n".join(f"{key}={value}" for key, value in options.items())
    conv = "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky\n"

    def head(mask: str) -> str:
        filters = 8 * len(mask.split(","))
        return (
            f"[convolutional]\nfilters={filters}\nactivation={activation}\n"
            f"[yolo]\nmask={mask}\nanchors={ANCHORS}\nnum=4\nclasses=3\n{shared}\n"
        )

    net = "[net]\nwidth=64\nheight=48\nchannels=3\n"
    return f"{net}{conv * 4}{head(coarse)}[route]\nlayers=2\n{head(fine)}"


def heads(text: str) -> tuple[YoloHead, ...]:
    return heads_of(plan_network(parse_cfg(text, source="x.cfg"))).yolo


def random_maps(found: tuple[YoloHead, ...], seed: int = 0) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    maps = []
    for head in found:
        shape = (2, 8 * len(head.anchors_px), 48 // head.strides_wh[1], 64 // head.strides_wh[0])
        values = torch.randn(shape, generator=rng)
        maps.append((values.sigmoid() if head.new_coords else values).requires_grad_())
    return maps


def random_targets(count: int, seed: int = 0) -> Tensor:
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        (rng.integers(0, 2, (count, 1)), rng.integers(0, 3, (count, 1)), rng.random((count, 2)),
         rng.uniform(0.05, 0.9, (count, 2))), 1,
    )  # fmt: skip
    return torch.from_numpy(rows.astype(np.float32))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def entropy(p: float, truth: float) -> float:
    return -truth * math.log(p) - (1 - truth) * math.log(1 - p)


def box_of(values: Any, a: int, i: int, j: int, head: YoloHead, grid: tuple[int, int]) -> list[float]:
    stretch = head.scale_x_y
    x, y = (v if head.new_coords else sigmoid(v) for v in values[:2])
    side = [(2 * t) ** 2 if head.new_coords else math.exp(t) for t in values[2:4]]
    return [
        (x * stretch - (stretch - 1) / 2 + i) / grid[0],
        (y * stretch - (stretch - 1) / 2 + j) / grid[1],
        side[0] * head.anchors_px[a][0] / 64,
        side[1] * head.anchors_px[a][1] / 48,
    ]


def places(head: YoloHead, grid: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    for n in range(2):
        for a in range(len(head.anchors_px)):
            for j in range(grid[1]):
                for i in range(grid[0]):
                    yield n, a, j, i


def shape_iou(w: float, h: float, anchor: tuple[float, float]) -> float:
    both = min(w, anchor[0]) * min(h, anchor[1])
    return both / (w * h + anchor[0] * anchor[1] - both)


def by_hand(single: Tensor, targets: Tensor, head: YoloHead) -> list[float]:
    """[box, objectness, classification] of one head, one prediction after the other."""
    o, truths = head.options, targets.tolist()
    planes = single.detach().view(2, len(head.anchors_px), 8, *single.shape[2:]).double().numpy()
    grid = (single.shape[3], single.shape[2])
    counters = o.counters_per_class or (1, 1, 1)
    weight = [max(counters) / c for c in counters]
    box_loss = object_loss = class_loss = 0.0
    for n, a, j, i in places(head, grid):
        values = planes[n, a, :, j, i]
        p = [v if head.new_coords else sigmoid(v) for v in values[4:]]
        here = []
        for image, index, cx, cy, w, h in truths:
            fits = [shape_iou(w * 64, h * 48, anchor) for anchor in o.anchors]
            best = fits.index(max(fits)) == o.used_mask[a]
            extra = o.iou_thresh < 1 and fits[o.used_mask[a]] > o.iou_thresh
            if image == n and int(cx * grid[0]) == i and int(cy * grid[1]) == j and (best or extra):
                here.append((int(index), [cx, cy, w, h]))
        found = box_of(values, a, i, j, head, grid)
        if not here:
            forgiven = any(
                t[0] == n and p[1 + int(t[1])] > 0.25
                and float(OVERLAPS["iou"](torch.tensor(found), torch.tensor(t[2:]))) > o.ignore_thresh
                for t in truths
            )  # fmt: skip
            object_loss += 0 if forgiven else entropy(p[0], 0)
            continue
        object_loss += max(weight[index] for index, _ in here) * entropy(p[0], 1)
        for k in range(3):
            known = k in {index for index, _ in here}
            smooth = known * (1 - o.label_smooth_eps) + o.label_smooth_eps / 2
            class_loss += entropy(p[1 + k], smooth) * (
                weight[k] * o.cls_normalizer if known and o.counters_per_class else 1
            )
        for index, truth in here:
            if o.iou_loss == "mse":
                cx, cy, w, h = truth
                ratios = w * 64 / head.anchors_px[a][0], h * 48 / head.anchors_px[a][1]
                sides = [math.sqrt(r) / 2 if head.new_coords else math.log(r) for r in ratios]
                wanted = [cx * grid[0] - i, cy * grid[1] - j, *sides]
                got = [found[0] * grid[0] - i, found[1] * grid[1] - j, *values[2:4]]
                error = (2 - w * h) * sum((x - y) ** 2 for x, y in zip(wanted, got, strict=True)) / 2
            else:
                pair = torch.tensor([found]), torch.tensor([truth], dtype=torch.float32)
                error = 1 - float(OVERLAPS[o.iou_loss](*pair))
            box_loss += weight[index] * error / len(here)
    return [o.iou_normalizer * box_loss, o.obj_normalizer * object_loss, class_loss]


CASES: dict[str, dict[str, object]] = {
    "defaults": {},
    "yolo-fastest": {"iou_loss": "ciou", "iou_normalizer": 0.07, "iou_thresh": 0.213, "ignore_thresh": 0.3},
    "yolov4-tiny": {"coarse": "2,3", "fine": "1,2", "iou_loss": "giou", "scale_x_y": 1.05, "obj_normalizer": 0.4},
    "lightnet": {
        "activation": "logistic", "new_coords": 1, "scale_x_y": 2.0, "iou_loss": "diou", "ignore_thresh": 0.2,
        "counters_per_class": "8,2,1", "cls_normalizer": 0.25,
    },
    "new coordinates, squares": {"activation": "logistic", "new_coords": 1, "scale_x_y": 2.0, "label_smooth_eps": 0.1},
    "iou": {"iou_loss": "iou", "iou_thresh": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_loss_is_that_of_every_prediction_taken_by_itself(case: str) -> None:
    found = heads(cfg(**CASES[case]))  # type: ignore[arg-type]
    maps, targets = random_maps(found), random_targets(12)
    loss = yolo_loss(maps, targets, found)
    expected = np.sum([by_hand(m, targets, head) for m, head in zip(maps, found, strict=True)], 0) / 2
    names = ("box", "objectness", "classification")
    np.testing.assert_allclose([float(loss.terms[name].detach()) for name in names], expected, rtol=1e-4)
    assert float(loss.total.detach()) == pytest.approx(float(expected.sum()), rel=1e-4)
    loss.total.backward()
    assert all(single.grad is not None and torch.isfinite(single.grad).all() for single in maps)


def test_objects_that_share_a_cell_and_an_anchor_share_its_box_and_all_show_their_class() -> None:
    found = heads(cfg(iou_loss="ciou"))
    twins = torch.tensor([[0, 0, 0.4, 0.4, 0.15, 0.3], [0, 2, 0.41, 0.41, 0.15, 0.3]])
    maps = random_maps(found)
    loss = yolo_loss(maps, twins, found)
    expected = np.sum([by_hand(m, twins, head) for m, head in zip(maps, found, strict=True)], 0) / 2
    np.testing.assert_allclose([float(term.detach()) for term in loss.terms.values()], expected, rtol=1e-4)


def test_without_objects_everything_is_background() -> None:
    found = heads(cfg())
    maps = random_maps(found)
    loss = yolo_loss(maps, torch.zeros(0, 6), found)
    loss.total.backward()
    assert float(loss.terms["box"].detach()) == float(loss.terms["classification"].detach()) == 0
    assert float(loss.terms["objectness"].detach()) > 0
    assert all(single.grad is not None and torch.isfinite(single.grad).all() for single in maps)


def test_sides_beyond_what_a_float_holds_stay_finite() -> None:
    found = heads(cfg(iou_loss="ciou"))
    maps = [torch.full_like(single, 200.0).requires_grad_() for single in random_maps(found)]
    loss = yolo_loss(maps, random_targets(5), found)
    loss.total.backward()
    assert torch.isfinite(loss.total)
    assert all(single.grad is not None and torch.isfinite(single.grad).all() for single in maps)


def learnt_maps(targets: Tensor, found: tuple[YoloHead, ...]) -> list[Tensor]:
    """What a network without `new_coords` gives that has learnt the targets."""
    maps = []
    for head, blank in zip(found, random_maps(found), strict=True):
        height, width = blank.shape[2:]
        single = torch.full_like(blank, -12.0).detach()
        planes = single.view(2, len(head.anchors_px), 8, height, width)
        matches = assign_yolo(targets, head, (width, height))
        for n, a, j, i, t in zip(*(column.tolist() for column in (*matches.where, matches.target)), strict=True):
            _, index, cx, cy, w, h = targets[t].tolist()
            x, y = ((c + (head.scale_x_y - 1) / 2) / head.scale_x_y for c in (cx * width - i, cy * height - j))
            anchor = head.anchors_px[a]
            sides = math.log(w * 64 / anchor[0]), math.log(h * 48 / anchor[1])
            planes[n, a, :4, j, i] = torch.tensor([math.log(x / (1 - x)), math.log(y / (1 - y)), *sides])
            planes[n, a, [4, 5 + int(index)], j, i] = 12.0
        maps.append(single)
    return maps


@pytest.mark.parametrize("options", [{}, {"iou_loss": "ciou", "iou_thresh": 0.3, "scale_x_y": 1.2}])
def test_a_network_that_has_learnt_its_targets_detects_the_objects_and_loses_nothing(
    options: dict[str, object], tmp_path: Path
) -> None:
    targets = torch.tensor([[0, 0, 0.3, 0.4, 0.2, 0.3], [0, 2, 0.7, 0.6, 0.5, 0.6], [0, 1, 0.1, 0.9, 0.15, 0.2]])
    text = cfg(**options)  # type: ignore[arg-type]
    found = heads(text)
    maps = learnt_maps(targets, found)
    assert float(yolo_loss(maps, targets, found).total) == pytest.approx(0, abs=0.02)
    decode = decode_of(header_of(text, tmp_path))
    assert isinstance(decode, YoloDecode)
    seen = detect({scale.output: single[0].numpy() for scale, single in zip(decode.scales, maps, strict=True)}, decode)
    order = np.argsort(seen.class_indices)
    centre, side = targets[[0, 2, 1], 2:4].numpy() * (64, 48), targets[[0, 2, 1], 4:].numpy() * (64, 48)
    assert seen.class_indices[order].tolist() == [0, 1, 2]
    corners = np.concatenate((centre - side / 2, centre + side / 2), 1)
    np.testing.assert_allclose(seen.boxes_xyxy[order], corners, atol=0.01)


def header_of(text: str, folder: Path) -> Header:
    (folder / "x.cfg").write_text(text)
    return untrained_cfg(folder / "x.cfg").header


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"focal_loss": 1}, r"x\.cfg:\d+: \[yolo\] focal_loss=1: training only knows"),
        ({"truth_thresh": 0.7}, "truth_thresh=0.7: training only knows"),
    ],
)
def test_options_that_training_does_not_follow_are_refused(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        objective_of(header_of(cfg(**options), tmp_path), YoloLoss())  # type: ignore[arg-type]


@needs_shared
def test_lightnet_by_name_learns_as_its_cfg_does() -> None:
    """All that decides targets and loss, but the counts of BDD100K's classes."""
    path = SHARED / "weights/darknet/lightNet-BDD100K-1280x960.cfg"
    published = heads_of(plan_network(parse_cfg(path.read_text(), source=path.name), width=1280, height=960)).yolo
    decode = ARCHITECTURES["lightnet"]["detect"].decode((1280, 960), BDD100K_ANCHORS_PX)
    assert isinstance(decode, YoloDecode)
    ours = heads_of_decode(decode, 10)
    for head, theirs in zip(ours, published, strict=True):
        for name in ("strides_wh", "anchors_px", "num_classes", "scale_x_y", "new_coords"):
            assert getattr(head, name) == getattr(theirs, name)
        ignored = {"counters_per_class", "jitter", "resize", "random"}
        for name in set(type(head.options).model_fields) - ignored:
            assert getattr(head.options, name) == getattr(theirs.options, name), name


def test_a_network_of_the_zoo_with_yolo_heads_trains(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, "yolo-shapes", model="lightnet", cfg="", epochs=1)
    assert train(tmp_path, recipe) == 0
