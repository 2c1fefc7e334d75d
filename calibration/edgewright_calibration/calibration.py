"""calibration.json: the ranges of a network by every method, and everything needed to find them again."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from torch import fx

from edgewright_export.capture import capture, runnable
from edgewright_export.image_records import DatasetRecord, ImageRecord
from edgewright_export.manifest import Fraction, Name, Sha256
from edgewright_train.atomic import atomic_file
from edgewright_train.checkpoint import Checkpoint
from edgewright_train.errors import InputError
from edgewright_train.inference import preprocess_of
from edgewright_train.models.architecture import Task
from edgewright_train.schema import Record, parse_record_json
from edgewright_train.tasks.evaluation import Progress
from edgewright_train.untrusted_file import read_at_most
from edgewright_train.vision.preprocess import Preprocess

from .clipping import clipped_share
from .collect import collect_statistics
from .images import LARGEST_COUNT, SMALLEST_COUNT, CalibrationImages
from .methods import METHODS
from .ranges import Range, Ranges

FILE_NAME = "calibration.json"
_MAX_BYTES = 64 << 20
_DISTRIBUTIONS = ("edgewright", "numpy", "opencv-python-headless", "torch")  # all that ranges depend on


class Calibration(Record):
    """See docs/calibration.md.

    Attributes:
        preprocess: from an image to the network's input, whose size it holds.
        seed: that chose the images.
        images: in the order in which they were used.
        tools: package -> version.
        clipped: method -> share of all values of all nodes that its ranges cut off.
        ranges: method -> node -> range.
    """

    format_version: Literal[1] = 1
    model: Name
    task: Task
    checkpoint_sha256: Sha256
    preprocess: Preprocess
    dataset: DatasetRecord
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    images: tuple[ImageRecord, ...] = Field(min_length=SMALLEST_COUNT, max_length=LARGEST_COUNT)
    tools: dict[str, str]
    clipped: dict[str, Fraction]
    ranges: dict[str, dict[str, Range]] = Field(min_length=1)

    @model_validator(mode="after")
    def _same_nodes_by_all_methods(self) -> "Calibration":
        nodes = list(next(iter(self.ranges.values())))
        if not nodes:
            raise ValueError("ranges: there must be at least one node")
        if different := [method for method, ranges in self.ranges.items() if list(ranges) != nodes]:
            raise ValueError(f"ranges.{different[0]}: its nodes are not those of the first method, in their order")
        if list(self.clipped) != list(self.ranges):
            raise ValueError("clipped: its methods are not those of ranges, in their order")
        return self

    @property
    def json_bytes(self) -> bytes:
        """The file's content."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the file's content."""
        return hashlib.sha256(self.json_bytes).hexdigest()

    def ranges_of(self, method: str) -> Ranges:
        """Raises `InputError` for an unknown method, naming the known ones."""
        if method not in self.ranges:
            raise InputError(f"METHOD={method}: unknown; choose from: {', '.join(self.ranges)}")
        return Ranges(method=method, nodes=self.ranges[method])


def calibrate(
    checkpoint: Checkpoint,
    checkpoint_sha256: str,
    images: CalibrationImages,
    *,
    graph_module: fx.GraphModule | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Run the network on the images, at the size its header says, and choose ranges by every method.

    `graph_module`: the captured graph, if the caller has it (`runnable(capture(...))`); nodes are named after it.
    """
    header, preprocess = checkpoint.header, preprocess_of(checkpoint.header)
    if graph_module is None:
        deployed = header.architecture.deploy(checkpoint.network)
        graph_module = runnable(capture(deployed, header.width, header.height))
    statistics = collect_statistics(graph_module, preprocess, images, progress)
    ranges = {name: {node: method(found) for node, found in statistics.items()} for name, method in METHODS.items()}
    return Calibration(
        model=header.model,
        task=header.task,
        checkpoint_sha256=checkpoint_sha256,
        preprocess=preprocess,
        dataset=DatasetRecord(name=images.dataset.name, sha256=images.dataset.fingerprint, split=images.split),
        seed=images.seed,
        images=tuple(ImageRecord(name=entry.name, sha256=entry.sha256) for entry in images.entries),
        tools={name: version(name) for name in _DISTRIBUTIONS},
        clipped={name: clipped_share(statistics.values(), nodes) for name, nodes in ranges.items()},
        ranges=ranges,
    )


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Atomically; the same calibration gives the same bytes."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(calibration.json_bytes)


def read_calibration(path: Path) -> Calibration:
    """Raises `InputError` naming the field for anything but a whole calibration."""
    return parse_record_json(Calibration, read_at_most(path, _MAX_BYTES, "a calibration"), source=str(path))
