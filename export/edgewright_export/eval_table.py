"""What an evaluation looks like in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_MAX_FIGURES = 6  # in the table, which then fits 80 letters; the others stand below
_MAX_CLASSES = 100
_NUM_WORST = 20


def evaluation_as_text(title: str, record: Mapping[str, Any], *, with_classes: bool) -> str:
    """`record`: see `Evaluation.as_json`; its figures over all classes stand before `images`."""
    names = list(record)[: list(record).index("images")]
    table = Table(title=title)
    for name in (*names[:_MAX_FIGURES], "images", "seconds"):
        table.add_column(name, justify="right")
    shown = [_shown(record[name]) for name in names]
    table.add_row(*shown[:_MAX_FIGURES], str(record["images"]), f"{record['seconds']:.1f}")
    console = Console()
    with console.capture() as capture:
        console.print(table)
        for name, figure in list(zip(names, shown, strict=True))[_MAX_FIGURES:]:
            console.print(f"{name} {figure}", highlight=False)
        if with_classes:
            console.print(_class_table(record["classes"]))
    return capture.get().rstrip()


def _class_table(classes: Mapping[str, Mapping[str, float | None]]) -> Table:
    """All classes in their order; of very many only the worst, which are those to look at."""
    names = list(next(iter(classes.values())))
    title, shown = "Classes", list(classes.items())
    if len(classes) > _MAX_CLASSES:
        known = [item for item in shown if item[1][names[0]] is not None]
        shown = sorted(known, key=lambda item: float(item[1][names[0]] or 0))[:_NUM_WORST]
        title = f"The {len(shown)} worst of {len(classes)} classes (JSON= has all)"
    table = Table(title=title)
    table.add_column("class")
    for name in names:
        table.add_column(name, justify="right")
    for label, figures in shown:
        table.add_row(label, *(_shown(figures[name]) for name in names))
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
