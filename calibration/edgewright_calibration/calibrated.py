"""From a choice of images to a network's ranges: what everything in few bits starts from."""

from dataclasses import dataclass
from pathlib import Path

from torch import fx

from edgewright_export.source import Source
from edgewright_train.progress import counted

from .calibration import FILE_NAME, Calibration, calibrate, write_calibration
from .images import CalibrationImages, calibration_images


@dataclass(frozen=True)
class CalibrationRequest:
    """Which images; see `calibration_images`."""

    data: str | None
    split: str
    count: int
    seed: int


def calibrated(
    source: Source, graph_module: fx.GraphModule, request: CalibrationRequest, out: Path
) -> tuple[Calibration, CalibrationImages]:
    """Written to `out`/<model>/calibration.json as well.  Progress is shown on stderr.  Raises `InputError`."""
    header = source.checkpoint.header
    images = calibration_images(request.data, request.split, header.task, count=request.count, seed=request.seed)
    with counted(f"calibration on {images.dataset.name}") as progress:
        calibration = calibrate(source.checkpoint, source.digest, images, graph_module=graph_module, progress=progress)
    write_calibration(out / header.name / FILE_NAME, calibration)
    return calibration, images
