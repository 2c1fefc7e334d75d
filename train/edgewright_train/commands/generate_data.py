"""`edgewright-data`: the generated data set, written to disk."""

import argparse
import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..atomic import atomic_dir
from ..command import Parser, emit, run_command, size_wxh
from ..errors import InputError

_MARKER = ".made-by-edgewright-data"
_MAX_COUNT = 1_000_000

_DESCRIPTION = """\
Write the generated data set (images of shapes with boxes, masks and image classes) to a folder in darknet layout.
The same seed, count and size always give the same images.  A folder that an earlier call wrote is replaced."""

_EPILOG = """\
example:
  edgewright-data --out=data/shapes --seed=7 --count=500
  edgewright-train --model=yolo-fastestv2 --data=data/shapes"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="edgewright-data",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="decides every image (default: 0)")
    parser.add_argument("--count", type=int, default=2000, help="training images; a tenth as many to validate (2000)")
    parser.add_argument("--size", default="352x352", metavar="WxH", help="of the images, in pixels (352x352)")
    parser.add_argument("--json", help="write the result there as JSON; - for standard output")
    return run_command(parser, _write, argv)


def _write(arguments: argparse.Namespace) -> int:
    from ..data.shapes.dataset import ShapesDataset  # noqa: PLC0415
    from ..data.shapes.write_darknet import write_darknet  # noqa: PLC0415
    from ..progress import counted  # noqa: PLC0415

    out = Path(arguments.out).resolve()
    _check_replaceable(out)
    counts = {"train": arguments.count, "val": max(1, arguments.count // 10)}
    size_wh = size_wxh(arguments.size)
    _check_numbers(arguments.seed, arguments.count)
    datasets = {
        split: ShapesDataset(split, seed=arguments.seed, count=count, size_wh=size_wh)
        for split, count in counts.items()
    }
    total, written = sum(counts.values()), itertools.count(1)
    with atomic_dir(out) as folder, counted("writing images") as report:
        (folder / _MARKER).touch()
        write_darknet(folder, datasets, advance=lambda: report(next(written), total))
    fingerprints = {split: dataset.fingerprint for split, dataset in datasets.items()}
    text = (
        f"wrote {counts['train']} training and {counts['val']} validation images to {arguments.out}\n"
        f"look at them: {Path(arguments.out) / 'preview.png'}\n"
        f"next: make train MODEL=yolo-fastestv2 DATA={shlex.quote(arguments.out)}"
    )
    record = {"path": str(out), "images": counts, "seed": arguments.seed, "fingerprints": fingerprints}
    emit(text, record, arguments.json)
    return 0


def _check_replaceable(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"OUT={out}: is a file; give a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / _MARKER).is_file():
        raise InputError(f"OUT={out}: holds files that edgewright-data did not write; remove it or give another folder")


def _check_numbers(seed: int, count: int) -> None:
    if not 0 <= seed < 1 << 63:
        raise InputError(f"SEED={seed}: must be a whole number from 0 to {(1 << 63) - 1}")
    if not 1 <= count <= _MAX_COUNT:
        raise InputError(f"COUNT={count}: must be a whole number from 1 to {_MAX_COUNT}")


if __name__ == "__main__":
    raise SystemExit(main())
