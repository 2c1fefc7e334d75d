"""COCO annotation files: read, checked record by record, and related to the images beside them.

Format: https://cocodataset.org/#format-data.  Categories sorted by id become the labels.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from ...errors import InputError
from ...vision.read_image import MAX_SIDE
from ..problems import Problems

_MAX_BYTES = 2 << 30
_LARGEST_NUMBER = 1e9
Json = Mapping[str, Any]


@dataclass(frozen=True)
class CocoFile:
    """What is right in one file.

    Attributes:
        labels: names of the categories, by id.
        images: id -> record; in the order of the file.
        objects: image id -> its annotations.
        class_of_category: category id -> index in `labels`.
    """

    path: Path
    folder: Path
    labels: tuple[str, ...]
    images: Mapping[int, Json]
    objects: Mapping[int, list[Json]]
    class_of_category: Mapping[int, int]

    @property
    def name(self) -> str:
        return self.path.stem if self.path.stem != "instances" else self.path.parent.name

    @property
    def image_paths(self) -> list[Path]:
        return [self.folder / record["file_name"] for record in self.images.values()]


def read_coco(annotations: Path, images: Path | None, problems: Problems) -> CocoFile:
    """Without a folder of `images`, the one beside the annotations that holds the first image (see `images_folder`).

    What is wrong goes to `problems`, by the id of the image, category or annotation; annotations of an image that was
    left out are left out silently.
    """
    document = _read(annotations)
    folder = images or images_folder(annotations, document["images"][0])
    labels, class_of_category = _categories(document["categories"], annotations, problems)
    image_records, wrong_ids = _images(document["images"], annotations, folder, problems)
    objects: dict[int, list[Json]] = {image_id: [] for image_id in image_records}
    for _, record, where in _identified(document["annotations"], f"{annotations}: annotations", problems):
        if _is_whole(record.get("image_id")) and record["image_id"] in wrong_ids:
            continue
        wrong = list(_wrong_fields(record, image_records, class_of_category))
        for field in wrong:
            problems.add(f"{where}.{field}")
        if not wrong:
            objects[record["image_id"]].append(record)
    problems.check()
    return CocoFile(annotations, folder, tuple(labels), image_records, objects, class_of_category)


def images_folder(annotations: Path, first_image: object) -> Path:
    """Looks in: `images/`, the json's own folder, then folders named for the split (`instances_val2017.json`:
    `val2017/`, `images/val2017/`); then in the same places one folder up.
    """
    name = first_image.get("file_name") if isinstance(first_image, dict) else None
    if not isinstance(name, str) or not name.isprintable():
        raise InputError(f"{annotations}: images[0].file_name: must be printable text, got {_shown(name)}")
    split = annotations.stem.removeprefix("instances_")
    places = [
        base / place
        for base in (annotations.parent, annotations.parent.parent)
        for place in ("images", ".", split, f"images/{split}")
    ]
    for place in places:
        if (place / name).is_file():
            return place
    looked_in = ", ".join(str(place) for place in places)
    raise InputError(f"{annotations}: its first image, {name!r}, is in none of {looked_in}; write a dataset.toml")


def _read(path: Path) -> Json:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes; annotations may have at most {_MAX_BYTES}")
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: COCO annotations are a JSON object, got {type(document).__name__}")
    for field in ("images", "annotations", "categories"):
        if not isinstance(document.get(field), list):
            raise InputError(f"{path}: {field}: must be a list, got {_shown(document.get(field))}")
        if not document[field]:
            raise InputError(f"{path}: {field}: empty; a data set needs at least one")
    return document


def _categories(records: list[Any], source: Path, problems: Problems) -> tuple[list[str], dict[int, int]]:
    names: dict[int, str] = {}
    for category_id, record, where in _identified(records, f"{source}: categories", problems):
        if not isinstance(record.get("name"), str) or not record["name"]:
            problems.add(f"{where}.name: must be text, got {_shown(record.get('name'))}")
        names[category_id] = str(record.get("name"))
    ordered = sorted(names)
    return [names[category_id] for category_id in ordered], {c: index for index, c in enumerate(ordered)}


def _images(
    records: list[Any], source: Path, folder: Path, problems: Problems
) -> tuple[dict[int, Json], frozenset[int]]:
    """The right ones by id, and the ids of the others."""
    found: dict[int, Json] = {}
    wrong_ids = set()
    for image_id, record, where in _identified(records, f"{source}: images", problems):
        wrong = list(_wrong_image(record, folder, f"{where}.", f"(image id {image_id} of {source})"))
        for problem in wrong:
            problems.add(problem)
        if wrong:
            wrong_ids.add(image_id)
        else:
            found[image_id] = record
    return found, frozenset(wrong_ids)


def _wrong_image(record: Json, folder: Path, where: str, of: str) -> Iterator[str]:
    name = record.get("file_name")
    if not isinstance(name, str) or not name or PurePosixPath(name).is_absolute() or ".." in name.split("/"):
        yield f"{where}file_name: must be a path inside the images folder, got {_shown(name)}"
    elif not name.isprintable():
        yield f"{where}file_name: must be printable text, got {_shown(name)}"
    elif not (folder / name).is_file():
        yield f"{folder / name}: no such file {of}"
    for side in ("width", "height"):
        if not _is_whole(record.get(side)) or not 1 <= record[side] <= MAX_SIDE:
            yield f"{where}{side}: must be 1 to {MAX_SIDE}, got {_shown(record.get(side))}"


def _wrong_fields(record: Json, images: Mapping[int, Json], classes: Mapping[int, int]) -> Iterator[str]:
    image_id, category_id, box = record.get("image_id"), record.get("category_id"), record.get("bbox")
    if not _is_whole(image_id) or image_id not in images:
        yield f"image_id: no image has the id {_shown(image_id)}"
    if not _is_whole(category_id) or category_id not in classes:
        yield f"category_id: no category has the id {_shown(category_id)}; known: {_shown(sorted(classes))}"
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        yield f"bbox: must be four numbers x, y, width, height, got {_shown(box)}"
    elif box[2] < 0 or box[3] < 0:
        yield f"bbox: width and height must not be negative, got {_shown(box)}"
    elif _is_whole(image_id) and image_id in images and _misses(box, images[image_id]):
        yield f"bbox: lies outside its image, got {_shown(box)}"
    if record.get("iscrowd", 0) not in (0, 1):
        yield f"iscrowd: must be 0 or 1, got {_shown(record['iscrowd'])}"
    if "area" in record and not (_is_number(record["area"]) and record["area"] >= 0):
        yield f"area: must be a number of at least 0, got {_shown(record['area'])}"


def _misses(box: list[float], image: Json) -> bool:
    sides = (image.get("width"), image.get("height"))
    return any(
        start + length < 0 or (_is_whole(side) and start >= side)
        for start, length, side in zip(box[:2], box[2:], sides, strict=True)
    )


def _identified(records: list[Any], where: str, problems: Problems) -> Iterator[tuple[int, Json, str]]:
    """Each record with its id and the words that name it; records without an id of their own are reported."""
    seen: set[int] = set()
    for position, record in enumerate(records):
        if not isinstance(record, dict) or not _is_whole(record.get("id")):
            got = record.get("id") if isinstance(record, dict) else record
            problems.add(f"{where}[{position}].id: must be a whole number, got {_shown(got)}")
        elif record["id"] in seen:
            problems.add(f"{where}[{position}].id: {record['id']} is used twice")
        else:
            seen.add(record["id"])
            yield record["id"], record, f"{where}[id {record['id']}]"


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62


def _is_number(value: object) -> bool:
    """False for NaN too."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
    )


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
