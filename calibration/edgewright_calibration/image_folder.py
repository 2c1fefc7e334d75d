"""A folder of images that nobody labelled."""

import hashlib
from functools import cached_property
from pathlib import Path

from edgewright_train.data.formats.find_images import IMAGE_SUFFIXES
from edgewright_train.data.formats.image_files import ImageFiles


class ImageFolder(ImageFiles):
    """A `Dataset` without truth: the image files in a folder, hidden ones left out, sorted; not those below it."""

    def __init__(self, folder: Path) -> None:
        files = [path for path in folder.iterdir() if _is_image(path)]
        super().__init__(folder.absolute().name, (), sorted(files))

    @cached_property
    def fingerprint(self) -> str:
        """Reads every image file once; where the files lie and what they are called does not matter."""
        total = hashlib.sha256()
        for path in self._image_paths:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def _is_image(path: Path) -> bool:
    """Folders below may hold masks, which look like images."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()
