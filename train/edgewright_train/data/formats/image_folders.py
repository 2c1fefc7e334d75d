"""Images sorted into one folder per class: `root/<split>/<class>/*.jpg`, or `root/<class>/*.jpg` without splits."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from ...errors import InputError
from ...schema import Record
from ..problems import Problems
from ..splits import ALL, SPLITS, Splits, split_of_name
from .class_names import ClassNames
from .classified_files import ClassifiedFiles
from .find_images import IMAGE_SUFFIXES, find_images

# Folders of other formats: images in them belong to no class of that name.
_NOT_CLASSES = ("images", "labels", "masks", "annotations", "jpegimages")


class FoldersConfig(Record):
    """Of a dataset.toml.  A split names its folder; without any, the folder of the file is looked at."""

    format: Literal["folders"]
    classes: ClassNames | None = None
    train: str | None = None
    val: str | None = None
    test: str | None = None


def folders_splits(config: FoldersConfig, folder: Path) -> Splits[ClassifiedFiles]:
    """As a dataset.toml in `folder` has it."""
    given = {split: getattr(config, split) for split in SPLITS}
    roots = {split: folder / path for split, path in given.items() if path is not None} or _roots(folder)
    if not roots:
        raise InputError(
            f"{folder}: holds no folders of classes; give at least one of the keys train, val, test in dataset.toml"
        )
    return image_folder_splits(roots, folder.absolute().name, config.classes)


def found_folder_splits(folder: Path) -> Splits[ClassifiedFiles] | None:
    """Without a dataset.toml; None when `folder` does not look like this format."""
    roots = _roots(folder)
    return image_folder_splits(roots, folder.absolute().name, None) if roots else None


def image_folder_splits(
    roots: Mapping[str, Path], name: str, classes: tuple[str, ...] | None
) -> Splits[ClassifiedFiles]:
    """`roots`: split -> folder that holds one folder per class.  Without `classes`, those of all splits, sorted."""
    return {
        split: partial(_open, name if split == ALL else f"{name}-{split}", root, tuple(roots.values()), classes)
        for split, root in roots.items()
    }


def _roots(folder: Path) -> dict[str, Path]:
    """Folders named for splits that hold folders only; or `folder` itself where two or more in it hold images."""
    folders = _folders(folder)
    of_splits = [path for path in folders if split_of_name(path.name)]
    if of_splits:
        roots = {str(split_of_name(path.name)): path for path in of_splits}
        classes = [path for root in of_splits for path in _folders(root)]
        is_sorted = len(roots) == len(of_splits) and not any(_holds_images(root) for root in of_splits)
        return roots if classes and is_sorted and not _of_other_formats(classes) else {}
    classes = [path for path in folders if _holds_images(path)]
    return {ALL: folder} if len(classes) > 1 and not _of_other_formats(classes) else {}


def _open(
    name: str, root: Path, roots: tuple[Path, ...], classes: tuple[str, ...] | None, problems: Problems
) -> ClassifiedFiles:
    labels = classes or tuple(sorted({path.name for each in roots for path in _class_folders(each)}))
    for folder in _class_folders(root):
        if folder.name not in labels:
            problems.add(f"{folder}: {folder.name!r} is none of the classes in dataset.toml")
    images, class_indices = [], []
    for index, label in enumerate(labels):
        if not label.isprintable():
            problems.add(f"{root / label}: a class name must be printable UTF-8 text, got {label!r}")
        found = _images_of_class(root / label, problems)
        images += found
        class_indices += [(index,)] * len(found)
    problems.check()
    return ClassifiedFiles(name, labels, images, class_indices, multi_label=False)


def _images_of_class(folder: Path, problems: Problems) -> list[Path]:
    if not folder.is_dir():
        problems.add(f"{folder}: no such folder; every class needs one with at least one image, in every split")
        return []
    images = find_images(folder, problems)
    if not images:
        problems.add(f"{folder}: no images in it; every class needs at least one, in every split")
    return images


def _class_folders(root: Path) -> list[Path]:
    folders = _folders(root)
    if not folders:
        raise InputError(f"{root}: empty; it must hold a folder of images for every class")
    return folders


def _folders(folder: Path) -> list[Path]:
    """Those in it that are not hidden, sorted.  Raises `InputError` when it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None


def _holds_images(folder: Path) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())


def _of_other_formats(folders: Sequence[Path]) -> bool:
    return any(path.name.lower() in _NOT_CLASSES for path in folders)
