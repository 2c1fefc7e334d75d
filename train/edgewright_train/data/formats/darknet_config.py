"""Darknet `.data` files, in both flavours: flat (`classes= train= valid= names=`, as pjreddie, AlexeyAB and LightNet
write them) and with sections (`[data-configure]` and others, as YOLO-FastestV2 writes them).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ..problems import Problems
from .find_images import find_images
from .text_lines import numbered_lines

# Our split -> the keys that name its image list, by flavour.
_SPLIT_KEYS = {"train": ("train",), "val": ("valid", "val"), "test": ("test",)}
MAX_CLASSES = 65536


@dataclass(frozen=True)
class DarknetConfig:
    """What a `.data` file says: class names, and per split the list file or folder of its images."""

    labels: tuple[str, ...]
    lists: dict[str, Path]


def read_config(path: Path) -> DarknetConfig:
    """Relative paths are looked up from the folder of `path`, then from the current folder, as darknet does."""
    values = _read_values(path)
    lists = {
        split: find_file(values[key], [path.parent], source=f"{path}: {key}")
        for split, keys in _SPLIT_KEYS.items()
        for key in keys
        if key in values
    }
    if not lists:
        wanted = ", ".join(key for keys in _SPLIT_KEYS.values() for key in keys)
        raise InputError(f"{path}: names no images; give at least one of the keys {wanted}")
    return DarknetConfig(_labels(path, values), lists)


def _read_values(path: Path) -> dict[str, str]:
    """Sections only group the keys.  A key given twice keeps its first value, as in darknet."""
    values: dict[str, str] = {}
    for number, line in numbered_lines(path):
        if not line or line[0] in "#;[":
            continue
        key, sign, value = line.partition("=")
        if not sign:
            raise InputError(f"{path}:{number}: must be key = value, got {line[:80]!r}")
        values.setdefault(key.strip(), value.partition(" #")[0].strip())
    return values


def _labels(path: Path, values: dict[str, str]) -> tuple[str, ...]:
    text = values.get("classes")
    if text is not None and not (text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_CLASSES):
        raise InputError(f"{path}: classes: must be a whole number from 1 to {MAX_CLASSES}, got {text!r}")
    if "names" in values:
        names_path = find_file(values["names"], [path.parent], source=f"{path}: names")
        labels = read_names(names_path)
        if text is not None and int(text) != len(labels):
            raise InputError(f"{path}: classes = {text}, but {names_path} holds {len(labels)} names")
        return labels
    if text is None:
        raise InputError(f"{path}: give names (a file with a class name per line), classes (their number), or both")
    return numbered_labels(int(text))


def numbered_labels(count: int) -> tuple[str, ...]:
    """For data sets that do not name their classes."""
    return tuple(f"class {index}" for index in range(count))


def read_names(path: Path) -> tuple[str, ...]:
    """A class name per line; the line number decides the index, so only empty lines at the end are passed over."""
    names = [line for _, line in numbered_lines(path)]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError(f"{path}: empty; give a class name per line")
    if "" in names:
        raise InputError(f"{path}:{names.index('') + 1}: empty line; every line names a class")
    return tuple(names)


def listed_images(source: Path, config_folder: Path, problems: Problems) -> list[Path]:
    """Of a list file (a path per line, `#` comments) or of a folder and those below it, sorted by name."""
    if source.is_dir():
        return find_images(source, problems)
    line_of: dict[Path, int] = {}
    for number, line in numbered_lines(source):
        if line and not line.startswith("#"):
            try:
                image = find_file(line, [config_folder, source.parent], source=f"{source}:{number}")
            except InputError as error:
                problems.add(str(error))
                continue
            if image in line_of:
                problems.add(f"{source}:{number}: {line!r} was already on line {line_of[image]}")
            else:
                line_of[image] = number
    return list(line_of)


def find_file(text: str, bases: Sequence[Path], *, source: str) -> Path:
    """`text` as a path: absolute, in the home (`~/`), or below the first of `bases` and the current folder."""
    given = Path(text).expanduser() if text.startswith("~/") else Path(text)
    candidates = [given] if given.is_absolute() else [*(base / given for base in bases), given]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked_for = ", ".join(str(candidate) for candidate in dict.fromkeys(candidates))
    raise InputError(f"{source}: no such file: {text!r} (looked for {looked_for})")
