"""Several devices at once, each as fast as it is; one that fails does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgewright_train.errors import EdgewrightError

from .connection import stopping
from .target import Target

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What the work gave, or the error that ended it."""

    target: Target
    result: T | None
    error: EdgewrightError | None = None


def on_each(targets: Sequence[Target], work: Callable[[Target], T]) -> Iterator[Outcome[T]]:
    """In the order of the targets, whichever is ready first.

    When this thread is interrupted, the work on every device is ended and cleaned up first.
    """

    def one(target: Target) -> Outcome[T]:
        try:
            return Outcome(target, work(target))
        except EdgewrightError as error:
            return Outcome(target, None, error)

    if len(targets) == 1:
        yield one(targets[0])
        return
    with ThreadPoolExecutor(len(targets)) as pool:
        try:
            yield from pool.map(one, targets)
        except BaseException:
            stopping.set()  # signals reach this thread alone
            raise
        finally:
            pool.shutdown()  # waits for them
            stopping.clear()


def exit_code(outcomes: Sequence[Outcome[T]]) -> int:
    """0: no device failed; 1: some did; where all did, 2 when each got wrong input."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return 0
    return min(error.exit_code for error in errors) if len(errors) == len(outcomes) else 1
