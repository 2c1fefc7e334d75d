"""What packs cost on a device, before anything is made of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """One pack at one thread count.

    Attributes:
        rounds: in each round; packs measured together have equally many.
        cost: of all runs, as it is shown: the median in milliseconds, or millions of instructions.
    """

    pack: Path
    threads: int
    rounds: tuple[float, ...]
    cost: float


@dataclass(frozen=True)
class Costs:
    """Of all packs; `unmeasured` says why some have none."""

    costs: tuple[Cost, ...]
    unmeasured: dict[Path, str]
