"""The task metric of checkpoints and packs on labelled images, and how far a pack may be from its source."""

from dataclasses import dataclass

from edgewright_train.checkpoint import Checkpoint
from edgewright_train.data.dataset import DetectionDataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.tasks.detect.decode import Decode
from edgewright_train.tasks.detect.detector import Run, decode_of, detector, preprocess_of, torch_run
from edgewright_train.tasks.detect.evaluate import EVALUATION_SCORE_THRESHOLD, Evaluation, Progress, evaluate
from edgewright_train.vision.preprocess import Preprocess

from .isolation import IsolatedRunner
from .manifest import Accuracy, Precision
from .pack import Pack

MAX_AP50_DIFFERENCE: dict[Precision, float] = {"fp32": 0.001, "fp16": 0.003}


@dataclass(frozen=True)
class Thresholds:
    """Of one evaluation.  `iou` is the manifest's unless the user says otherwise."""

    score: float = EVALUATION_SCORE_THRESHOLD
    iou: float | None = None


DEFAULT_THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class AccuracyCheck:
    """A data set and what the source scores on it."""

    dataset: DetectionDataset
    source_ap50: float

    def measure(self, pack: Pack) -> Accuracy:
        """Raises `CheckError` when the pack's AP50 is further from the source's than its precision allows."""
        value = _ap50(evaluate_pack(pack, self.dataset), self.dataset)
        limit = MAX_AP50_DIFFERENCE[pack.manifest.precision]
        if abs(value - self.source_ap50) > limit:
            raise CheckError(
                f"{pack.name}: AP50 {value:.4f} on {self.dataset.name}, the source has {self.source_ap50:.4f}; "
                f"{pack.manifest.precision} may differ by {limit}"
            )
        return Accuracy(
            dataset=self.dataset.name,
            dataset_sha256=self.dataset.fingerprint,
            num_images=len(self.dataset),
            metric="AP50",
            value=value,
            source_value=self.source_ap50,
            score_threshold=EVALUATION_SCORE_THRESHOLD,
            iou_threshold=pack.manifest.decode.iou_threshold,
        )


def accuracy_check(
    checkpoint: Checkpoint, dataset: DetectionDataset, *, progress: Progress | None = None
) -> AccuracyCheck:
    """Evaluate the source that packs are going to be held against."""
    return AccuracyCheck(dataset, _ap50(evaluate_checkpoint(checkpoint, dataset, progress=progress), dataset))


def evaluate_checkpoint(
    checkpoint: Checkpoint,
    dataset: DetectionDataset,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    progress: Progress | None = None,
) -> Evaluation:
    """In PyTorch.  Raises `InputError` when the data set has other classes."""
    header = checkpoint.header
    check_labels(header.labels, dataset)
    run = torch_run(checkpoint)
    return _evaluate(run, preprocess_of(header), decode_of(header), dataset, thresholds, progress)


def evaluate_pack(
    pack: Pack,
    dataset: DetectionDataset,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    num_threads: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """The artefact itself, in its own process.  Raises `InputError` when the data set has other classes."""
    manifest = pack.manifest
    check_labels(manifest.labels, dataset)
    with IsolatedRunner(pack.path, manifest, num_threads=num_threads) as run:
        return _evaluate(run, manifest.input.preprocess, manifest.decode, dataset, thresholds, progress)


def check_labels(labels: tuple[str, ...], dataset: DetectionDataset) -> None:
    """Raises `InputError` naming the first class that differs."""
    if len(labels) != len(dataset.labels):
        raise InputError(f"{dataset.name}: has {len(dataset.labels)} classes, the model has {len(labels)}")
    for index, (ours, theirs) in enumerate(zip(labels, dataset.labels, strict=True)):
        if ours != theirs:
            raise InputError(f"{dataset.name}: class {index} is {theirs!r}, the model calls it {ours!r}")


def _evaluate(
    run: Run,
    preprocess: Preprocess,
    decode: Decode,
    dataset: DetectionDataset,
    thresholds: Thresholds,
    progress: Progress | None,
) -> Evaluation:
    predict = detector(run, preprocess, decode, score_threshold=thresholds.score, iou_threshold=thresholds.iou)
    return evaluate(predict, dataset, progress=progress)


def _ap50(evaluation: Evaluation, dataset: DetectionDataset) -> float:
    if evaluation.metrics.ap50 is None:
        raise InputError(f"{dataset.name}: has no annotated objects, so there is no AP50")
    return evaluation.metrics.ap50
