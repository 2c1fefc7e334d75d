"""Everything wrong with a data set at once: people fix annotations in bulk, not one error a run."""

from ..errors import InputError

_NUM_SHOWN = 10


class Problems:
    """Collects what is wrong while a reader goes on; `check` raises it as one error."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._count = 0

    def add(self, problem: str) -> None:
        self._count += 1
        if len(self._shown) < _NUM_SHOWN:
            self._shown.append(problem)

    def check(self) -> None:
        """Raises `InputError` with the first ten problems, a line each, and the count of the rest."""
        if self._count == 1:
            raise InputError(self._shown[0])
        if self._count:
            rest = self._count - len(self._shown)
            lines = [*self._shown, f"and {rest} more"] if rest else self._shown
            raise InputError(f"{self._count} problems:\n  " + "\n  ".join(lines))
