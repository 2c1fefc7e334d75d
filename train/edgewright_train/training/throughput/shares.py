"""What a trainer spends its time on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Part = Literal["loading", "forward", "loss", "backward", "update"]
PARTS: tuple[Part, ...] = ("loading", "forward", "loss", "backward", "update")


@dataclass
class Shares:
    """Seconds by part, since the last `take`."""

    seconds: dict[Part, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    @contextmanager
    def timed(self, part: Part) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - start

    def take(self) -> dict[Part, float]:
        taken, self.seconds = self.seconds, dict.fromkeys(PARTS, 0.0)
        return taken
