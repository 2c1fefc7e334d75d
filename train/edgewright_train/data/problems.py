"""Everything wrong with a data set at once: people fix annotations in bulk, not one error a run."""

from ..errors import InputError

_NUM_SHOWN = 10


class Problems:
    """Collects what is wrong while a reader goes on; `check` raises it as one error.

    With `skip`, nothing is raised: readers leave out the records that they report, and `found` says which.
    """

    def __init__(self, *, skip: bool = False) -> None:
        self._skip = skip
        self._found: list[str] = []

    @property
    def found(self) -> tuple[str, ...]:
        """A line each, in the order they were met; printable whatever bytes a file name holds."""
        return tuple(self._found)

    def add(self, problem: str) -> None:
        self._found.append(problem.encode("utf-8", "backslashreplace").decode())

    def check(self) -> None:
        """Raises `InputError` with the first ten problems, a line each, and the count of the rest."""
        if self._found and not self._skip:
            raise InputError(self.summary())

    def summary(self) -> str:
        """What `check` raises; there must be a problem."""
        if len(self._found) == 1:
            return self._found[0]
        rest = len(self._found) - _NUM_SHOWN
        lines = [*self._found[:_NUM_SHOWN], f"and {rest} more"] if rest > 0 else self._found
        return f"{len(self._found)} problems:\n  " + "\n  ".join(lines)
