"""The image files below a folder."""

import os
from collections.abc import Sequence
from pathlib import Path

from ..problems import Problems

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp")

_FolderId = tuple[int, int]  # device and inode: the same however a link leads there


def find_images(folder: Path, problems: Problems) -> list[Path]:
    """By their endings, in any case; in `folder` and all below it, hidden ones left out, sorted.

    Links are followed.  Folders that cannot be read and links that lead nowhere, or back up, go to `problems`.
    """
    found: list[Path] = []
    waiting: list[tuple[Path, frozenset[_FolderId]]] = [(folder, frozenset())]
    while waiting:
        inside, above = waiting.pop()
        try:
            status = inside.stat()
            entries = list(os.scandir(inside))
        except OSError as error:
            problems.add(f"{inside}: {error.strerror}")
            continue
        folder_id = (status.st_dev, status.st_ino)
        if folder_id in above:
            problems.add(f"{inside}: a link that leads back to a folder above it")
            continue
        files, folders = _images_and_folders(entries, problems)
        found += files
        waiting += [(below, above | {folder_id}) for below in folders]
    return sorted(found)


def _images_and_folders(entries: Sequence[os.DirEntry[str]], problems: Problems) -> tuple[list[Path], list[Path]]:
    files, folders = [], []
    for entry in entries:
        path = Path(entry.path)
        try:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(path)
            elif path.suffix.lower() in IMAGE_SUFFIXES:
                if entry.is_file():
                    files.append(path)
                else:
                    problems.add(f"{path}: a link to nothing, or not a file")
        except OSError as error:  # a link that leads to itself
            problems.add(f"{path}: {error.strerror}")
    return files, folders
