"""List files with an image and its mask on each line, as EdgeNets (a comma) and SegNet (a space) have them."""

from pathlib import Path

from ...errors import InputError
from ..problems import Problems
from .darknet_config import find_file
from .text_lines import numbered_lines

Pair = tuple[Path, Path]  # image, mask


def listed_pairs(source: Path, root: Path, problems: Problems) -> list[Pair]:
    """Paths are looked up from `root`, then from the folder of the list, then from the current folder."""
    pairs = []
    for number, line in numbered_lines(source):
        if not line or line.startswith("#"):
            continue
        where = f"{source}:{number}"
        names = _columns(line)
        if names is None:
            problems.add(f"{where}: must be image,mask, got {line[:80]!r}")
            continue
        try:
            image, mask = (find_file(name, [root, source.parent], source=where) for name in names)
        except InputError as error:
            problems.add(str(error))
        else:
            pairs.append((image, mask))
    return pairs


def _columns(line: str) -> tuple[str, str] | None:
    """Divided by the one comma, tab or run of spaces that a line holds; spaces count only without the others."""
    for separator in (",", "\t", None):
        columns = [column.strip() for column in line.split(separator)]
        if len(columns) == 2 and all(columns):
            return columns[0], columns[1]
        if len(columns) > 1 and separator:
            return None
    return None
