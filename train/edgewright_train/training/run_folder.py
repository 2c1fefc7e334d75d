"""runs/<name>/: where one training keeps what it was asked, what it did and what came out."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..atomic import atomic_file
from ..errors import InputError


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run."""

    path: Path

    @classmethod
    def named(cls, runs: Path, name: str) -> "RunFolder":
        """`runs`/`name`; the name is one plain folder name."""
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise InputError(f"NAME={name}: must be a plain folder name")
        return cls(runs / name)

    @property
    def config(self) -> Path:
        """The resolved recipe."""
        return self.path / "config.toml"

    @property
    def best(self) -> Path:
        """The averaged weights that were best so far, by the figure of their task."""
        return self.path / "best.safetensors"

    @property
    def state(self) -> Path:
        """Everything a resumed training needs."""
        return self.path / "last" / "state.safetensors"

    @property
    def log(self) -> Path:
        """See run_log.py."""
        return self.path / "log.sqlite"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    def clear(self) -> None:
        """Remove what an earlier training would mix with a new one; its log goes when the new one opens it."""
        self.state.unlink(missing_ok=True)
        self.best.unlink(missing_ok=True)
        shutil.rmtree(self.tensorboard, ignore_errors=True)

    def write_config(self, recipe_toml: str) -> None:
        """Replace the resolved recipe."""
        with atomic_file(self.config) as temporary:
            temporary.write_text(recipe_toml, encoding="utf-8")

    @property
    def skipped(self) -> Path:
        """The bad records that a training left out, a line each; there is none when it left out nothing."""
        return self.path / "skipped.txt"

    def write_skipped(self, records: Sequence[str]) -> None:
        """Replace the list."""
        if not records:
            self.skipped.unlink(missing_ok=True)
            return
        with atomic_file(self.skipped) as temporary:
            temporary.write_text("".join(f"{record}\n" for record in records), encoding="utf-8")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second training out; the lock goes with the process, however it ends."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{self.path}: another training is writing to this run") from None
            for left_by_a_kill in self.path.rglob(".*.part"):
                left_by_a_kill.unlink()
            yield
