"""Makes the cells of a matrix that are missing, network by network; the page is written after each."""

import sys
from collections.abc import Sequence
from pathlib import Path

from edgewright_export.manifest import Target
from edgewright_train.atomic import atomic_file
from edgewright_train.errors import EdgewrightError, InputError

from .cells import make_cells, missing_targets, read_cells, renumber
from .markdown import matrix_markdown
from .prepare import Prepared, prepare
from .rows import Row


def fill(
    chosen: Sequence[tuple[int, Row]], targets: Sequence[Target], *, weights_dir: Path | None, build: Path, page: Path
) -> list[str]:
    """`chosen`: rows with their place in the list.  Returns what is wrong with rows that give no network.

    Rows whose cfg is not there are skipped: the project has no cfgs of its own.
    """
    made: dict[str, Row] = {}
    problems = []
    for number, (position, row) in enumerate(chosen, 1):
        count = f"{number}/{len(chosen)}"
        if row.cfg and not (weights_dir and (weights_dir / row.cfg).is_file()):
            _say(f"{count} {row.title}: skipped, needs WEIGHTS_DIR= with {row.cfg} in it")
            continue
        try:
            prepared = prepare(row, position, weights_dir, build / "sources")
            if prepared.name in made:
                raise InputError(f"{prepared.name}: two rows give this network; one weights or size must go")
            made[prepared.name] = row
            _fill_row(prepared, missing_targets(prepared, build, targets), build, count)
        except EdgewrightError as error:
            _say(f"{count} {row.title}: {error}")
            problems.append(str(error))
        with atomic_file(page) as temporary:
            temporary.write_text(matrix_markdown(read_cells(build)), encoding="utf-8")
    return problems


def _fill_row(prepared: Prepared, missing: Sequence[Target], build: Path, count: str) -> None:
    renumber(prepared, build)
    _say(f"{count} {prepared.name}: {', '.join(missing) or 'done already'}")
    for cell in make_cells(prepared, missing, build) if missing else ():
        _say(f"  {cell.pack}: {cell.error or f'proven, {cell.outcome}'}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
