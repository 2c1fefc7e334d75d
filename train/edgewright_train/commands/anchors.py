"""`edgewright-anchors`: anchors fitted to the boxes of a data set, and how well they cover them."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..command import Parser, emit, run_command, share_cores, size_wxh
from ..errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST = 100

_DESCRIPTION = """\
Fit anchors to the boxes of a data set: k-means over their widths and heights at the network's input, with the distance
1 - IoU.  Prints how well they cover the boxes, beside the network's own anchors: the IoU of a box with its best anchor
when both lie in the same place, as a mean, and the share of boxes for which it is above 0.5."""

_EPILOG = """\
examples:
  edgewright-anchors --data=my/dataset.toml --model=yolo-fastestv2
  edgewright-anchors --data=my/dataset.toml --cfg=yolov4-tiny.cfg --size=416
  edgewright-anchors --data=my/dataset.toml --size=320x256 --count=9

anchors = "auto" in a recipe fits them when a training starts: these, if the seed and the size are the same."""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = Parser(
        prog="edgewright-anchors",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="dataset.toml, .data file, COCO json or folder (default: generated images)")
    parser.add_argument("--model", help="a detector of the zoo with anchors, for example yolo-fastestv2")
    parser.add_argument("--cfg", help="or a darknet .cfg with [yolo]")
    parser.add_argument("--size", help="input WIDTHxHEIGHT (default: the network's)")
    parser.add_argument("--count", type=int, help="anchors in all (default: as many as the network has)")
    parser.add_argument("--split", default="train", help="whose boxes (train)")
    parser.add_argument("--seed", type=int, default=0, help="of the starts of k-means (0)")
    parser.add_argument(
        "--skip-bad", nargs="?", const="1", choices=("0", "1"), default="0", help="leave bad records out"
    )
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _fit, argv)


def _fit(arguments: argparse.Namespace) -> int:
    if arguments.count is not None and not 1 <= arguments.count <= _MOST:
        raise InputError(f"COUNT={arguments.count}: must be a whole number from 1 to {_MOST}")
    if not 0 <= arguments.seed < 1 << 63:
        raise InputError(f"SEED={arguments.seed}: must be a whole number from 0 to {(1 << 63) - 1}")
    share_cores()
    import numpy as np  # noqa: PLC0415

    from ..data.problems import Problems  # noqa: PLC0415
    from ..data.resolve import open_split  # noqa: PLC0415
    from ..tasks.detect.anchors import box_sizes, fit_anchors  # noqa: PLC0415

    network, size_wh, own = _network(arguments)
    count = arguments.count or sum(map(len, own))
    problems = Problems(skip=arguments.skip_bad == "1")
    dataset = open_split(arguments.data, arguments.split, "detect", problems)
    sizes = box_sizes(dataset, size_wh)
    fitted = fit_anchors(sizes, count, seed=arguments.seed)
    after = _cover(sizes, np.round(fitted, 2))
    before = _cover(sizes, np.array([anchor for scale in own for anchor in scale])) if own else None
    where = f"{dataset.name}: {len(sizes)} boxes at {size_wh[0]}x{size_wh[1]}"
    lines = [f"{where}, {count} anchors{f' for {network}' if network else ''}"]
    lines += [f"  {title:<7} {_text(cover)}" for title, cover in (("before", before), ("fitted", after)) if cover]
    lines += [f"  left out {len(problems.found)} bad records"] if problems.found else []
    lines += ["", *_use(after["anchors"], fits_network=bool(own) and count == sum(map(len, own)))]
    record = {"data": dataset.name, "boxes": len(sizes), "size_wh": list(size_wh), "bad_records": list(problems.found)}
    record |= {"before": before, "fitted": after}
    emit("\n".join(lines), record, arguments.json)
    return 0


def _network(arguments: argparse.Namespace) -> tuple[str, tuple[int, int], tuple[Any, ...]]:
    """Name, input size and anchors by scale; without a network, the size alone."""
    from ..models import check_size  # noqa: PLC0415
    from ..training.recipe_network import find_architecture  # noqa: PLC0415

    size_wh = size_wxh(arguments.size) if arguments.size else None
    if not arguments.model and not arguments.cfg:
        if not size_wh or not arguments.count:
            raise InputError("MODEL= or CFG= is needed; or SIZE= and COUNT=")
        return "", size_wh, ()
    network = arguments.model or arguments.cfg
    arch = find_architecture(arguments.model or "", arguments.cfg or "", "detect", size_wh)
    if not arch.default_anchors_px:
        raise InputError(f"{network}: has no anchors to fit; without MODEL=, SIZE= and COUNT= fit any number")
    size_wh = size_wh or arch.default_size_wh
    check_size(network, arch, *size_wh)
    return network, size_wh, arch.default_anchors_px


def _cover(sizes: "NDArray[np.float64]", anchors: "NDArray[np.float64]") -> dict[str, Any]:
    from ..tasks.detect.anchors import size_iou  # noqa: PLC0415

    overlap = size_iou(sizes, anchors)
    best = overlap.max(1)
    boxes = [int((overlap.argmax(1) == index).sum()) for index in range(len(anchors))]
    return {
        "mean_best_iou": float(best.mean()),
        "share_above_0.5": float((best > 0.5).mean()),
        "anchors": anchors.tolist(),
        "boxes_per_anchor": boxes,
    }


def _text(cover: dict[str, Any]) -> str:
    pairs = zip(cover["anchors"], cover["boxes_per_anchor"], strict=True)
    shown = "  ".join(f"{w:g}x{h:g} ({count})" for (w, h), count in pairs)
    return f"mean best IoU {cover['mean_best_iou']:.3f}, {100 * cover['share_above_0.5']:.1f} % above 0.5:  {shown}"


def _use(anchors: list[list[float]], *, fits_network: bool) -> list[str]:
    lines = ["in brackets: the boxes for which an anchor is the best"]
    lines += ['to train with them: anchors = "auto" in the recipe'] if fits_network else []
    return [*lines, f"in a cfg: anchors = {', '.join(f'{w:g},{h:g}' for w, h in anchors)}"]


if __name__ == "__main__":
    raise SystemExit(main())
