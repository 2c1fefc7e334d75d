"""The training loop: steps, evaluations and checkpoints, in an order that a kill at any moment cannot spoil."""

import math
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from .checkpoint import Checkpoint, save_checkpoint
from .data.dataset import DetectionDataset
from .data.loader import Batch, Loader
from .errors import CheckError
from .models import architecture
from .models.architecture import Normalisation
from .recipe import Recipe
from .run_folder import RunFolder
from .run_log import RunLog
from .schedule import rate_factor
from .stop_signal import StopSignal
from .tasks.detect.detector import torch_detector
from .tasks.detect.evaluate import EVALUATION_SCORE_THRESHOLD, Evaluation, evaluate
from .tasks.detect.loss import Loss, detection_loss
from .training_progress import TrainingProgress
from .training_state import Training, save_state


@dataclass(frozen=True, kw_only=True)
class Run:
    """One start of a training and everything it reports to."""

    recipe: Recipe
    folder: RunFolder
    loader: Loader
    val_set: DetectionDataset
    log: RunLog
    board: SummaryWriter
    progress: TrainingProgress
    stop: StopSignal

    @property
    def num_steps(self) -> int:
        return self.recipe.epochs * self.loader.steps_per_epoch


def train(run: Run, training: Training) -> None:
    """From where `training` stands to the end.  Raises `KeyboardInterrupt`, saved, when told to stop."""
    batches = run.loader.batches(training.status.step, run.num_steps)
    with closing(batches):
        _evaluate_if_due(run, training)
        start = time.perf_counter()
        for batch in batches:
            loss, rate = _step(run, training, batch)
            _report(run, training, loss, rate, len(batch.images) / (time.perf_counter() - start))
            step, stopping = training.status.step, bool(run.stop)
            if step % run.loader.steps_per_epoch == 0 or step % run.recipe.save_every == 0 or stopping:
                _save(run, training)
            if stopping:
                _stop(run, training)
            _evaluate_if_due(run, training)
            start = time.perf_counter()  # so that a step's speed counts the wait for its batch, and nothing else


def _step(run: Run, training: Training, batch: Batch) -> tuple[Loss, float]:
    """One step of the optimiser; a loss or gradient that is not finite changes nothing and is a `CheckError`."""
    recipe, status = run.recipe, training.status
    factor = rate_factor(
        recipe.schedule, status.step, steps_per_epoch=run.loader.steps_per_epoch, num_steps=run.num_steps
    )
    rate = recipe.optimizer.learning_rate * factor
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    arch = architecture(recipe.model)
    maps = training.network(normalised(batch.images, arch.normalisation))
    anchors = torch.tensor(status.header.anchors_px, dtype=torch.float64)
    loss = detection_loss(maps, batch.targets, anchors, arch.strides, recipe.loss)
    _require_finite(run, training, "loss", loss.total)
    training.optimizer.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    limit = recipe.optimizer.max_gradient_norm or math.inf
    norm = torch.nn.utils.clip_grad_norm_(training.network.parameters(), limit)
    _require_finite(run, training, "length of the gradient", norm)
    training.optimizer.step()
    training.average.update(status.step + 1)
    value = loss.total.item()
    average = value if status.average_loss is None else 0.9 * status.average_loss + 0.1 * value
    training.status = status.model_copy(update={"step": status.step + 1, "average_loss": average})
    return loss, rate


def normalised(images: Tensor, normalisation: Normalisation) -> Tensor:
    """(N, 3, H, W) uint8 BGR -> float32 as the network wants it, in the same memory layout."""
    pixels = images.flip(1) if normalisation.colour_order == "rgb" else images
    mean, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (normalisation.mean, normalisation.scale))
    return (pixels.float() - mean) * scale


def _require_finite(run: Run, training: Training, what: str, value: Tensor) -> None:
    if torch.isfinite(value):
        return
    step = training.status.step + 1
    epoch = training.status.step // run.loader.steps_per_epoch + 1
    saved = f"last good checkpoint: {run.folder.state}" if run.folder.state.is_file() else "nothing was saved yet"
    raise CheckError(
        f"step {step} (epoch {epoch}): the {what} is {value.item()}; {saved}. "
        "Lower optimizer.learning_rate, or lengthen schedule.warmup_epochs"
    )


def _report(run: Run, training: Training, loss: Loss, rate: float, images_per_second: float) -> None:
    status = training.status
    step, average = status.step, status.average_loss or 0.0
    batch_size = run.recipe.batch_size
    epoch = (step - 1) // run.loader.steps_per_epoch + 1
    terms = {"loss": loss.total, "box": loss.box, "objectness": loss.objectness, "classification": loss.classification}
    values = {name: float(term.detach()) for name, term in terms.items()}
    run.log.loss(step, epoch, step * batch_size, average, *values.values(), rate, batch_size, images_per_second)
    _scalars(run, "train", (*values.items(), ("learning_rate", rate)), step)
    run.progress.step(step, epoch, loss=average, learning_rate=rate, images_per_second=images_per_second)


def _evaluate_if_due(run: Run, training: Training) -> None:
    """After every `evaluate_every`-th epoch and the last one, on the averaged weights; the best are kept."""
    status = training.status
    epoch, inside = divmod(status.step, run.loader.steps_per_epoch)
    due = epoch % run.recipe.evaluate_every == 0 or epoch == run.recipe.epochs
    if inside or epoch == 0 or not due or status.evaluated_step == status.step:
        return
    result = _evaluate(run, training)
    ap50 = result.metrics.ap50 or 0.0
    best = ap50 > status.best_ap50
    update = {"evaluated_step": status.step} | ({"best_ap50": ap50, "best_step": status.step} if best else {})
    training.status = status.model_copy(update=update)
    if best:
        origin = f"run {run.folder.path.name}, step {status.step}, AP50 {ap50:.4f} on {run.val_set.name}"
        header = status.header.model_copy(update={"origin": origin})
        save_checkpoint(run.folder.best, training.average.network.state_dict(), header)
    run.log.evaluation(status.step, epoch, result, best=best)
    found = {"AP": result.metrics.ap, "AP50": result.metrics.ap50, "AP75": result.metrics.ap75}
    _scalars(run, "val", ((name, value) for name, value in found.items() if value is not None), status.step)
    _save(run, training)
    shown = "  ".join(f"{name} {'none' if value is None else f'{value:.4f}'}" for name, value in found.items())
    run.progress.say(f"epoch {epoch}/{run.recipe.epochs}  {shown}{'  (best)' if best else ''}  {result.seconds:.1f} s")


def _evaluate(run: Run, training: Training) -> Evaluation:
    def progress(done: int, total: int) -> None:
        run.progress.evaluation(done, total)
        if run.stop:  # the state from before the evaluation is saved
            _stop(run, training)

    checkpoint = Checkpoint(training.average.network, training.status.header)
    predict = torch_detector(checkpoint, score_threshold=EVALUATION_SCORE_THRESHOLD)
    return evaluate(predict, run.val_set, progress=progress)


def _save(run: Run, training: Training) -> None:
    """The log first: what a resumed training takes for logged must be there."""
    run.log.flush()
    save_state(run.folder.state, training)


def _stop(run: Run, training: Training) -> NoReturn:
    run.progress.say(f"{run.folder.path}: saved at step {training.status.step}; continue with RESUME=1")
    raise KeyboardInterrupt


def _scalars(run: Run, group: str, values: Iterable[tuple[str, float]], step: int) -> None:
    for name, value in values:
        run.board.add_scalar(f"{group}/{name}", value, step)
