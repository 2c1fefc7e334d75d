"""What a person sees of a training: a bar on a terminal, a line every few seconds elsewhere; always on stderr."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


class TrainingProgress:
    """Use as a context manager.  Speed and remaining time are of this start, not of the steps done before."""

    def __init__(self, *, first_step: int, num_steps: int, num_epochs: int) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._first_step, self._num_steps, self._num_epochs = first_step, num_steps, num_epochs
        self._start = self._last_line = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal, transient=True)
        self._training = self._bar.add_task("training", total=num_steps, completed=first_step, measures="")

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, step: int, epoch: int, *, loss: float, learning_rate: float, images_per_second: float) -> None:
        """After every step."""
        title = f"epoch {epoch}/{self._num_epochs}"
        measures = f"loss {loss:.3f}  lr {learning_rate:.2e}  {images_per_second:.0f} images/s"
        self._bar.update(self._training, description=title, completed=step, measures=measures)
        now = time.monotonic()
        if not self._console.is_terminal and (
            now - self._last_line > _SECONDS_BETWEEN_LINES or step == self._num_steps
        ):
            self._last_line = now
            left = (now - self._start) / (step - self._first_step) * (self._num_steps - step)
            self.say(f"{title}  step {step}/{self._num_steps}  {measures}  {left:.0f} s left")

    def evaluation(self, done: int, total: int) -> None:
        """After every image of an evaluation."""
        self._bar.update(self._training, measures=f"evaluating {done}/{total}")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)
