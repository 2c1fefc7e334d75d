"""What `edgewright-tune` shows: the table, what is not in it, the recommendation; and the same as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from edgewright_export.pack import MANIFEST, Pack, digest_file

from .advice import Advice, Wording
from .pareto import Measured, Standing

_WIDTH = 120  # in a pipe


@dataclass(frozen=True)
class Page:
    """Everything that was found.

    Attributes:
        device: what it was measured on, and how.
        names: path of a pack -> what it is called.
        unmeasured: path of a pack -> why it was not measured.
        notes: what was left out, one sentence each.
    """

    device: str
    wording: Wording
    packs: Sequence[Pack]
    names: dict[Path, str]
    placed: Sequence[Standing]
    unmeasured: dict[Path, str]
    budget: float | None
    notes: Sequence[str]
    advice: Advice

    def as_text(self) -> str:
        """For people."""
        by_name = {self.names[pack.path]: pack for pack in self.packs}
        table = Table(title=f"{self.packs[0].manifest.model} on {self.device}")
        table.add_column("pack")
        for title in ("threads", self.wording.unit, "x lowest (95 %)", "kB", "metric", "loss"):
            table.add_column(title, justify="right")
        table.add_column("Pareto")
        for one in self.placed:
            measured, ratio = one.measured, one.ratio
            interval = "" if ratio.low == ratio.high else f" ({ratio.low:.2f}-{ratio.high:.2f})"
            cost = (f"{measured.threads}", measured.shown_cost, f"{ratio.median:.2f}{interval}")
            table.add_row(measured.pack, *cost, *_worth(by_name[measured.pack]), self._standing(one))
        for path in self.unmeasured:
            pack = by_name[self.names[path]]
            table.add_row(self.names[path], "-", "-", "-", *_worth(pack), "not measured")
        return "\n".join([_rendered(table), *self._notes(), "", *self.advice.sentences])

    def as_record(self) -> dict[str, Any]:
        """For programs: every round of every pack too."""
        return {
            "model": self.packs[0].manifest.model,
            "device": self.device,
            "unit": self.wording.unit,
            "budget": self.budget,
            "packs": [self._pack_record(pack) for pack in self.packs],
            "measured": [_standing_record(one) for one in self.placed],
            "notes": list(self.notes),
            "recommendation": _identity(self.advice.chosen),
            "sentences": list(self.advice.sentences),
        }

    def _standing(self, one: Standing) -> str:
        if one.measured is self.advice.chosen:
            return "front, recommended"
        if one.dominated_by is not None:
            return f"dominated by {one.dominated_by.pack}, {one.dominated_by.threads}"
        unknown = "loss not known" if one.measured.loss is None else "outside the budget"
        return "front" if one.inside else f"front, {unknown}"

    def _notes(self) -> list[str]:
        reasons = sorted(set(self.unmeasured.values()))
        grouped = [
            f"{', '.join(self.names[path] for path, why in self.unmeasured.items() if why == reason)}: {reason}."
            for reason in reasons
        ]
        return [*grouped, *self.notes]

    def _pack_record(self, pack: Pack) -> dict[str, Any]:
        accuracy = pack.manifest.accuracy
        return {
            "name": self.names[pack.path],
            "path": str(pack.path),
            "target": pack.manifest.target,
            "precision": pack.manifest.precision,
            "manifest_sha256": digest_file(pack.path / MANIFEST),
            "size_bytes": pack.size_bytes,
            "accuracy": accuracy.model_dump(mode="json") if accuracy else None,
            "not_measured": self.unmeasured.get(pack.path),
        }


def _worth(pack: Pack) -> tuple[str, str, str]:
    """Size, metric and loss."""
    size, accuracy = f"{round(pack.size_bytes / 1000)}", pack.manifest.accuracy
    if accuracy is None:
        return size, "-", "-"
    return size, f"{accuracy.metric} {accuracy.value:.4f}", f"{accuracy.source_value - accuracy.value:+.4f}"


def _standing_record(one: Standing) -> dict[str, Any]:
    measured = one.measured
    return {
        "pack": measured.pack,
        "threads": measured.threads,
        "cost": measured.cost,
        "rounds": list(measured.rounds),
        "ratio": asdict(one.ratio),
        "inside_budget": one.inside,
        "dominated_by": _identity(one.dominated_by),
    }


def _identity(measured: Measured | None) -> dict[str, Any] | None:
    return None if measured is None else {"pack": measured.pack, "threads": measured.threads}


def _rendered(table: Table) -> str:
    console = Console()
    console = console if console.is_terminal else Console(width=_WIDTH)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()
