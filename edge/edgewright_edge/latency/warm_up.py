"""When a network has reached its steady pace; as edge/bench/warm_up.cpp."""

from collections.abc import Sequence

from ..measurement import percentile

_MIN_WINDOW_RUNS = 5
_MIN_WINDOW_MS = 50.0
_WINDOWS = 5
_FLAT = 0.02


class WarmUp:
    """Add the time of every run; `flat` when the medians of the last windows of runs neither rise nor fall."""

    def __init__(self) -> None:
        self.num_runs, self.total_ms = 0, 0.0
        self._window: list[float] = []
        self._medians: list[float] = []

    def add(self, run_ms: float) -> None:
        self.num_runs += 1
        self.total_ms += run_ms
        self._window.append(run_ms)
        if len(self._window) >= _MIN_WINDOW_RUNS and sum(self._window) >= _MIN_WINDOW_MS:
            self._medians.append(percentile(sorted(self._window), 50))
            self._window.clear()

    @property
    def flat(self) -> bool:
        return len(self._medians) >= _WINDOWS and abs(relative_slope(self._medians[-_WINDOWS:])) <= _FLAT


def relative_slope(medians: Sequence[float]) -> float:
    """How much a line through these changes from the first to the last of them, as a fraction of their mean."""
    mean = sum(medians) / len(medians)
    offsets = [i - (len(medians) - 1) / 2 for i in range(len(medians))]
    squares = sum(offset * offset for offset in offsets)
    if mean <= 0 or squares == 0:
        return 0.0
    products = sum(offset * (median - mean) for offset, median in zip(offsets, medians, strict=True))
    return products / squares * (len(medians) - 1) / mean
