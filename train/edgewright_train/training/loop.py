"""The training loop: steps, evaluations and checkpoints, in an order that a kill at any moment cannot spoil."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from ..checkpoint import Checkpoint, save_checkpoint
from ..data.dataset import Dataset
from ..data.loader import Batch, Loader
from ..errors import CheckError, InputError
from ..inference import decode_of, normalised, preprocess_of, torch_run
from ..processes.group import Place, any_process, take_from_first
from ..tasks.evaluate import evaluate_run
from ..tasks.evaluation import Evaluation
from ..tasks.loss import Loss
from ..tasks.objective import Objective
from .optimizer import set_rate
from .recipe import Recipe
from .reports import Reports, Step
from .run_folder import RunFolder
from .schedule import rate_factor
from .state import Training, save_state
from .stop_signal import StopSignal
from .teacher import Teacher

_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One start of a training, in one of its processes, and everything it reports to."""

    recipe: Recipe
    folder: RunFolder
    place: Place
    device: torch.device
    loader: Loader
    objective: Objective
    teacher: Teacher | None
    val_set: Dataset
    reports: Reports
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
        for parts in batches:
            loss, rate = take_step(run, training, parts)
            _report(run, training, loss, rate, run.recipe.batch_size / (time.perf_counter() - start))
            step, stopping = training.status.step, any_process(bool(run.stop))
            if step % run.loader.steps_per_epoch == 0 or step % run.recipe.save_every == 0 or stopping:
                _save(run, training)
            if stopping:
                _stop(run, training)
            _evaluate_if_due(run, training)
            start = time.perf_counter()  # so that a step's speed counts the wait for its batch, and nothing else


def take_step(run: Run, training: Training, parts: Sequence[Batch]) -> tuple[Loss, float]:
    """One step of the optimiser; a loss or gradient that is not finite changes nothing and is a `CheckError`."""
    recipe, status, scaler = run.recipe, training.status, training.scaler
    factor = rate_factor(
        recipe.schedule, status.step, steps_per_epoch=run.loader.steps_per_epoch, num_steps=run.num_steps
    )
    rate = recipe.optimizer.learning_rate * factor
    set_rate(training.optimizer, rate)
    _seed_dropout(run, status.step)
    try:
        loss = _gradients(run, training, parts)
    except torch.OutOfMemoryError:
        raise CheckError(
            f"step {status.step + 1}: out of memory on the GPU; {_last_good(run)}. "
            f"Give a smaller BATCH= or SIZE=, or a larger accumulate than {recipe.accumulate} in the recipe"
        ) from None
    scaler.unscale_(training.optimizer)
    limit = recipe.optimizer.max_gradient_norm or math.inf
    norm = torch.nn.utils.clip_grad_norm_(training.network.parameters(), limit)
    if not scaler.is_enabled():  # a scale that was too large shows in gradients; the step is left out and it shrinks
        _require_finite(run, training, "length of the gradient", norm)
    scaler.step(training.optimizer)
    scaler.update()
    training.average.update(status.step + 1)
    value = float(loss.total)
    average = value if status.average_loss is None else 0.9 * status.average_loss + 0.1 * value
    update: dict[str, Any] = {"step": status.step + 1, "average_loss": average}
    if scaler.is_enabled():
        update |= {"loss_scale": scaler.get_scale(), "steps_at_scale": scaler.state_dict()["_growth_tracker"]}
    training.status = status.model_copy(update=update)
    return loss, rate


def _seed_dropout(run: Run, step: int) -> None:
    words = np.random.SeedSequence((run.recipe.seed, step, run.place.rank)).generate_state(1, np.uint64)
    torch.manual_seed(int(words[0]))


def _gradients(run: Run, training: Training, parts: Sequence[Batch]) -> Loss:
    """Those of the mean loss of the parts, in the parameters; the loss it is of."""
    training.optimizer.zero_grad()
    total, terms = torch.zeros((), device=run.device), Counter[Any]()
    for index, part in enumerate(parts):
        waits = index + 1 < len(parts)
        with _apart(training, waits), run.device:
            loss = _loss(run, _outputs(run, training, part), part)
            _require_finite(run, training, "loss", loss.total)
            training.scaler.scale(loss.total / len(parts)).backward()  # type: ignore[no-untyped-call]
        total += loss.total.detach() / len(parts)
        terms.update({name: term.detach() / len(parts) for name, term in loss.terms.items()})
    return Loss(total, dict(terms))


