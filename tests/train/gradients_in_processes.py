"""Run by test_processes.py in two processes: losses and gradients of a whole batch, by one process and by both.

Prints one line of JSON: kind of loss -> [loss alone, loss together, largest relative difference of any gradient].
"""

import copy
import json
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn

from edgewright_train.darknet.cfg import parse_cfg
from edgewright_train.darknet.heads import heads_of
from edgewright_train.darknet.plan import plan_network
from edgewright_train.data.dataset import IGNORED
from edgewright_train.models.yolo_fastestv2 import COCO_ANCHORS_PX
from edgewright_train.processes import group
from edgewright_train.processes.group import Place, joined
from edgewright_train.processes.parallel import in_parallel
from edgewright_train.tasks.classify.loss import ClassifyLoss, sigmoid_loss, softmax_loss
from edgewright_train.tasks.detect.loss import Gains, detection_loss
from edgewright_train.tasks.detect.ssd_loss import SsdLoss, multibox_loss
from edgewright_train.tasks.detect.yolo_loss import yolo_loss
from edgewright_train.tasks.segment.loss import SegmentLoss, pixel_loss

N, K = 8, 3
Loss = Callable[[Tensor, Place], Tensor]  # (outputs of a share of the images, which share) -> loss


def _boxes(here: Place) -> Tensor:
    """(T, 6); the later images have more of them, so that the shares differ."""
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(N).repeat_interleave(torch.arange(N) // 2)
    drawn = torch.rand(len(images), 5, generator=generator, dtype=torch.float64)
    rows = torch.cat((images[:, None], (drawn[:, :1] * K).floor(), 0.2 + 0.5 * drawn[:, 1:]), 1)
    first = here.rank * N // here.count
    own = rows[(rows[:, 0] >= first) & (rows[:, 0] < first + N // here.count)].clone()
    own[:, 0] -= first
    return own


def _share(truth: Tensor, here: Place) -> Tensor:
    return truth[here.rank * N // here.count : (here.rank + 1) * N // here.count]


def _losses(cfg: str) -> dict[str, tuple[int, Loss]]:
    """Kind -> channels of the outputs, which are (n, channels, 4, 4), and the loss."""
    generator = torch.Generator().manual_seed(2)
    classes = torch.randint(0, K, (N,), generator=generator)
    shown = torch.rand(N, K, generator=generator, dtype=torch.float64).round()
    masks = torch.randint(0, K, (N, 4, 4), generator=generator).to(torch.uint8)
    masks[:2] = IGNORED
    labels = torch.randint(0, K + 1, (N, 16), generator=generator) * (torch.arange(N) > 2)[:, None]
    offsets = torch.rand(N, 16, 4, generator=generator, dtype=torch.float64)
    anchors_px = torch.tensor(COCO_ANCHORS_PX, dtype=torch.float64)
    heads = heads_of(plan_network(parse_cfg(cfg, source="tiny.cfg"), width=64, height=64)).yolo

    def fastest(outputs: Tensor, here: Place) -> Tensor:
        maps = outputs.split((12, 3, K), 1)
        small = [single[:, :, ::2, ::2] for single in maps]
        gains = Gains(box=3.0, objectness=4.0, classification=5.0)
        return detection_loss([*maps, *small], _boxes(here), anchors_px, (16, 32), gains).total

    def ssd(outputs: Tensor, here: Place) -> Tensor:
        rows = outputs.flatten(2).transpose(1, 2)
        settings = SsdLoss(box=1.0, classification=2.0, match_iou=0.5, negatives=3.0)
        return multibox_loss(rows[..., :4], rows[..., 4:], _share(labels, here), _share(offsets, here), settings).total

    smooth = ClassifyLoss(label_smoothing=0.1)
    weights = torch.tensor((1.0, 2.0, 0.5), dtype=torch.float64)
    return {
        "yolo-fastestv2": (12 + 3 + K, fastest),
        "yolo": (2 * (5 + K), lambda outputs, here: yolo_loss([outputs], _boxes(here), heads).total),
        "ssd": (4 + K + 1, ssd),
        "classify": (K, lambda outputs, here: softmax_loss(outputs.mean((2, 3)), _share(classes, here), smooth).total),
        "multi_label": (K, lambda outputs, here: sigmoid_loss(outputs.mean((2, 3)), _share(shown, here), smooth).total),
        "segment": (
            K,
            lambda outputs, here: (
                pixel_loss(outputs, _share(masks, here), weights, SegmentLoss(class_weights=(), dice=0.5)).total
            ),
        ),
    }


def _network(num_outputs: int) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, num_outputs, 3, 2, 1))
    return nn.Sequential(*layers).double()


def _compare(loss: Loss, num_outputs: int, here: Place) -> tuple[float, float, float]:
    images = torch.rand(N, 3, 16, 16, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    together = _network(num_outputs)
    alone = copy.deepcopy(together)
    parallel = in_parallel(together, True, torch.device("cpu"))
    ours = loss(parallel(_share(images, here)), here)
    ours.backward()
    known, group.place = group.place, lambda: group.ALONE
    whole = loss(alone(images), group.ALONE)
    whole.backward()
    group.place = known
    pairs = zip(alone.parameters(), together.parameters(), strict=True)
    largest = max(float((a.grad - b.grad).abs().max() / a.grad.abs().max().clamp(min=1e-6)) for a, b in pairs)
    statistics = zip(alone.buffers(), together.buffers(), strict=True)
    largest = max(largest, *(float((a - b).abs().max()) for a, b in statistics))
    return whole.item(), ours.item(), largest


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    with joined(torch.device("cpu")) as here:
        found = {kind: _compare(loss, channels, here) for kind, (channels, loss) in _losses(sys.argv[1]).items()}
        if here.rank == 0:
            print(json.dumps(found))
