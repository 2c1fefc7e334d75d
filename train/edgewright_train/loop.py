"""The training loop: steps, evaluations and checkpoints, in an order that a kill at any moment cannot spoil."""

import math
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from .checkpoint import Checkpoint, save_checkpoint
from .data.dataset import Dataset
from .data.loader import Batch, Loader
from .errors import CheckError, InputError
from .inference import decode_of, preprocess_of, torch_run
from .models.architecture import Normalisation
from .recipe import Recipe
from .run_folder import RunFolder
from .run_log import RunLog, figures_of
from .schedule import rate_factor
from .stop_signal import StopSignal
from .tasks.evaluate import evaluate_run
from .tasks.evaluation import Evaluation
from .tasks.loss import Loss
from .tasks.objective import Objective
from .training_progress import TrainingProgress
from .training_state import Training, save_state

_MOST_FIGURES = 3  # of an evaluation, on the line that a person sees


@dataclass(frozen=True, kw_only=True)
class Run:
    """One start of a training and everything it reports to."""

    recipe: Recipe
    folder: RunFolder
    loader: Loader
    objective: Objective
    val_set: Dataset
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
    loss = run.objective(_outputs(training, batch), batch.targets)
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


def _outputs(training: Training, batch: Batch) -> Any:
    """What the network returns.  `InputError` where the batch is too small to be normalised over."""
    try:
        return training.network(normalised(batch.images, training.status.header.architecture.normalisation))
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        count, _, height, width = batch.images.shape
        raise InputError(
            f"BATCH={count}: at SIZE={width}x{height} batch norm sees one value per channel and learns nothing; "
            "give a larger BATCH= or SIZE="
        ) from None


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
    terms: dict[str, float] = {name: float(term.detach()) for name, term in loss.terms.items()}
    total = float(loss.total.detach())
    run.log.loss(
        step,
        epoch,
        images=step * batch_size,
        average=average,
        loss=total,
        terms=terms,
        learning_rate=rate,
        batch_size=batch_size,
        images_per_second=images_per_second,
    )
    _scalars(run, "train", {"loss": total, **terms, "learning_rate": rate}, step)
    run.progress.step(step, epoch, loss=average, learning_rate=rate, images_per_second=images_per_second)


def _evaluate_if_due(run: Run, training: Training) -> None:
    """After every `evaluate_every`-th epoch and the last one, on the averaged weights; the best are kept."""
    status = training.status
    epoch, inside = divmod(status.step, run.loader.steps_per_epoch)
    due = epoch % run.recipe.evaluate_every == 0 or epoch == run.recipe.epochs
    if inside or epoch == 0 or not due or status.evaluated_step == status.step:
        return
    result = _evaluate(run, training)
    headline = result.headline
    value = headline.value or 0.0
    best = value > status.best_value
    update: dict[str, Any] = {"evaluated_step": status.step, "metric": headline.metric}
    if best:
        update |= {"best_value": value, "best_step": status.step}
    training.status = status.model_copy(update=update)
    if best:
        origin = f"run {run.folder.path.name}, step {status.step}, {headline.metric} {value:.4f} on {run.val_set.name}"
        _save_best(run, training, origin)
    run.log.evaluation(status.step, epoch, result, best=best)
    found = figures_of(result)
    _scalars(run, "val", {name: figure for name, figure in found.items() if figure is not None}, status.step)
    _save(run, training)
    parts = [f"{name} {'none' if figure is None else f'{figure:.4f}'}" for name, figure in found.items()]
    shown = "  ".join(parts[:_MOST_FIGURES])
    run.progress.say(f"epoch {epoch}/{run.recipe.epochs}  {shown}{'  (best)' if best else ''}  {result.seconds:.1f} s")


def _evaluate(run: Run, training: Training) -> Evaluation:
    def progress(done: int, total: int) -> None:
        run.progress.evaluation(done, total)
        if run.stop:  # the state from before the evaluation is saved
            _stop(run, training)

    header = training.status.header
    network = torch_run(Checkpoint(training.average.network, header))
    return evaluate_run(network, preprocess_of(header), decode_of(header), run.val_set, progress=progress)


def _save_best(run: Run, training: Training, origin: str) -> None:
    header = training.status.header
    darknet = header.darknet
    if darknet is not None:
        seen = training.status.step * run.recipe.batch_size
        darknet = darknet.model_copy(update={"seen": seen})
    header = header.model_copy(update={"origin": origin, "darknet": darknet})
    save_checkpoint(run.folder.best, training.average.network.state_dict(), header)


def _save(run: Run, training: Training) -> None:
    """The log first: what a resumed training takes for logged must be there."""
    run.log.flush()
    save_state(run.folder.state, training)


def _stop(run: Run, training: Training) -> NoReturn:
    run.progress.say(f"{run.folder.path}: saved at step {training.status.step}; continue with RESUME=1")
    raise KeyboardInterrupt


def _scalars(run: Run, group: str, values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        run.board.add_scalar(f"{group}/{name}", value, step)
