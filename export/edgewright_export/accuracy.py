"""The task metric of checkpoints and packs on labelled images, and how far a pack may be from its source."""

from dataclasses import dataclass

from edgewright_train.checkpoint import Checkpoint
from edgewright_train.data.dataset import Dataset
from edgewright_train.errors import CheckError, InputError
from edgewright_train.inference import decode_of, preprocess_of, torch_run
from edgewright_train.tasks.detect.detections import Suppression
from edgewright_train.tasks.evaluate import DEFAULT_THRESHOLDS, Thresholds, evaluate_run
from edgewright_train.tasks.evaluation import Evaluation, Headline, Metric, Progress

from .isolation import IsolatedRunner
from .manifest import Accuracy, Manifest, Precision
from .pack import Pack

MAX_DIFFERENCE: dict[Precision, float] = {"fp32": 0.001, "fp16": 0.003}  # of the headline metric, 0..1


@dataclass(frozen=True)
class AccuracyCheck:
    """A data set and what the source scores on it."""

    dataset: Dataset
    source: Headline

    def complete(self, pack: Pack) -> Manifest:
        """The pack's manifest with its accuracy; raises as `measure`."""
        return pack.manifest.model_copy(update={"accuracy": self.measure(pack)})

    def measure(self, pack: Pack) -> Accuracy:
        """Raises `CheckError` when the pack's metric is further from the source's than its precision allows."""
        value = _known(evaluate_pack(pack, self.dataset).headline, self.dataset)
        source_value = _known(self.source, self.dataset)
        limit = MAX_DIFFERENCE[pack.manifest.precision]
        if abs(value - source_value) > limit:
            raise CheckError(
                f"{pack.name}: {self.source.metric} {value:.4f} on {self.dataset.name}, "
                f"the source has {source_value:.4f}; {pack.manifest.precision} may differ by {limit}"
            )
        return accuracy_of(pack, self.dataset, self.source.metric, value, source_value)


def accuracy_of(pack: Pack, dataset: Dataset, metric: Metric, value: float, source_value: float) -> Accuracy:
    """For the manifest of a pack that was measured at the default thresholds."""
    decode = pack.manifest.decode
    suppression = decode if isinstance(decode, Suppression) else None
    return Accuracy(
        dataset=dataset.name,
        dataset_sha256=dataset.fingerprint,
        num_images=len(dataset),
        metric=metric,
        value=value,
        source_value=source_value,
        score_threshold=DEFAULT_THRESHOLDS.score if suppression else None,
        iou_threshold=suppression.iou_threshold if suppression else None,
    )


def accuracy_check(checkpoint: Checkpoint, dataset: Dataset, *, progress: Progress | None = None) -> AccuracyCheck:
    """Evaluate the source that packs are going to be held against."""
    headline = evaluate_checkpoint(checkpoint, dataset, progress=progress).headline
    _known(headline, dataset)
    return AccuracyCheck(dataset, headline)


def evaluate_checkpoint(
    checkpoint: Checkpoint,
    dataset: Dataset,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    progress: Progress | None = None,
) -> Evaluation:
    """In PyTorch.  Raises `InputError` when the data set has other classes."""
    header = checkpoint.header
    check_labels(header.labels, dataset)
    run, preprocess, decode = torch_run(checkpoint), preprocess_of(header), decode_of(header)
    return evaluate_run(run, preprocess, decode, dataset, thresholds=thresholds, progress=progress)


def evaluate_pack(
    pack: Pack,
    dataset: Dataset,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    *,
    num_threads: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """The artefact itself, in its own process.  Raises `InputError` when the data set has other classes."""
    manifest = pack.manifest
    check_labels(manifest.labels, dataset)
    with IsolatedRunner(pack.path, manifest, num_threads=num_threads) as run:
        preprocess, decode = manifest.input.preprocess, manifest.decode
        return evaluate_run(run, preprocess, decode, dataset, thresholds=thresholds, progress=progress)


def check_labels(labels: tuple[str, ...], dataset: Dataset) -> None:
    """Raises `InputError` naming the first class that differs."""
    if len(labels) != len(dataset.labels):
        raise InputError(f"{dataset.name}: has {len(dataset.labels)} classes, the model has {len(labels)}")
    for index, (ours, theirs) in enumerate(zip(labels, dataset.labels, strict=True)):
        if ours != theirs:
            raise InputError(f"{dataset.name}: class {index} is {theirs!r}, the model calls it {ours!r}")


def _known(headline: Headline, dataset: Dataset) -> float:
    if headline.value is None:
        raise InputError(f"{dataset.name}: nothing is annotated, so there is no {headline.metric}")
    return headline.value