def _loss(run: Run, outputs: Any, batch: Batch) -> Loss:
    targets, teacher = batch.targets.to(run.device), run.teacher
    if teacher is None:
        return run.objective(outputs, targets)
    images = batch.images.to(run.device)
    loss = run.objective(outputs, teacher.targets(images, targets))
    taught = teacher.loss(images, outputs)
    return loss if taught is None else Loss(loss.total + taught, {**loss.terms, "distillation": taught})


def _apart(training: Training, waits: bool) -> AbstractContextManager[Any]:
    """Where later parts will add to the gradients, they are averaged over processes only then."""
    parallel = training.parallel
    return parallel.no_sync() if waits and isinstance(parallel, DistributedDataParallel) else nullcontext()


def _outputs(run: Run, training: Training, batch: Batch) -> Any:
    """What the network returns, in fp32.  `InputError` where the batch is too small to be normalised over."""
    images = normalised(batch.images.to(run.device), training.status.header.architecture.normalisation)
    try:
        with torch.autocast(run.device.type, _HALF.get(run.recipe.precision), enabled=run.recipe.precision in _HALF):
            outputs = training.parallel(images)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        count, _, height, width = batch.images.shape
        raise InputError(
            f"BATCH={count}: at SIZE={width}x{height} batch norm sees one value per channel and learns nothing; "
            "give a larger BATCH= or SIZE="
        ) from None
    return outputs.float() if isinstance(outputs, Tensor) else [output.float() for output in outputs]


def _require_finite(run: Run, training: Training, what: str, value: Tensor) -> None:
    if torch.isfinite(value):
        return
    step = training.status.step + 1
    epoch = training.status.step // run.loader.steps_per_epoch + 1
    raise CheckError(
        f"step {step} (epoch {epoch}): the {what} is {value.item()}; {_last_good(run)}. "
        "Lower optimizer.learning_rate, or lengthen schedule.warmup_epochs"
    )


def _last_good(run: Run) -> str:
    return f"last good checkpoint: {run.folder.state}" if run.folder.state.is_file() else "nothing was saved yet"


def _report(run: Run, training: Training, loss: Loss, rate: float, images_per_second: float) -> None:
    status = training.status
    run.reports.step(
        Step(
            step=status.step,
            epoch=(status.step - 1) // run.loader.steps_per_epoch + 1,
            images=status.step * run.recipe.batch_size,
            loss=float(loss.total),
            average_loss=status.average_loss or 0.0,
            terms={name: float(term) for name, term in loss.terms.items()},
            learning_rate=rate,
            batch_size=run.recipe.batch_size,
            images_per_second=images_per_second,
        )
    )


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
    run.reports.evaluation(status.step, epoch, result, best=best)
    _save(run, training)


def _evaluate(run: Run, training: Training) -> Evaluation:
    def progress(done: int, total: int) -> None:
        run.reports.evaluating(done, total)
        if run.stop:  # the state from before the evaluation is saved
            _stop(run, training)

    header = training.status.header
    take_from_first(training.average.network)
    network = torch_run(Checkpoint(training.average.network, header))
    return evaluate_run(network, preprocess_of(header), decode_of(header), run.val_set, progress=progress)


def _save_best(run: Run, training: Training, origin: str) -> None:
    if run.place.rank:
        return
    header = training.status.header
    darknet = header.darknet
    if darknet is not None:
        seen = training.status.step * run.recipe.batch_size
        darknet = darknet.model_copy(update={"seen": seen})
    header = header.model_copy(update={"origin": origin, "darknet": darknet})
    save_checkpoint(run.folder.best, training.average.network.state_dict(), header)


def _save(run: Run, training: Training) -> None:
    """The log first: what a resumed training takes for logged must be there."""
    if run.place.rank:
        return
    run.reports.flush()
    save_state(run.folder.state, training)


def _stop(run: Run, training: Training) -> NoReturn:
    run.reports.say(f"{run.folder.path}: saved at step {training.status.step}; continue with RESUME=1")
    raise KeyboardInterrupt
